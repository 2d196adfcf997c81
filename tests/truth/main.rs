//! Is the model true? Golden vectors, computed by RocketMQ's own Java code, against this model's rules.
//!
//! Every `*.json` file of the folder is run: the bundled `oracle/`, or the one that `RMQSIM_ORACLE_DIR` names. A
//! file's kind is told by its name, or else by its shape. Files and cases about parts that do not exist yet are
//! reported as skipped, by name. The table goes to standard output whether or not all is well.

mod alloc;
mod consistent_hash;
mod consume_result;
mod defaults;
mod delay;
mod field;
mod harness;
mod kinds;
mod lock_manager;
mod offset_store;
mod page;
mod process_queue;
mod producer;
mod proof;
mod pull_flow;
mod pull_from_where;
mod route;
mod runner;
mod simplified;
mod sort;
mod sql92;
mod tags;

use std::io::Write;
use std::path::{Path, PathBuf};

const OVERRIDE: &str = "RMQSIM_ORACLE_DIR";

fn bundled() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/truth/oracle")
}

/// Every case that the model has a rule for agrees with RocketMQ.
#[test]
fn model_agrees_with_rocketmq() {
    let folder = std::env::var_os(OVERRIDE).map_or_else(bundled, PathBuf::from);
    let verdict = match runner::judge(&folder) {
        Ok(verdict) => verdict,
        Err(trouble) => panic!("{trouble}"),
    };
    // Written past the test harness, which would swallow what `print!` says of a test that passes.
    std::io::stdout()
        .write_all(verdict.to_string().as_bytes())
        .expect("standard output is open");
    assert!(
        verdict.is_clean(),
        "{} cases differ from RocketMQ",
        verdict.failed()
    );
}
