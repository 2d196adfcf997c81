//! The pull loop: a held queue's request goes round as long as the queue is held.
//!
//! Checks, network, answer, checks again. An answer with messages or with none leads to the next pull at once
//! (after `pullInterval`, if messages came and it is set); a full cache puts the pull off by 50 ms. A pull fails
//! when its connection is lost or cannot be made, when no answer comes within 31 s, or when the broker refuses it
//! (the queue is no more, the group's subscription is missing or older than the client's); it is repeated after 1 s.
//! What becomes of an answer that was read through a filter is in `pull_api_wrapper`, what follows one that moves the
//! offset in `offset_repair`.
//!
//! Source: `PullMessageService`, `DefaultMQPushConsumerImpl.pullMessage`, `PullCallback`.

use crate::cluster::Cluster;
use crate::cluster::consumer::delivery::Delivery;
use crate::cluster::consumer::flow_control::{
    CacheState, DELAY_WHEN_CACHE_FLOW_CONTROL, FLOW_CONTROL, OrderlyPull, PULL_TIMEOUT, PullDecision,
    PullSituation, decide_pull, delay_after_failure, piggybacked_commit,
};
use crate::cluster::consumer::spare_rooms::LENT;
use crate::cluster::event::{Event, PqSlot};
use crate::cluster::fact::{Fact, Observer, PullFailure, PullResult};
use crate::cluster::network::{Direction, Endpoint, Server};
use crate::cluster::sabotage::Sabotage;
use crate::kernel::time::{SimDuration, SimTime};

/// What the client adds to a time-out before it looks for requests without an answer, once a second
/// (`NettyRemotingAbstract.scanResponseTable`).
const SCAN_SLACK: SimDuration = SimDuration::from_secs(1);

/// When a pull is repeated that has failed.
fn delay_after(cause: PullFailure) -> SimDuration {
    let code = (cause == PullFailure::FlowControl).then_some(FLOW_CONTROL);
    delay_after_failure(code)
}

impl<O: Observer> Cluster<O> {
    /// A pull request comes up after a pause.
    #[inline(always)]
    pub(in crate::cluster) fn pull_due(&mut self, slot: PqSlot) {
        self.pull(slot);
    }

    /// The next pull follows an answer with nothing for this client: at once, unless the client has a clock of its own.
    pub(super) fn pull_again(&mut self, slot: PqSlot) {
        let group = self.held_queues.get(slot.0).group;
        match self.config.groups[group.index()].delivery {
            Delivery::Pull { interval, .. } => self.pull_in_time(slot, interval),
            _ => self.pull(slot),
        }
    }

    /// Takes the pull request from the queue of the pull thread: checks, then sends it.
    #[inline(never)]
    pub(super) fn pull(&mut self, slot: PqSlot) {
        self.pull_in_line(slot);
    }

    /// As [`Self::pull`], where it comes with every message.
    #[inline(always)]
    fn pull_in_line(&mut self, slot: PqSlot) {
        let now = self.core.now();
        let held = self.held_queues.get_mut(slot.0);
        let consumer = held.consumer;
        let client = &self.consumers[consumer.index()];
        if held.process_queue.dropped {
            return self.request_ended(slot);
        }
        held.process_queue.last_pull = now;
        match client.delivery {
            // The application works on the last batch.
            Delivery::Pull { interval, .. } if held.process_queue.msg_count() > 0 => {
                self.core.scheduler.after(interval, Event::PullDue(slot));
                return;
            }
            Delivery::LongPolling | Delivery::ShortPolling { .. } => {
                let cache = CacheState::from(&held.process_queue);
                if let Some(by) = client.thresholds.exceeded(cache, held.orderly.is_some())
                    && !self.saboteur.is(Sabotage::NoFlowControl)
                {
                    let queue = held.queue;
                    self.core.emit(Fact::FlowControlled { consumer, queue, by });
                    self.core
                        .scheduler
                        .after(DELAY_WHEN_CACHE_FLOW_CONTROL, Event::PullDue(slot));
                    return;
                }
            }
            Delivery::Pull { .. } | Delivery::Push { .. } => {}
        }
        if held.orderly.is_some() && !self.may_pull_in_order(slot) {
            return;
        }
        let held = self.held_queues.get_mut(slot.0);
        let client = &self.consumers[consumer.index()];
        held.order();
        held.pulling = true;
        held.request_commit = match client.is_broadcasting {
            true => None,
            false => piggybacked_commit(held.offset.read()),
        };
        if self.saboteur.is(Sabotage::CommitUnfinished) && held.request_commit.is_some() {
            held.request_commit = Some(held.next_offset);
        }
        held.request_version = client.versions[usize::from(held.topic_at)];
        held.request_expression = client.expressions[usize::from(held.topic_at)];
        let broker = held.broker;
        if client.connections.get(broker.index()).is_some() || self.connect(consumer, broker) {
            let event = Event::PullArrives(slot);
            self.core.travel(
                Endpoint::Consumer(consumer),
                Server::Broker(broker),
                Direction::Up,
                event,
            );
        }
        if !self.core.network.links.are_calm() || self.brokers_down > 0 {
            self.time_pull(slot);
        }
    }

