//! One rebalance round of a client: which queues are mine, what changed.
//!
//! There is no coordinator. Topic by topic the client takes the queue list from its cached route, asks one
//! random broker of the topic who is in the group, sorts both and computes its own share. First it gives up
//! what is not its own any more, then it takes what is new, asking for the start offset of each, in the order
//! of Java's hash tables, which decides who is served first after a start; first pulls
//! follow 500 ms later (at once in 4.9). If anything changed, the subscription gets a new version and all brokers a
//! heartbeat, for which the round waits. A topic whose member list cannot be had stays as it is; a queue whose
//! start offset cannot be had is not taken, and the round counts as unbalanced. A topic without a route (the retry
//! topic of a young group) is looked up for the next round; if that finds one, the list is asked for all the same,
//! and thrown away. A broadcasting client asks nobody: all queues are its own.
//!
//! Source: `RebalanceImpl`, `RebalancePushImpl`, `MQClientInstance.findConsumerIdList`.

use crate::cluster::Cluster;
use crate::cluster::broker::consumer_manager::MemberList;
use crate::cluster::consumer::client::version;
use crate::cluster::consumer::flow_control::PullThresholds;
use crate::cluster::consumer::heartbeat::HeartbeatFor;
use crate::cluster::consumer::held_queue::HeldQueue;
use crate::cluster::consumer::offset_store::{PullFromWhere, StoredOffset, compute_pull_from_where};
use crate::cluster::core::{BrokerRequest, QueriedOffset};
use crate::cluster::directory::TopicKind;
use crate::cluster::event::{CallKind, Event, PqSlot};
use crate::cluster::fact::{Fact, Observer, StartOffsetRule};
use crate::cluster::ids::{ConsumerId, QueueId};
use crate::cluster::message_queue::java_hash_order;
use crate::cluster::sabotage::Sabotage;
use crate::kernel::memory;
use crate::kernel::streams::Source;
use crate::kernel::time::{SimDuration, SimTime};
use std::collections::VecDeque;
use std::rc::Rc;

/// How far before its start a client looks with `CONSUME_FROM_TIMESTAMP` (`consumeTimestamp`).
const CONSUME_TIMESTAMP_BACK: SimDuration = SimDuration::from_secs(30 * 60);

/// A round under way.
#[derive(Debug)]
pub struct Round {
    /// Position of the topic in hand among the client's routes.
    pub(super) topic: usize,
    /// What the round waits for.
    pub(super) waiting: Waiting,
    /// What it moves; most rounds move nothing.
    moves: Option<Box<Moves>>,
    /// Something of the topic in hand was given up.
    pub(super) gave_up: bool,
    /// Queues taken so far.
    pub(super) added: u32,
    /// Queues given up so far.
    pub(super) removed: u32,
    /// Whether every topic reached its aim.
    pub(super) balanced: bool,
}

/// What a round moves of the topic in hand.
#[derive(Debug, Default)]
pub(super) struct Moves {
    /// The share, in the order in which it is taken, while an orderly client gives queues up.
    share: Vec<QueueId>,
    /// Queues that an orderly client is yet to remove.
    pub(super) to_remove: VecDeque<(QueueId, PqSlot)>,
    /// When the lock of the queue in hand was granted.
    locked_at: SimTime,
    /// Queues that are yet to be taken.
    to_add: VecDeque<QueueId>,
    /// Queues that were taken; they start to pull together.
    pub(super) taken: Vec<PqSlot>,
}

