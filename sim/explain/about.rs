//! What happens to the message itself, by its name.

use super::follower::{Follower, name};
use super::reading::Record;
use super::scene::Place;
use super::story::{Cause, Event, Fate};
use super::{again, facts, wait, words};
use crate::cluster::directory::Directory;
use crate::cluster::fact::{DropCause, Fact};
use crate::cluster::ids::ConsumerId;
use crate::kernel::time::SimTime;

impl Follower {
    /// What is about the message by its name.
    pub(super) fn about_it(
        &mut self,
        now: SimTime,
        directory: &Directory,
        fact: &Fact,
        again: Option<&'static str>,
    ) {
        let label = |queue| directory.queue_label(queue);
        let it = self.message;
        let said = || facts::of_message(directory, fact, Some(it)).unwrap_or_default();
        match *fact {
            Fact::Born {
                producer,
                luck,
                body_size,
                ..
            } => {
                self.born = Some((now, luck, body_size));
                let text = format!("{} sends it", directory.producer(producer));
                self.say(now, Event::Born, None, text, None);
            }
            Fact::SendRefused { .. } => self.say(now, Event::SendRefused, None, said(), None),
            Fact::Stored { queue, offset, .. } => {
                self.lies_in(now, queue, offset);
                let text = format!("it lies in {} at offset {}", label(queue), words::count(offset));
                self.say(now, Event::Stored, None, text, None);
            }
            Fact::Forwarded { queue, offset, .. } => {
                self.lies_in(now, queue, offset);
                self.say(now, Event::Stored, None, said(), None);
            }
            Fact::Resent {
                group, queue, offset, ..
            } if self.is_wanted(group) => {
                self.lies_in(now, queue, offset);
                self.say(now, Event::Stored, Some(name(directory, group)), said(), None);
            }
            Fact::Delivered {
                consumer,
                queue,
                offset,
                reconsume_times,
                ..
            } => self.delivered(now, directory, consumer, (queue, offset), reconsume_times, again),
            Fact::Consumed {
                consumer,
                busy,
                success,
                ..
            } => self.returned(now, directory, consumer, words::span(busy), success),
            Fact::RetryScheduled { group, .. } => {
                let ended = self.readings.iter_mut().filter(|((of, _), _)| *of == group);
                ended.for_each(|(_, reading)| reading.goes(Fate::AwaitingRetry));
                self.say(now, Event::SentBack, Some(name(directory, group)), said(), None);
            }
            Fact::RetryStored {
                group,
                queue,
                offset,
                again,
                ..
            } => {
                self.lies_in(now, queue, offset);
                let because = again.then(|| Cause {
                    kind: "broker",
                    text: "a crash of the broker has undone the progress of its delay level".to_owned(),
                    at: None,
                });
                self.say(now, Event::Stored, Some(name(directory, group)), said(), because);
            }
            Fact::DeadLettered {
                group,
                reconsume_times,
                ..
            } => {
                let ended = self.readings.iter_mut().filter(|((of, _), _)| *of == group);
                ended.for_each(|(_, reading)| reading.goes(Fate::Dead));
                let because = Cause {
                    kind: "max_reconsume_times",
                    text: format!(
                        "it {}, and the group allows {}",
                        facts::failed(reconsume_times),
                        words::counted(u64::from(reconsume_times.saturating_sub(1)), "retry", "retries")
                    ),
                    at: None,
                };
                self.say(
                    now,
                    Event::Dead,
                    Some(name(directory, group)),
                    said(),
                    Some(because),
                );
            }
            Fact::Dropped {
                consumer,
                group,
                cause,
                ..
            } => {
                let key = (group, directory.consumer(consumer).reader);
                if let Some(reading) = self.readings.get_mut(&key) {
                    reading.goes(Fate::Dropped);
                }
                let (kind, why) = match cause {
                    DropCause::Broadcasting => ("broadcasting", "a broadcasting group has no retries"),
                    DropCause::NoRetryQueue => ("no_retry_queue", "the group has no retry queue"),
                };
                let because = Cause {
                    kind,
                    text: why.to_owned(),
                    at: None,
                };
                self.say(
                    now,
                    Event::Dropped,
                    Some(name(directory, group)),
                    said(),
                    Some(because),
                );
            }
            _ => {}
        }
    }

    fn delivered(
        &mut self,
        now: SimTime,
        directory: &Directory,
        consumer: ConsumerId,
        record: Record,
        reconsume_times: u16,
        again: Option<&'static str>,
    ) {
        let of = directory.consumer(consumer);
        let place: Place = (of.group, of.reader, record.0);
        let Some(reading) = self.readings.get_mut(&(of.group, of.reader)) else {
            return;
        };
        reading.deliveries += 1;
        reading.open = Some(consumer);
        // A group that has consumed it stays one that has: what comes now is a duplicate.
        if reading.fate != Fate::Consumed {
            reading.fate = Fate::Delivered;
        }
        let had = reading.had.insert(record, consumer);
        let since = reading.since.get(&record).copied();
        let deliveries = u64::from(reading.deliveries);
        let who = words::client(directory, consumer);
        let (event, text, because) = match (had, since) {
            (Some(had), _) => {
                let because = again::cause(&self.scene, directory, place, (had, consumer), record.1, again);
                let text = format!("{who} gets it again: delivery {deliveries} to its group");
                (Event::DeliveredAgain, text, Some(because))
            }
            (None, Some(since)) => {
                let waited = words::span(now.since(since.stored));
                let retry = match reconsume_times {
                    0 => String::new(),
                    times => format!(" as a retry, attempt {}", times + 1),
                };
                let because = wait::cause(&self.scene, directory, place, since, now);
                (
                    Event::Delivered,
                    format!("{who} gets it{retry}, {waited} after it was stored"),
                    because,
                )
            }
            (None, None) => (Event::Delivered, format!("{who} gets it"), None),
        };
        self.say(now, event, Some(name(directory, of.group)), text, because);
    }

    fn returned(
        &mut self,
        now: SimTime,
        directory: &Directory,
        consumer: ConsumerId,
        busy: String,
        success: bool,
    ) {
        let of = directory.consumer(consumer);
        let Some(reading) = self.readings.get_mut(&(of.group, of.reader)) else {
            return;
        };
        reading.open = None;
        let who = words::client(directory, consumer);
        let (event, text) = if success {
            let is_first = reading.fate != Fate::Consumed;
            reading.goes(Fate::Consumed);
            let born = self.born.map(|(born, ..)| words::span(now.since(born)));
            let after = born
                .filter(|_| is_first)
                .map(|born| format!(", {born} after it was sent"));
            let text = format!("{who} has consumed it in {busy}{}", after.unwrap_or_default());
            (Event::Consumed, text)
        } else {
            (
                Event::Failed,
                format!("the listener of {who} fails after {busy}: RECONSUME_LATER"),
            )
        };
        self.say(now, event, Some(name(directory, of.group)), text, None);
    }
}
