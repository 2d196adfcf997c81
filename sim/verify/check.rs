//! One run under all rules: clean, or the first rule that it broke.
//!
//! A broken invariant panics, as any other fault of the program does. Here the panic ends one run and not the program,
//! so that a search for faults can go on.

use crate::cluster::Cluster;
use crate::cluster::config::ClusterConfig;
use crate::cluster::sabotage::Sabotage;
use crate::kernel::time::SimTime;
use crate::observe::observation::Observation;
use std::any::Any;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// What a clean run was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Events executed.
    pub events: u64,
    /// Hash over them, in hex.
    pub trace_digest: String,
}

/// The rule that a run broke.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// Its id, like `P1`; `panic` if the program failed without naming one.
    pub id: String,
    /// When, in virtual time.
    pub at: Option<SimTime>,
    /// In words.
    pub what: String,
}

thread_local! {
    static CATCHING: Cell<bool> = const { Cell::new(false) };
}

/// Whether a panic of this thread is caught and told by [`check`]: then nobody else needs to hear of it.
pub fn is_catching() -> bool {
    CATCHING.get()
}

/// Runs under all rules. `sabotage` puts a fault of the simulator into the run.
///
/// # Errors
/// The first rule that does not hold.
pub fn check(config: &ClusterConfig, sabotage: Option<Sabotage>) -> Result<Seen, Broken> {
    let run = || {
        let mut cluster = Cluster::new(config.clone(), Observation::new(config));
        if let Some(sabotage) = sabotage {
            cluster = cluster.sabotaged(sabotage);
        }
        let mut done = cluster.run(|_, _| {});
        done.observer.finish(done.end, &done.directory);
        Seen {
            events: done.events,
            trace_digest: done.trace_digest,
        }
    };
    caught(run)
}

pub(super) fn caught<T>(run: impl FnOnce() -> T) -> Result<T, Broken> {
    CATCHING.set(true);
    let result = catch_unwind(AssertUnwindSafe(run));
    CATCHING.set(false);
    result.map_err(|panic| Broken::told(&text(panic.as_ref())))
}

fn text(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().cloned();
    let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
    text.unwrap_or_else(|| "a panic without words".to_owned())
}

impl Broken {
    /// Reads `invariant ID broken at TIME: …`.
    fn told(text: &str) -> Self {
        let named = || {
            let (id, rest) = text.strip_prefix("invariant ")?.split_once(" broken at ")?;
            let (at, what) = rest.split_once(": ")?;
            let at = at.parse().ok().map(|at| SimTime::ZERO + at);
            Some(Self {
                id: id.to_owned(),
                at,
                what: what.to_owned(),
            })
        };
        named().unwrap_or_else(|| Self {
            id: "panic".to_owned(),
            at: None,
            what: text.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::invariant::broken;

    #[test]
    fn a_broken_invariant_is_told_with_its_id_and_instant() {
        let at = SimTime::from_nanos(183_204_000_000);
        let found = caught(|| broken(at, "L1", "two and two: make five")).unwrap_err();
        let expected = Broken {
            id: "L1".to_owned(),
            at: Some(at),
            what: "two and two: make five".to_owned(),
        };
        assert_eq!(found, expected);
        assert!(!is_catching());
    }

    #[test]
    fn any_other_panic_is_told_as_it_is() {
        let found = caught(|| panic!("index out of bounds")).unwrap_err();
        assert_eq!(
            (found.id.as_str(), found.what.as_str()),
            ("panic", "index out of bounds")
        );
    }
}
