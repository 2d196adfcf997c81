//! Which queues a client holds, in their order (`RebalanceImpl.processQueueTable`).
//!
//! A sorted list: a client walks it every 5 s and changes it only when queues move.

use crate::cluster::event::PqSlot;
use crate::cluster::ids::QueueId;
use crate::kernel::memory;

/// See the module.
#[derive(Clone, Debug, Default)]
pub struct ProcessQueueTable {
    held: Vec<(QueueId, PqSlot)>,
    /// How often it has changed, or a queue in it was dropped.
    changes: u32,
    /// The queue that is held, if it is the only one: who looks at that alone need not look at the list.
    only: Option<PqSlot>,
}

impl ProcessQueueTable {
    fn find(&self, queue: QueueId) -> Result<usize, usize> {
        self.held.binary_search_by_key(&queue, |(held, _)| *held)
    }

    /// Where the queue is held.
    pub fn get(&self, queue: &QueueId) -> Option<&PqSlot> {
        Some(&self.held[self.find(*queue).ok()?].1)
    }

    /// Puts a queue in; where it was held before.
    pub fn insert(&mut self, queue: QueueId, slot: PqSlot) -> Option<PqSlot> {
        self.changes += 1;
        let before = match self.find(queue) {
            Ok(at) => Some(std::mem::replace(&mut self.held[at].1, slot)),
            Err(at) => {
                self.held.insert(at, (queue, slot));
                None
            }
        };
        self.note_only();
        before
    }

    fn note_only(&mut self) {
        self.only = match self.held.as_slice() {
            [(_, slot)] => Some(*slot),
            _ => None,
        };
    }

    /// Takes a queue out; where it was held.
    pub fn remove(&mut self, queue: &QueueId) -> Option<PqSlot> {
        let at = self.find(*queue).ok()?;
        self.changes += 1;
        let (_, slot) = self.held.remove(at);
        self.note_only();
        Some(slot)
    }

    /// A queue in it was dropped, and is yet to leave it.
    pub fn note_dropped(&mut self) {
        self.changes += 1;
    }

    /// Differs from an earlier answer if anything has changed since.
    #[inline]
    pub fn changes(&self) -> u32 {
        self.changes
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.held.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.held.is_empty()
    }

    /// All of them.
    #[inline]
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (&QueueId, &PqSlot)> {
        self.held.iter().map(|(queue, slot)| (queue, slot))
    }

    /// Where they are held.
    #[inline]
    pub fn values(&self) -> impl DoubleEndedIterator<Item = &PqSlot> {
        self.held.iter().map(|(_, slot)| slot)
    }

    /// The queue that is held, if it is the only one.
    #[inline]
    pub fn only(&self) -> Option<PqSlot> {
        self.only
    }

    /// Bytes that it holds.
    pub fn held(&self) -> u64 {
        memory::of_vec(&self.held)
    }

    /// Bytes of one with so many queues.
    pub fn held_for(queues: u64) -> u64 {
        memory::of_grown::<(QueueId, PqSlot)>(queues)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    proptest! {
        /// It answers as an ordered map does.
        #[test]
        fn it_is_an_ordered_map(steps in prop::collection::vec((0_u32..12, 0_u32..9, any::<bool>()), 0..60)) {
            let (mut table, mut map) = (ProcessQueueTable::default(), BTreeMap::new());
            for (queue, slot, comes) in steps {
                let (queue, slot) = (QueueId(queue), PqSlot(slot));
                prop_assert_eq!(table.get(&queue), map.get(&queue));
                match comes {
                    true => prop_assert_eq!(table.insert(queue, slot), map.insert(queue, slot)),
                    false => prop_assert_eq!(table.remove(&queue), map.remove(&queue)),
                }
                prop_assert!(table.iter().eq(&map) && table.values().eq(map.values()));
                prop_assert_eq!((table.len(), table.is_empty()), (map.len(), map.is_empty()));
                let only = map.values().next().filter(|_| map.len() == 1);
                prop_assert_eq!(table.only(), only.copied());
            }
        }
    }
}
