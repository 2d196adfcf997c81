//! What a campaign has met: which faults while which mechanisms were at work, and which rare things.
//!
//! Nobody should believe in a search that never cuts a link. So each run is watched, by its facts alone: a fault of the
//! timeline counts for a mechanism if the mechanism is seen at work in the same group at that instant or later in the
//! run. What belongs to no group, as the end of a broker, counts for all.

mod faults;
mod mechanisms;
mod probes;
mod unread;
mod witness;

pub use faults::Fault;
pub use mechanisms::{Mechanism, unsupported};
pub use probes::Probe;

use crate::cluster::config::ClusterConfig;
use crate::cluster::directory::Directory;
use crate::cluster::fact::{Fact, Observer};
use crate::kernel::time::SimTime;
use faults::Reach;
use mechanisms::Moves;
use witness::Witness;

/// An enum whose members have a name and can be listed.
macro_rules! named {
    ($(#[$doc:meta])* $name:ident { $($variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum $name {
            $(#[doc = $text] $variant),+
        }
        impl $name {
            /// All of them, in the order of reports.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];
            /// In words.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $text),+
                }
            }
        }
    };
}
use named;

const _: () = assert!(Fault::ALL.len() <= 64, "a set of faults is a word");
const _: () = assert!(Probe::ALL.len() <= 128, "a set of probes is two words");

/// What one run has met.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Met {
    /// Faults by mechanism, a bit each.
    cells: Vec<u64>,
    faults: u64,
    probes: u128,
}

/// Watches a run.
pub struct Coverage<'c> {
    config: &'c ClusterConfig,
    /// Faults so far, by group.
    faults: Vec<u64>,
    met: Met,
    moves: Moves,
    witness: Witness<'c>,
}

impl<'c> Coverage<'c> {
    /// Watches a run of `config`.
    pub fn new(config: &'c ClusterConfig) -> Self {
        Self {
            config,
            faults: vec![0; config.groups.len()],
            met: Met {
                cells: vec![0; Mechanism::ALL.len()],
                faults: 0,
                probes: 0,
            },
            moves: Moves::default(),
            witness: Witness::new(config),
        }
    }

    /// The run is over.
    pub fn finish(mut self) -> Met {
        self.witness.end();
        self.met.probes = self.witness.hits;
        self.met
    }

    fn fault(&mut self, fault: Fault, reach: Reach) {
        let bit = 1 << fault as u64;
        self.met.faults |= bit;
        match reach {
            Reach::Group(group) => self.faults[group.index()] |= bit,
            Reach::All => self.faults.iter_mut().for_each(|faults| *faults |= bit),
        }
    }
}

impl Observer for Coverage<'_> {
    fn observe(&mut self, now: SimTime, directory: &Directory, fact: &Fact) {
        if let Some((fault, reach)) = faults::of(self.config, directory, fact) {
            self.fault(fault, reach);
        }
        let mechanism = mechanisms::of(self.config, directory, fact);
        let moved = || {
            let group = self.moves.moved(self.config, directory, fact)?;
            Some((group, Mechanism::Rebalance))
        };
        if let Some((group, mechanism)) = mechanism.or_else(moved) {
            self.met.cells[mechanism as usize] |= self.faults[group.index()];
        }
        self.witness.observe(now, directory, fact);
    }

    fn sample(&mut self, _: SimTime, _: &Directory) {}
}

/// In how many runs each thing was met.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tally {
    cells: Vec<Vec<u64>>,
    faults: Vec<u64>,
    probes: Vec<u64>,
}

impl Default for Tally {
    fn default() -> Self {
        Self {
            cells: vec![vec![0; Mechanism::ALL.len()]; Fault::ALL.len()],
            faults: vec![0; Fault::ALL.len()],
            probes: vec![0; Probe::ALL.len()],
        }
    }
}

impl Tally {
    /// One more run.
    pub fn add(&mut self, met: &Met) {
        for fault in Fault::ALL {
            let is_in = |set: u64| set >> *fault as u64 & 1;
            self.faults[*fault as usize] += is_in(met.faults);
            for (count, set) in self.cells[*fault as usize].iter_mut().zip(&met.cells) {
                *count += is_in(*set);
            }
        }
        for probe in Probe::ALL {
            self.probes[*probe as usize] += (met.probes >> *probe as u32 & 1) as u64;
        }
    }

    /// Runs with the fault.
    pub fn fault(&self, fault: Fault) -> u64 {
        self.faults[fault as usize]
    }

    /// Runs in which the fault met the mechanism.
    pub fn cell(&self, fault: Fault, mechanism: Mechanism) -> u64 {
        self.cells[fault as usize][mechanism as usize]
    }

    /// Runs in which it was seen.
    pub fn probe(&self, probe: Probe) -> u64 {
        self.probes[probe as usize]
    }

    /// Pairs that the model supports and no run has met, in words.
    pub fn empty_cells(&self) -> Vec<String> {
        let pairs = Fault::ALL
            .iter()
            .flat_map(|fault| Mechanism::ALL.iter().map(move |mechanism| (*fault, *mechanism)));
        pairs
            .filter(|(fault, mechanism)| unsupported(*fault, *mechanism).is_none())
            .filter(|(fault, mechanism)| self.cell(*fault, *mechanism) == 0)
            .map(|(fault, mechanism)| format!("{} × {}", fault.name(), mechanism.name()))
            .collect()
    }

