//! What one reader has done with a message.

use super::story::Fate;
use super::wait::Since;
use super::words;
use crate::cluster::ids::{ConsumerId, QueueId};
use std::collections::{BTreeMap, BTreeSet};

/// A record by its queue and offset.
pub type Record = (QueueId, u64);

/// What one reader has done with the message.
#[derive(Clone, Debug)]
pub struct Reading {
    pub fate: Fate,
    pub deliveries: u32,
    /// The record that it is about now: the original, or the last copy.
    pub record: Record,
    /// Who had which record last.
    pub had: BTreeMap<Record, ConsumerId>,
    pub since: BTreeMap<Record, Since>,
    /// Records beyond which it has committed.
    pub committed: BTreeSet<Record>,
    /// Whose listener has it.
    pub open: Option<ConsumerId>,
}

impl Reading {
    /// It has come to this, unless it had been consumed before.
    pub(super) fn goes(&mut self, fate: Fate) {
        self.open = None;
        if self.fate != Fate::Consumed {
            self.fate = fate;
        }
    }

    /// Whether who takes `queue` now may be given it.
    pub(super) fn may_come_from(&self, queue: QueueId) -> bool {
        let may = |record: &Record| record.0 == queue && !self.committed.contains(record);
        self.since.keys().any(may)
    }

    pub(super) fn told(&self) -> String {
        let deliveries = words::counted(u64::from(self.deliveries), "delivery", "deliveries");
        match self.fate {
            Fate::Waiting => "still waits for its first delivery".to_owned(),
            Fate::Delivered => format!("was delivered and has not ended ({deliveries})"),
            Fate::AwaitingRetry => format!("still waits for its next attempt ({deliveries})"),
            Fate::Consumed => format!("consumed ({deliveries})"),
            Fate::Dead => format!("a dead letter ({deliveries})"),
            Fate::Dropped => format!("failed and dropped ({deliveries})"),
            Fate::Filtered => "filtered out".to_owned(),
            Fate::Expired => "removed by retention, unseen".to_owned(),
            Fate::Skipped => format!("left behind ({deliveries})"),
        }
    }
}
