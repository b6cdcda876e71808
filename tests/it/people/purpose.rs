//! That every endpoint about people and productions has a test of what it is for. Walks through the
//! permissions, counts of statements and the checks against the contract do not count as such.

use std::{collections::BTreeSet, fs, path::Path};

use super::matrix;

/// Sources that ask everything and look at nothing that is answered.
const WALKERS: &[&str] = &["contract.rs", "matrix.rs", "table.rs", "statements.rs", "purpose.rs"];

/// The text of each test below a folder.
fn tests_below(folder: &Path, found: &mut Vec<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() {
            tests_below(&path, found);
        } else if !WALKERS.contains(&name.as_str()) {
            let source = fs::read_to_string(&path).unwrap();
            // What follows a test, up to the next: its end is the first brace in the first column.
            let tests = source.split("#[tokio::test]").skip(1);
            found.extend(tests.map(|test| test.split("\n}\n").next().unwrap().to_owned()));
        }
    }
}

/// The paths that a test asks and is answered: those that are only refused do not count.
fn asked<'a>(test: &'a str, paths: &BTreeSet<&'a str>) -> BTreeSet<&'a str> {
    let lines = test.lines().filter(|line| !line.contains(".walk(") && !line.contains(".refused("));
    let words = lines.flat_map(|line| line.split('"'));
    words.filter_map(|word| paths.get(word).copied()).collect()
}

#[test]
fn every_endpoint_has_a_test_of_its_purpose() {
    let mut tests = Vec::new();
    tests_below(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it"), &mut tests);
    tests.retain(|test| test.contains("assert"));
    assert!(tests.len() > 100, "these are all tests that were found: {}", tests.len());
    let paths: BTreeSet<&str> = matrix::built().map(|row| row.path).collect();
    let found: BTreeSet<&str> = tests.iter().flat_map(|test| asked(test, &paths)).collect();
    let missing: Vec<_> = paths.difference(&found).collect();
    assert!(missing.is_empty(), "no test asks what these are for: {missing:?}");
}

#[test]
fn what_is_only_refused_is_no_purpose() {
    let paths = BTreeSet::from(["/a", "/b", "/c", "/d"]);
    let test = "world.walk(\"/a\", body, &[], 0).await;\nlet path = \"/b\";\n\
        world.ok(&world.admin, \"/c\", body).await;\n\
        world.refused(&world.admin, \"/d\", body, 404).await;";
    assert_eq!(asked(test, &paths), BTreeSet::from(["/b", "/c"]));
}
