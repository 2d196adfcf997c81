//! Which queues a client holds, in their order (`RebalanceImpl.processQueueTable`).
//!
//! A sorted list: a client walks it every 5 s and changes it only when queues move.

use crate::cluster::event::PqSlot;
use crate::cluster::ids::QueueId;
use crate::kernel::memory;

/// See the module.
#[derive(Clone, Debug, Default)]
pub struct ProcessQueueTable(Vec<(QueueId, PqSlot)>);

impl ProcessQueueTable {
    fn find(&self, queue: QueueId) -> Result<usize, usize> {
        self.0.binary_search_by_key(&queue, |(held, _)| *held)
    }

    /// Where the queue is held.
    pub fn get(&self, queue: &QueueId) -> Option<&PqSlot> {
        Some(&self.0[self.find(*queue).ok()?].1)
    }

    /// Puts a queue in; where it was held before.
    pub fn insert(&mut self, queue: QueueId, slot: PqSlot) -> Option<PqSlot> {
        match self.find(queue) {
            Ok(at) => Some(std::mem::replace(&mut self.0[at].1, slot)),
            Err(at) => {
                self.0.insert(at, (queue, slot));
                None
            }
        }
    }

    /// Takes a queue out; where it was held.
    pub fn remove(&mut self, queue: &QueueId) -> Option<PqSlot> {
        let at = self.find(*queue).ok()?;
        Some(self.0.remove(at).1)
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All of them.
    #[inline]
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (&QueueId, &PqSlot)> {
        self.0.iter().map(|(queue, slot)| (queue, slot))
    }

    /// Where they are held.
    #[inline]
    pub fn values(&self) -> impl DoubleEndedIterator<Item = &PqSlot> {
        self.0.iter().map(|(_, slot)| slot)
    }

    /// Bytes that it holds.
    pub fn held(&self) -> u64 {
        memory::of_vec(&self.0)
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
            }
        }
    }
}
