//! Which anomalies are legal, and why (A1): anything that a row of the table does not name is a fault of the program.
//!
//! A retry is no duplicate: the copy is a record of its own. Nor is what an orderly listener gets again on the spot.
//! `docs/reliability.md` prints the table.

use super::{Judge, who};
use crate::cluster::config::{ConsumeFromWhere, GroupConfig, ListenerKind, MessageModel};
use crate::cluster::directory::Directory;
use crate::cluster::fact::Fact;
use crate::cluster::ids::ConsumerId;
use crate::kernel::time::SimTime;
use crate::observe::invariant::{Invariant, must};

/// What a group may meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Anomaly {
    /// A record is delivered again.
    Duplicate,
    /// A record is never delivered.
    Skip,
    /// Records of a queue are delivered or finished out of their order.
    Reorder,
    /// Two clients work on one queue at once.
    Overlap,
}

/// How a group reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Clustering, `MessageListenerConcurrently`.
    Concurrently,
    /// Clustering, `MessageListenerOrderly`.
    Orderly,
    /// Broadcasting; each reader for itself.
    Broadcasting,
}

/// What happened to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// Nothing.
    Peace,
    /// A listener fails, throws, hangs or is too slow.
    Failure,
    /// The queue has had another holder, or the same one twice.
    HandOver,
    /// A link was cut or slow: what fails is not sent back, and stays.
    Link,
    /// A broker has ended.
    Broker,
    /// An operator has set the offset.
    Reset,
    /// Retention has removed records.
    Retention,
    /// A group without an offset starts where `ConsumeFromWhere` says.
    NewGroup,
}

use Anomaly::{Duplicate, Overlap, Reorder, Skip};

impl Anomaly {
    /// All of them, in the order of the table.
    pub const ALL: [Self; 4] = [Duplicate, Skip, Reorder, Overlap];

    /// The table.
    pub const fn allowed(mode: Mode, cause: Cause) -> &'static [Self] {
        match (mode, cause) {
            (Mode::Orderly, Cause::Peace | Cause::Failure) => &[],
            (_, Cause::Peace | Cause::Failure) => &[Reorder],
            (Mode::Concurrently, Cause::HandOver | Cause::Link | Cause::Broker) => {
                &[Duplicate, Reorder, Overlap]
            }
            (Mode::Orderly, Cause::HandOver | Cause::Link | Cause::Broker) => &[Duplicate, Overlap],
            // A file of offsets may be lost; two clients of one id are one reader.
            (Mode::Broadcasting, Cause::HandOver) => &[Duplicate, Skip, Reorder, Overlap],
            (Mode::Broadcasting, Cause::Link | Cause::Broker) => &[Reorder],
            (Mode::Concurrently, Cause::Reset) => &[Duplicate, Skip, Reorder],
            (Mode::Orderly, Cause::Reset) => &[Duplicate, Skip],
            (Mode::Broadcasting, Cause::Reset) => &[],
            (Mode::Orderly, Cause::Retention | Cause::NewGroup) => &[Skip],
            (_, Cause::Retention | Cause::NewGroup) => &[Skip, Reorder],
        }
    }
}

impl Mode {
    /// All of them, in the order of the table.
    pub const ALL: [Self; 3] = [Self::Concurrently, Self::Orderly, Self::Broadcasting];

    /// That of a group.
    pub fn of(group: &GroupConfig) -> Self {
        match (group.message_model, group.listener) {
            (MessageModel::Broadcasting, _) => Self::Broadcasting,
            (MessageModel::Clustering, ListenerKind::Orderly(_)) => Self::Orderly,
            (MessageModel::Clustering, ListenerKind::Concurrently) => Self::Concurrently,
        }
    }
}

impl Cause {
    /// All of them, in the order of the table.
    pub const ALL: [Self; 8] = [
        Self::Peace,
        Self::Failure,
        Self::HandOver,
        Self::Link,
        Self::Broker,
        Self::Reset,
        Self::Retention,
        Self::NewGroup,
    ];

    /// In words.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Peace => "nothing happens",
            Self::Failure => "the listener fails, throws, hangs",
            Self::HandOver => "the queue changes hands: join, leave, kill, pause, expiry, rebalance",
            Self::Link => "a link is cut or slow",
            Self::Broker => "a broker ends",
            Self::Reset => "an operator resets the offset",
            Self::Retention => "retention passes the reader",
            Self::NewGroup => "a new group starts where `consumeFromWhere` says",
        }
    }
}

