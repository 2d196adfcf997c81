//! PULL_MESSAGE at the broker: check the queue and the subscription, commit what comes along, answer or hold.
//!
//! An offset below the least that is kept, beyond the end, or other than the one that an operator has set is answered
//! with the one to go on from (OFFSET_MOVED). A pull so far behind that its messages are not in memory any more gets 8
//! of them at most instead of 32. Reading through a filter is in `store_filter`. Left out: a single answer is all from
//! memory or all from disk.
//!
//! Source: `PullMessageProcessor`, `DefaultMessageStore.getMessage`, `NotifyMessageArrivingListener`.

use crate::cluster::Cluster;
use crate::cluster::broker::consume_queue::ConsumeQueue;
use crate::cluster::broker::expression_message_filter::ExpressionId;
use crate::cluster::broker::pull_request_hold::{HeldPull, SWEEP_PERIOD};
use crate::cluster::broker::store_filter::{StoreFilter, brings_match};
use crate::cluster::config::BrokerTuning;
use crate::cluster::consumer::delivery::Delivery;
use crate::cluster::consumer::held_queue::{HeldQueue, PullReply, Repair};
use crate::cluster::event::{Event, PqSlot};
use crate::cluster::fact::{CommitVia, Fact, Observer, PullFailure, PullResult, RequestKind};
use crate::cluster::ids::{BrokerId, GroupId, QueueId};
use crate::cluster::network::{Direction, Endpoint, Server};
use crate::cluster::sabotage::Sabotage;
use crate::kernel::time::{SimDuration, SimTime};

/// How often held pulls are looked at.
pub fn sweep_period(tuning: &BrokerTuning) -> SimDuration {
    if tuning.long_polling_enable {
        SWEEP_PERIOD
    } else {
        tuning.short_polling_time_mills.duration()
    }
}

impl<O: Observer> Cluster<O> {
    /// A pull has come: the piggy-backed commit counts now, whether or not the pull is then held.
    #[inline(always)]
    pub(in crate::cluster) fn pull_arrives(&mut self, slot: PqSlot) {
        let held = self.held_queues.get(slot.0);
        let (group, queue, offset, commit) = (held.group, held.queue, held.next_offset, held.request_commit);
        let broker = self.queues[queue.index()].broker;
        let checked = self.check_pull(slot);
        if checked != Err(PullFailure::Connection) {
            self.core.emit_often(Fact::Request {
                broker,
                kind: RequestKind::Pull,
                group: Some(group),
            });
        }
        let expression = match checked {
            Ok(expression) => expression,
            Err(cause) => return self.refuse_pull(slot, cause),
        };
        let held = self.held_queues.get_mut(slot.0);
        held.served = expression;
        held.floor = commit.unwrap_or(held.floor);
        if self.consumers[held.consumer.index()].is_broadcasting {
            // It commits nothing: its file and what it asks for are all that binds.
            held.floor = offset;
        }
        if let Some(commit) = commit {
            self.commit_offset(group, queue, commit, CommitVia::Pull);
        }
        let queue_state = &self.queues[queue.index()];
        let is_reset = queue_state.has_resets() && queue_state.pending_reset(group).is_some();
        let is_at_end = offset == queue_state.max_offset() && !is_reset;
        match self.config.groups[group.index()].delivery {
            Delivery::LongPolling if is_at_end => self.hold(slot, queue, offset),
            Delivery::Push { .. } => self.push(slot),
            _ => self.answer_pull(slot, SimDuration::ZERO),
        }
    }

    /// Whether the queue is there to be pulled, and which of its messages the group wants, as the broker knows it.
    #[inline(always)]
    fn check_pull(&self, slot: PqSlot) -> Result<ExpressionId, PullFailure> {
        let held = self.held_queues.get(slot.0);
        let queue = &self.queues[held.queue.index()];
        if let Some((until, cause)) = self.brokers[queue.broker.index()].busy
            && self.core.now() < until
        {
            return Err(cause);
        }
        if !queue.readable {
            return Err(match self.brokers[queue.broker.index()].is_down {
                true => PullFailure::Connection,
                false => PullFailure::IllegalQueue,
            });
        }
        self.brokers[queue.broker.index()]
            .consumers
            .check(held.group, held.topic, held.request_version)
    }

