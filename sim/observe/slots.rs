//! Slots: dense positions for the pairs (group, queue), so that the hot path needs no map.
//!
//! A queue of a user topic has one slot for each group that subscribes to it; a queue of `%RETRY%group` has one
//! slot, its group's; a dead-letter queue has those of the groups that subscribe to it, usually none.

use crate::cluster::directory::{Directory, TopicKind};
use crate::cluster::ids::{GroupId, QueueId, TopicId};

/// No slot here.
const NONE: u32 = u32::MAX;

/// One group reads one queue.
#[derive(Clone, Copy, Debug)]
pub struct Slot {
    /// Who reads.
    pub group: GroupId,
    /// What.
    pub queue: QueueId,
    /// Its topic.
    pub topic: TopicId,
    /// Whether the queue belongs to `%RETRY%group`.
    pub is_retry: bool,
}

/// All slots, found by group and queue.
#[derive(Debug, Default)]
pub struct Slots {
    all: Vec<Slot>,
    by_group: Vec<GroupSlots>,
    by_queue: Vec<QueueSlots>,
}

#[derive(Debug, Default)]
struct GroupSlots {
    /// The queue of `user[0]`.
    first: u32,
    /// Slots of user topics by queue − `first`, with holes where a topic is not subscribed.
    user: Vec<u32>,
    /// All slots of the group in order of creation.
    all: Vec<u32>,
}

#[derive(Debug)]
struct QueueSlots {
    /// The slot of a retry queue.
    retry: u32,
    /// All slots of the queue.
    readers: Vec<u32>,
}

impl Slots {
    /// Takes a new queue in and returns its slots.
    ///
    /// # Panics
    /// If queues do not come in order of their ids.
    pub fn add_queue(&mut self, queue: QueueId, directory: &Directory) -> std::ops::Range<usize> {
        assert_eq!(
            queue.index(),
            self.by_queue.len(),
            "queues are created in order of their ids"
        );
        let topic = directory.queue(queue).topic;
        let readers: Vec<GroupId> = match directory.topic(topic).kind {
            TopicKind::User | TopicKind::DeadLetter(_) => (0..directory.groups.len() as u32)
                .map(GroupId)
                .filter(|&group| directory.group(group).topics.contains(&topic))
                .collect(),
            TopicKind::Retry(group) => vec![group],
        };
        let is_retry = matches!(directory.topic(topic).kind, TopicKind::Retry(_));
        let before = self.all.len();
        let mut slots = QueueSlots {
            retry: NONE,
            readers: Vec::with_capacity(readers.len()),
        };
        for group in readers {
            let slot = self.all.len() as u32;
            self.all.push(Slot {
                group,
                queue,
                topic,
                is_retry,
            });
            slots.readers.push(slot);
            if self.by_group.len() <= group.index() {
                self.by_group.resize_with(group.index() + 1, GroupSlots::default);
            }
            let of_group = &mut self.by_group[group.index()];
            of_group.all.push(slot);
            if is_retry {
                slots.retry = slot;
                continue;
            }
            if of_group.user.is_empty() {
                of_group.first = queue.0;
            }
            of_group
                .user
                .resize((queue.0 - of_group.first) as usize + 1, NONE);
            *of_group.user.last_mut().expect("just resized") = slot;
        }
        self.by_queue.push(slots);
        before..self.all.len()
    }

    /// The slot of `group` at `queue`.
    ///
    /// # Panics
    /// If the group does not read the queue.
    #[inline(always)]
    pub fn slot(&self, group: GroupId, queue: QueueId) -> usize {
        let of_group = &self.by_group[group.index()];
        let slot = of_group
            .user
            .get(queue.0.wrapping_sub(of_group.first) as usize)
            .copied()
            .unwrap_or(NONE);
        if slot != NONE {
            return slot as usize;
        }
        let slot = self.by_queue[queue.index()].retry;
        assert!(
            slot != NONE && self.all[slot as usize].group == group,
            "group {} does not read queue {}",
            group.0,
            queue.0
        );
        slot as usize
    }

    /// Slots of all groups that read `queue`.
    #[inline(always)]
    pub fn readers(&self, queue: QueueId) -> &[u32] {
        &self.by_queue[queue.index()].readers
    }

    /// Slots of all queues that `group` reads, in order of creation.
    pub fn of_group(&self, group: GroupId) -> impl Iterator<Item = usize> {
        self.by_group
            .get(group.index())
            .into_iter()
            .flat_map(|of_group| of_group.all.iter().map(|&slot| slot as usize))
    }

    /// What a slot stands for.
    #[inline(always)]
    pub fn get(&self, slot: usize) -> Slot {
        self.all[slot]
    }

    /// All slots in order of creation.
    pub fn iter(&self) -> impl Iterator<Item = (usize, Slot)> {
        self.all.iter().copied().enumerate()
    }

    /// Number of slots.
    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Number of queues taken in.
    pub fn queues(&self) -> usize {
        self.by_queue.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::story::Story;

    /// Two groups, two topics: `audit` reads both, `billing` the second alone, so its table starts there.
    #[test]
    fn every_pair_has_its_own_slot() {
        let story = Story::new()
            .topic("orders", 2)
            .topic("payments", 2)
            .group("audit", &["orders", "payments"])
            .group("billing", &["payments"])
            .retry_topic("billing");
        let mut slots = Slots::default();
        for queue in 0..5 {
            slots.add_queue(QueueId(queue), &story.directory);
        }
        let (audit, billing) = (GroupId(0), GroupId(1));
        assert_eq!(
            [0, 1, 2, 3].map(|queue| slots.slot(audit, QueueId(queue))),
            [0, 1, 2, 4]
        );
        assert_eq!(
            [2, 3, 4].map(|queue| slots.slot(billing, QueueId(queue))),
            [3, 5, 6]
        );
        assert_eq!(slots.readers(QueueId(3)), [4, 5]);
        assert_eq!(slots.of_group(billing).collect::<Vec<_>>(), [3, 5, 6]);
        assert!(slots.get(6).is_retry);
    }

    #[test]
    #[should_panic = "group 0 does not read queue 1"]
    fn a_stranger_has_no_slot() {
        let story = Story::new()
            .topic("orders", 2)
            .group("audit", &["orders"])
            .group("billing", &["orders"])
            .retry_topic("billing");
        let mut slots = Slots::default();
        // Queue 2 is the retry queue of `billing`; only `billing` may ask for it.
        for queue in 0..3 {
            slots.add_queue(QueueId(queue), &story.directory);
        }
        assert_eq!(slots.slot(GroupId(1), QueueId(2)), 4);
        let mut narrow = Slots::default();
        let other = Story::new()
            .topic("orders", 1)
            .topic("rest", 1)
            .group("audit", &["orders"]);
        narrow.add_queue(QueueId(0), &other.directory);
        narrow.add_queue(QueueId(1), &other.directory);
        narrow.slot(GroupId(0), QueueId(1));
    }
}
