//! One run under all rules: clean, or the first rule that it broke.
//!
//! The usual observer and its accounts, which are compared after every event instead of at samples; the judge, who looks
//! at every fact; and a second account. A broken invariant panics, as any other fault of the program does. Here the panic
//! ends one run and not the program, so that a search for faults can go on.

use crate::cluster::config::ClusterConfig;
use crate::cluster::directory::Directory;
use crate::cluster::fact::{Fact, Observer};
use crate::cluster::sabotage::Sabotage;
use crate::cluster::{Cluster, Leftovers};
use crate::kernel::time::SimTime;
use crate::observe::invariant::Invariant;
use crate::observe::observation::Observation;
use crate::verify::history::History;
use crate::verify::rules::Judge;
use std::any::Any;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Accounts of so many slots are compared after every event; of more, so much more rarely.
const SLOTS_AT_EVERY_EVENT: u64 = 64;

/// What a clean run was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Events executed.
    pub events: u64,
    /// Hash over them, in hex.
    pub trace_digest: String,
    /// How often committed offsets fell: by crashes, by resets, and when queues changed hands.
    pub offsets_fell: [u64; 3],
    /// How often the accounts were compared.
    pub comparisons: u64,
    /// How often each rule was asked, past all of its excuses, by invariant.
    pub asked: Vec<u64>,
}

/// Everybody who looks at a run under all rules.
#[derive(Debug)]
pub struct Watch<'a> {
    observation: Observation,
    judge: Judge<'a>,
    history: History,
    events: u64,
    /// Looks at the second account.
    histories: u64,
    /// Whether a fact was told since the accounts were compared.
    is_open: bool,
}

impl<'a> Watch<'a> {
    /// For one run of `config`. `rested`: its end leaves time for everything, as the caller knows.
    pub fn new(config: &'a ClusterConfig, rested: bool) -> Self {
        Self {
            observation: Observation::new(config),
            judge: Judge::new(config).rested(rested),
            history: History::default(),
            events: 0,
            histories: 0,
            is_open: false,
        }
    }

    /// A fact; the second account may not hear of it.
    pub(super) fn told(&mut self, now: SimTime, directory: &Directory, fact: &Fact, everybody: bool) {
        self.judge.observe(now, directory, fact);
        self.observation.observe(now, directory, fact);
        if everybody {
            self.history.observe(directory, fact);
        }
        self.is_open |= concerns_accounts(fact);
    }

    /// How often each rule was asked in a run of so many events: those of the judge, and those of everybody else, which
    /// know no excuse.
    fn asked(&self, events: u64) -> Vec<u64> {
        let asked = self.judge.asked();
        let compared = self.observation.ledger.checks();
        for (invariant, times) in [
            (Invariant::K3, 1),
            (Invariant::K4, events),
            (Invariant::L1, compared),
            (Invariant::L2, compared),
            (Invariant::M1, 1),
            (Invariant::M2, 1),
            (Invariant::X1, self.histories),
        ] {
            asked.add(invariant, times);
        }
        asked.counts()
    }

    /// The run is over.
    ///
    /// # Panics
    /// If an invariant does not hold.
    pub fn finish(&mut self, end: SimTime, directory: &Directory, left: &Leftovers) {
        self.observation.finish(end, directory);
        self.history.check(end, directory, &self.observation);
        self.histories += 1;
        self.judge.finish(end, directory, left);
    }
}

impl Observer for Watch<'_> {
    fn observe(&mut self, now: SimTime, directory: &Directory, fact: &Fact) {
        self.told(now, directory, fact, true);
    }

    fn sample(&mut self, now: SimTime, directory: &Directory) {
        self.observation.sample(now, directory);
        self.histories += 1;
        self.history.check(now, directory, &self.observation);
    }

    fn event_over(&mut self, now: SimTime, directory: &Directory) {
        self.events += 1;
        let slots = self.observation.slots.len() as u64;
        if self.is_open && self.events.is_multiple_of(1 + slots / SLOTS_AT_EVERY_EVENT) {
            self.is_open = false;
            self.observation.compare(now, directory);
        }
    }
}

/// Whether a fact may change an account of messages.
const fn concerns_accounts(fact: &Fact) -> bool {
    !matches!(
        fact,
        Fact::Request { .. }
            | Fact::Dispatched { .. }
            | Fact::PullHeld { .. }
            | Fact::PullAnswered { .. }
            | Fact::Cached { .. }
            | Fact::FlowControlled { .. }
            | Fact::OffsetCommitted { .. }
    )
}

/// What a failure of the program is called that names no rule.
pub const PANIC: &str = "panic";

/// The rule that a run broke.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// Its id, like `P1`; [`PANIC`] if the program failed without naming one.
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
    run(config, sabotage, false)
}

/// As [`check`], of a run whose end leaves time for everything to come to rest, as the caller knows: the rules at rest
/// are asked, whatever the configuration looks like.
///
/// # Errors
/// The first rule that does not hold.
pub fn check_rested(config: &ClusterConfig, sabotage: Option<Sabotage>) -> Result<Seen, Broken> {
    run(config, sabotage, true)
}

fn run(config: &ClusterConfig, sabotage: Option<Sabotage>, rested: bool) -> Result<Seen, Broken> {
    let run = || {
        let mut cluster = Cluster::new(config.clone(), Watch::new(config, rested));
        if let Some(sabotage) = sabotage {
            cluster = cluster.sabotaged(sabotage);
        }
        let mut done = cluster.run(|_, _| {});
        done.observer.finish(done.end, &done.directory, &done.leftovers);
        Seen {
            events: done.events,
            trace_digest: done.trace_digest,
            offsets_fell: done.observer.judge.fell(),
            comparisons: done.observer.observation.ledger.checks(),
            asked: done.observer.asked(done.events),
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
    /// Reads `invariant ID broken at TIME: …`, where not all tell the time.
    fn told(text: &str) -> Self {
        let named = || {
            let (head, what) = text.strip_prefix("invariant ")?.split_once(": ")?;
            let (id, at) = match head.split_once(" broken at ") {
                Some((id, at)) => (id, at.parse().ok().map(|at| SimTime::ZERO + at)),
                None => (head.trim_end_matches(" broken"), None),
            };
            Some(Self {
                id: id.to_owned(),
                at,
                what: what.to_owned(),
            })
        };
        named().unwrap_or_else(|| Self {
            id: PANIC.to_owned(),
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
        let found = caught(|| broken(at, Invariant::L1, "two and two: make five")).unwrap_err();
        let expected = Broken {
            id: "L1".to_owned(),
            at: Some(at),
            what: "two and two: make five".to_owned(),
        };
        assert_eq!(found, expected);
        assert!(!is_catching());
    }

    #[test]
    fn not_all_tell_the_instant() {
        for text in ["invariant K3 broken: opened twice", "invariant K3: opened twice"] {
            let found = caught(|| panic!("{text}")).unwrap_err();
            assert_eq!(
                (found.id.as_str(), found.at, found.what.as_str()),
                ("K3", None, "opened twice")
            );
        }
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
