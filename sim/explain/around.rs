//! What happens to its records, to its queues and to those who have it: facts that do not name the message.

use super::follower::{Follower, group_of, name};
use super::reading::{Reading, Record};
use super::story::{Cause, Event, Fate};
use super::{facts, words};
use crate::cluster::directory::Directory;
use crate::cluster::fact::{CommitVia, Fact};
use crate::cluster::ids::{ConsumerId, GroupId, QueueId};
use crate::kernel::time::SimTime;

impl Follower {
    /// What is about its records, its queues, or those who have it.
    pub(super) fn around_it(&mut self, now: SimTime, directory: &Directory, fact: &Fact) {
        match *fact {
            Fact::NoStatus {
                consumer,
                queue,
                offset,
                messages,
                how,
            } => {
                let records = (queue, offset)..(queue, offset + u64::from(messages));
                if self.has(directory, consumer, |reading| records.contains(&reading.record)) {
                    let text = facts::no_status(words::client(directory, consumer), how);
                    self.say(now, Event::Failed, group_of(directory, consumer), text, None);
                }
            }
            Fact::ConsumeTimedOut {
                consumer,
                queue,
                offset,
            } if self.has(directory, consumer, |reading| reading.record == (queue, offset)) => {
                self.timed_out.insert((queue, offset));
                let who = words::client(directory, consumer);
                let text = format!(
                    "{who} sends it back, for it has taken longer than consumeTimeout; its listener still works on it"
                );
                self.say(now, Event::Failed, group_of(directory, consumer), text, None);
            }
            Fact::ResultDiscarded {
                consumer,
                queue,
                offset,
                ..
            } => {
                let had = |reading: &Reading| reading.had.contains_key(&(queue, offset));
                let because = self.discarded(directory, consumer, (queue, offset));
                if let Some(because) = because.filter(|_| self.has(directory, consumer, had)) {
                    let who = words::client(directory, consumer);
                    let text = format!("what the listener of {who} has done with it does not count");
                    let group = group_of(directory, consumer);
                    self.say(now, Event::Discarded, group, text, Some(because));
                }
            }
            Fact::ConsumerStopped { consumer, how }
                if self.has(directory, consumer, |reading| reading.open == Some(consumer)) =>
            {
                let text = format!(
                    "{} {} while its listener has it",
                    words::client(directory, consumer),
                    words::stopped(how)
                );
                self.say(now, Event::Owner, group_of(directory, consumer), text, None);
            }
            Fact::ConsumerPaused { consumer }
                if self.has(directory, consumer, |reading| reading.open == Some(consumer)) =>
            {
                let text = format!(
                    "the process of {} stands still while its listener has it",
                    words::client(directory, consumer)
                );
                self.say(now, Event::Owner, group_of(directory, consumer), text, None);
            }
            Fact::QueueAcquired {
                consumer,
                queue,
                start_offset,
                decided_by,
            } if self.has(directory, consumer, |reading| reading.may_come_from(queue)) => {
                let begins = (start_offset, decided_by);
                let text = facts::taken(directory, &self.scene, (consumer, queue), begins);
                self.say(now, Event::Owner, group_of(directory, consumer), text, None);
            }
            Fact::QueueReleased {
                consumer,
                queue,
                unfinished,
            } if self.has(directory, consumer, |reading| reading.may_come_from(queue)) => {
                let text = facts::given_up(directory, &self.scene, (consumer, queue), unfinished);
                self.say(now, Event::Owner, group_of(directory, consumer), text, None);
            }
            Fact::OffsetCommitted {
                group,
                queue,
                new,
                via,
                ..
            } => self.committed(now, directory, (group, 0), queue, new, Some(via)),
            Fact::LocalOffsetStored {
                consumer,
                queue,
                offset,
            } => {
                let of = directory.consumer(consumer);
                self.committed(now, directory, (of.group, of.reader), queue, offset, None);
            }
            Fact::Filtered {
                consumer,
                queue,
                from,
                to,
                by,
                wanted,
                ..
            } => {
                let of = directory.consumer(consumer);
                let Some(reading) = self.passed((of.group, of.reader), queue, (from, to)) else {
                    return;
                };
                reading.fate = Fate::Filtered;
                let text = format!("{} passes over it", of.name);
                let because = Cause {
                    kind: if wanted { "mismatched" } else { "filtered" },
                    text: format!(
                        "filtered out by {}{}",
                        words::filtered(by),
                        if wanted {
                            "; a member of the group asks for it"
                        } else {
                            ""
                        }
                    ),
                    at: None,
                };
                let group = Some(name(directory, of.group));
                self.say(now, Event::Filtered, group, text, Some(because));
            }
            Fact::Expired { queue, from, to } => {
                let readers: Vec<(GroupId, u32)> = self.readings.keys().copied().collect();
                for key in readers {
                    let Some(reading) = self.passed(key, queue, (from, to)) else {
                        continue;
                    };
                    reading.fate = Fate::Expired;
                    let text = "retention removes it before anybody has seen it".to_owned();
                    self.say(now, Event::Expired, Some(name(directory, key.0)), text, None);
                }
            }
            Fact::OffsetsSkipped {
                group,
                queue,
                from,
                to,
                by_operator,
            } => self.skipped(now, directory, group, (queue, from, to), by_operator),
            _ => {}
        }
    }

