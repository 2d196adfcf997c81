//! The command line: one file per subcommand.
//!
//! Data goes to stdout, everything else to stderr. Only [`terminal`] prints.

pub mod allocate;
pub mod args;
mod check;
mod columns;
mod compare;
mod diff;
mod exit;
mod expectations;
mod explain;
mod extras;
mod fuzz;
mod interrupt;
mod list;
mod metrics;
mod new;
mod pictures;
mod progress;
mod run;
mod schema;
pub mod terminal;
mod trace;

pub use exit::{Exit, Failure};

use crate::cli::terminal::Terminal;
use clap::{ArgAction, Parser, Subcommand, ValueEnum};

/// A deterministic discrete-event simulator of a RocketMQ-style cluster.
#[derive(Debug, Parser)]
#[command(
    name = "rmqsim",
    version,
    about,
    max_term_width = 100,
    subcommand_required = true,
    arg_required_else_help = true,
    disable_help_subcommand = true,
    after_help = "Exit codes: 0 fine · 1 an expectation failed, or a bound stopped the run · 2 bad input or usage
            3 a bug in rmqsim · 130 interrupted: what was done is written

Examples:
  rmqsim run quickstart
  rmqsim compare rolling-deploy-strategy --vary groups.billing.strategy=AVG,X_STICKY"
)]
struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

/// Options of every subcommand.
#[derive(Clone, Copy, Debug, clap::Args)]
#[command(next_help_heading = "Everywhere")]
pub struct Global {
    /// When to colour; NO_COLOR counts for auto
    #[arg(long, global = true, value_enum, default_value_t, value_name = "WHEN")]
    pub color: Color,
    /// Say less: only problems and what was asked for
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Say more
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub verbose: u8,
    /// Threads for many runs; default: as many as there are cores. Results do not depend on it
    #[arg(long, global = true, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub threads: Option<u16>,
}

impl Global {
    /// How many threads many runs may take.
    fn threads(self) -> usize {
        let cores = || std::thread::available_parallelism().map_or(1, usize::from);
        self.threads.map_or_else(cores, usize::from)
    }
}

/// When to colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal that can.
    #[default]
    Auto,
    /// Into pipes and files too.
    Always,
    /// Not at all.
    Never,
}

#[derive(Debug, Subcommand)]
enum Command {
    Run(args::RunArgs),
    Compare(args::CompareArgs),
    Explain(explain::Args),
    Diff(diff::Args),
    #[command(alias = "consumerProgress")]
    Progress(progress::Args),
    Check(check::Args),
    Fuzz(fuzz::Args),
    Allocate(allocate::Args),
    Schema(schema::Args),
    List(list::Args),
    New(new::Args),
}

/// Runs the program: arguments in, exit code out.
pub fn main() -> std::process::ExitCode {
    exit::panics_are_our_bugs();
    interrupt::listen();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return exit::usage(&error).into(),
    };
    let terminal = Terminal::new(cli.global);
    let result = match &cli.command {
        Command::Run(args) => run::run(args, &terminal),
        Command::Compare(args) => compare::run(args, cli.global.threads(), &terminal),
        Command::Explain(args) => explain::run(args, &terminal),
        Command::Diff(args) => diff::run(args, &terminal),
        Command::Progress(args) => progress::run(args, &terminal),
        Command::Check(args) => check::run(args, cli.global, &terminal),
        Command::Fuzz(args) => fuzz::run(args, cli.global.threads(), &terminal),
        Command::Allocate(args) => allocate::run(args, &terminal),
        Command::Schema(args) => schema::run(args, &terminal),
        Command::List(args) => list::run(args, &terminal),
        Command::New(args) => new::run(args, &terminal),
    };
    result.unwrap_or_else(|failure| failure.report(&terminal)).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_arguments_are_consistent() {
        Cli::command().debug_assert();
    }
}
