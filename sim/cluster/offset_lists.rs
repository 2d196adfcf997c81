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
    /// On the wire, by number.
    lists: Vec<Vec<HeldOffset>>,
    /// Numbers that no list has.
    free: Vec<u32>,
    /// Empty lists, to be written.
    blank: Vec<Vec<HeldOffset>>,
}

impl OffsetLists {
    /// An empty list.
    #[inline]
    pub fn blank(&mut self) -> Vec<HeldOffset> {
        self.blank.pop().unwrap_or_default()
    }

    /// A list goes onto the wire.
    pub fn send(&mut self, offsets: Vec<HeldOffset>) -> OffsetList {
        let at = self.free.pop().unwrap_or_else(|| {
            self.lists.push(Vec::new());
            self.lists.len() as u32 - 1
        });
        self.lists[at as usize] = offsets;
        OffsetList(at)
    }

    /// A list comes from the wire, to be given [back](Self::give_back).
    pub fn receive(&mut self, list: OffsetList) -> Vec<HeldOffset> {
        self.free.push(list.0);
        std::mem::take(&mut self.lists[list.0 as usize])
    }

    /// Nobody needs the list any more.
    pub fn give_back(&mut self, mut offsets: Vec<HeldOffset>) {
        offsets.clear();
        self.blank.push(offsets);
    }

    /// Bytes that it holds.
    pub fn held(&self) -> u64 {
        let lists = self
            .lists
            .iter()
            .chain(&self.blank)
            .map(memory::of_vec)
            .sum::<u64>();
        lists + memory::of_vec(&self.lists) + memory::of_vec(&self.free) + memory::of_vec(&self.blank)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_that_was_given_back_is_used_again() {
        let mut lists = OffsetLists::default();
        let of = |slot, offset| (PqSlot(slot), offset);
        let mut written = |offsets: &[HeldOffset]| {
            let mut list = lists.blank();
            list.extend_from_slice(offsets);
            lists.send(list)
        };
        let (a, b) = (written(&[of(1, 10)]), written(&[of(2, 20), of(4, 40)]));
        let read = lists.receive(a);
        assert_eq!(read, [of(1, 10)]);
        lists.give_back(read);
        let again = lists.blank();
        assert!(again.is_empty() && again.capacity() > 0);
        let c = lists.send(again);
        assert_eq!(
            (lists.receive(b), lists.receive(c)),
            (vec![of(2, 20), of(4, 40)], vec![])
        );
        assert_eq!((lists.lists.len(), lists.blank.len()), (2, 0));
    }
}
