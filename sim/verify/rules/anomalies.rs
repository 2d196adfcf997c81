//! Which anomalies are legal, and why (A1): anything that a row of the table does not name is a fault of the program.
//!
//! A cause counts where and while it works: for the queue, the client and the broker that it concerns. A retry is no
//! duplicate: the copy is a record of its own. Nor is what an orderly listener gets again on the spot. In which order
//! records come is another rule (O1). `docs/reliability.md` prints the table.

use super::bounds::{GIVEN_UP_PULL as AFTERMATH, SHORTEST_PATIENCE};
use super::{Judge, who};
use crate::cluster::config::{ConsumeFromWhere, GroupConfig, ListenerKind, MessageModel};
use crate::cluster::directory::Directory;
use crate::cluster::ids::{ConsumerId, QueueId};
use crate::kernel::time::{SimDuration, SimTime};
use crate::observe::invariant::Invariant;

/// What a group may meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Anomaly {
    /// A record is delivered again.
    Duplicate,
    /// A record is never delivered.
    Skip,
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
    /// The queue has changed hands since the record came first, or has two holders.
    HandOver,
    /// Its former owner has left, was stopped or killed, or was given up.
    Silence,
    /// The link to its broker was cut or slow: what fails is not sent back, and stays.
    Link,
    /// Its broker has ended.
    Broker,
    /// An operator has set the offset.
    Reset,
    /// Retention has removed records.
    Retention,
    /// A group without an offset starts where `ConsumeFromWhere` says.
    NewGroup,
}

use Anomaly::{Duplicate, Overlap, Skip};

