//! Producers: what they made, in which order, and what became of it.
//!
//! The arrival digest of a producer folds time, luck, size and number of every message in order. It depends on
//! nothing else, so two runs with equal digests met the same messages. It guards against accidents, not against
//! an adversary: 64 bits by multiplication and folding.

use crate::cluster::ids::{MessageId, ProducerId};
use crate::kernel::time::{SimDuration, SimTime};
use crate::observe::invariant::{Invariant, broken};

/// One producer.
#[derive(Clone, Debug, Default)]
pub struct Arrivals {
    /// Messages made.
    pub born: u64,
    /// Messages stored.
    pub stored: u64,
    /// Messages acknowledged.
    pub acknowledged: u64,
    /// Attempts that a broker refused.
    pub refused: u64,
    /// Messages given up after their last attempt was refused.
    pub given_up: u64,
    /// Bodies, bytes.
    pub bytes: u64,
    /// Sum of all send times, nanoseconds.
    pub send_sum: u128,
    /// The longest.
    pub send_max: SimDuration,
    /// Fold of all messages in order.
    pub digest: u64,
}

/// Folds what producers do.
#[derive(Debug, Default)]
pub struct Producers {
    all: Vec<Arrivals>,
}

impl Arrivals {
    /// Messages whose send still lasts: neither acknowledged nor given up.
    pub fn in_flight(&self) -> u64 {
        self.born - self.acknowledged - self.given_up
    }
}

impl Producers {
    /// Makes room for all producers known.
    pub fn grow(&mut self, producers: usize) {
        self.all.resize_with(producers, Arrivals::default);
    }

    /// A message is made.
    #[inline(always)]
    pub fn born(
        &mut self,
        now: SimTime,
        producer: ProducerId,
        message: MessageId,
        luck: u64,
        body_size: u32,
    ) {
        let arrivals = &mut self.all[producer.index()];
        arrivals.born += 1;
        arrivals.bytes += u64::from(body_size);
        let size_and_number = (u64::from(body_size) << 40) ^ message.number();
        arrivals.digest = fold(fold(arrivals.digest, now.as_nanos(), luck), size_and_number, 0);
    }

    /// A broker stored a message.
    #[inline(always)]
    pub fn stored(&mut self, message: MessageId) {
        self.all[message.producer().index()].stored += 1;
    }

    /// The producer has its answer.
    #[inline(always)]
    pub fn acknowledged(&mut self, producer: ProducerId, latency: SimDuration) {
        let arrivals = &mut self.all[producer.index()];
        arrivals.acknowledged += 1;
        arrivals.send_sum += u128::from(latency.as_nanos());
        arrivals.send_max = arrivals.send_max.max(latency);
    }

    /// A broker refused a message; whether that was its last attempt.
    pub fn refused(&mut self, producer: ProducerId, gave_up: bool) {
        let arrivals = &mut self.all[producer.index()];
        arrivals.refused += 1;
        arrivals.given_up += u64::from(gave_up);
    }

    /// Born = stored + given up + on its way to a broker, and nothing is acknowledged that was not stored
    /// (invariant L2).
    ///
    /// # Panics
    /// If it is.
    pub fn check(&self, now: SimTime) {
        for (id, arrivals) in self.all.iter().enumerate() {
            if arrivals.acknowledged > arrivals.stored || arrivals.stored + arrivals.given_up > arrivals.born
            {
                broken(now, Invariant::L2, &format!("producer {id}: {arrivals:?}"));
            }
        }
    }

    /// One producer.
    pub fn get(&self, producer: ProducerId) -> &Arrivals {
        &self.all[producer.index()]
    }

    /// Hash over the messages of all producers, each under its name.
    pub fn workload_digest<'n>(&self, names: impl Iterator<Item = &'n str>) -> String {
        let mut named: Vec<(&str, &Arrivals)> = names.zip(&self.all).collect();
        named.sort_unstable_by_key(|&(name, _)| name);
        let mut hasher = blake3::Hasher::new_derive_key("rmqsim workload v1");
        for (name, arrivals) in named {
            hasher.update(&(name.len() as u64).to_le_bytes());
            hasher.update(name.as_bytes());
            hasher.update(&arrivals.born.to_le_bytes());
            hasher.update(&arrivals.digest.to_le_bytes());
        }
        hasher.finalize().to_hex()[..32].to_owned()
    }
}