    /// The pull is not served; what it carries does not count.
    #[inline(never)]
    pub(super) fn refuse_pull(&mut self, slot: PqSlot, cause: PullFailure) {
        let held = self.held_queues.get_mut(slot.0);
        held.reply = PullReply {
            result: Err(cause),
            next_offset: held.next_offset,
        };
        let (client, broker) = (
            Endpoint::Consumer(held.consumer),
            self.queues[held.queue.index()].broker,
        );
        let event = Event::PullReplyArrives(slot);
        self.core
            .travel(client, Server::Broker(broker), Direction::Down, event);
    }

    /// Nothing to give: the pull waits.
    fn hold(&mut self, slot: PqSlot, queue: QueueId, offset: u64) {
        let now = self.core.now();
        let held = self.held_queues.get(slot.0);
        let tuning = &self.config.broker_tuning;
        let timeout = if tuning.long_polling_enable {
            self.config.groups[held.group.index()]
                .tuning
                .broker_suspend_max_time_millis
                .duration()
        } else {
            tuning.short_polling_time_mills.duration()
        };
        let undue = if self.is_sabotaged(Sabotage::HeldTooLong) {
            timeout
        } else {
            SimDuration::ZERO
        };
        let wait = HeldPull {
            pull: slot,
            since: now,
            timeout: timeout + undue,
            offset,
            expression: held.served,
        };
        let consumer = held.consumer;
        self.core.emit_often(Fact::PullHeld {
            queue,
            consumer,
            offset,
        });
        self.keep(queue, wait);
    }

    /// Keeps what waits for messages of `queue`, and sees to it that its time is looked at.
    #[inline]
    pub(super) fn keep(&mut self, queue: QueueId, wait: HeldPull) {
        let tuning = &self.config.broker_tuning;
        self.holds[queue.index()].hold(wait);
        let broker_id = self.queues[queue.index()].broker;
        let broker = &mut self.brokers[broker_id.index()];
        broker.held += 1;
        broker.first_due = broker.first_due.min(wait.first_look(tuning.long_polling_enable));
        if !broker.sweep_pending {
            broker.sweep_pending = true;
            let after = wait.since + SimDuration::from_nanos(1);
            let sweep = after.next_on_grid(broker.sweep_phase, sweep_period(tuning));
            self.core.scheduler.at(sweep, Event::HoldSweep(broker_id));
        }
    }

    /// New records are visible: the pulls that wait for them go on.
    #[inline]
    pub(in crate::cluster) fn wake(&mut self, queue: QueueId) {
        if self.is_sabotaged(Sabotage::NotWoken) {
            return;
        }
        let mut woken = std::mem::take(&mut self.woken);
        let long_polling = self.config.broker_tuning.long_polling_enable;
        let (records, now) = (&self.queues[queue.index()], self.core.now());
        let (filters, attributes) = (&self.filters, &self.core.directory.attributes);
        let matches = |held: &HeldPull| {
            let is_late = || now.since(held.since) >= held.timeout;
            (long_polling || held.is_order())
                && (held.expression.is_all()
                    || brings_match(filters, attributes, records, held.expression)
                    || is_late())
        };
        self.holds[queue.index()].wake(records.max_offset(), matches, &mut woken);
        self.answer_held(&mut woken);
        self.woken = woken;
    }

    /// Pulls whose time is up are answered with nothing.
    pub(in crate::cluster) fn hold_sweep(&mut self, broker: BrokerId) {
        // A planted fault may have left a pull asleep that is to be found here.
        if self.core.now() >= self.brokers[broker.index()].first_due || self.is_sabotaged(Sabotage::NotWoken)
        {
            self.expire_holds(broker);
        }
        let state = &mut self.brokers[broker.index()];
        state.sweep_pending = state.held > 0;
        if state.sweep_pending {
            self.core
                .scheduler
                .after(sweep_period(&self.config.broker_tuning), Event::HoldSweep(broker));
        }
    }

