//! Processes: how long they live and stand still, their rebalance rounds, connections that they lose, what they have in
//! their caches.

use super::args::Args;
use super::tracks::Key;
use super::writer::Scope;
use super::{Pen, Slice};
use crate::cluster::directory::Directory;
use crate::cluster::fact::{Fact, RebalanceTrigger};
use crate::cluster::ids::{BrokerId, ConsumerId};
use crate::kernel::memory;
use crate::kernel::time::SimTime;
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;

/// All that is open.
#[derive(Debug, Default)]
pub struct Clients {
    brokers: BTreeMap<BrokerId, SimTime>,
    alive: BTreeMap<ConsumerId, SimTime>,
    paused: BTreeMap<ConsumerId, SimTime>,
    rounds: BTreeMap<ConsumerId, (SimTime, RebalanceTrigger)>,
    /// Messages in the cache of each, exactly when an answer comes in; from then on each success takes one off.
    cached: BTreeMap<ConsumerId, u64>,
    changed: BTreeSet<ConsumerId>,
}

impl Clients {
    /// Brokers run before the clock starts.
    pub fn brokers_run(&mut self, directory: &Directory) {
        let brokers = (0..directory.brokers.len() as u32).map(BrokerId);
        self.brokers = brokers.map(|broker| (broker, SimTime::ZERO)).collect();
    }

    pub fn fact<W: Write>(&mut self, now: SimTime, directory: &Directory, fact: &Fact, pen: &mut Pen<W>) {
        match *fact {
            Fact::Cached { consumer, client, .. } => self.cache(consumer, |_| client.messages.max(0) as u64),
            Fact::Consumed {
                consumer,
                success: true,
                ..
            } => self.cache(consumer, |cached| cached.saturating_sub(1)),
            Fact::QueueReleased {
                consumer, unfinished, ..
            } => self.cache(consumer, |cached| cached.saturating_sub(unfinished.into())),
            Fact::ConsumerStarted { consumer } => _ = self.alive.insert(consumer, now),
            Fact::ConsumerPaused { consumer } => _ = self.paused.insert(consumer, now),
            Fact::ConsumerResumed { consumer } => self.goes_on(now, consumer, directory, pen),
            Fact::ConsumerStopped { consumer, how } => {
                self.goes_on(now, consumer, directory, pen);
                if let Some((began, trigger)) = self.rounds.remove(&consumer) {
                    round(
                        consumer,
                        (began, now),
                        trigger,
                        ", cut off",
                        Args::default(),
                        directory,
                        pen,
                    );
                }
                if let Some(started) = self.alive.remove(&consumer) {
                    life(
                        Key::Life(consumer),
                        (started, now),
                        &format!("{how:?}"),
                        directory,
                        pen,
                    );
                }
                if self.cached.contains_key(&consumer) {
                    self.cache(consumer, |_| 0);
                }
            }
            Fact::BrokerStopped { broker, crash } => {
                if let Some(started) = self.brokers.remove(&broker) {
                    let how = if crash { "Killed" } else { "Graceful" };
                    life(Key::BrokerLife(broker), (started, now), how, directory, pen);
                }
            }
            Fact::BrokerStarted { broker } => _ = self.brokers.insert(broker, now),
            Fact::RebalanceBegan { consumer, trigger } => {
                if let Some((began, trigger)) = self.rounds.insert(consumer, (now, trigger)) {
                    round(
                        consumer,
                        (began, now),
                        trigger,
                        ", cut off",
                        Args::default(),
                        directory,
                        pen,
                    );
                }
            }
            Fact::RebalanceEnded {
                consumer,
                added,
                removed,
                balanced,
            } => {
                if let Some((began, trigger)) = self.rounds.remove(&consumer) {
                    let came_to = if balanced { "" } else { ", not balanced" };
                    let args = Args::default()
                        .number("added", added.into())
                        .number("removed", removed.into());
                    round(consumer, (began, now), trigger, came_to, args, directory, pen);
                }
            }
            Fact::MemberExpired { broker, consumer } => {
                let text = format!("given up by {}", directory.broker(broker));
                pen.instant(directory, Key::Links(consumer), now, Scope::Track, &text);
            }
            Fact::ConnectionLost { broker, consumer } => {
                let text = format!("lost to {}", directory.broker(broker));
                pen.instant(directory, Key::Links(consumer), now, Scope::Track, &text);
            }
            _ => {}
        }
    }

    fn cache(&mut self, consumer: ConsumerId, change: impl FnOnce(u64) -> u64) {
        let cached = self.cached.entry(consumer).or_default();
        let now = change(*cached);
        if now != *cached {
            *cached = now;
            self.changed.insert(consumer);
        }
    }

    /// What clients have cached, of those that have more or less than when that was asked last.
    pub fn cached_changed(&mut self) -> Vec<(u32, u64)> {
        let changed = std::mem::take(&mut self.changed).into_iter();
        changed
            .map(|consumer| (consumer.0, self.cached[&consumer]))
            .collect()
    }

    /// A pause ends, if there is one.
    fn goes_on<W: Write>(
        &mut self,
        now: SimTime,
        consumer: ConsumerId,
        directory: &Directory,
        pen: &mut Pen<W>,
    ) {
        if let Some(since) = self.paused.remove(&consumer) {
            let slice = Slice {
                category: "pause",
                name: "paused",
                from: since,
                to: now,
                args: Args::default(),
            };
            pen.slice(directory, Key::Pauses(consumer), &slice);
        }
    }

    /// The run is over.
    pub fn finish<W: Write>(&mut self, end: SimTime, directory: &Directory, pen: &mut Pen<W>) {
        for (broker, started) in std::mem::take(&mut self.brokers) {
            life(
                Key::BrokerLife(broker),
                (started, end),
                "not over",
                directory,
                pen,
            );
        }
        for consumer in self.paused.keys().copied().collect::<Vec<_>>() {
            self.goes_on(end, consumer, directory, pen);
        }
        for (consumer, (began, trigger)) in std::mem::take(&mut self.rounds) {
            round(
                consumer,
                (began, end),
                trigger,
                ", not over",
                Args::default(),
                directory,
                pen,
            );
        }
        for (consumer, started) in std::mem::take(&mut self.alive) {
            life(Key::Life(consumer), (started, end), "not over", directory, pen);
        }
    }

    /// Bytes that it holds.
    pub fn held(&self) -> u64 {
        memory::of_map(&self.brokers)
            + memory::of_map(&self.alive)
            + memory::of_map(&self.paused)
            + memory::of_map(&self.rounds)
            + memory::of_map(&self.cached)
            + memory::of_set(&self.changed)
    }
}

/// A process has run.
fn life<W: Write>(
    key: Key,
    (from, to): (SimTime, SimTime),
    ended: &str,
    directory: &Directory,
    pen: &mut Pen<W>,
) {
    let slice = Slice {
        category: "process",
        name: "runs",
        from,
        to,
        args: Args::default().text("ended", ended),
    };
    pen.slice(directory, key, &slice);
}

/// A rebalance round is over.
fn round<W: Write>(
    consumer: ConsumerId,
    (from, to): (SimTime, SimTime),
    trigger: RebalanceTrigger,
    came_to: &str,
    args: Args,
    directory: &Directory,
    pen: &mut Pen<W>,
) {
    let slice = Slice {
        category: "rebalance",
        name: &format!("{trigger:?}{came_to}"),
        from,
        to,
        args,
    };
    pen.slice(directory, Key::Rounds(consumer), &slice);
}