    /// What no run has seen.
    pub fn unseen(&self) -> Vec<&'static str> {
        let unseen = Probe::ALL.iter().filter(|probe| self.probe(**probe) == 0);
        unseen.map(|probe| probe.name()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::Cluster;
    use crate::scenario::{Overrides, Scenario};

    fn met(text: &str) -> Tally {
        let scenario = Scenario::from_text("scenario", text, &Overrides::default());
        let config = scenario
            .unwrap_or_else(|problems| panic!("{}", problems.render(false, 100)))
            .config;
        let done = Cluster::new(config.clone(), Coverage::new(&config)).run(|_, _| {});
        let mut tally = Tally::default();
        tally.add(&done.observer.finish());
        tally
    }

    /// A kill while pulls are held meets long polling, in its own group only, and nothing that comes before it.
    #[test]
    fn a_fault_counts_for_what_is_at_work_in_its_group() {
        let tally = met(
            r#"{ "title": "t", "duration": "2m", "cluster": { "topics": { "orders": {} } },
              "producers": { "shop": { "rate": "10/s", "stop": "30s" } },
              "groups": {
                "billing": { "consumers": { "count": 2, "failure": { "rules":
                    [{ "until": "5s", "outcome": "later" }] } } },
                "audit": { "delivery": "push" } },
              "timeline": [ { "at": "100s", "kill": "billing/2" } ] }"#,
        );
        assert_eq!(tally.fault(Fault::Kill), 1);
        assert_eq!(tally.cell(Fault::Kill, Mechanism::LongPolling), 1);
        assert_eq!(tally.cell(Fault::Kill, Mechanism::Rebalance), 1);
        assert_eq!(tally.cell(Fault::Kill, Mechanism::Guard), 0);
        assert_eq!(tally.cell(Fault::Kill, Mechanism::Push), 0);
        assert_eq!(tally.cell(Fault::Kill, Mechanism::Retry), 0);
        assert_eq!(tally.probe(Probe::RetryScheduled), 1);
        assert_eq!(tally.probe(Probe::HoldWoken), 1);
        assert_eq!(tally.probe(Probe::BrokerCrashed), 0);
        assert!(tally.empty_cells().contains(&"kill × push".to_owned()));
    }

    /// What a client takes that nobody had before has moved from nobody.
    #[test]
    fn a_queue_moves_from_somebody_to_somebody_else() {
        let moved = |timeline: &str| {
            let tally = met(&format!(
                r#"{{ "title": "t", "duration": "2m", "cluster": {{ "topics": {{ "orders": {{}} }} }},
                  "groups": {{ "billing": {{ "consumers": {{ "start": "10s" }} }} }},
                  "timeline": [ {{ "at": "1s", "updateTopic": "orders", "readQueueNums": 6 }}{timeline} ] }}"#
            ));
            assert_eq!(tally.cell(Fault::TopicUpdated, Mechanism::LongPolling), 1);
            tally.cell(Fault::TopicUpdated, Mechanism::Rebalance)
        };
        assert_eq!(moved(""), 0);
        // Its next life is another client.
        assert_eq!(
            moved(r#", { "at": "1m", "restart": "billing/1", "clientId": "keep" }"#),
            1
        );
    }

    /// A broker that deletes what a group has read, or what nobody reads, takes nothing away.
    #[test]
    fn what_nobody_waits_for_is_not_unread() {
        let unread = |groups: &str| {
            let tally = met(&format!(
                r#"{{ "title": "t", "duration": "4h", "cluster": {{ "topics": {{ "orders": {{}} }},
                    "tuning": {{ "fileReservedTime": 1, "deleteWhen": "01;02;03", "retention": "exact",
                      "messageDelayLevel": "1s" }} }},
                  "producers": {{ "shop": {{ "rate": "1/min" }} }}, "groups": {groups} }}"#
            ));
            tally.probe(Probe::ExpiredUnread)
        };
        assert_eq!(unread("{}"), 0);
        assert_eq!(unread(r#"{ "billing": {} }"#), 0);
        assert_eq!(
            unread(r#"{ "billing": { "consumers": { "threads": 1, "service": "3h" } } }"#),
            1
        );
    }

    /// A pull that was given up, or that a broker took along, is no hold any more when its client ends.
    #[test]
    fn a_hold_that_is_over_is_not_orphaned() {
        let orphaned = |timeline: &str| {
            let tally = met(&format!(
                r#"{{ "title": "t", "duration": "2m", "cluster": {{ "topics": {{ "orders": {{}} }} }},
                  "groups": {{ "billing": {{ "subscribe": {{ "orders": "*" }} }} }}, "timeline": [ {timeline} ] }}"#
            ));
            tally.probe(Probe::HoldOrphaned)
        };
        assert_eq!(orphaned(r#"{ "at": "1m", "kill": "billing/1" }"#), 1);
        let after_broker = r#"{ "at": "50s", "kill": "broker-a" }, { "at": "1m", "kill": "billing/1" }"#;
        assert_eq!(orphaned(after_broker), 0);
    }

    /// Two groups that lock the same queue take nothing over from each other.
    #[test]
    fn locks_of_two_groups_are_two() {
        let taken = |timeline: &str| {
            let tally = met(&format!(
                r#"{{ "title": "t", "duration": "5m", "cluster": {{ "topics": {{ "orders": {{}} }} }},
                  "groups": {{
                    "billing": {{ "listener": "orderly", "consumers": {{ "count": 2 }} }},
                    "audit": {{ "listener": "orderly" }} }}, "timeline": [ {timeline} ] }}"#
            ));
            assert_eq!(tally.probe(Probe::Locked), 1);
            tally.probe(Probe::LockTaken)
        };
        assert_eq!(taken(""), 0);
        assert_eq!(taken(r#"{ "at": "1m", "kill": "billing/1" }"#), 1);
    }
}
