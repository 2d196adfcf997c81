//! Many scenarios on many threads, and what was found.
//!
//! Results are taken in the order of the numbers, so that a campaign over the same numbers finds the same at any number
//! of threads.

use super::coverage::Tally;
use super::generate::generate;
use super::kind::alike;
use super::trial::{Trial, trial};
use crate::cluster::sabotage::Sabotage;
use crate::observe::invariant::Invariant;
use crate::study::pool;
use crate::verify::check::Broken;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};

/// What a broken generator is called.
pub const GENERATOR: &str = "generator";

/// A campaign.
#[derive(Clone, Debug)]
pub struct Campaign {
    /// The numbers from which scenarios are made.
    pub numbers: Range<u64>,
    /// Threads; at least 1.
    pub threads: usize,
    /// A fault of the simulator in all runs.
    pub sabotage: Option<Sabotage>,
    /// It ends after so many different failures.
    pub max_failures: usize,
}

/// What was found.
#[derive(Clone, Debug, Default)]
pub struct Findings {
    /// Scenarios tried.
    pub scenarios: u64,
    /// Events of those that are clean, each counted once.
    pub events: u64,
    /// What they met.
    pub tally: Tally,
    /// How often they asked each rule, past all of its excuses, by invariant.
    pub asked: Vec<u64>,
    /// Different failures, in the order of their first numbers.
    pub failures: Vec<Failure>,
}

/// A failure, maybe of several scenarios.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The first number that shows it.
    pub number: u64,
    /// How many scenarios show it.
    pub scenarios: u64,
    /// What the first one broke.
    pub broken: Broken,
}

impl Campaign {
    /// Tries all numbers; once `stop` is set it ends with those that are done. `tried` hears of each scenario that is
    /// done, in any order; `found` of each failure that is unlike all before, in the order of the numbers.
    pub fn run(
        &self,
        stop: &AtomicBool,
        mut tried: impl FnMut(),
        mut found: impl FnMut(&Failure),
    ) -> Findings {
        let mut findings = Findings::default();
        let enough = AtomicBool::new(false);
        let work = |number| {
            let ends = stop.load(Ordering::Relaxed) || enough.load(Ordering::Relaxed);
            (!ends).then(|| self.one(number))
        };
        let done = |number, result| {
            if findings.failures.len() >= self.max_failures {
                return;
            }
            if let Some(failure) = findings.take(number, result) {
                found(failure);
            }
            if findings.failures.len() >= self.max_failures {
                enough.store(true, Ordering::Relaxed);
            }
        };
        pool::run_all(self.numbers.clone(), self.threads, stop, work, |_| tried(), done);
        findings
    }

    fn one(&self, number: u64) -> Result<Trial, Broken> {
        let made = generate(number).map_err(|unsound| Broken {
            id: GENERATOR.to_owned(),
            at: None,
            what: unsound.to_string(),
        })?;
        trial(&made.scenario.config, self.sabotage)
    }
}

impl Findings {
    /// Rules that were never asked.
    pub fn never_asked(&self) -> Vec<&'static str> {
        let asked = Invariant::ALL.iter().zip(&self.asked);
        asked
            .filter(|(_, times)| **times == 0)
            .map(|(rule, _)| rule.id())
            .collect()
    }

    /// One more scenario; the failure, if it is unlike all before.
    fn take(&mut self, number: u64, result: Result<Trial, Broken>) -> Option<&Failure> {
        self.scenarios += 1;
        let broken = match result {
            Ok(trial) => {
                self.events += trial.events;
                self.tally.add(&trial.met);
                self.asked.resize(trial.asked.len(), 0);
                for (sum, asked) in self.asked.iter_mut().zip(trial.asked) {
                    *sum += asked;
                }
                return None;
            }
            Err(broken) => broken,
        };
        let mut known = self.failures.iter_mut();
        if let Some(known) = known.find(|known| alike(&known.broken, &broken)) {
            known.scenarios += 1;
            return None;
        }
        self.failures.push(Failure {
            number,
            scenarios: 1,
            broken,
        });
        self.failures.last()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn broken(id: &str, what: &str) -> Broken {
        Broken {
            id: id.to_owned(),
            at: None,
            what: what.to_owned(),
        }
    }

    /// Numbers and names do not make two failures of one; another rule, or another text, does. Each is told of once.
    #[test]
    fn failures_that_are_alike_are_counted() {
        let (mut findings, mut told) = (Findings::default(), Vec::new());
        for (number, id, what) in [
            (1, "P1", "billing-1: 17 is committed, but 5 is not finished"),
            (2, "P1", "audit-2: 170 is committed, but 50 is not finished"),
            (3, "Q1", "billing-1: 17 is committed, but 5 is not finished"),
            (4, "P1", "a commit of nobody"),
        ] {
            told.extend(findings.take(number, Err(broken(id, what))).map(|new| new.number));
        }
        assert_eq!(told, [1, 3, 4]);
        let found: Vec<_> = findings
            .failures
            .iter()
            .map(|f| (f.number, f.scenarios))
            .collect();
        assert_eq!(found, [(1, 2), (3, 1), (4, 1)]);
    }

    /// The same numbers find the same, whatever the threads.
    #[test]
    fn threads_change_nothing() {
        let run = |threads, sabotage, numbers| {
            let campaign = Campaign {
                numbers,
                threads,
                sabotage,
                max_failures: 2,
            };
            campaign.run(&AtomicBool::new(false), || {}, |_| {})
        };
        for sabotage in [None, Some(Sabotage::LoseMessage(5))] {
            let (one, many) = (run(1, sabotage, 1..25), run(3, sabotage, 1..25));
            assert_eq!((one.scenarios, one.events), (many.scenarios, many.events));
            assert_eq!(one.tally, many.tally);
            assert_eq!(one.failures, many.failures);
            assert_eq!(one.failures.is_empty(), sabotage.is_none(), "{:?}", one.failures);
        }
    }
}
