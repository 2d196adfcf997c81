//! The timer thread of a client: routes, heartbeats and offsets, on one thread.
//!
//! Ticks come at a fixed rate from the start of the client instance: routes after 10 ms and every 30 s, heartbeats
//! after 1 s and every 30 s, offsets after 10 s and every 5 s. The thread waits for answers, so a broker that
//! cannot be reached delays whatever is due meanwhile. Left out: a tick that was missed more than once runs once.
//!
//! Source: `MQClientInstance.startScheduledTask`.

use crate::cluster::Cluster;
use crate::cluster::consumer::heartbeat::HeartbeatFor;
use crate::cluster::core::BrokerRequest;
use crate::cluster::event::{Event, PqSlot};
use crate::cluster::fact::Observer;
use crate::cluster::ids::{BrokerId, ConsumerId};
use crate::cluster::offset_lists::HeldOffset;
use crate::cluster::sabotage::Sabotage;
use crate::kernel::time::SimDuration;

/// First look-up of routes after the start of the client instance.
const FIRST_ROUTE_POLL: SimDuration = SimDuration::from_millis(10);
/// First heartbeat of the timer after the start of the client instance.
const FIRST_HEARTBEAT: SimDuration = SimDuration::from_secs(1);
/// First persistence of offsets after the start of the client instance.
const FIRST_PERSIST: SimDuration = SimDuration::from_secs(10);

/// A broadcasting client reads its file of offsets before its timers start; so its first round, which waits for nobody,
/// does not meet the first heartbeat. Ours.
const FILE_LOADING: SimDuration = SimDuration::from_millis(10);

/// What the timer does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Task {
    PollRoutes,
    Heartbeat,
    PersistOffsets,
}

/// See the module.
#[derive(Debug, Default)]
pub struct TimerThread {
    /// What it waits for.
    busy: Option<Task>,
    /// What came due meanwhile, each kind once.
    late: Vec<Task>,
}

impl<O: Observer> Cluster<O> {
    /// The timers start with the client instance.
    pub(super) fn start_timers(&mut self, consumer: ConsumerId) {
        let loading = self.file_loading(consumer);
        let scheduler = &mut self.core.scheduler;
        scheduler.after(loading + FIRST_ROUTE_POLL, Event::RoutePoll(consumer));
        scheduler.after(loading + FIRST_HEARTBEAT, Event::HeartbeatTick(consumer));
        scheduler.after(loading + FIRST_PERSIST, Event::PersistTick(consumer));
    }

    /// From the making of the client instance to the start of its timers.
    fn file_loading(&self, consumer: ConsumerId) -> SimDuration {
        match self.consumers[consumer.index()].is_broadcasting {
            true => FILE_LOADING,
            false => SimDuration::ZERO,
        }
    }

    /// 30 s tick.
    pub(in crate::cluster) fn route_poll(&mut self, consumer: ConsumerId) {
        self.tick(consumer, Task::PollRoutes);
    }

    /// 30 s tick.
    pub(in crate::cluster) fn heartbeat_tick(&mut self, consumer: ConsumerId) {
        self.tick(consumer, Task::Heartbeat);
    }

    /// 5 s tick.
    pub(in crate::cluster) fn persist_tick(&mut self, consumer: ConsumerId) {
        self.tick(consumer, Task::PersistOffsets);
    }

    /// Schedules the next tick of this kind and does what is due, or lets it wait for the thread.
    fn tick(&mut self, consumer: ConsumerId, task: Task) {
        let client = &self.consumers[consumer.index()];
        if !client.is_alive() {
            return;
        }
        let tuning = &self.config.groups[client.group.index()].tuning;
        let (first, period, event) = match task {
            Task::PollRoutes => (
                FIRST_ROUTE_POLL,
                tuning.poll_name_server_interval,
                Event::RoutePoll(consumer),
            ),
            Task::Heartbeat => (
                FIRST_HEARTBEAT,
                tuning.heartbeat_broker_interval,
                Event::HeartbeatTick(consumer),
            ),
            Task::PersistOffsets => (
                FIRST_PERSIST,
                tuning.persist_consumer_offset_interval,
                Event::PersistTick(consumer),
            ),
        };
        let (now, period) = (self.core.now(), period.duration());
        let next = match self.has_paused {
            // On the grid, since a client that was stopped comes late.
            true => {
                let first = client.started + first + self.file_loading(consumer);
                (now + SimDuration::from_nanos(1)).next_on_grid(first, period)
            }
            false => now + period,
        };
        self.core.scheduler.at(next, event);
        let timer = &mut self.consumers[consumer.index()].timer;
        if timer.busy.is_none() {
            self.do_task(consumer, task);
        } else if !timer.late.contains(&task) {
            timer.late.push(task);
        }
    }