    /// Whether an orderly queue may be pulled: it must be locked, and it must have been asked where it starts since
    /// then. If not, its pull request comes up again.
    #[inline(never)]
    fn may_pull_in_order(&mut self, slot: PqSlot) -> bool {
        let held = self.held_queues.get(slot.0);
        let (consumer, cache) = (held.consumer, &held.process_queue);
        // The thresholds have been looked at, where they hold.
        let nothing = CacheState {
            count: 0,
            size: 0,
            span: 0,
        };
        let situation = PullSituation {
            dropped: false,
            running: true,
            suspended: false,
            cache: nothing,
            orderly: Some(OrderlyPull {
                locked: cache.locked,
                previously_locked: held.orderly.as_ref().is_some_and(|o| o.previously_locked),
            }),
            subscribed: true,
        };
        let thresholds = &self.consumers[consumer.index()].thresholds;
        match decide_pull(&situation, thresholds) {
            PullDecision::Later(delay) => {
                self.core.scheduler.after(delay, Event::PullDue(slot));
            }
            PullDecision::LookUpStartOffset => self.look_up_start_offset(consumer, slot),
            PullDecision::Pull => return true,
            PullDecision::End | PullDecision::FlowControl(_) => unreachable!("looked at before"),
        }
        false
    }

    /// Schedules the failure of a pull on a cut link, or to a broker that is down: soon if there is no connection, else
    /// when no answer came for too long.
    #[inline(never)]
    pub(super) fn time_pull(&mut self, slot: PqSlot) {
        let held = self.held_queues.get(slot.0);
        let (consumer, broker) = (held.consumer, self.queues[held.queue.index()].broker);
        let cut = |link| self.core.network.links.get(link).is_cut();
        let is_cut = self.troubled(consumer, Server::Broker(broker)).is_some_and(cut);
        let connected = self.consumers[consumer.index()]
            .connections
            .get(broker.index())
            .is_some();
        // Nobody waits for the answer to an order: it fails with its connection.
        let patient = connected && held.push.is_some();
        let is_refused = !connected && self.is_down(Server::Broker(broker));
        if !(is_cut || is_refused) || !held.pulling || held.fails.is_some() || patient {
            return;
        }
        let sent = held.process_queue.last_pull;
        let fails = if connected {
            sent + PULL_TIMEOUT + SCAN_SLACK
        } else {
            sent + self.connect_limit(consumer, broker)
        };
        let fails: SimTime = fails.max(self.core.now());
        let ticket = self.core.scheduler.at(fails, Event::PullFails(slot));
        self.held_queues.get_mut(slot.0).fails = Some(Box::new((fails, ticket)));
    }

    /// A pull has waited long enough.
    pub(in crate::cluster) fn pull_times_out(&mut self, slot: PqSlot) {
        let now = self.core.now();
        let due = self
            .held_queues
            .find(slot.0)
            .and_then(|held| held.fails.as_deref());
        // Its client may have been stopped when the time came, and read the answer since.
        if due.is_none_or(|(fails, _)| *fails > now) {
            return;
        }
        let held = self.held_queues.get(slot.0);
        let broker = self.queues[held.queue.index()].broker;
        let connected = self.consumers[held.consumer.index()]
            .connections
            .get(broker.index())
            .is_some();
        let cause = if connected {
            PullFailure::Timeout
        } else {
            PullFailure::Connection
        };
        // Whatever becomes of it at the broker, nobody waits for it.
        if !self.recall_pull(slot) {
            self.withdraw_pull(slot);
        }
        self.pull_failed(slot, cause);
    }

    /// A pull has failed: it is repeated after a pause.
    pub(super) fn pull_failed(&mut self, slot: PqSlot, cause: PullFailure) {
        let held = self.held_queues.get_mut(slot.0);
        held.pulling = false;
        held.inbox.clear();
        held.passed_over.clear();
        if let Some(push) = &mut held.push {
            push.breaks();
        }
        let (consumer, queue, dropped) = (held.consumer, held.queue, held.process_queue.dropped);
        if let Some(fails) = held.fails.take() {
            self.core.scheduler.cancel(fails.1);
        }
        if dropped {
            return self.request_ended(slot);
        }
        // Another offset that the answer would have named is never heard of.
        held.repair = None;
        self.core.emit(Fact::PullFailed {
            consumer,
            queue,
            cause,
        });
        self.core
            .scheduler
            .after(delay_after(cause), Event::PullDue(slot));
    }