    fn expire_holds(&mut self, broker: BrokerId) {
        let now = self.core.now();
        let long_polling = self.config.broker_tuning.long_polling_enable;
        let mut woken = std::mem::take(&mut self.woken);
        let mut first_due = SimTime::MAX;
        for queue in &self.brokers[broker.index()].queues {
            let hold = &mut self.holds[queue.index()];
            if hold.is_empty() {
                continue;
            }
            let max_offset = self.queues[queue.index()].max_offset();
            let is_over = |slot: PqSlot| {
                let held = self.held_queues.get(slot.0);
                let of_queue = &self.queues[held.queue.index()];
                held.process_queue.dropped || of_queue.pending_reset(held.group).is_some()
            };
            hold.expire(now, max_offset, is_over, &mut woken);
            first_due = first_due.min(hold.first_look(long_polling));
        }
        self.brokers[broker.index()].first_due = first_due;
        self.answer_held(&mut woken);
        self.woken = woken;
    }

    /// Held pulls are looked at anew if anything has changed since they came that may refuse them.
    #[inline]
    fn answer_held(&mut self, woken: &mut Vec<HeldPull>) {
        let now = self.core.now();
        for held in woken.drain(..) {
            let broker = self.held_queues.get(held.pull.0).broker;
            let broker = &mut self.brokers[broker.index()];
            broker.held -= 1;
            let may_refuse = broker.changed >= held.since;
            match may_refuse.then(|| self.check_pull(held.pull)) {
                None | Some(Ok(_)) if held.is_order() => self.push(held.pull),
                None => self.answer_pull(held.pull, now.since(held.since)),
                Some(Ok(expression)) => {
                    self.held_queues.get_mut(held.pull.0).served = expression;
                    self.answer_pull(held.pull, now.since(held.since));
                }
                Some(Err(cause)) => self.refuse_pull(held.pull, cause),
            }
        }
    }

    /// Messages and bytes that an answer from `offset` of a queue on may have, by whether its first message is in memory.
    #[inline(always)]
    pub(super) fn transfer_limits(&self, queue: QueueId, offset: u64) -> (u32, u64) {
        let tuning = &self.config.broker_tuning;
        let queue = &self.queues[queue.index()];
        let in_memory_from = self.in_memory_from(queue.broker);
        let on_disk =
            in_memory_from > 0 && offset < queue.max_offset() && queue.position(offset) < in_memory_from;
        let (most, limit) = if on_disk {
            (
                tuning.max_transfer_count_on_message_in_disk,
                tuning.max_transfer_bytes_on_message_in_disk,
            )
        } else {
            (
                tuning.max_transfer_count_on_message_in_memory,
                tuning.max_transfer_bytes_on_message_in_memory,
            )
        };
        (most, u64::from(limit))
    }

    /// Where a pull at `offset` must go on instead: where an operator has set its group, which it learns now, or the
    /// nearest offset that there is.
    #[inline(never)]
    pub(super) fn other_offset(&mut self, id: QueueId, group: GroupId, offset: u64) -> Option<Repair> {
        let queue = &mut self.queues[id.index()];
        let reset = queue.pending_reset(group);
        if let Some(to) = reset {
            queue.forget_resets(Some(group));
            // Whether the client gets to it is not certain.
            self.unheard_resets.insert((group, id));
            let by_operator = true;
            return Some(Repair { to, by_operator });
        }
        let nearest = offset.clamp(queue.min_offset(), queue.max_offset());
        (nearest != offset).then_some(Repair {
            to: nearest,
            by_operator: false,
        })
    }

    /// Answers OFFSET_MOVED.
    pub(super) fn answer_offset_moved(&mut self, slot: PqSlot, proposal: Repair, waited: SimDuration) {
        let held = self.held_queues.get_mut(slot.0);
        held.repair = Some(proposal);
        held.reply = PullReply {
            result: Ok(PullResult::OffsetMoved),
            next_offset: proposal.to,
        };
        let (queue, consumer) = (held.queue, held.consumer);
        self.core.emit(Fact::PullAnswered {
            queue,
            consumer,
            result: PullResult::OffsetMoved,
            messages: 0,
            bytes: 0,
            next_offset: proposal.to,
            held: waited,
        });
        let broker = Server::Broker(self.queues[queue.index()].broker);
        let event = Event::PullReplyArrives(slot);
        self.core
            .travel(Endpoint::Consumer(consumer), broker, Direction::Down, event);
    }

