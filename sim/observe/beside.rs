//! Observers that look on beside the [`Observation`]: traces, the recording of a page.
//!
//! They hear each fact after the observation has taken it, and may read what it makes of it; so what they tell agrees
//! with the report. A run without them is the plain one and pays nothing.

use crate::cluster::directory::Directory;
use crate::cluster::fact::{Fact, Observer};
use crate::kernel::time::SimTime;
use crate::observe::observation::Observation;

/// Looks on beside the observation.
pub trait Beside {
    /// Something happened at `now`; `observation` has it already.
    fn observe(&mut self, now: SimTime, directory: &Directory, fact: &Fact, observation: &Observation);

    /// As [`Observer::sample`]; `observation` has its row already.
    fn sample(&mut self, _now: SimTime, _directory: &Directory, _observation: &Observation) {}

    /// The run is over; `observation` has been finished.
    fn finish(&mut self, _end: SimTime, _directory: &Directory, _observation: &Observation) {}

    /// Bytes that it holds; bounded, whatever the run.
    fn held(&self) -> u64 {
        0
    }
}

/// An observation and those beside it.
pub struct Accompanied<'a> {
    /// What every run has.
    pub observation: Observation,
    /// In the order in which they hear of a fact.
    pub others: Vec<&'a mut dyn Beside>,
}

impl Observer for Accompanied<'_> {
    fn observe(&mut self, now: SimTime, directory: &Directory, fact: &Fact) {
        self.observation.observe(now, directory, fact);
        for other in &mut self.others {
            other.observe(now, directory, fact, &self.observation);
        }
    }

    fn sample(&mut self, now: SimTime, directory: &Directory) {
        self.observation.sample(now, directory);
        for other in &mut self.others {
            other.sample(now, directory, &self.observation);
        }
    }

    /// Those beside have bounds of their own, and do not count: a run ends where it ends without them.
    fn held(&self) -> u64 {
        self.observation.held()
    }
}