    /// The answer to a pull has come.
    #[inline(always)]
    pub(in crate::cluster) fn pull_reply_arrives(&mut self, slot: PqSlot) {
        let held = self.held_queues.get_mut(slot.0);
        held.pulling = false;
        if let Some(fails) = held.fails.take() {
            self.core.scheduler.cancel(fails.1);
        }
        if held.process_queue.dropped {
            held.inbox.clear();
            held.passed_over.clear();
            return self.request_ended(slot);
        }
        // What was read through a filter has gaps, and more may be taken out of it here.
        let is_filtered = !held.served.is_all() || !held.request_expression.is_all();
        self.saboteur
            .messages_arrive(&mut held.inbox, &mut held.reply.next_offset);
        match held.reply.result {
            Ok(PullResult::Found) if !is_filtered => self.messages_arrive(slot),
            Ok(PullResult::Found) => self.filtered_messages_arrive(slot),
            Ok(PullResult::NoMatched) => self.nothing_matched(slot),
            Ok(PullResult::NotFound) => {
                held.next_offset = held.reply.next_offset;
                if held.process_queue.msg_count() == 0 {
                    held.offset.update(held.next_offset, true);
                }
                match self.consumers[held.consumer.index()].delivery.interval() {
                    None => self.pull(slot),
                    Some(interval) => self.pull_in_time(slot, interval),
                }
            }
            Ok(PullResult::OffsetMoved) => {
                held.next_offset = held.reply.next_offset;
                self.offset_illegal(slot);
            }
            Err(cause) => self.pull_failed(slot, cause),
        }
    }

    /// Messages go into the cache and to the listener, and the next pull follows.
    #[inline(always)]
    pub(super) fn messages_arrive(&mut self, slot: PqSlot) {
        let held = self.held_queues.get_mut(slot.0);
        held.next_offset = held.reply.next_offset;
        let messages = held.inbox.len();
        self.take_in(slot, messages);
        let held = self.held_queues.get(slot.0);
        let group = &self.config.groups[held.group.index()];
        if let Delivery::Pull { interval, .. } = group.delivery {
            return self.pull_in_time(slot, interval);
        }
        let interval = group.tuning.pull_interval.duration();
        if interval.is_zero() {
            self.pull_in_line(slot);
        } else {
            self.core.scheduler.after(interval, Event::PullDue(slot));
        }
    }

    /// The next pull of a client with a clock: `interval` after the last.
    fn pull_in_time(&mut self, slot: PqSlot, interval: SimDuration) {
        let next = self.held_queues.get(slot.0).process_queue.last_pull + interval;
        let next = next.max(self.core.now());
        self.core.scheduler.at(next, Event::PullDue(slot));
    }

    /// The first `messages` of what has come go into the cache and to the listener.
    #[inline(always)]
    pub(super) fn take_in(&mut self, slot: PqSlot, messages: usize) {
        let held = self.held_queues.get_mut(slot.0);
        let (consumer, queue, group) = (held.consumer, held.queue, held.group);
        let (first, last) = (held.inbox[0].offset, held.inbox[messages - 1].offset);
        let is_dense = last - first + 1 == messages as u64;
        let offsets = || {
            held.inbox[..messages]
                .iter()
                .map(|message| message.offset)
                .collect()
        };
        let scattered: Option<Vec<u64>> = (!is_dense).then(offsets);
        if held.process_queue.has_no_room() {
            held.process_queue.lend_room(self.spare_rooms.for_cache());
        }
        let needs_task = held.process_queue.put(held.inbox[..messages].iter().copied());
        held.inbox.drain(..messages);
        if held.inbox.is_empty() && held.inbox.capacity() <= LENT {
            self.spare_rooms.keep_answer(std::mem::take(&mut held.inbox));
        }
        let cached = held.process_queue.msg_count() as u32;
        self.cache_changed(slot);
        self.core.emit_often(Fact::Cached {
            consumer,
            queue,
            messages: messages as u32,
            cached,
            client: self.consumers[consumer.index()].cache,
            group: self.group_caches[group.index()],
        });
        if self.held_queues.get(slot.0).orderly.is_some() {
            if needs_task {
                self.submit_orderly(slot);
            }
            return;
        }
        match scattered {
            None => self.submit_consume_request(slot, first, messages as u32),
            Some(offsets) => self.submit_scattered(slot, offsets),
        }
    }
}
