//! How the program ends: exit codes, and what is said about a failure.

use crate::cli::terminal::Terminal;
use crate::report::json;
use crate::scenario::Diagnostics;
use crate::verify::check::is_catching;
use std::cell::RefCell;
use std::process::ExitCode;

/// Exit codes; stable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// All is well.
    Fine = 0,
    /// The run is fine, but an expectation failed, a comparison found something, or a bound has stopped it.
    Found = 1,
    /// The input or its use is wrong.
    BadInput = 2,
    /// A broken invariant: our bug.
    Internal = 3,
    /// Ctrl-C or SIGTERM; what was done has been written.
    Interrupted = 130,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// Why a subcommand could not do its work.
#[derive(Debug)]
pub enum Failure {
    /// The scenario is wrong.
    Scenario(Box<Diagnostics>),
    /// The same, already told as data.
    Told(Exit),
    /// The machine says no: disk full, no permission.
    Machine(anyhow::Error),
    /// Whoever read our output has gone; nobody is left to tell.
    ClosedPipe,
}

impl From<Box<Diagnostics>> for Failure {
    fn from(problems: Box<Diagnostics>) -> Self {
        Self::Scenario(problems)
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self::Machine(error)
    }
}

impl Failure {
    /// Tells the user and gives the exit code.
    pub fn report(self, terminal: &Terminal) -> Exit {
        match self {
            Self::Scenario(problems) => {
                terminal.problem(&problems.render(true, terminal.width()));
                Exit::BadInput
            }
            Self::Told(exit) => exit,
            Self::Machine(error) => {
                terminal.error(&format!("{error:#}"));
                Exit::BadInput
            }
            Self::ClosedPipe => Exit::Fine,
        }
    }
}

/// Prints what clap has to say about the arguments: help and version are fine, the rest is not.
pub fn usage(error: &clap::Error) -> Exit {
    let asked_for = error.exit_code() == 0;
    // A closed pipe after --help is no failure.
    let _ = error.print();
    if asked_for { Exit::Fine } else { Exit::BadInput }
}

thread_local! {
    /// What repeats the run of this thread.
    static COMMAND: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Says which command repeats what this thread is about to do.
pub fn reproduced_by(command: String) {
    COMMAND.set(Some(command));
}

/// The arguments of the program as a shell takes them.
fn arguments() -> String {
    let words: Vec<String> = std::env::args().collect();
    let words = words.iter().map(String::as_str);
    shlex::try_join(words).unwrap_or_else(|_| "the same arguments".to_owned())
}

/// Makes a panic end the program with code 3 and a word about whose fault it is.
pub fn panics_are_our_bugs() {
    let default = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if is_catching() {
            return;
        }
        default(panic);
        json::remove_partial_files();
        let command = COMMAND.take().unwrap_or_else(arguments);
        Terminal::last_words(&format!(
            "internal error: this is a bug in rmqsim, not in your scenario\n  = help: it happens again with: {command}",
        ));
        std::process::exit(Exit::Internal as i32);
    }));
}
