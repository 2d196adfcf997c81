//! Sends, the way of records from the log to where pulls see them, and arrows to the calls that got them.
//!
//! All of them would hide everything else, and cost memory. Of messages and of retry copies every one is drawn at first;
//! each time that [`BUDGET`] more have been drawn, half as many of the following are.

use super::args::Args;
use super::lanes::Lanes;
use super::tracks::Key;
use super::{Pen, Slice};
use crate::cluster::directory::Directory;
use crate::cluster::fact::Fact;
use crate::cluster::ids::{MessageId, ProducerId, QueueId};
use crate::kernel::memory;
use crate::kernel::time::SimTime;
use std::collections::{BTreeMap, VecDeque};
use std::io::Write;

/// Drawn before the rate halves.
const BUDGET: u64 = 2_000;
/// Records that arrows may still lead from, at most: the oldest is forgotten.
const RECORDS: usize = 4_096;
/// Sends under way that are drawn, at most.
const SENDS: usize = 4_096;

/// Takes one in `stride`.
#[derive(Debug)]
struct Sampler {
    stride: u64,
    seen: u64,
    taken: u64,
}

impl Sampler {
    const ALL: Self = Self {
        stride: 1,
        seen: 0,
        taken: 0,
    };

    fn takes_next(&mut self) -> bool {
        let takes = self.seen.is_multiple_of(self.stride);
        self.seen += 1;
        if takes {
            self.taken += 1;
            if self.taken.is_multiple_of(BUDGET) {
                self.stride *= 2;
            }
        }
        takes
    }
}

/// A record that arrows may lead from.
#[derive(Debug)]
struct Record {
    message: MessageId,
    stored: SimTime,
    /// When pulls could see it.
    visible: Option<SimTime>,
    /// Its way there is drawn.
    is_drawn: bool,
}

/// What is drawn of messages.
#[derive(Debug)]
pub struct Flows {
    messages: Sampler,
    copies: Sampler,
    sends: BTreeMap<MessageId, (SimTime, u32)>,
    lanes: Lanes<u32>,
    records: BTreeMap<(QueueId, u64), Record>,
    /// The same, the oldest first.
    order: VecDeque<(QueueId, u64)>,
    /// The record of each queue that is stored, not visible, and may be drawn.
    under_way: BTreeMap<QueueId, u64>,
    arrows: u64,
}

impl Default for Flows {
    fn default() -> Self {
        Self {
            messages: Sampler::ALL,
            copies: Sampler::ALL,
            sends: BTreeMap::new(),
            lanes: Lanes::default(),
            records: BTreeMap::new(),
            order: VecDeque::new(),
            under_way: BTreeMap::new(),
            arrows: 0,
        }
    }
}

impl Flows {
    pub fn fact<W: Write>(&mut self, now: SimTime, directory: &Directory, fact: &Fact, pen: &mut Pen<W>) {
        match *fact {
            Fact::Born {
                producer, message, ..
            } => self.born(now, producer, message),
            Fact::SendAcknowledged { message, .. } => self.sent(now, message, "", directory, pen),
            Fact::SendRefused {
                message,
                gave_up: true,
                ..
            } => self.sent(now, message, ", refused", directory, pen),
            Fact::Stored {
                queue,
                offset,
                message,
                ..
            } => {
                let is_drawn = self.sends.contains_key(&message);
                self.stored(now, (queue, offset), message, is_drawn);
            }
            Fact::RetryStored {
                queue,
                offset,
                message,
                ..
            }
            | Fact::Resent {
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
            } => {
                let is_drawn = self.copies.takes_next();
                self.stored(now, (queue, offset), message, is_drawn);
            }
            Fact::Dispatched { queue, max_offset } => {
                if let Some(offset) = self.under_way.get(&queue).copied()
                    && offset < max_offset
                {
                    self.under_way.remove(&queue);
                    if let Some(record) = self.records.get_mut(&(queue, offset)) {
                        record.visible = Some(now);
                    }
                }
            }
            // What was not visible yet may be lost.
            Fact::BrokerStopped { broker, .. } => {
                let there = |queue: QueueId| directory.queue(queue).broker == broker;
                self.under_way.retain(|queue, _| !there(*queue));
            }
            _ => {}
        }
    }