    fn do_task(&mut self, consumer: ConsumerId, task: Task) {
        match task {
            Task::PollRoutes => {
                self.consumers[consumer.index()].timer.busy = Some(task);
                self.ask_routes(consumer);
            }
            Task::Heartbeat if self.is_sabotaged(Sabotage::NoHeartbeats) => {}
            Task::Heartbeat if self.is_at_work(consumer) => {
                self.consumers[consumer.index()].timer.busy = Some(task);
                self.heartbeat_all(consumer, HeartbeatFor::Timer);
            }
            Task::PersistOffsets if self.is_at_work(consumer) => self.persist_all(consumer),
            Task::Heartbeat | Task::PersistOffsets => {}
        }
    }

    /// Routes have come, or will not: the timer goes on if it was it who asked.
    pub(super) fn route_poll_done(&mut self, consumer: ConsumerId) {
        if self.consumers[consumer.index()].timer.busy == Some(Task::PollRoutes) {
            self.timer_goes_on(consumer);
        }
    }

    /// The timer is free again: what came due meanwhile is done now.
    pub(super) fn timer_goes_on(&mut self, consumer: ConsumerId) {
        self.consumers[consumer.index()].timer.busy = None;
        while self.consumers[consumer.index()].timer.busy.is_none()
            && !self.consumers[consumer.index()].timer.late.is_empty()
        {
            let task = self.consumers[consumer.index()].timer.late.remove(0);
            self.do_task(consumer, task);
        }
    }

    /// Sends the offsets of all held queues to their brokers, or writes them into the local file, changed or not, without waiting for an answer.
    pub(super) fn persist_all(&mut self, consumer: ConsumerId) {
        if self.consumers[consumer.index()].is_broadcasting {
            let held: Vec<PqSlot> = self.consumers[consumer.index()].held.values().copied().collect();
            return held.into_iter().for_each(|slot| self.persist_locally(slot));
        }
        if let Some(slot) = self.consumers[consumer.index()].held.only() {
            return self.persist_only(consumer, slot);
        }
        let mut offsets = self.core.offset_lists.blank();
        let (mut of, mut is_mixed) = (None, false);
        for slot in self.consumers[consumer.index()].held.values() {
            let held = self.held_queues.get_mut(slot.0);
            if let Some(offset) = held.offset.read() {
                held.requests += 1;
                is_mixed |= *of.get_or_insert(held.broker) != held.broker;
                offsets.push((*slot, offset));
            }
        }
        match of {
            None => self.core.offset_lists.give_back(offsets),
            Some(broker) if !is_mixed => self.tell_offsets(consumer, broker, offsets),
            Some(_) => self.tell_by_broker(consumer, offsets),
        }
    }

    /// Tells offsets of queues of several brokers, an envelope for each, in the order of their ids.
    fn tell_by_broker(&mut self, consumer: ConsumerId, mut offsets: Vec<HeldOffset>) {
        offsets.sort_by_key(|(slot, _)| self.held_queues.get(slot.0).broker);
        let mut rest = offsets.as_slice();
        while let Some((first, _)) = rest.first() {
            let broker = self.held_queues.get(first.0).broker;
            let end = rest.partition_point(|(slot, _)| self.held_queues.get(slot.0).broker == broker);
            let mut list = self.core.offset_lists.blank();
            list.extend_from_slice(&rest[..end]);
            self.tell_offsets(consumer, broker, list);
            rest = &rest[end..];
        }
        self.core.offset_lists.give_back(offsets);
    }

    /// Tells a broker some offsets, at least one.
    fn tell_offsets(&mut self, consumer: ConsumerId, broker: BrokerId, offsets: Vec<HeldOffset>) {
        let request = match offsets[..] {
            [(slot, offset)] => {
                self.core.offset_lists.give_back(offsets);
                BrokerRequest::UpdateOffset(slot, offset)
            }
            _ => BrokerRequest::UpdateOffsets(self.core.offset_lists.send(offsets)),
        };
        self.one_way(consumer, broker, request);
    }

    /// The same for the only queue of a client, as most have where clients are many.
    fn persist_only(&mut self, consumer: ConsumerId, slot: PqSlot) {
        let held = self.held_queues.get_mut(slot.0);
        if let Some(offset) = held.offset.read() {
            held.requests += 1;
            let broker = held.broker;
            self.one_way(consumer, broker, BrokerRequest::UpdateOffset(slot, offset));
        }
    }
}
