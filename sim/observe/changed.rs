//! Which queues have changed since somebody last looked.
//!
//! A look at thousands of queues at every sample costs more than what happens in them in between. So who changes one says
//! so, and a look goes to those alone, in the order of their tables.

use crate::cluster::ids::QueueId;
use crate::kernel::memory;

/// A bit for each queue.
#[derive(Clone, Debug, Default)]
pub struct Changed {
    marks: Vec<u64>,
}

impl Changed {
    /// Makes room for so many queues; the new ones have not changed.
    pub fn grow(&mut self, queues: usize) {
        self.marks.resize(queues.div_ceil(64), 0);
    }

    /// The queue has changed.
    #[inline(always)]
    pub fn mark(&mut self, queue: QueueId) {
        self.marks[queue.index() / 64] |= 1 << (queue.index() % 64);
    }

    /// Puts those that have changed into `queues`, and forgets them.
    pub fn take(&mut self, queues: &mut Vec<QueueId>) {
        queues.clear();
        for (word, first) in self.marks.iter_mut().zip((0..).step_by(64)) {
            let mut marks = std::mem::take(word);
            while marks != 0 {
                queues.push(QueueId(first + marks.trailing_zeros()));
                marks &= marks - 1;
            }
        }
    }

    /// Bytes for so many queues.
    pub fn held_for(queues: u64) -> u64 {
        memory::of_grown::<u64>(queues.div_ceil(64))
    }

    /// Bytes that it holds.
    pub fn held(&self) -> u64 {
        memory::of_vec(&self.marks)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each once, in the order of their numbers; then none, until it changes again.
    #[test]
    fn a_queue_is_told_once_between_two_looks() {
        let mut changed = Changed::default();
        changed.grow(130);
        let mut taken = vec![QueueId(7)];
        for (marked, expected) in [
            (&[129, 0, 64, 129, 63][..], &[0, 63, 64, 129][..]),
            (&[64], &[64]),
            (&[], &[]),
        ] {
            marked.iter().for_each(|queue| changed.mark(QueueId(*queue)));
            changed.take(&mut taken);
            assert!(
                taken.iter().map(|queue| queue.0).eq(expected.iter().copied()),
                "{taken:?}"
            );
        }
    }
}
