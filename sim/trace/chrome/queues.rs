//! Queues: who has which, which pulls wait at them, what dies.

use super::args::Args;
use super::lanes::Lanes;
use super::tracks::Key;
use super::writer::Scope;
use super::{Pen, Slice};
use crate::cluster::directory::Directory;
use crate::cluster::fact::{Fact, StartOffsetRule, StopKind};
use crate::cluster::ids::{ConsumerId, GroupId, QueueId};
use crate::kernel::memory;
use crate::kernel::time::SimTime;
use std::collections::BTreeMap;
use std::io::Write;

/// A queue in the hands of a client.
#[derive(Debug)]
struct Tenure {
    since: SimTime,
    lane: u32,
    start_offset: u64,
    decided_by: StartOffsetRule,
}

/// A pull that waits.
#[derive(Debug)]
struct Hold {
    since: SimTime,
    lane: u32,
    offset: u64,
}

/// All that is open.
#[derive(Debug, Default)]
pub struct Queues {
    tenures: BTreeMap<(ConsumerId, QueueId), Tenure>,
    owner_lanes: Lanes<(GroupId, u32, QueueId)>,
    holds: BTreeMap<(ConsumerId, QueueId), Hold>,
    hold_lanes: Lanes<(QueueId, GroupId)>,
}

impl Queues {
    pub fn fact<W: Write>(&mut self, now: SimTime, directory: &Directory, fact: &Fact, pen: &mut Pen<W>) {
        match *fact {
            Fact::QueueAcquired {
                consumer,
                queue,
                start_offset,
                decided_by,
            } => {
                self.gives_up(now, consumer, queue, None, directory, pen);
                let info = directory.consumer(consumer);
                let lane = self.owner_lanes.take((info.group, info.reader, queue));
                let tenure = Tenure {
                    since: now,
                    lane,
                    start_offset,
                    decided_by,
                };
                self.tenures.insert((consumer, queue), tenure);
            }
            Fact::QueueReleased {
                consumer,
                queue,
                unfinished,
            } => self.gives_up(now, consumer, queue, Some(unfinished), directory, pen),
            Fact::PullHeld {
                queue,
                consumer,
                offset,
            } => {
                self.hold_ends(now, consumer, queue, "", directory, pen);
                let group = directory.consumer(consumer).group;
                let lane = self.hold_lanes.take((queue, group));
                let hold = Hold {
                    since: now,
                    lane,
                    offset,
                };
                self.holds.insert((consumer, queue), hold);
            }
            Fact::PullAnswered {
                queue,
                consumer,
                result,
                ..
            } => self.hold_ends(now, consumer, queue, &format!("{result:?}"), directory, pen),
            Fact::PullFailed {
                consumer,
                queue,
                cause,
            } => self.hold_ends(now, consumer, queue, &format!("{cause:?}"), directory, pen),
            // Nobody takes the answers any more; a host that is lost closes no connection, so there brokers go on.
            Fact::ConsumerStopped { consumer, how } if how != StopKind::Vanished => {
                self.holds_end(now, |(client, _)| client == consumer, directory, pen);
            }
            Fact::MemberExpired { broker, consumer } | Fact::ConnectionLost { broker, consumer } => {
                let there = |queue: QueueId| directory.queue(queue).broker == broker;
                self.holds_end(
                    now,
                    |(client, queue)| client == consumer && there(queue),
                    directory,
                    pen,
                );
            }
            Fact::BrokerStopped { broker, .. } => {
                let there = |queue: QueueId| directory.queue(queue).broker == broker;
                self.holds_end(now, |(_, queue)| there(queue), directory, pen);
            }
            Fact::DeadLettered { group, message, .. } => {
                let name = pen.names.message(message);
                pen.instant(directory, Key::Dead(group), now, Scope::Track, &name);
            }
            _ => {}
        }
    }

    /// A client gives a queue up, if it has it; the run may end before.
    fn gives_up<W: Write>(
        &mut self,
        now: SimTime,
        consumer: ConsumerId,
        queue: QueueId,
        unfinished: Option<u32>,
        directory: &Directory,
        pen: &mut Pen<W>,
    ) {
        let Some(tenure) = self.tenures.remove(&(consumer, queue)) else {
            return;
        };
        let info = directory.consumer(consumer);
        self.owner_lanes
            .free(&(info.group, info.reader, queue), tenure.lane);
        let args = Args::default()
            .number("start offset", tenure.start_offset)
            .text("decided by", &format!("{:?}", tenure.decided_by));
        let args = match unfinished {
            Some(messages) => args.number("unfinished", messages.into()),
            None => args,
        };
        let name = pen.names.key(consumer).to_owned();
        let slice = Slice {
            category: "owner",
            name: &name,
            from: tenure.since,
            to: now,
            args,
        };
        let key = Key::Owner(info.group, info.reader, queue, tenure.lane);
        pen.slice(directory, key, &slice);
    }

    /// A pull waits no more, if it has waited.
    fn hold_ends<W: Write>(
        &mut self,
        now: SimTime,
        consumer: ConsumerId,
        queue: QueueId,
        result: &str,
        directory: &Directory,
        pen: &mut Pen<W>,
    ) {
        let Some(hold) = self.holds.remove(&(consumer, queue)) else {
            return;
        };
        let group = directory.consumer(consumer).group;
        self.hold_lanes.free(&(queue, group), hold.lane);
        let args = Args::default().number("offset", hold.offset);
        let args = match result {
            "" => args,
            result => args.text("result", result),
        };
        let name = pen.names.key(consumer).to_owned();
        let slice = Slice {
            category: "hold",
            name: &name,
            from: hold.since,
            to: now,
            args,
        };
        pen.slice(directory, Key::Holds(queue, group, hold.lane), &slice);
    }

    fn holds_end<W: Write>(
        &mut self,
        now: SimTime,
        which: impl Fn((ConsumerId, QueueId)) -> bool,
        directory: &Directory,
        pen: &mut Pen<W>,
    ) {
        let these = self.holds.keys().copied().filter(|hold| which(*hold));
        for (consumer, queue) in these.collect::<Vec<_>>() {
            self.hold_ends(now, consumer, queue, "", directory, pen);
        }
    }

    /// The run is over.
    pub fn finish<W: Write>(&mut self, end: SimTime, directory: &Directory, pen: &mut Pen<W>) {
        self.holds_end(end, |_| true, directory, pen);
        for (consumer, queue) in self.tenures.keys().copied().collect::<Vec<_>>() {
            self.gives_up(end, consumer, queue, None, directory, pen);
        }
    }

    /// Bytes that it holds.
    pub fn held(&self) -> u64 {
        memory::of_map(&self.tenures)
            + self.owner_lanes.held()
            + memory::of_map(&self.holds)
            + self.hold_lanes.held()
    }
}