/// The table in Markdown.
pub fn table() -> String {
    let mut text = "| what happens |".to_owned();
    for mode in Mode::ALL {
        text.push_str(&format!(" {} |", format!("{mode:?}").to_lowercase()));
    }
    text.push_str("\n| --- |");
    text.push_str(&" --- |".repeat(Mode::ALL.len()));
    for cause in Cause::ALL {
        text.push_str(&format!("\n| {} |", cause.words()));
        for mode in Mode::ALL {
            let allowed = Anomaly::allowed(mode, cause).iter();
            let words: Vec<String> = allowed
                .map(|anomaly| format!("{anomaly:?}").to_lowercase())
                .collect();
            let words = if words.is_empty() {
                "–".to_owned()
            } else {
                words.join(", ")
            };
            text.push_str(&format!(" {words} |"));
        }
    }
    text.push('\n');
    text
}

impl Judge<'_> {
    /// What has happened to a slot, so far.
    fn causes(&self, slot: usize) -> impl Iterator<Item = Cause> + use<> {
        let reading = &self.readings[slot];
        let causes = [
            (reading.taken > 1, Cause::HandOver),
            (self.calm.links_seen, Cause::Link),
            (self.calm.brokers_seen, Cause::Broker),
            (reading.was_reset, Cause::Reset),
            (self.expired.is_some(), Cause::Retention),
        ];
        causes
            .into_iter()
            .filter_map(|(is_there, cause)| is_there.then_some(cause))
    }

    fn is_allowed(&self, slot: usize, anomaly: Anomaly) -> bool {
        let mode = Mode::of(&self.config.groups[self.slots.get(slot).group.index()]);
        self.causes(slot)
            .any(|cause| Anomaly::allowed(mode, cause).contains(&anomaly))
    }

    /// A record is delivered again. Under one hold that is the order of an orderly queue, which is looked at there.
    pub(super) fn is_duplicate_allowed(
        &mut self,
        now: SimTime,
        directory: &Directory,
        slot: usize,
        (consumer, offset): (ConsumerId, u64),
        in_order: bool,
    ) {
        let is_again = in_order && self.readings[slot].taken == 1;
        must(
            now,
            Invariant::A1,
            is_again || self.is_allowed(slot, Duplicate),
            || {
                let queue = self.slots.get(slot).queue;
                let who = who(directory, consumer, queue);
                format!("{who} offset {offset} is delivered again, and nothing happened that leads back")
            },
        );
    }

    /// Records that a group has not finished are skipped.
    pub(super) fn skipped(
        &mut self,
        now: SimTime,
        directory: &Directory,
        slot: usize,
        (from, to): (u64, u64),
        fact: &Fact,
    ) {
        let (reading, of) = (&self.readings[slot], self.slots.get(slot));
        let to = to.min(self.records.end(of.queue));
        if from.max(reading.lowest) >= to {
            return;
        }
        let group = &self.config.groups[of.group.index()];
        let by_operator = matches!(
            fact,
            Fact::OffsetsSkipped {
                by_operator: true,
                ..
            }
        );
        let is_new = group.consume_from_where != ConsumeFromWhere::FirstOffset
            && Anomaly::allowed(Mode::of(group), Cause::NewGroup).contains(&Skip);
        let right = match by_operator {
            true => reading.was_reset,
            false => is_new || self.is_allowed(slot, Skip),
        };
        must(now, Invariant::A1, right, || {
            let label = directory.queue_label(of.queue);
            format!(
                "group {}, {label}: {from}..{to} are skipped, and nothing happened that leads there",
                group.name
            )
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Order is kept by orderly listeners alone; in peace nobody meets anything else.
    #[test]
    fn only_orderly_listeners_keep_the_order() {
        for (mode, cause) in Mode::ALL
            .into_iter()
            .flat_map(|mode| Cause::ALL.map(|cause| (mode, cause)))
        {
            let allowed = Anomaly::allowed(mode, cause);
            assert!(
                mode != Mode::Orderly || !allowed.contains(&Reorder),
                "{mode:?}, {cause:?}"
            );
            assert!(
                cause != Cause::Peace || allowed.iter().all(|anomaly| *anomaly == Reorder),
                "{mode:?}"
            );
        }
    }
}
