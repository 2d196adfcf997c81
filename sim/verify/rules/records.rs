//! What lies in queues (Q1, L4): offsets without gaps, each message once.

use super::Judge;
use crate::cluster::Leftovers;
use crate::cluster::directory::Directory;
use crate::cluster::fact::Fact;
use crate::cluster::ids::{MessageId, QueueId};
use crate::kernel::time::SimTime;
use crate::observe::invariant::Invariant;
use std::ops::Range;

/// A record as it was stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record {
    /// Which message.
    pub message: MessageId,
    /// `reconsumeTimes`.
    pub reconsume_times: u16,
    /// Bytes of the bodies of all records of its queue up to this one.
    bytes_to: u64,
}

/// What one producer has made.
#[derive(Clone, Debug, Default)]
pub struct Made {
    /// By number: whether it was stored.
    stored: Vec<bool>,
    /// By number: bytes of its body.
    sizes: Vec<u32>,
    /// By number, where somebody filters: its luck.
    pub luck: Vec<u64>,
    /// When it made the last.
    pub last: SimTime,
    given_up: u64,
}

/// All records.
#[derive(Debug, Default)]
pub struct Records {
    /// By queue.
    queues: Vec<Vec<Record>>,
    /// By producer.
    pub made: Vec<Made>,
}

impl Made {
    /// How many messages.
    pub fn len(&self) -> u64 {
        self.stored.len() as u64
    }
}

impl Records {
    /// Of so many producers.
    pub fn new(producers: usize) -> Self {
        Self {
            queues: Vec::new(),
            made: vec![Made::default(); producers],
        }
    }

    /// How many records a queue has.
    pub fn end(&self, queue: QueueId) -> u64 {
        self.queues[queue.index()].len() as u64
    }

    /// The record at an offset.
    pub fn get(&self, queue: QueueId, offset: u64) -> Option<Record> {
        self.queues[queue.index()].get(offset as usize).copied()
    }

    /// Bytes of the bodies of a range of records.
    pub fn bytes(&self, queue: QueueId, range: Range<u64>) -> u64 {
        let up_to = |offset: u64| offset.checked_sub(1).and_then(|last| self.get(queue, last));
        let bytes_to = |offset: u64| up_to(offset).map_or(0, |record| record.bytes_to);
        bytes_to(range.end).saturating_sub(bytes_to(range.start))
    }
}

impl Judge<'_> {
    pub(super) fn records(&mut self, now: SimTime, directory: &Directory, fact: &Fact) {
        let (queue, offset, message, reconsume_times) = match *fact {
            Fact::QueueCreated { queue } => return self.queue_created(queue, directory),
            Fact::Born {
                producer,
                message,
                luck,
                body_size,
            } => {
                let made = &mut self.records.made[producer.index()];
                let number = made.stored.len() as u64;
                made.stored.push(false);
                made.sizes.push(body_size);
                made.last = now;
                if self.filtering.is_needed() {
                    made.luck.push(luck);
                }
                let right = message == MessageId::new(producer, number);
                return self.asked.must(now, Invariant::L2, right, || {
                    let (name, label) = (directory.producer(producer), directory.message_label(message));
                    format!("{name}: message {number} is called {label}")
                });
            }
            Fact::SendRefused {
                producer, gave_up, ..
            } => {
                self.records.made[producer.index()].given_up += u64::from(gave_up);
                return;
            }
            Fact::Stored {
                queue,
                offset,
                message,
                ..
            } => {
                self.stored_once(now, directory, message);
                (queue, offset, message, 0)
            }
            Fact::RetryStored {
                queue,
                offset,
                message,
                reconsume_times,
                ..
            } => (queue, offset, message, reconsume_times),
            Fact::Resent {
                queue,
                offset,
                message,
                ..
            }
            | Fact::Forwarded {
                queue,
                offset,
                message,
                ..
            } => (queue, offset, message, 0),
            Fact::DeadLettered {
                dlq_queue,
                message,
                reconsume_times,
                ..
            } => (dlq_queue, self.records.end(dlq_queue), message, reconsume_times),
            _ => return,
        };
        let end = self.records.end(queue);
        self.asked.must(now, Invariant::Q1, offset == end, || {
            format!(
                "{}: stored at {offset}, but its end is {end}",
                directory.queue_label(queue)
            )
        });
        let made = &self.records.made[message.producer().index()];
        let size = made.sizes.get(message.number() as usize).copied().unwrap_or(0);
        let records = &mut self.records.queues[queue.index()];
        let before = records.last().map_or(0, |last| last.bytes_to);
        records.push(Record {
            message,
            reconsume_times,
            bytes_to: before + u64::from(size),
        });
    }

    fn queue_created(&mut self, queue: QueueId, directory: &Directory) {
        self.slots.add_queue(queue, directory);
        self.readings.resize_with(self.slots.len(), Default::default);
        self.records.queues.resize_with(queue.index() + 1, Vec::new);
    }

    fn stored_once(&mut self, now: SimTime, directory: &Directory, message: MessageId) {
        let producer = message.producer();
        let stored = self.records.made[producer.index()]
            .stored
            .get_mut(message.number() as usize);
        let before = stored.map(|stored| std::mem::replace(stored, true));
        self.asked.must(now, Invariant::L4, before == Some(false), || {
            let how = if before.is_some() {
                "was stored before"
            } else {
                "was never made"
            };
            format!("{} is stored and {how}", directory.message_label(message))
        });
    }

    /// What was told is what was stored.
    pub(super) fn every_append_is_told(&self, end: SimTime, directory: &Directory, left: &Leftovers) {
        for (at, stored) in left.ends.iter().enumerate() {
            let queue = QueueId(at as u32);
            let told = self.records.end(queue);
            self.asked.must(end, Invariant::Q1, told == *stored, || {
                format!(
                    "{}: {told} records were told of, {stored} were stored",
                    directory.queue_label(queue)
                )
            });
        }
    }

    /// At rest every message is stored or given up.
    pub(super) fn all_is_stored(&self, end: SimTime, directory: &Directory) {
        for (made, (name, _)) in self.records.made.iter().zip(&directory.producers) {
            let stored = made.stored.iter().filter(|stored| **stored).count() as u64;
            let (born, given_up) = (made.stored.len() as u64, made.given_up);
            self.asked
                .must(end, Invariant::L2, stored + given_up == born, || {
                    format!("{name}: {born} made, but {stored} stored and {given_up} given up")
                });
        }
    }
}
