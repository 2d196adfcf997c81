//! The only place that prints: colour, width, closed pipes.

use crate::cli::exit::Failure;
use crate::cli::{Color, Global};
use anyhow::Context;
use std::io::{ErrorKind, Write};

/// Where the program talks to.
#[derive(Clone, Copy, Debug)]
pub struct Terminal {
    global: Global,
}

impl Terminal {
    /// A terminal as the options want it; sets the colour choice of the whole process.
    pub fn new(global: Global) -> Self {
        match global.color {
            Color::Auto => anstream::ColorChoice::Auto,
            Color::Always => anstream::ColorChoice::Always,
            Color::Never => anstream::ColorChoice::Never,
        }
        .write_global();
        Self { global }
    }

    /// Whether only problems and results are wanted.
    pub fn is_quiet(&self) -> bool {
        self.global.quiet
    }

    /// How much more is wanted: the number of `-v`.
    pub fn verbosity(&self) -> u8 {
        self.global.verbose
    }

    /// Columns that text may use: `COLUMNS` if it is set, else 100; 40 to 200.
    pub fn width(&self) -> usize {
        let columns = std::env::var("COLUMNS").ok().and_then(|c| c.parse().ok());
        columns.unwrap_or(100).clamp(40, 200)
    }

    /// Prints a result, with a line end. Colours are taken out where they are not wanted.
    ///
    /// # Errors
    /// A closed pipe, or what else keeps stdout from taking it.
    pub fn print(&self, text: &str) -> Result<(), Failure> {
        let mut out = anstream::stdout().lock();
        match writeln!(out, "{text}").and_then(|()| out.flush()) {
            Ok(()) => Ok(()),
            Err(e) if e.kind() == ErrorKind::BrokenPipe => Err(Failure::ClosedPipe),
            Err(e) => Err(Failure::Machine(
                Err::<(), _>(e).context("cannot write to stdout").unwrap_err(),
            )),
        }
    }

    /// Says something that is no result, unless `-q` was given.
    pub fn note(&self, text: &str) {
        if !self.is_quiet() {
            self.problem(text);
        }
    }

    /// Says `error: …`.
    pub fn error(&self, text: &str) {
        self.problem(&format!("\x1b[1m\x1b[91merror\x1b[0m\x1b[1m: {text}\x1b[0m"));
    }

    /// Prints to stderr. If nobody can read it, there is nobody to tell.
    pub fn problem(&self, text: &str) {
        let _ = writeln!(anstream::stderr().lock(), "{text}");
    }

    /// Prints to stderr when the program is about to die and no terminal is at hand.
    pub fn last_words(text: &str) {
        let _ = writeln!(anstream::stderr().lock(), "{text}");
    }
}
