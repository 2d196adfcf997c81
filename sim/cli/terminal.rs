//! The only place that prints: colour, width, progress, closed pipes.

use crate::cli::exit::Failure;
use crate::cli::{Color, Global};
use crate::kernel::time::SimTime;
use anyhow::Context;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::{ErrorKind, Write};
use std::time::Duration;

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
        printed(writeln!(out, "{text}").and_then(|()| out.flush()))
    }

    /// As [`Self::print`], for JSON, which has no colours: nobody looks for them in what may be many megabytes.
    ///
    /// # Errors
    /// As there.
    pub fn print_json(&self, text: &str) -> Result<(), Failure> {
        let mut out = std::io::stdout().lock();
        let all = out.write_all(text.as_bytes()).and_then(|()| out.write_all(b"\n"));
        printed(all.and_then(|()| out.flush()))
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

    /// A progress bar for a run until `end`.
    pub fn progress(&self, end: SimTime) -> Progress {
        let bar = ProgressBar::with_draw_target(Some(end.as_nanos()), ProgressDrawTarget::hidden());
        let style = ProgressStyle::with_template("{wide_bar} {percent} %  {msg}  {eta} left");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        Progress {
            bar,
            waits: !self.is_quiet(),
        }
    }
}

/// What became of something printed on stdout.
fn printed(result: std::io::Result<()>) -> Result<(), Failure> {
    match result {
        Ok(()) => Ok(()),
        Err(e) if e.kind() == ErrorKind::BrokenPipe => Err(Failure::ClosedPipe),
        Err(e) => Err(Failure::Machine(
            Err::<(), _>(e).context("cannot write to stdout").unwrap_err(),
        )),
    }
}

impl Terminal {
    /// A progress bar for many runs.
    pub fn study_progress(&self) -> StudyProgress {
        let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::hidden());
        let style = ProgressStyle::with_template("{wide_bar} {pos} of {len} runs{msg}, {eta} left");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        if !self.is_quiet() {
            bar.set_draw_target(ProgressDrawTarget::stderr());
        }
        StudyProgress { bar }
    }
}

impl Terminal {
    /// A progress bar for a search through so many scenarios, or for so long.
    pub fn search_progress(&self, scenarios: Option<u64>, until: Option<Duration>) -> SearchProgress {
        let style = match (scenarios, until) {
            (Some(_), _) => "{wide_bar} {pos} of {len} scenarios{msg}, {eta} left".to_owned(),
            (None, until) => {
                format!(
                    "{{spinner}} {{pos}} scenarios{{msg}}, {{elapsed}} of {:?}",
                    until.unwrap_or_default()
                )
            }
        };
        self.search(scenarios, &style)
    }

    /// The same while `what` is made smaller, for so long at most.
    pub fn shrink_progress(&self, what: &str, most: Duration) -> SearchProgress {
        let style = "{spinner} shrinking {prefix}: {pos} tries{msg}, {elapsed}";
        let progress = self.search(None, &format!("{style} of {most:?} at most"));
        progress.bar.set_prefix(what.to_owned());
        progress
    }

    fn search(&self, length: Option<u64>, style: &str) -> SearchProgress {
        let bar = ProgressBar::with_draw_target(length, ProgressDrawTarget::hidden());
        let style = ProgressStyle::with_template(style);
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        if !self.is_quiet() {
            bar.set_draw_target(ProgressDrawTarget::stderr());
        }
        SearchProgress { bar }
    }
}

/// Scenarios tried, on stderr if that is a terminal; and the real time that passes.
#[derive(Debug)]
pub struct SearchProgress {
    bar: ProgressBar,
}

impl SearchProgress {
    /// One more is done.
    pub fn tried(&self) {
        self.bar.inc(1);
    }

    /// So many are done.
    pub fn tries(&self, tries: u32) {
        self.bar.set_position(tries.into());
    }

    /// What has come of it so far.
    pub fn say(&self, words: String) {
        self.bar.set_message(words);
    }

    /// Does something that may print, with the bar out of its way.
    pub fn aside<T>(&self, print: impl FnOnce() -> T) -> T {
        self.bar.suspend(print)
    }

    /// Since the start of the search.
    pub fn elapsed(&self) -> Duration {
        self.bar.elapsed()
    }

    /// The search is over: nothing of the bar stays.
    pub fn clear(self) {
        self.bar.finish_and_clear();
    }
}

/// Runs done, time left and width of the intervals of a study, on stderr if that is a terminal.
#[derive(Debug)]
pub struct StudyProgress {
    bar: ProgressBar,
}

impl StudyProgress {
    /// So many runs are to be done, as far as can be foreseen.
    pub fn plan(&self, runs: u64) {
        self.bar.set_length(runs);
    }

    /// One more is done.
    pub fn ran(&self) {
        self.bar.inc(1);
    }

    /// The widest interval, as a share of the mean.
    pub fn width(&self, width: Option<f64>) {
        if let Some(width) = width {
            self.bar.set_message(format!(", ± {:.2} %", 100.0 * width));
        }
    }

    /// The study is over: nothing of the bar stays.
    pub fn clear(self) {
        self.bar.finish_and_clear();
    }
}

/// How long a run must last before its progress is shown.
const PATIENCE: Duration = Duration::from_millis(500);

/// Virtual time, speed and remaining time of a long run, on stderr if that is a terminal.
#[derive(Debug)]
pub struct Progress {
    bar: ProgressBar,
    /// Not shown yet, but will be.
    waits: bool,
}

impl Progress {
    /// The run has come to `now` after so many events.
    pub fn tell(&mut self, now: SimTime, events: u64) {
        let elapsed = self.bar.elapsed();
        if self.waits && elapsed >= PATIENCE {
            self.waits = false;
            self.bar.set_draw_target(ProgressDrawTarget::stderr());
        }
        if !self.bar.is_hidden() {
            let seconds = elapsed.as_secs_f64();
            self.bar.set_message(format!(
                "at {:.0} s, {:.0}× real time, {:.1} M events/s",
                now.as_secs_f64(),
                now.as_secs_f64() / seconds,
                events as f64 / seconds / 1e6
            ));
        }
        self.bar.set_position(now.as_nanos());
    }

    /// The run is over: nothing of the bar stays.
    pub fn clear(self) {
        self.bar.finish_and_clear();
    }
}
