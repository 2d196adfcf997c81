//! Effects against deliveries, where a group remembers what it has done: how often work was done twice, or not at all.
//!
//! A message, or a key, has its effect once in a perfect world. One more is a *double*; a delivery that was answered
//! with success although the effect never happened, before or after, is a *lost* one.

use crate::cluster::ids::MessageId;
use crate::kernel::memory;
use crate::observe::settled::Settled;
use std::collections::BTreeSet;

/// What the listeners of one group have done.
#[derive(Clone, Debug, Default)]
pub struct Effects {
    /// Effects.
    pub happened: u64,
    /// Of these, of what had had its effect before.
    pub doubled: u64,
    /// Deliveries that were answered without work.
    pub suppressed: u64,
    /// What has had an effect, by producer and number; keys count as messages of the first producer.
    done: Vec<Settled>,
    /// Suppressed without ever having had an effect.
    missing: BTreeSet<u64>,
}

impl Effects {
    fn done(&mut self, identity: u64) -> (&mut Settled, u64) {
        let id = MessageId(identity & !(1 << 63));
        let producer = id.producer().index();
        if producer >= self.done.len() {
            self.done.resize_with(producer + 1, Settled::default);
        }
        (&mut self.done[producer], id.number())
    }

    /// An effect.
    pub fn happened(&mut self, identity: u64) {
        self.happened += 1;
        let (done, number) = self.done(identity);
        if !done.insert(number) {
            self.doubled += 1;
        }
        self.missing.remove(&identity);
    }

    /// A delivery is answered without work.
    pub fn suppressed(&mut self, identity: u64) {
        self.suppressed += 1;
        let (done, number) = self.done(identity);
        if !done.contains(number) {
            self.missing.insert(identity);
        }
    }

    /// Effects that should have happened and did not.
    pub fn lost(&self) -> u64 {
        self.missing.len() as u64
    }

    /// Bytes that it holds.
    pub fn held(&self) -> u64 {
        self.done.iter().map(Settled::held).sum::<u64>() + memory::of_set(&self.missing)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn effects_are_once_twice_or_never() {
        let mut effects = Effects::default();
        effects.happened(5);
        effects.happened(5);
        effects.suppressed(5);
        assert_eq!(
            (
                effects.happened,
                effects.doubled,
                effects.suppressed,
                effects.lost()
            ),
            (2, 1, 1, 0)
        );
        effects.suppressed(7);
        assert_eq!(effects.lost(), 1);
        effects.happened(7);
        assert_eq!((effects.lost(), effects.doubled), (0, 1));
    }
}
