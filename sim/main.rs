//! The `rmqsim` binary: arguments in, exit code out.

fn main() -> std::process::ExitCode {
    rmqsim::cli::main()
}