/// Mixes two words into a state: both halves of a 128-bit product, so that every input bit reaches every output
/// bit after two steps.
#[inline(always)]
fn fold(state: u64, a: u64, b: u64) -> u64 {
    let product =
        u128::from(state ^ a ^ 0x9E37_79B9_7F4A_7C15) * u128::from(b.rotate_left(32) ^ 0xD1B5_4A32_D192_ED03);
    (product as u64) ^ ((product >> 64) as u64) ^ state.rotate_left(23)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::story::{millis, secs};

    type Message = (u64, u64, u32);

    fn digest(messages: &[Message]) -> u64 {
        let mut producers = Producers::default();
        producers.grow(1);
        for (number, &(at, luck, size)) in messages.iter().enumerate() {
            let id = MessageId::new(ProducerId(0), number as u64);
            producers.born(millis(at), ProducerId(0), id, luck, size);
        }
        producers.get(ProducerId(0)).digest
    }

    #[test]
    fn any_difference_moves_the_arrival_digest() {
        let base = [(1, 7, 100), (2, 8, 100), (3, 9, 100)];
        let other: [&[Message]; 5] = [
            &[(1, 7, 100), (2, 8, 100)],
            &[(1, 7, 100), (2, 8, 101), (3, 9, 100)],
            &[(1, 7, 100), (2, 9, 100), (3, 8, 100)],
            &[(2, 7, 100), (2, 8, 100), (3, 9, 100)],
            &[(1, 8, 100), (2, 7, 100), (3, 9, 100)],
        ];
        assert_eq!(digest(&base), digest(&base));
        for messages in other {
            assert_ne!(digest(messages), digest(&base), "{messages:?}");
        }
    }

    /// 200 000 single-bit neighbours of one message, no two alike.
    #[test]
    fn near_messages_do_not_collide() {
        let mut seen: Vec<u64> = Vec::new();
        for at in 0..200 {
            for luck in 0..1_000 {
                seen.push(digest(&[(at, luck, 1), (1_000, 1, 1)]));
            }
        }
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), 200_000);
    }

    #[test]
    fn the_workload_digest_goes_by_name_not_by_order() {
        let build = |order: [&str; 2]| {
            let mut producers = Producers::default();
            producers.grow(2);
            for (id, name) in order.iter().enumerate() {
                let id = ProducerId(id as u32);
                producers.born(millis(name.len() as u64), id, MessageId::new(id, 0), 1, 1);
            }
            producers.workload_digest(order.into_iter())
        };
        assert_eq!(build(["web", "batch"]), build(["batch", "web"]));
        assert_ne!(build(["web", "batch"]), build(["web", "batches"]));
    }

    #[test]
    #[should_panic = "invariant L2 broken at 1.000000000s: producer 0"]
    fn nothing_is_stored_that_was_not_made() {
        let mut producers = Producers::default();
        producers.grow(1);
        producers.stored(MessageId::new(ProducerId(0), 0));
        producers.check(secs(1));
    }

    /// Three made; one refused and stored elsewhere, one given up after two refusals, one on its way.
    #[test]
    fn what_is_given_up_is_not_on_its_way() {
        let mut producers = Producers::default();
        producers.grow(1);
        let id = ProducerId(0);
        for number in 0..3 {
            producers.born(secs(1), id, MessageId::new(id, number), 1, 1);
        }
        producers.refused(id, false);
        producers.stored(MessageId::new(id, 0));
        producers.acknowledged(id, SimDuration::from_millis(1));
        producers.refused(id, false);
        producers.refused(id, true);
        producers.check(secs(2));
        let of = producers.get(id);
        assert_eq!((of.refused, of.given_up, of.in_flight()), (3, 1, 1));
    }

    /// Two made: one is given up, and both are stored.
    #[test]
    #[should_panic = "invariant L2 broken at 1.000000000s: producer 0"]
    fn what_is_given_up_lies_nowhere() {
        let mut producers = Producers::default();
        producers.grow(1);
        let id = ProducerId(0);
        for number in 0..2 {
            producers.born(secs(0), id, MessageId::new(id, number), 1, 1);
            producers.stored(MessageId::new(id, number));
        }
        producers.refused(id, true);
        producers.check(secs(1));
    }
}
