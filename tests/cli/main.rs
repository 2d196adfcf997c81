//! The program from outside: what it prints, where, and with which exit code.
//!
//! Expected texts are files beside the input. `UPDATE=1 cargo test --test cli` renews them; read the diff.

mod allocate;
mod bad_files;
mod bounds;
mod commands;
mod compare;
mod compare_misuse;
mod determinism;
mod diff;
mod explain;
mod fuzz;
mod generated;
mod lessons;
mod machine;
mod outcomes;
mod program;
mod reference;
mod run;
mod schema;
mod stopped;
mod trace;
mod twice;
