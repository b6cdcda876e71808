//! Holds the direction of the dependencies: server -> signaling -> {sessions, media},
//! tokio only at the rim of the cores, SQL only in the store, the environment only in
//! the configuration. What is checked is the text of the manifests and of the sources,
//! because that is what a reviewer would read.

use std::fs;
use std::path::{Path, PathBuf};

/// The text of a file below the repository's root.
fn text(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Every Rust source below `folder`, as paths relative to the root.
fn sources(folder: &str) -> Vec<PathBuf> {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display())) {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|e| e == "rs") {
                found.push(path);
            }
        }
    }
    let mut found = Vec::new();
    walk(&root().join(folder), &mut found);
    assert!(!found.is_empty(), "{folder} has no sources: the test would check nothing");
    found.into_iter().map(|p| p.strip_prefix(root()).unwrap().to_owned()).collect()
}

/// The `[dependencies]` of a package of the workspace, without its dev-dependencies.
fn dependencies(manifest: &str) -> Vec<String> {
    let parsed: toml::Table = text(&root().join(manifest)).parse().unwrap();
    let table = parsed["dependencies"].as_table().unwrap();
    assert!(!table.is_empty(), "{manifest} lists no dependency: the test would check nothing");
    table.keys().cloned().collect()
}

/// The lines of a source that are code: comments may speak of anything.
fn code(source: &Path) -> impl Iterator<Item = (usize, String)> {
    let text = text(&root().join(source));
    text.lines()
        .enumerate()
        .filter(|(_, line)| !line.trim_start().starts_with("//"))
        .map(|(n, line)| (n + 1, line.to_owned()))
        .collect::<Vec<_>>()
        .into_iter()
}

/// Where a word stands in the code below `folder`, outside of what `allowed` says.
fn offenders(folder: &str, words: &[&str], allowed: impl Fn(&Path) -> bool) -> Vec<String> {
    let mut found = Vec::new();
    for source in sources(folder) {
        if allowed(&source) {
            continue;
        }
        for (n, line) in code(&source) {
            if words.iter().any(|word| line.contains(word)) {
                found.push(format!("{}:{n}: {}", source.display(), line.trim()));
            }
        }
    }
    found
}

#[test]
fn the_cores_know_neither_each_other_nor_the_web_nor_sql() {
    for (manifest, forbidden) in [
        ("media/Cargo.toml", vec!["rushes-sessions", "rushes-signaling", "rushes", "axum", "sqlx"]),
        ("sessions/Cargo.toml", vec!["rushes-media", "rushes-signaling", "rushes", "axum", "sqlx"]),
        ("signaling/Cargo.toml", vec!["rushes", "sqlx"]),
    ] {
        for dependency in dependencies(manifest) {
            assert!(!forbidden.contains(&dependency.as_str()), "{manifest} names {dependency}");
        }
    }
}

#[test]
fn only_the_rim_of_the_cores_knows_tokio() {
    let media = offenders("media/src", &["tokio"], |p| p.starts_with("media/src/driver"));
    let sessions = offenders("sessions/src", &["tokio"], |p| p.starts_with("sessions/src/hub"));
    assert_eq!(media, Vec::<String>::new());
    assert_eq!(sessions, Vec::<String>::new());
}

#[test]
fn sql_stands_in_the_store_alone() {
    let words = ["sqlx::query", "query_as(", "query_scalar(", "QueryBuilder"];
    let found = offenders("src", &words, |p| p.starts_with("src/store"));
    assert_eq!(found, Vec::<String>::new());
}

#[test]
fn the_environment_is_read_in_the_configuration_alone() {
    let words = ["env::var", "env::vars", "env::var_os"];
    for folder in ["src", "media/src", "sessions/src", "signaling/src"] {
        // The generator of the contract's table is a test, with an update mode.
        let may = ["src/config.rs", "src/contract/generate.rs"];
        let found = offenders(folder, &words, |p| may.iter().any(|file| p.starts_with(file)));
        assert_eq!(found, Vec::<String>::new());
    }
}
