//! Slots: dense positions for the pairs (group, queue), so that the hot path needs no map.
//!
//! A queue of a user topic has one slot for each group that subscribes to it, or if that is broadcasting for each of
//! its readers, who are the client ids of its members; a queue of `%RETRY%group` has one slot, its group's, unless that
//! is broadcasting; a dead-letter queue has those of the groups that subscribe to it, usually none. Each group has one account
//! of messages, and so has each reader.

use crate::cluster::directory::{Directory, TopicKind};
use crate::cluster::ids::{GroupId, QueueId, TopicId};
use crate::kernel::memory;

/// No slot here.
const NONE: u32 = u32::MAX;

/// One group reads one queue.
#[derive(Clone, Copy, Debug)]
#[repr(align(32))]
pub struct Slot {
    /// Who reads.
    pub group: GroupId,
    /// What.
    pub queue: QueueId,
    /// Its topic.
    pub topic: TopicId,
    /// Which account: the group's number, or behind all groups that of the reader.
    pub account: u32,
    /// Which reader of a broadcasting group; `None` of another.
    pub reader: Option<u32>,
    /// Whether the queue belongs to `%RETRY%group`.
    pub is_retry: bool,
}

/// All slots, found by group and queue.
#[derive(Debug, Default)]
pub struct Slots {
    all: Vec<Slot>,
    by_group: Vec<GroupSlots>,
    by_queue: Vec<QueueSlots>,
    /// By group: how many readers it has, if it is broadcasting.
    reader_counts: Vec<u32>,
    /// By group: the account of its first reader.
    first_account: Vec<u32>,
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
#[repr(align(16))]
struct QueueSlots {
    /// The slot of a retry queue.
    retry: u32,
    /// The first slot of the queue, behind which all others lie.
    first: u32,
    /// One past the last.
    end: u32,
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
            TopicKind::Retry(group) if directory.group(group).readers.is_empty() => vec![group],
            TopicKind::Retry(_) => Vec::new(),
        };
        let is_retry = matches!(directory.topic(topic).kind, TopicKind::Retry(_));
        let before = self.all.len();
        let mut slots = QueueSlots {
            retry: NONE,
            first: before as u32,
            end: before as u32,
        };
        self.know_accounts(directory);
        for group in readers {
            let slot = self.all.len() as u32;
            let readers = directory.group(group).readers.len() as u32;
            for reader in 0..readers.max(1) {
                let is_reader = readers > 0;
                self.all.push(Slot {
                    group,
                    queue,
                    topic,
                    account: match is_reader {
                        true => self.first_account[group.index()] + reader,
                        false => group.0,
                    },
                    reader: is_reader.then_some(reader),
                    is_retry,
                });
            }
            slots.end = self.all.len() as u32;
            if self.by_group.len() <= group.index() {
                self.by_group.resize_with(group.index() + 1, GroupSlots::default);
            }
            let of_group = &mut self.by_group[group.index()];
            of_group.all.extend(slot..self.all.len() as u32);
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

    /// Accounts of the readers follow those of the groups.
    fn know_accounts(&mut self, directory: &Directory) {
        if self.first_account.is_empty() {
            let mut next = directory.groups.len() as u32;
            for group in &directory.groups {
                self.first_account.push(next);
                self.reader_counts.push(group.readers.len() as u32);
                next += group.readers.len() as u32;
            }
        }
    }

    /// Accounts of the readers of a broadcasting group; `None` if it is none.
    pub fn readers_of(&self, group: GroupId) -> Option<std::ops::Range<u32>> {
        let readers = self
            .reader_counts
            .get(group.index())
            .copied()
            .filter(|n| *n > 0)?;
        let first = self.first_account[group.index()];
        Some(first..first + readers)
    }

    /// Whether each member of the group gets all messages.
    pub fn is_broadcasting(&self, group: GroupId) -> bool {
        self.readers_of(group).is_some()
    }

    /// The account of a reader of a broadcasting group.
    pub fn account_of(&self, group: GroupId, reader: u32) -> u32 {
        self.first_account
            .get(group.index())
            .map_or(0, |first| first + reader)
    }

    /// The slot of `group` at `queue`; in a broadcasting group that of its first reader, behind which the others lie.
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
    pub fn readers(&self, queue: QueueId) -> std::ops::Range<usize> {
        let of_queue = &self.by_queue[queue.index()];
        of_queue.first as usize..of_queue.end as usize
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

    /// Bytes for so many queues, and so many pairs of them with a reader.
    pub fn held_for(queues: u64, slots: u64) -> u64 {
        memory::of_grown::<Slot>(slots)
            + memory::of_grown::<QueueSlots>(queues)
            + 2 * memory::of_grown::<u32>(slots)
    }

    /// Bytes that it holds.
    pub fn held(&self) -> u64 {
        let of_group = |group: &GroupSlots| memory::of_vec(&group.user) + memory::of_vec(&group.all);
        let groups = self.by_group.iter().map(of_group).sum::<u64>();
        memory::of_vec(&self.all) + memory::of_vec(&self.by_queue) + groups
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
        assert_eq!(slots.readers(QueueId(3)), 4..6);
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