impl Anomaly {
    /// The table.
    pub const fn allowed(mode: Mode, cause: Cause) -> &'static [Self] {
        match (mode, cause) {
            (_, Cause::Peace | Cause::Failure) => &[],
            (Mode::Concurrently, Cause::HandOver | Cause::Silence | Cause::Link | Cause::Broker) => {
                &[Duplicate, Overlap]
            }
            (Mode::Orderly, Cause::HandOver) => &[Duplicate],
            (Mode::Orderly, Cause::Silence | Cause::Link | Cause::Broker) => &[Duplicate, Overlap],
            // A file of offsets may be lost; two clients of one id are one reader.
            (Mode::Broadcasting, Cause::HandOver | Cause::Silence) => &[Duplicate, Skip, Overlap],
            (Mode::Broadcasting, Cause::Link | Cause::Broker | Cause::Reset) => &[],
            (_, Cause::Reset) => &[Duplicate, Skip],
            (_, Cause::Retention | Cause::NewGroup) => &[Skip],
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
    pub const ALL: [Self; 9] = [
        Self::Peace,
        Self::Failure,
        Self::HandOver,
        Self::Silence,
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
            Self::HandOver => "the queue changes hands: a member joins or leaves, a rebalance",
            Self::Silence => "its owner shuts down, is killed, stopped or given up",
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
    fn mode(&self, slot: usize) -> Mode {
        Mode::of(&self.config.groups[self.slots.get(slot).group.index()])
    }

    /// A record is delivered again. Under one hold that is what failed and stays, or the order of an orderly queue, which
    /// is looked at there.
    pub(super) fn is_duplicate_allowed(
        &self,
        now: SimTime,
        directory: &Directory,
        (slot, first_call): (usize, u32),
        (consumer, offset): (ConsumerId, u64),
        stays: bool,
    ) {
        let (reading, queue) = (&self.readings[slot], self.slots.get(slot).queue);
        let first = SimTime::ZERO + SimDuration::from_secs(u64::from(first_call));
        let changes_hands = reading.holders > 1 || reading.changed >= first;
        let is_allowed = Anomaly::allowed(self.mode(slot), Cause::HandOver).contains(&Duplicate);
        let right = stays || changes_hands && is_allowed;
        self.asked.must(now, Invariant::A1, right, || {
            let who = who(directory, consumer, queue);
            format!("{who} offset {offset} is delivered again, and nothing happened that leads back")
        });
    }

    /// What could not be sent back goes to the listener again at the same client: only in trouble.
    pub(super) fn stays_for_a_reason(
        &self,
        now: SimTime,
        directory: &Directory,
        (consumer, queue): (ConsumerId, QueueId),
        (from, to): (u64, u64),
    ) {
        let group = directory.consumer(consumer).group;
        let broker = directory.queue(queue).broker;
        let impatient = !self.excuses.never() && self.bounds.way * 2 >= SHORTEST_PATIENCE;
        let in_trouble = self.excuses.is_felt(now, consumer, broker) || impatient;
        let broadcasts = self.slots.is_broadcasting(group);
        self.asked
            .must(now, Invariant::A1, in_trouble && !broadcasts, || {
                let who = who(directory, consumer, queue);
                format!("{who} {from}..{to} stay at the client, and nothing kept them from being sent back")
            });
    }

    /// An orderly listener is called while another client's is not over: only if that client or its broker was in trouble
    /// since, or is told to go.
    pub(super) fn overlaps_for_a_reason(
        &self,
        now: SimTime,
        directory: &Directory,
        slot: usize,
        consumer: ConsumerId,
    ) {
        let queue = self.slots.get(slot).queue;
        let id = |consumer: ConsumerId| &directory.consumer(consumer).client_id;
        for call in self.calls.others(slot, consumer) {
            // Two clients of one id have one lock.
            let is_double = id(call.consumer) == id(consumer);
            let silent = self.excuses.is_leaving(now, call.consumer)
                || self.excuses.was_felt_anywhere(call.since, call.consumer)
                || self.excuses.was_felt_anywhere(call.since, consumer);
            self.asked.must(now, Invariant::A1, silent || is_double, || {
                let (who, other) = (who(directory, consumer, queue), &directory.consumer(call.consumer).name);
                format!(
                    "{who} the listener is called while {other} has offset {} since {}, and nothing happened to that",
                    call.offset, call.since
                )
            });
        }
    }

    /// What may have made a group go on beyond records that it has not finished, up to `to`.
    fn why_skipped(&self, now: SimTime, directory: &Directory, slot: usize, to: u64) -> Vec<Cause> {
        let (reading, of) = (&self.readings[slot], self.slots.get(slot));
        let group = &self.config.groups[of.group.index()];
        let broker = directory.queue(of.queue).broker;
        // Whoever was in trouble may start where it was told before anybody had committed.
        let knows_none = reading.committed.is_none_or(|committed| committed == 0)
            || reading
                .known_since
                .is_none_or(|since| now.since(since) <= AFTERMATH)
            || self.excuses.was_felt_by_group(now, of.group, broker);
        let is_new = group.consume_from_where != ConsumeFromWhere::FirstOffset && knows_none;
        let causes = [
            (reading.taken > 1, Cause::HandOver),
            (reading.was_reset, Cause::Reset),
            (to <= self.excuses.removed_below(of.queue), Cause::Retention),
            (is_new, Cause::NewGroup),
        ];
        let causes = causes.into_iter();
        causes
            .filter_map(|(is_there, cause)| is_there.then_some(cause))
            .collect()
    }

    /// Records that a group has not finished are skipped.
    pub(super) fn skipped(
        &self,
        now: SimTime,
        directory: &Directory,
        slot: usize,
        (from, to): (u64, u64),
        by_operator: bool,
    ) {
        let (reading, of) = (&self.readings[slot], self.slots.get(slot));
        let to = to.min(self.records.end(of.queue));
        if from.max(reading.lowest) >= to {
            return;
        }
        let allows = |cause: Cause| Anomaly::allowed(self.mode(slot), cause).contains(&Skip);
        let right = match by_operator {
            true => reading.was_reset && to <= reading.reset_to,
            false => self.why_skipped(now, directory, slot, to).into_iter().any(allows),
        };
        self.asked.must(now, Invariant::A1, right, || {
            let (name, label) = (&directory.group(of.group).name, directory.queue_label(of.queue));
            format!("group {name}, {label}: {from}..{to} are skipped, and nothing happened that leads there")
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// In peace nobody meets anything, and an orderly queue that is handed over in good order has one listener at a time.
    #[test]
    fn peace_allows_nothing() {
        for mode in Mode::ALL {
            for cause in [Cause::Peace, Cause::Failure] {
                assert!(Anomaly::allowed(mode, cause).is_empty(), "{mode:?}, {cause:?}");
            }
        }
        assert!(!Anomaly::allowed(Mode::Orderly, Cause::HandOver).contains(&Overlap));
    }
}