impl Round {
    /// Bytes that it holds.
    pub(super) fn held(&self) -> u64 {
        let of = |moves: &Moves| {
            let rest = memory::of_deque(&moves.to_remove) + memory::of_deque(&moves.to_add);
            memory::of::<Moves>(1) + memory::of_vec(&moves.share) + memory::of_vec(&moves.taken) + rest
        };
        self.moves.as_deref().map_or(0, of)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Waiting {
    Nothing,
    Route,
    MemberList,
    /// The route was not known when the topic came up.
    UnusedMemberList,
    Offset(QueueId),
    LookedUp(QueueId),
    Heartbeats,
    /// The lock of a queue that an orderly client is to take.
    Lock(QueueId),
    /// The listener call of a queue that an orderly client gives up.
    ConsumeLock {
        queue: QueueId,
        slot: PqSlot,
        until: SimTime,
    },
}

impl Round {
    /// What it moves.
    pub(super) fn moves(&mut self) -> &mut Moves {
        self.moves.get_or_insert_default()
    }

    /// Queues of the topic in hand that were taken and do not pull yet.
    pub(super) fn into_taken(self) -> Vec<PqSlot> {
        self.moves.map_or_else(Vec::new, |moves| moves.taken)
    }

    /// The queue whose start offset was asked for and has not been answered.
    pub(super) fn asking_for(&self) -> Option<QueueId> {
        match self.waiting {
            Waiting::Offset(queue) | Waiting::LookedUp(queue) => Some(queue),
            Waiting::Nothing
            | Waiting::Route
            | Waiting::MemberList
            | Waiting::UnusedMemberList
            | Waiting::Heartbeats
            | Waiting::Lock(_)
            | Waiting::ConsumeLock { .. } => None,
        }
    }
}

impl Default for Round {
    fn default() -> Self {
        Self {
            topic: 0,
            waiting: Waiting::Nothing,
            moves: None,
            gave_up: false,
            added: 0,
            removed: 0,
            balanced: true,
        }
    }
}

impl<O: Observer> Cluster<O> {
    /// Takes up the next topic of the round, or ends it.
    pub(in crate::cluster) fn round_next_topic(&mut self, consumer: ConsumerId) {
        let client = &mut self.consumers[consumer.index()];
        let Some(round) = &mut client.rebalance.round else {
            return;
        };
        match client.routes.get(round.topic) {
            None => {
                if let Some(round) = client.rebalance.round.take() {
                    self.round_ended(consumer, &round);
                }
            }
            Some(None) => {
                round.waiting = Waiting::Route;
                self.ask_routes(consumer);
            }
            Some(Some(_)) if client.is_broadcasting => self.take_all_queues(consumer),
            Some(Some(_)) => self.ask_member_list(consumer, Waiting::MemberList),
        }
    }

    /// Broadcasting: all queues of the topic in hand are the client's, whoever else is there.
    fn take_all_queues(&mut self, consumer: ConsumerId) {
        let client = &self.consumers[consumer.index()];
        let at = client.rebalance.round.as_ref().map_or(0, |round| round.topic);
        let Some(Some(route)) = client.routes.get(at) else {
            return;
        };
        let all: Rc<[QueueId]> = route.read_queues.iter().copied().collect();
        if self.settle_share(consumer, at, &all) {
            self.round_topic_over(consumer);
        }
    }

    /// Asks one random broker of the topic in hand, if it has a route, who is in the group.
    fn ask_member_list(&mut self, consumer: ConsumerId, waiting: Waiting) {
        let client = &mut self.consumers[consumer.index()];
        let Some(round) = &mut client.rebalance.round else {
            return;
        };
        let Some(Some(route)) = client.routes.get(round.topic) else {
            round.topic += 1;
            return self.round_next_topic(consumer);
        };
        let pick = client.luck.below(route.brokers().len() as u64) as usize;
        let broker = route.brokers().nth(pick);
        let broker = broker.expect("a route names at least one broker");
        round.waiting = waiting;
        self.call(consumer, CallKind::Rebalance, broker, BrokerRequest::ConsumerList);
    }

    /// The round under way, if it waits for `waiting` and the client is at work.
    fn waiting_round(&mut self, consumer: ConsumerId, waiting: Waiting) -> Option<&mut Round> {
        let client = &mut self.consumers[consumer.index()];
        if !client.is_at_work() {
            return None;
        }
        client
            .rebalance
            .round
            .as_mut()
            .filter(|round| round.waiting == waiting)
    }

    /// A route was missing and has been asked for: whatever came of it, this round passes the topic over.
    pub(in crate::cluster) fn route_for_round_arrives(&mut self, consumer: ConsumerId) {
        let is_broadcasting = self.consumers[consumer.index()].is_broadcasting;
        if is_broadcasting && let Some(round) = self.waiting_round(consumer, Waiting::Route) {
            round.topic += 1;
            return self.round_next_topic(consumer);
        }
        if self.waiting_round(consumer, Waiting::Route).is_some() {
            self.ask_member_list(consumer, Waiting::UnusedMemberList);
        }
    }

    /// The broker's answer to who is in the group.
    pub(in crate::cluster) fn member_list_arrives(
        &mut self,
        consumer: ConsumerId,
        members: Option<MemberList>,
    ) {
        if let Some(members) = &members
            && self.is_settled(consumer, members)
        {
            debug_assert!(
                self.finds_nothing(consumer, members),
                "{consumer:?} passes over a round that has something to do"
            );
            return self.round_topic_over(consumer);
        }
        if let Some(round) = self.waiting_round(consumer, Waiting::UnusedMemberList) {
            round.topic += 1;
            return self.round_next_topic(consumer);
        }
        let Some(round) = self.waiting_round(consumer, Waiting::MemberList) else {
            return;
        };
        let at = round.topic;
        let Some(members) = members else {
            round.topic += 1;
            return self.round_next_topic(consumer);
        };
        match self.share(consumer, at, &members) {
            Some(share) => {
                if self.settle_share(consumer, at, share.queues()) {
                    self.note_settled(consumer, at, &members);
                    self.round_topic_over(consumer);
                }
            }
            // The strategy refused its input: everything stays as it is, the round is repeated soon.
            None => {
                if let Some(round) = &mut self.consumers[consumer.index()].rebalance.round {
                    round.balanced = false;
                    round.topic += 1;
                }
                self.round_next_topic(consumer);
            }
        }
    }

    /// Gives up what is held of the topic in hand and not in `share`, and takes what is new. Whether there is nothing to
    /// do; else the round goes on by itself.
    fn settle_share(&mut self, consumer: ConsumerId, at: usize, share: &[QueueId]) -> bool {
        let left_out = usize::from(self.is_sabotaged(Sabotage::ShareTooSmall) && !share.is_empty());
        let share = &share[..share.len() - left_out];
        if self.holds_just(consumer, at, share) {
            return true;
        }
        let gone = self.queues_to_give_up(consumer, at, share);
        let mut share = share.to_vec();
        java_hash_order(&mut share, |queue| self.queues[queue.index()].java_hash);
        if let Some(round) = &mut self.consumers[consumer.index()].rebalance.round {
            round.moves().share = share;
        }
        if self.consumers[consumer.index()].orderly.is_some() {
            self.give_up_orderly_queues(consumer, gone);
        } else {
            self.give_up_queues(consumer, &gone);
            self.take_share(consumer);
        }
        false
    }

    /// Whether a client with a concurrent listener holds `share` of the topic in hand and nothing else, as in all rounds
    /// but few, and pulls all of it.
    fn holds_just(&self, consumer: ConsumerId, topic_at: usize, share: &[QueueId]) -> bool {
        let (now, client) = (self.core.now(), &self.consumers[consumer.index()]);
        if client.orderly.is_some() {
            return false;
        }
        let topic = client.topics[topic_at];
        let mut held = (client.held.iter()).filter(|(_, slot)| self.held_queues.get(slot.0).topic == topic);
        let is_well = |slot: PqSlot| {
            let is_dropped = self.held_queues.get(slot.0).process_queue.dropped;
            !is_dropped && !self.is_pull_expired(slot, now)
        };
        let is_next = |wanted: &QueueId| {
            held.next()
                .is_some_and(|(queue, slot)| queue == wanted && is_well(*slot))
        };
        share.iter().all(is_next) && held.next().is_none()
    }

    /// What is held of the topic in hand and not in `share`, or was not pulled for too long.
    pub(super) fn queues_to_give_up(
        &self,
        consumer: ConsumerId,
        topic_at: usize,
        share: &[QueueId],
    ) -> Vec<(QueueId, PqSlot)> {
        let now = self.core.now();
        let client = &self.consumers[consumer.index()];
        let topic = self.topics.resolve(client.group, client.topics[topic_at]);
        let mut sorted = share.to_vec();
        sorted.sort_unstable();
        client
            .held
            .iter()
            .filter(|(queue, _)| Some(self.queues[queue.index()].topic) == topic)
            .filter(|(queue, slot)| sorted.binary_search(queue).is_err() || self.is_pull_expired(**slot, now))
            .map(|(queue, slot)| (*queue, *slot))
            .collect()
    }

    /// Gives queues of the topic in hand up.
    fn give_up_queues(&mut self, consumer: ConsumerId, gone: &[(QueueId, PqSlot)]) {
        for (queue, slot) in gone {
            self.consumers[consumer.index()].held.remove(queue);
            if self.consumers[consumer.index()].is_broadcasting {
                self.persist_locally(*slot);
                self.drop_held_queue(*slot);
                continue;
            }
            let forgets = self.is_sabotaged(Sabotage::ForgetLastCommit);
            let held = self.held_queues.get_mut(slot.0);
            if let Some(offset) = held.offset.read().filter(|_| !forgets) {
                held.requests += 1;
                let broker = self.queues[queue.index()].broker;
                let request = BrokerRequest::UpdateOffset(*slot, offset);
                self.one_way(consumer, broker, request);
            }
            self.drop_held_queue(*slot);
        }
        if let Some(round) = &mut self.consumers[consumer.index()].rebalance.round {
            round.removed += gone.len() as u32;
            round.gave_up = !gone.is_empty();
        }
    }

    /// Whether a queue was not pulled for too long. A standing order needs no pulls.
    pub(super) fn is_pull_expired(&self, slot: PqSlot, now: SimTime) -> bool {
        let held = self.held_queues.get(slot.0);
        held.push.is_none() && held.process_queue.is_pull_expired(now)
    }

    /// What was not the client's is given up: now it takes what is new. What an orderly client could not remove is still
    /// in its way.
    pub(super) fn take_share(&mut self, consumer: ConsumerId) {
        let client = &mut self.consumers[consumer.index()];
        let Some(round) = &mut client.rebalance.round else {
            return;
        };
        let is_dropped = |slot: &PqSlot| self.held_queues.get(slot.0).process_queue.dropped;
        for queue in std::mem::take(&mut round.moves().share) {
            match client.held.get(&queue) {
                None => round.moves().to_add.push_back(queue),
                Some(slot) => round.balanced &= !is_dropped(slot),
            }
        }
        self.take_next_queue(consumer);
    }

    /// Takes the next new queue, an orderly client its lock first, or finishes the topic.
    fn take_next_queue(&mut self, consumer: ConsumerId) {
        if self.consumers[consumer.index()].is_broadcasting {
            return self.take_queues_by_file(consumer);
        }
        let Some(round) = &mut self.consumers[consumer.index()].rebalance.round else {
            return;
        };
        let Some(queue) = round.moves().to_add.pop_front() else {
            return self.topic_done(consumer);
        };
        if self.consumers[consumer.index()].orderly.is_none() {
            return self.ask_start_offset(consumer, queue);
        }
        if let Some(round) = &mut self.consumers[consumer.index()].rebalance.round {
            round.waiting = Waiting::Lock(queue);
        }
        let broker = self.queues[queue.index()].broker;
        self.ask_for_locks(consumer, CallKind::Rebalance, broker, vec![queue]);
    }

    /// The broker has the lock of a new queue for the client, or for another.
    pub(super) fn round_lock_arrives(&mut self, consumer: ConsumerId, granted: bool) {
        let now = self.core.now();
        let round = self.consumers[consumer.index()].rebalance.round.as_mut();
        let Some((round, Waiting::Lock(queue))) = round.map(|round| {
            let waiting = round.waiting;
            (round, waiting)
        }) else {
            return;
        };
        if granted {
            round.moves().locked_at = now;
            self.ask_start_offset(consumer, queue);
        } else {
            round.balanced = false;
            self.take_next_queue(consumer);
        }
    }

    /// Asks the broker of a new queue where the group stands.
    fn ask_start_offset(&mut self, consumer: ConsumerId, queue: QueueId) {
        if let Some(round) = &mut self.consumers[consumer.index()].rebalance.round {
            round.waiting = Waiting::Offset(queue);
        }
        let broker = self.queues[queue.index()].broker;
        let request = BrokerRequest::QueryOffset(queue, CallKind::Rebalance);
        self.call(consumer, CallKind::Rebalance, broker, request);
    }

    /// Broadcasting: takes the new queues of the topic in hand that start where the local file says, or at 0; the first
    /// that starts elsewhere is asked for.
    fn take_queues_by_file(&mut self, consumer: ConsumerId) {
        let client = &self.consumers[consumer.index()];
        let from = self.config.groups[client.group.index()].consume_from_where;
        loop {
            let Some(round) = &mut self.consumers[consumer.index()].rebalance.round else {
                return;
            };
            let Some(queue) = round.moves().to_add.pop_front() else {
                return self.topic_done(consumer);
            };
            round.waiting = Waiting::LookedUp(queue);
            let (stored, rule) = match self.read_local_offset(consumer, queue) {
                Some(offset) => (StoredOffset::Found(offset), StartOffsetRule::Committed),
                None => (StoredOffset::NotFound, StartOffsetRule::ConsumeFromWhere),
            };
            let start = compute_pull_from_where(from, false, stored);
            if let PullFromWhere::At(offset) = start {
                self.add_queue(consumer, queue, offset, rule);
                continue;
            }
            let lookup = self.look_up_request(consumer, queue, start, CallKind::Rebalance);
            let broker = self.queues[queue.index()].broker;
            return self.call(consumer, CallKind::Rebalance, broker, lookup);
        }
    }

    /// The answer that the round waits for will not come.
    pub(super) fn round_call_failed(&mut self, consumer: ConsumerId) {
        let client = &mut self.consumers[consumer.index()];
        let Some(round) = &mut client.rebalance.round else {
            return;
        };
        match round.waiting {
            Waiting::MemberList | Waiting::UnusedMemberList => self.member_list_arrives(consumer, None),
            Waiting::Offset(queue) | Waiting::LookedUp(queue) => {
                round.balanced = false;
                self.queues[queue.index()].forget_asker(consumer);
                self.take_next_queue(consumer);
            }
            Waiting::Lock(_) => self.round_lock_arrives(consumer, false),
            Waiting::Nothing | Waiting::Route | Waiting::Heartbeats | Waiting::ConsumeLock { .. } => {}
        }
    }

    /// The broker's answer to where the group stands in a new queue (`computePullFromWhere`).
    pub(in crate::cluster) fn start_offset_arrives(
        &mut self,
        consumer: ConsumerId,
        offset: Option<QueriedOffset>,
    ) {
        let client = &self.consumers[consumer.index()];
        let Some(Waiting::Offset(queue)) = client.rebalance.round.as_ref().map(|round| round.waiting) else {
            return;
        };
        let (from, rule) = self.pull_from_where(consumer, queue, offset);
        if let PullFromWhere::At(offset) = from {
            return self.take_queue(consumer, queue, offset, rule);
        }
        let lookup = self.look_up_request(consumer, queue, from, CallKind::Rebalance);
        if let Some(round) = &mut self.consumers[consumer.index()].rebalance.round {
            round.waiting = Waiting::LookedUp(queue);
        }
        let broker = self.queues[queue.index()].broker;
        self.call(consumer, CallKind::Rebalance, broker, lookup);
    }

    /// Where the broker's answer, or else `consumeFromWhere`, lets a queue start.
    pub(super) fn pull_from_where(
        &self,
        consumer: ConsumerId,
        queue: QueueId,
        offset: Option<QueriedOffset>,
    ) -> (PullFromWhere, StartOffsetRule) {
        let topic = self.queues[queue.index()].topic;
        let is_retry = matches!(self.core.directory.topic(topic).kind, TopicKind::Retry(_));
        let (stored, rule) = match offset {
            Some(QueriedOffset::Committed(offset)) => {
                (StoredOffset::Found(offset), StartOffsetRule::Committed)
            }
            Some(QueriedOffset::Young) => (StoredOffset::Found(0), StartOffsetRule::YoungQueue),
            None => (StoredOffset::NotFound, StartOffsetRule::ConsumeFromWhere),
        };
        let group = self.consumers[consumer.index()].group;
        let from = self.config.groups[group.index()].consume_from_where;
        (compute_pull_from_where(from, is_retry, stored), rule)
    }

    /// What a client asks if the group has no offset.
    ///
    /// # Panics
    /// If it has nothing to ask.
    pub(super) fn look_up_request(
        &self,
        consumer: ConsumerId,
        queue: QueueId,
        from: PullFromWhere,
        by: CallKind,
    ) -> BrokerRequest {
        match from {
            PullFromWhere::AskMaxOffset => BrokerRequest::MaxOffset(queue, by),
            PullFromWhere::AskTimestamp => {
                let client = &self.consumers[consumer.index()];
                let chosen = self.config.groups[client.group.index()].consume_timestamp;
                let from = chosen.unwrap_or(client.started - CONSUME_TIMESTAMP_BACK);
                BrokerRequest::SearchOffset(queue, from, by)
            }
            PullFromWhere::At(_) | PullFromWhere::Unknown => {
                unreachable!("every offset query of this model is answered")
            }
        }
    }

    /// The broker's answer to a look-up of the maximum offset or of an offset by time.
    pub(in crate::cluster) fn looked_up_offset_arrives(&mut self, consumer: ConsumerId, offset: u64) {
        let client = &self.consumers[consumer.index()];
        if let Some(Waiting::LookedUp(queue)) = client.rebalance.round.as_ref().map(|round| round.waiting) {
            self.take_queue(consumer, queue, offset, StartOffsetRule::ConsumeFromWhere);
        }
    }

    /// Puts a new queue into the table, and goes on to the next.
    fn take_queue(&mut self, consumer: ConsumerId, queue: QueueId, start: u64, decided_by: StartOffsetRule) {
        if self.consumers[consumer.index()].is_at_work() {
            self.add_queue(consumer, queue, start, decided_by);
            self.take_next_queue(consumer);
        }
    }

    fn add_queue(&mut self, consumer: ConsumerId, queue: QueueId, start: u64, decided_by: StartOffsetRule) {
        let client = &self.consumers[consumer.index()];
        let group = client.group;
        let in_memory = decided_by != StartOffsetRule::ConsumeFromWhere;
        let topic_at = client.rebalance.round.as_ref().map_or(0, |round| round.topic);
        let topic = (
            client.topics[topic_at],
            u16::try_from(topic_at).expect("a client has 10 000 topics at most"),
        );
        let now = self.core.now();
        let from = (start, in_memory);
        let place = (queue, self.queues[queue.index()].broker);
        let mut held = HeldQueue::new(now, consumer, group, place, topic, from, client.delivery);
        if client.orderly.is_some() {
            held.orderly = Some(Box::default());
            let round = client.rebalance.round.as_ref();
            let moves = round.and_then(|round| round.moves.as_ref());
            let locked_at = moves.map_or(now, |moves| moves.locked_at);
            (held.process_queue.locked, held.process_queue.last_lock) = (true, locked_at);
        }
        let slot = PqSlot(self.held_queues.insert(held));
        self.queues[queue.index()].add_reader(slot);
        self.queues[queue.index()].forget_asker(consumer);
        let client = &mut self.consumers[consumer.index()];
        let before = client.held.insert(queue, slot);
        assert!(before.is_none(), "a client takes a queue that it holds");
        if let Some(round) = &mut client.rebalance.round {
            round.moves().taken.push(slot);
            round.added += 1;
        }
        let is_broadcasting = self.consumers[consumer.index()].is_broadcasting;
        if decided_by == StartOffsetRule::ConsumeFromWhere && start > 0 && !is_broadcasting {
            self.core.emit(Fact::OffsetsSkipped {
                group,
                queue,
                from: 0,
                to: start,
                by_operator: false,
            });
        }
        // The offset is an operator's, of which no pull has told; the broker may have ended and forgotten that it is.
        let is_unheard = self.unheard_resets.remove(&(group, queue));
        let is_set = is_unheard || self.queues[queue.index()].pending_reset(group).is_some();
        if decided_by == StartOffsetRule::Committed && is_set && !is_broadcasting {
            self.core.emit(Fact::OffsetsSkipped {
                group,
                queue,
                from: 0,
                to: start,
                by_operator: true,
            });
        }
        self.core.emit(Fact::QueueAcquired {
            consumer,
            queue,
            start_offset: start,
            decided_by,
        });
    }

    /// All of the topic in hand is settled: new queues start to pull, brokers hear of the change.
    fn topic_done(&mut self, consumer: ConsumerId) {
        let Some(round) = &mut self.consumers[consumer.index()].rebalance.round else {
            return;
        };
        let taken = std::mem::take(&mut round.moves().taken);
        let changed = !taken.is_empty() | std::mem::take(&mut round.gave_up);
        for slot in taken {
            self.core
                .scheduler
                .after(self.profile.first_pull_delay, Event::PullDue(slot));
        }
        if changed {
            self.message_queue_changed(consumer);
        } else {
            self.round_topic_over(consumer);
        }
    }

    /// `RebalancePushImpl.messageQueueChanged`: a new version of the subscription, shares of the topic thresholds,
    /// heartbeats at once.
    fn message_queue_changed(&mut self, consumer: ConsumerId) {
        let now = self.core.now();
        let client = &mut self.consumers[consumer.index()];
        let tuning = &self.config.groups[client.group.index()].tuning;
        if !client.held.is_empty() {
            client.thresholds = PullThresholds::of(tuning, client.held.len());
        }
        let Some(round) = &mut client.rebalance.round else {
            return;
        };
        round.waiting = Waiting::Heartbeats;
        let topic = round.topic;
        client.versions[topic] = version(now);
        client.list_subscriptions(&mut self.latest_list);
        self.heartbeat_all(consumer, HeartbeatFor::Round);
    }

    /// The brokers know of the change, as far as they could be reached.
    pub(super) fn round_heartbeats_done(&mut self, consumer: ConsumerId) {
        if self.waiting_round(consumer, Waiting::Heartbeats).is_some() {
            self.round_topic_over(consumer);
        }
    }

    fn round_topic_over(&mut self, consumer: ConsumerId) {
        if let Some(round) = &mut self.consumers[consumer.index()].rebalance.round {
            round.topic += 1;
        }
        self.round_next_topic(consumer);
    }
}
