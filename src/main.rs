//! The `rushes` binary.

fn main() -> std::process::ExitCode {
    rushes::cli::main()
}
