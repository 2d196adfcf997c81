//! Order: what orderly groups and groups with keys tell of it.

use super::Observation;
use crate::cluster::config::{ClusterConfig, ListenerKind, MessageModel};
use crate::cluster::directory::Directory;
use crate::cluster::fact::Fact;
use crate::cluster::ids::{ConsumerId, GroupId, MessageId, QueueId};
use crate::kernel::memory;
use crate::kernel::time::SimTime;
use crate::observe::ledger::Delivery;
use crate::observe::order::{InQueue, KeyOrder, QueueOrder};

/// Where order is looked at.
#[derive(Debug, Default)]
pub struct Orders {
    /// By group: whether it is looked at, because its listener is an orderly one or messages have keys.
    watched: Vec<bool>,
    /// By group: whether its listener is an orderly one.
    orderly: Vec<bool>,
    /// By slot; of orderly groups only.
    pub queues: Vec<QueueOrder>,
    /// By group; `None` where no message has a key.
    pub keys: Vec<Option<Box<KeyOrder>>>,
}

impl Orders {
    /// For one run of `config`.
    pub fn new(config: &ClusterConfig) -> Self {
        let keyed = |topic| {
            let mut producers = config.producers.iter();
            producers.any(|p| p.topic == topic && p.attributes.keys.is_some())
        };
        let groups = config.groups.iter();
        let keys: Vec<Option<Box<KeyOrder>>> = groups
            .map(|group| {
                // Where every member gets all messages, each has an order of its own.
                let shares = group.message_model == MessageModel::Clustering;
                let mut topics = group.subscribe.iter();
                (shares && topics.any(|topic| keyed(*topic))).then(Box::default)
            })
            .collect();
        let is_orderly =
            |group: &crate::cluster::config::GroupConfig| matches!(group.listener, ListenerKind::Orderly(_));
        let orderly: Vec<bool> = config.groups.iter().map(is_orderly).collect();
        let watched = keys
            .iter()
            .zip(&orderly)
            .map(|(keys, orderly)| keys.is_some() || *orderly);
        Self {
            watched: watched.collect(),
            orderly,
            queues: Vec::new(),
            keys,
        }
    }

    /// Whether the group's listener is an orderly one.
    pub fn is_orderly(&self, group: GroupId) -> bool {
        self.orderly.get(group.index()).is_some_and(|orderly| *orderly)
    }

    /// Whether there is something to tell of the group.
    #[inline(always)]
    pub fn is_watched(&self, group: GroupId) -> bool {
        self.watched.get(group.index()).is_some_and(|watched| *watched)
    }

    /// Bytes that it holds.
    pub fn held(&self) -> u64 {
        let queues = self.queues.iter().map(QueueOrder::held).sum::<u64>();
        let keys = self.keys.iter().flatten().map(|keys| keys.held()).sum::<u64>();
        memory::of_vec(&self.queues) + queues + keys
    }
}

/// Names of a client and of the queue, for texts.
fn names(directory: &Directory, queue: QueueId) -> impl Fn(ConsumerId) -> [String; 2] {
    move |consumer| {
        [
            directory.consumer(consumer).name.clone(),
            directory.queue_label(queue),
        ]
    }
}

impl Observation {
    /// A delivery of a group that is looked at; `None` if its queues have no order.
    #[inline(never)]
    pub(super) fn delivered_in_order(
        &mut self,
        now: SimTime,
        directory: &Directory,
        fact: &Fact,
        delivery: Delivery,
    ) -> Option<InQueue> {
        let Fact::Delivered {
            consumer,
            group,
            queue,
            offset,
            message,
            luck,
            reconsume_times,
            born,
            ..
        } = *fact
        else {
            return None;
        };
        let slot = self.slots.slot(group, queue);
        if let Some(keys) = &mut self.orders.keys[group.index()]
            && let Some(key) = directory.attributes.key(message, luck)
        {
            let first = delivery != Delivery::Duplicate && !self.slots.get(slot).is_retry;
            keys.delivered(key, (born, message), first);
        }
        self.orders.is_orderly(group).then(|| {
            let names = names(directory, queue);
            self.orders.queues[slot].delivered(now, names, consumer, offset, reconsume_times)
        })
    }

    /// A message of a group that is looked at is finished: it has succeeded, or is given up.
    #[inline(never)]
    pub(super) fn finished_in_order(&mut self, now: SimTime, slot: usize, message: MessageId) {
        let group = self.slots.get(slot).group;
        if let Some(keys) = &mut self.orders.keys[group.index()] {
            keys.finished(message);
        }
        if self.orders.is_orderly(group) {
            self.orders.queues[slot].goes_on(now);
        }
    }

    /// Deliveries on the spot of what had failed.
    pub fn again(&self, group: GroupId) -> u64 {
        let slots = self.slots.of_group(group);
        slots.map(|slot| self.orders.queues[slot].again).sum()
    }

    /// The queue of an orderly group at `slot`, if it is one.
    pub(super) fn orderly_queue(&mut self, slot: usize) -> Option<&mut QueueOrder> {
        let group = self.slots.get(slot).group;
        self.orders
            .is_orderly(group)
            .then(|| &mut self.orders.queues[slot])
    }

    /// What happens to locks and pauses of orderly groups.
    pub(super) fn order_fact(&mut self, now: SimTime, directory: &Directory, fact: &Fact) {
        let (consumer, queue) = match *fact {
            Fact::QueueLocked { consumer, queue }
            | Fact::QueueUnlocked { consumer, queue }
            | Fact::LockRefused { consumer, queue }
            | Fact::StartOffsetChanged { consumer, queue, .. }
            | Fact::QueueSuspended { consumer, queue, .. } => (consumer, queue),
            _ => return,
        };
        let slot = self.slots.slot(directory.consumer(consumer).group, queue);
        let id = |consumer: ConsumerId| &directory.consumer(consumer).client_id;
        let is_same = |a: ConsumerId, b: ConsumerId| id(a) == id(b);
        let Some(order) = self.orderly_queue(slot) else {
            return;
        };
        match *fact {
            Fact::QueueLocked { .. } => order.locked(now, names(directory, queue), consumer, is_same),
            Fact::QueueUnlocked { .. } => order.unlocked(consumer, is_same),
            Fact::LockRefused { .. } => order.refused += 1,
            Fact::StartOffsetChanged { start_offset, .. } => order.starts_at(consumer, start_offset),
            Fact::QueueSuspended { offset, .. } => order.suspended(now, consumer, offset),
            _ => {}
        }
    }

    /// A consumer takes a queue of an orderly group.
    pub(super) fn acquired_in_order(
        &mut self,
        group: GroupId,
        queue: QueueId,
        consumer: ConsumerId,
        start: u64,
    ) {
        let slot = self.slots.slot(group, queue);
        if let Some(order) = self.orderly_queue(slot) {
            order.acquired(consumer, start);
        }
    }
}