    /// Whether the reader that `consumer` is, or belongs to, `is` so.
    fn has(&self, directory: &Directory, consumer: ConsumerId, is: impl Fn(&Reading) -> bool) -> bool {
        let of = directory.consumer(consumer);
        self.readings.get(&(of.group, of.reader)).is_some_and(is)
    }

    /// The reader `key`, if it is passed over by records that nobody has had.
    fn passed(
        &mut self,
        key: (GroupId, u32),
        queue: QueueId,
        (from, to): (u64, u64),
    ) -> Option<&mut Reading> {
        let reading = self.readings.get_mut(&key)?;
        let (of, offset) = reading.record;
        (of == queue && (from..to).contains(&offset) && reading.fate == Fate::Waiting).then_some(reading)
    }

    /// Why a result does not count; `None` if the client is about to go, which is told by itself.
    fn discarded(&self, directory: &Directory, consumer: ConsumerId, record: Record) -> Option<Cause> {
        let of = directory.consumer(consumer);
        if self.timed_out.contains(&record) {
            return Some(Cause {
                kind: "timed_out",
                text: "it had been sent back meanwhile".to_owned(),
                at: None,
            });
        }
        let held = self.scene.held((of.group, of.reader, record.0));
        if let Some((at, how)) = self.scene.client(consumer).stopped {
            return Some(Cause {
                kind: "gone",
                text: format!("{} {} at {}", of.name, words::stopped(how), words::at(at)),
                at: Some(at),
            });
        }
        let given = held.given.filter(|given| given.consumer == consumer)?;
        (!held.owners.contains(&consumer)).then(|| Cause {
            kind: "given_up",
            text: format!("{} had given the queue up at {}", of.name, words::at(given.at)),
            at: Some(given.at),
        })
    }

    fn committed(
        &mut self,
        now: SimTime,
        directory: &Directory,
        key: (GroupId, u32),
        queue: QueueId,
        new: u64,
        via: Option<CommitVia>,
    ) {
        let Some(reading) = self.readings.get_mut(&key) else {
            return;
        };
        let mut told = Vec::new();
        let records: Vec<Record> = reading.since.keys().copied().collect();
        // What becomes of a record that has a later copy is nobody's question.
        let is_over = matches!(reading.fate, Fate::Consumed | Fate::Dead) || via.is_none();
        let of_now = |record: &Record| record.0 == queue && *record == reading.record;
        for record in records.into_iter().filter(of_now) {
            if record.1 < new && is_over && reading.committed.insert(record) {
                let whose = words::reader(directory, key.0, key.1);
                let text = format!(
                    "{whose} has committed offset {}: who takes the queue now begins behind it",
                    words::count(new)
                );
                told.push((Event::Committed, text, None));
            } else if record.1 >= new && reading.committed.remove(&record) {
                let text = format!(
                    "the committed offset goes back to {}, below it",
                    words::count(new)
                );
                told.push((
                    Event::RolledBack,
                    text,
                    via.map(|via| rolled_back(via, directory, queue)),
                ));
            }
        }
        for (event, text, because) in told {
            self.say(now, event, Some(name(directory, key.0)), text, because);
        }
    }

    fn skipped(
        &mut self,
        now: SimTime,
        directory: &Directory,
        group: GroupId,
        (queue, from, to): (QueueId, u64, u64),
        by_operator: bool,
    ) {
        let readers: Vec<(GroupId, u32)> = self.readings.keys().copied().collect();
        for key in readers.into_iter().filter(|(of, _)| *of == group) {
            let place = (key.0, key.1, queue);
            let Some(reading) = self.readings.get_mut(&key) else {
                continue;
            };
            let is_open = matches!(reading.fate, Fate::Waiting | Fate::Delivered);
            let (of, offset) = reading.record;
            if !is_open || of != queue || !(from..to).contains(&offset) {
                continue;
            }
            reading.fate = Fate::Skipped;
            let held = self.scene.held(place);
            let (kind, why) = match by_operator {
                true => ("reset", "an operator has set the offset of the group".to_owned()),
                false => (
                    "skipped",
                    match held.committed {
                        None => "the group had no offset there, and consumeFromWhere lets it begin later"
                            .to_owned(),
                        Some(committed) => format!(
                            "its committed offset {} is no longer there, and it goes on where the queue allows",
                            words::count(committed)
                        ),
                    },
                ),
            };
            let because = Cause {
                kind,
                text: why,
                at: None,
            };
            let text = format!(
                "{} goes on at offset {} and leaves it behind",
                name(directory, group),
                words::count(to)
            );
            self.say(
                now,
                Event::Skipped,
                Some(name(directory, group)),
                text,
                Some(because),
            );
        }
    }
}

fn rolled_back(via: CommitVia, directory: &Directory, queue: QueueId) -> Cause {
    let broker = directory.broker(directory.queue(queue).broker);
    let (kind, text) = words::fell_back(via, broker);
    Cause { kind, text, at: None }
}
