//! Rebuilds the server when what it embeds changed: the web client's bundle, the migrations.

fn main() {
    // The embedding macro wants the folder, and cargo would take an absent one for ever changed.
    if let Err(error) = std::fs::create_dir_all("web/dist") {
        println!("cargo:warning=web/dist cannot be made: {error}");
    }
    println!("cargo:rerun-if-changed=web/dist");
    println!("cargo:rerun-if-changed=migrations");
    println!("cargo:rerun-if-changed=build.rs");
}
