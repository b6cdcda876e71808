//! Writes `table.rs` and `errors.rs` from `contract/`, or checks that they are up to date.

use std::{fmt::Write as _, fs, path::Path};

use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Category {
    category: String,
    endpoints: Vec<Row>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    path: String,
    token: bool,
    array: bool,
    #[serde(default, rename = "derived")]
    _derived: bool,
    #[serde(default)]
    free_form: Vec<String>,
    request: Vec<Entry>,
    response: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    name: String,
    r#type: String,
    #[serde(default)]
    required: bool,
    r#enum: Option<Vec<String>>,
    min_length: Option<usize>,
    max_length: Option<usize>,
    format: Option<String>,
    #[serde(default)]
    no_html: bool,
    #[serde(default)]
    no_template: bool,
}

#[derive(Deserialize)]
struct Error {
    code: u16,
    message: String,
}

fn folder() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read<T: for<'de> Deserialize<'de>>(file: &Path) -> T {
    let text = fs::read_to_string(file).unwrap();
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

fn ty(name: &str) -> &'static str {
    match name {
        "Id" | "CommonId" => "Id",
        "CommonIdOrUUID" => "IdOrUuid",
        "IdArray" | "CommonIdArray" => "IdArray",
        "String" => "String",
        "StringArray" => "StringArray",
        "Integer" => "Integer",
        "Float" => "Float",
        "Boolean" => "Boolean",
        "Date" => "Date",
        "Enum" => "Enum",
        "Object" => "Object",
        "Array" => "Array",
        other => panic!("no such type: {other}"),
    }
}

fn entry(entry: &Entry, word: &str) -> String {
    let mut out = format!("{word}({:?}, {})", entry.name, ty(&entry.r#type));
    if entry.required {
        out += ".must()";
    }
    if let Some(values) = &entry.r#enum {
        write!(out, ".of(&{values:?})").unwrap();
    }
    for (limit, name) in [(entry.min_length, "min"), (entry.max_length, "max")] {
        if let Some(limit) = limit {
            write!(out, ".{name}({limit})").unwrap();
        }
    }
    match entry.format.as_deref() {
        None => {}
        Some("email") => out += ".email()",
        Some("hex-color") => out += ".color()",
        Some(other) => panic!("no such format: {other}"),
    }
    match (entry.no_html, entry.no_template) {
        (true, true) => out += ".text()",
        (false, false) => {}
        _ => panic!("{}: the table knows HTML and templates refused together only", entry.name),
    }
    out
}

/// Entries one after the other, on lines of at most 120 characters.
fn entries(out: &mut String, of: &[Entry], word: &str) {
    let mut line = String::from("       ");
    for one in of {
        let text = entry(one, word);
        if line.len() + text.len() > 118 && line.trim() != "" {
            writeln!(out, "{line}").unwrap();
            line = String::from("       ");
        }
        write!(line, " {text},").unwrap();
    }
    if !of.is_empty() {
        writeln!(out, "{line}").unwrap();
    }
}

fn table() -> String {
    let mut rows: Vec<(String, Row)> = Vec::new();
    for file in fs::read_dir(folder().join("contract/endpoints")).unwrap() {
        let category: Category = read(&file.unwrap().path());
        rows.extend(category.endpoints.into_iter().map(|row| (category.category.clone(), row)));
    }
    rows.sort_by(|a, b| a.1.path.cmp(&b.1.path));
    let events: Vec<String> = read(&folder().join("contract/events.json"));
    let mut out = String::from(
        "// Generated from contract/ by `UPDATE=1 cargo test --lib contract::generate`; do not edit.\n\n\
         use super::{Endpoint, Type::*, words::{f, p}};\n\n\
         /// The event types of the contract.\n",
    );
    writeln!(out, "pub static EVENTS: &[&str] = &{events:#?};\n").unwrap();
    out +=
        "/// All endpoints, in the order of their paths.\npub static ENDPOINTS: &[Endpoint] = &[\n";
    for (category, row) in &rows {
        let free = |side: &str| row.free_form.iter().any(|free| free == side);
        writeln!(
            out,
            "    Endpoint {{ path: {:?}, category: {category:?}, token: {}, array: {}, free_request: {}, \
             free_response: {}, request: &[",
            row.path, row.token, row.array, free("request"), free("response"),
        )
        .unwrap();
        entries(&mut out, &row.request, "p");
        out += "    ], response: &[\n";
        entries(&mut out, &row.response, "f");
        out += "    ] },\n";
    }
    out += "];\n";
    out
}

fn errors() -> String {
    let errors: Vec<Error> = read(&folder().join("contract/errors.json"));
    let mut out = String::from(
        "//! The error codes of the contract, in our words.\n\
         // Generated from contract/ by `UPDATE=1 cargo test --lib contract::generate`; do not edit.\n\n\
         /// The codes and their messages, in order.\n\
         pub static ERRORS: &[(u16, &str)] = &[\n",
    );
    for error in errors {
        writeln!(out, "    ({}, {:?}),", error.code, error.message).unwrap();
    }
    out += "];\n\n/// The message of `code`, if the contract has it.\n#[must_use]\n\
            pub fn message(code: u16) -> Option<&'static str> {\n    \
            ERRORS.binary_search_by_key(&code, |row| row.0).ok().map(|at| ERRORS[at].1)\n}\n";
    out
}

#[test]
fn the_generated_files_are_up_to_date() {
    for (name, text) in [("table.rs", table()), ("errors.rs", errors())] {
        let file = folder().join("src/contract").join(name);
        if std::env::var_os("UPDATE").is_some() {
            fs::write(&file, &text).unwrap();
        }
        let current = fs::read_to_string(&file).unwrap();
        assert!(current == text, "{name} differs from contract/: run this test with UPDATE=1");
    }
}

#[test]
fn the_table_is_sorted_and_whole() {
    assert_eq!(super::ENDPOINTS.len(), 291);
    assert!(super::ENDPOINTS.is_sorted_by(|a, b| a.path < b.path));
    for row in super::ENDPOINTS {
        assert!(std::ptr::eq(super::find(row.path).unwrap(), row), "{}", row.path);
    }
    assert!(super::find("/no/such/path").is_none());
    assert_eq!(super::EVENTS.len(), 11);
}
