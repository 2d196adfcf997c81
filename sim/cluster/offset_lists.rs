//! Offsets that a client tells a broker together: lists that are used again and again.
//!
//! A client that holds several queues of a broker tells all their offsets every 5 s in one envelope. The envelope carries
//! the number of a list; who has read it gives the list back, so that an idle client asks for no memory.

use crate::cluster::event::PqSlot;
use crate::kernel::memory;

/// Names a list.
#[derive(Debug)]
pub struct OffsetList(u32);

/// Offset of a held queue.
pub type HeldOffset = (PqSlot, u64);

/// See the module.
#[derive(Debug, Default)]
pub struct OffsetLists {
    lists: Vec<Vec<HeldOffset>>,
    free: Vec<u32>,
}

impl OffsetLists {
    /// Writes a list down.
    pub fn write(&mut self, offsets: impl Iterator<Item = HeldOffset>) -> OffsetList {
        let at = self.free.pop().unwrap_or_else(|| {
            self.lists.push(Vec::new());
            self.lists.len() as u32 - 1
        });
        self.lists[at as usize].extend(offsets);
        OffsetList(at)
    }

    /// Takes a list out, to be given [back](Self::give_back).
    pub fn take(&mut self, list: &OffsetList) -> Vec<HeldOffset> {
        std::mem::take(&mut self.lists[list.0 as usize])
    }

    /// Nobody needs the list any more.
    pub fn give_back(&mut self, list: OffsetList, mut offsets: Vec<HeldOffset>) {
        offsets.clear();
        self.lists[list.0 as usize] = offsets;
        self.free.push(list.0);
    }

    /// Bytes that it holds.
    pub fn held(&self) -> u64 {
        let lists = self.lists.iter().map(memory::of_vec).sum::<u64>();
        lists + memory::of_vec(&self.lists) + memory::of_vec(&self.free)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_that_was_given_back_is_used_again() {
        let mut lists = OffsetLists::default();
        let of = |slot, offset| [(PqSlot(slot), offset)].into_iter();
        let (a, b) = (lists.write(of(1, 10)), lists.write(of(2, 20)));
        let read = lists.take(&a);
        assert_eq!(read, [(PqSlot(1), 10)]);
        lists.give_back(a, read);
        let c = lists.write(of(3, 30));
        assert_eq!(
            (lists.take(&c), lists.take(&b)),
            (vec![(PqSlot(3), 30)], vec![(PqSlot(2), 20)])
        );
        assert_eq!(lists.lists.len(), 2);
    }
}
