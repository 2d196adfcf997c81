//! Runs the program and compares what it said.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What a run of the program left behind.
pub struct Outcome {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

/// The program with `args`, run in `folder`, without colours and 100 columns wide.
pub fn command(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rmqsim"));
    command
        .args(args)
        .current_dir(folder)
        .env("COLUMNS", "100")
        .env("NO_COLOR", "1")
        .env_remove("CLICOLOR_FORCE")
        .stdin(Stdio::null());
    command
}

/// Runs the program with `args` in `folder`.
pub fn run(folder: &Path, args: &[&str]) -> Outcome {
    finish(command(folder, args))
}

/// Runs `command` to its end.
pub fn finish(mut command: Command) -> Outcome {
    let output = command.output().expect("the program starts");
    let text = |bytes| String::from_utf8(bytes).expect("output is UTF-8");
    Outcome {
        code: output.status.code().expect("the program ends by itself"),
        stdout: text(output.stdout),
        stderr: text(output.stderr),
    }
}

/// The folder of these tests.
pub fn here() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cli")
}

/// The root of the package.
pub fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// An empty folder for the test `name`.
pub fn scratch(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).expect("the target folder is writable");
    folder
}

/// Compares `text` with the file `expected`, or renews the file if `UPDATE` is set. Says how they differ.
pub fn compare(expected: &Path, text: &str) -> Result<(), String> {
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(expected, text).expect("the expected text is writable");
        return Ok(());
    }
    match std::fs::read_to_string(expected) {
        Ok(wanted) if wanted == text => Ok(()),
        Ok(wanted) => Err(format!(
            "{}: expected\n{wanted}\nbut found\n{text}",
            expected.display()
        )),
        Err(_) => Err(format!(
            "{} does not exist yet; found\n{text}",
            expected.display()
        )),
    }
}
