//! Reading a queue through a filter.
//!
//! A pull looks at 800 index entries at most, or as many as it asks for if that is more. Whatever it has looked at it does
//! not look at again: the next offset lies behind the last entry, wanted or not. Limits of number and size end it at
//! the first entry that would exceed them once there is something in the answer, whether or not that entry is wanted.
//!
//! Source: `DefaultMessageStore.getMessage`, `NotifyMessageArrivingListener`.

use crate::cluster::broker::consume_queue::ConsumeQueue;
use crate::cluster::broker::expression_message_filter::{Candidate, ExpressionId, Filters};
use crate::cluster::broker::pull_message::Read;
use crate::cluster::consumer::held_queue::HeldQueue;
use crate::cluster::message::Record;
use crate::cluster::producer::attributes::Attributes;

/// `maxFilterMessageSize` (16 000 bytes) in index entries of 20 bytes.
const MAX_SCANNED: u64 = 800;

/// Records that the broker has passed over, all alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PassedOver {
    /// The first.
    pub from: u64,
    /// The first behind them.
    pub to: u64,
    /// Whether a member of the group asks for them.
    pub wanted: bool,
}

/// What it takes to read through a filter.
pub struct StoreFilter<'a> {
    /// All expressions.
    pub filters: &'a Filters,
    /// What messages are about.
    pub attributes: &'a Attributes,
    /// What the members of the group ask for, if they differ.
    pub wishes: &'a [ExpressionId],
}

impl StoreFilter<'_> {
    /// The message of a record.
    fn message(&self, record: &Record) -> Candidate<'_> {
        Candidate {
            attributes: self.attributes,
            id: record.id,
            luck: record.luck,
        }
    }

    /// Whether a member asks for a message.
    pub fn is_wanted(&self, message: Candidate<'_>) -> bool {
        let mut wishes = self.wishes.iter();
        wishes.any(|wish| self.filters.wants(*wish, message))
    }

    /// Copies what matches into the answer to a pull: at most so many messages and bytes.
    pub(super) fn read(
        &self,
        held: &mut HeldQueue,
        queue: &ConsumeQueue,
        (count, limit): (u32, u64),
    ) -> Read {
        let from = held.next_offset;
        let end = queue.max_offset().min(from + MAX_SCANNED.max(u64::from(count)));
        let mut read = Read {
            messages: 0,
            bytes: 0,
            next: from,
        };
        held.passed_over.clear();
        while read.next < end {
            let record = queue.get(read.next);
            let size = u64::from(record.stored_size());
            if read.messages > 0 && (read.messages == count || read.bytes + size > limit) {
                break;
            }
            let message = self.message(&record);
            if self.filters.broker_passes(held.served, message) {
                held.receive(read.next, &record);
                read.bytes += size;
                read.messages += 1;
            } else {
                let wanted = self.is_wanted(message);
                pass_over(&mut held.passed_over, read.next, wanted);
            }
            read.next += 1;
        }
        read
    }
}

/// Notes one more record at the end of the list.
pub fn pass_over(list: &mut Vec<PassedOver>, offset: u64, wanted: bool) {
    match list.last_mut() {
        Some(last) if last.to == offset && last.wanted == wanted => last.to += 1,
        _ => list.push(PassedOver {
            from: offset,
            to: offset + 1,
            wanted,
        }),
    }
}

/// Whether the last dispatch pass has brought a message that matches.
pub fn brings_match(
    filters: &Filters,
    attributes: &Attributes,
    queue: &ConsumeQueue,
    expression: ExpressionId,
) -> bool {
    (queue.pass_from()..queue.max_offset()).any(|offset| {
        let record = queue.get(offset);
        let message = Candidate {
            attributes,
            id: record.id,
            luck: record.luck,
        };
        filters.broker_passes(expression, message)
    })
}
