//! What the fuzz target of the JSON bodies calls.

use super::table::MLine;
use super::{layer, teller};

/// Takes any bytes for the body of a choice of a layer and for that of a subscription to events,
/// and what they ask for as what the session has. It must return, and quickly.
pub fn json(data: &[u8]) {
    // What is no UTF-8 ends before, with 400.
    let Ok(text) = std::str::from_utf8(data) else { return };
    for picture in [None, Some(&MLine { index: 1, mid: Some("v".into()) })] {
        // An error is an answer as well.
        let _ = layer::choice(text, picture);
    }
    let _ = teller::wanted(text);
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    #[test]
    fn every_seed_is_survived() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/seeds/json");
        let seeds = std::fs::read_dir(folder).unwrap();
        let read = |entry: std::io::Result<std::fs::DirEntry>| {
            super::json(&std::fs::read(entry.unwrap().path()).unwrap());
        };
        assert!(seeds.map(read).count() > 5);
    }
}