    fn born(&mut self, now: SimTime, producer: ProducerId, message: MessageId) {
        if self.messages.takes_next() && self.sends.len() < SENDS {
            let lane = self.lanes.take(producer.0);
            self.sends.insert(message, (now, lane));
        }
    }

    /// A record of a message is stored: arrows may lead from it if it `is_drawn` and nothing else of its queue is under way.
    fn stored(&mut self, now: SimTime, place: (QueueId, u64), message: MessageId, is_drawn: bool) {
        let (queue, offset) = place;
        if !is_drawn || self.under_way.contains_key(&queue) {
            return;
        }
        if self.order.len() >= RECORDS
            && let Some(oldest) = self.order.pop_front()
        {
            self.records.remove(&oldest);
        }
        let record = Record {
            message,
            stored: now,
            visible: None,
            is_drawn: false,
        };
        self.under_way.insert(queue, offset);
        self.order.push_back(place);
        self.records.insert(place, record);
    }

    /// A send is over.
    fn sent<W: Write>(
        &mut self,
        now: SimTime,
        message: MessageId,
        came_to: &str,
        directory: &Directory,
        pen: &mut Pen<W>,
    ) {
        let Some((born, lane)) = self.sends.remove(&message) else {
            return;
        };
        let producer = message.producer();
        self.lanes.free(&producer.0, lane);
        let slice = Slice {
            category: "send",
            name: &format!("{}{came_to}", pen.names.message(message)),
            from: born,
            to: now,
            args: Args::default(),
        };
        pen.slice(directory, Key::Sends(producer, lane), &slice);
    }

    /// Whether an arrow may lead from the storage of a record.
    #[inline]
    pub fn has(&self, queue: QueueId, offset: u64) -> bool {
        self.records.contains_key(&(queue, offset))
    }

    /// Draws an arrow from the storage of a record to the slice of a call that got it.
    pub fn arrow<W: Write>(
        &mut self,
        place: (QueueId, u64),
        to: Key,
        (began, ended): (SimTime, SimTime),
        directory: &Directory,
        pen: &mut Pen<W>,
    ) {
        let Some(record) = self.records.get_mut(&place) else {
            return;
        };
        let Some(visible) = record.visible else {
            return;
        };
        // What has no length cannot hold an end of an arrow; what is not drawn neither.
        let shows = pen.window.sees(record.stored, visible) && pen.window.sees(began, ended);
        if record.stored == visible || began == ended || !shows {
            return;
        }
        let from = Key::Stores(place.0);
        if !record.is_drawn {
            record.is_drawn = true;
            let slice = Slice {
                category: "store",
                name: &pen.names.message(record.message),
                from: record.stored,
                to: visible,
                args: Args::default().number("offset", place.1),
            };
            pen.slice(directory, from, &slice);
        }
        self.arrows += 1;
        let Pen { events, tracks, .. } = pen;
        let [from, to] = [from, to].map(|key| tracks.of(events, directory, key));
        events.flow(self.arrows, (from, record.stored), (to, began));
    }

    /// The run is over.
    pub fn finish<W: Write>(&mut self, end: SimTime, directory: &Directory, pen: &mut Pen<W>) {
        while let Some(message) = self.sends.keys().next().copied() {
            self.sent(end, message, ", not over", directory, pen);
        }
    }

    /// Bytes that it holds.
    pub fn held(&self) -> u64 {
        memory::of_map(&self.sends)
            + self.lanes.held()
            + memory::of_map(&self.records)
            + memory::of_deque(&self.order)
            + memory::of_map(&self.under_way)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2 000, 1 000 × 2, 500 × 4 …: of 62 000 the first 2 000, then every 2nd, 4th, 8th and 16th.
    #[test]
    fn the_rate_halves_with_each_budget() {
        let mut sampler = Sampler::ALL;
        let taken = (0..62_000).filter(|_| sampler.takes_next()).count();
        assert_eq!((taken, sampler.stride), (10_000, 32));
    }
}
