//! Subcommands and their options.
