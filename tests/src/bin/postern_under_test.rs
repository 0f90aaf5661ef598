//! The gateway itself, so that tests run what was just compiled.

fn main() -> std::process::ExitCode {
    postern::cli::main()
}
