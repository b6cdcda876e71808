//! The `rushes` binary.

/// Ten thousand clients that come back at once are a million small pieces of memory; with the
/// system's allocator that takes a quarter longer (`benches/README.md`).
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    rushes::cli::main()
}