    /// Reads the store and sends the answer, without a further hold.
    ///
    /// What is read is copied: the answer is on the wire, whatever happens to the queue meanwhile.
    #[inline]
    fn answer_pull(&mut self, slot: PqSlot, waited: SimDuration) {
        let held = self.held_queues.get(slot.0);
        let (queue_id, offset) = (held.queue, held.next_offset);
        let queue = &self.queues[queue_id.index()];
        let max_offset = queue.max_offset();
        if offset == max_offset && !queue.has_resets() {
            // Its time was up, or it may not wait: there is nothing to read.
            let nothing = Read {
                messages: 0,
                bytes: 0,
                next: offset,
            };
            return self.send_answer(slot, PullResult::NotFound, &nothing, waited);
        }
        if offset < queue.min_offset() || offset > max_offset || queue.has_resets() {
            let group = held.group;
            if let Some(proposal) = self.other_offset(queue_id, group, offset) {
                return self.answer_offset_moved(slot, proposal, waited);
            }
        }
        let held = self.held_queues.get(slot.0);
        let group = &self.config.groups[held.group.index()];
        let asked = match group.delivery {
            Delivery::Pull { batch, .. } => batch,
            _ => group.tuning.pull_batch_size,
        };
        let (most, limit) = self.transfer_limits(queue_id, offset);
        let undue = u32::from(self.is_sabotaged(Sabotage::AnswerTooLarge));
        let queue = &self.queues[queue_id.index()];
        let held = self.held_queues.get_mut(slot.0);
        if held.inbox.capacity() == 0 && offset < max_offset {
            held.inbox = self.spare_rooms.for_answer();
        }
        let found = if held.served.is_all() {
            read(held, queue, offset, asked.min(most) + undue, limit)
        } else {
            let own = self.consumers[held.consumer.index()].own_wish(held.topic_at);
            let filter = StoreFilter {
                filters: &self.filters,
                attributes: &self.core.directory.attributes,
                wishes: own.unwrap_or_else(|| self.wishes.of(held.group, held.topic)),
            };
            filter.read(held, queue, (asked.min(most), limit))
        };
        let result = if found.messages > 0 {
            PullResult::Found
        } else if found.next > offset {
            PullResult::NoMatched
        } else {
            PullResult::NotFound
        };
        self.send_answer(slot, result, &found, waited);
    }

    /// Sends the answer on its way whose messages, if any, are in it.
    #[inline(always)]
    fn send_answer(&mut self, slot: PqSlot, result: PullResult, found: &Read, waited: SimDuration) {
        let held = self.held_queues.get_mut(slot.0);
        held.reply = PullReply {
            result: Ok(result),
            next_offset: found.next,
        };
        let (queue, consumer, broker) = (held.queue, held.consumer, held.broker);
        self.queues[queue.index()].note_read(found.next);
        self.core.emit_often(Fact::PullAnswered {
            queue,
            consumer,
            result,
            messages: found.messages,
            bytes: found.bytes,
            next_offset: found.next,
            held: waited,
        });
        let event = Event::PullReplyArrives(slot);
        self.core.travel(
            Endpoint::Consumer(consumer),
            Server::Broker(broker),
            Direction::Down,
            event,
        );
    }
}

/// What was read of a queue.
pub(super) struct Read {
    /// Messages.
    pub(super) messages: u32,
    /// Their bytes.
    pub(super) bytes: u64,
    /// `nextBeginOffset`.
    pub(super) next: u64,
}

/// `getMessage`: copies what is visible in `queue` from `from` on into the answer to a client, at most `count` messages
/// and about `limit` bytes.
#[inline(always)]
pub(super) fn read(held: &mut HeldQueue, queue: &ConsumeQueue, from: u64, count: u32, limit: u64) -> Read {
    let mut read = Read {
        messages: 0,
        bytes: 0,
        next: from,
    };
    while read.next < queue.max_offset() && read.messages < count {
        let fits = queue.with(read.next, |record| {
            let size = u64::from(record.stored_size());
            // The first message always fits, whatever its size.
            let fits = read.messages == 0 || read.bytes + size <= limit;
            if fits {
                held.receive(read.next, record);
                read.bytes += size;
            }
            fits
        });
        if !fits {
            break;
        }
        read.messages += 1;
        read.next += 1;
    }
    read
}
