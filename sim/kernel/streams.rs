//! Luck: named random streams, and the luck that belongs to one message.
//!
//! A [`Stream`] is keyed by (seed, entity, purpose) and by nothing else, so adding an entity or a draw
//! elsewhere shifts nobody's numbers. What belongs to a message is drawn from its [`Luck`], one word that its
//! producer drew when it was born: the message then costs and fails the same whoever handles it, however
//! often, in whatever order.
//!
//! Streams are ChaCha8 under a key made by BLAKE3. Luck forks by a counter-based mixer: positioning a ChaCha
//! generator for each message would cost more than the rest of an event. Nothing here is secret, so a
//! statistical mixer is enough.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use std::collections::BTreeSet;

/// Something that gives random words.
pub trait Source {
    /// 64 random bits.
    fn next_u64(&mut self) -> u64;

    /// Uniform over 0 ≤ x < 1, in steps of 2⁻⁵³.
    #[inline]
    fn unit(&mut self) -> f64 {
        (self.next_u64() >> 11) as f64 * STEP
    }

    /// Uniform over 0 < x ≤ 1, in steps of 2⁻⁵³: safe to take the logarithm of.
    #[inline]
    fn unit_open_low(&mut self) -> f64 {
        ((self.next_u64() >> 11) + 1) as f64 * STEP
    }

    /// Uniform over the integers 0 … `n` − 1, without bias.
    ///
    /// # Panics
    /// If `n` is zero.
    #[inline]
    fn below(&mut self, n: u64) -> u64 {
        assert!(n > 0, "there is no number below 0");
        // The high half of word × n is uniform once the words whose low half is below 2⁶⁴ mod n are refused.
        let mut product = u128::from(self.next_u64()) * u128::from(n);
        if (product as u64) < n {
            let refused = n.wrapping_neg() % n;
            while (product as u64) < refused {
                product = u128::from(self.next_u64()) * u128::from(n);
            }
        }
        (product >> 64) as u64
    }
}

/// 2⁻⁵³.
const STEP: f64 = 1.0 / (1_u64 << 53) as f64;

/// All named streams of one seed.
#[derive(Clone, Debug)]
pub struct Streams {
    seed: u64,
    opened: BTreeSet<(String, String)>,
}

impl Streams {
    /// The streams of `seed`.
    pub fn new(seed: u64) -> Self {
        Self {
            seed,
            opened: BTreeSet::new(),
        }
    }

    /// The stream of `entity` for `purpose`: the same numbers whatever else is opened.
    ///
    /// # Panics
    /// If it was opened before (K3): two holders of one stream would draw the same numbers.
    pub fn stream(&mut self, entity: &str, purpose: &str) -> Stream {
        let fresh = self.opened.insert((entity.to_owned(), purpose.to_owned()));
        assert!(
            fresh,
            "invariant K3 broken: the stream of `{entity}` for `{purpose}` was opened twice"
        );
        let key = self.key("rmqsim random stream v1", entity, purpose);
        Stream(ChaCha8Rng::from_seed(key))
    }

    /// A word that belongs to `entity` and `purpose` under this seed; may be asked for again and again.
    pub fn salt(&self, entity: &str, purpose: &str) -> u64 {
        let key = self.key("rmqsim salt v1", entity, purpose);
        let [a, b, c, d, e, f, g, h, ..] = key;
        u64::from_le_bytes([a, b, c, d, e, f, g, h])
    }

    /// Lengths go before the names, so that ("ab", "c") and ("a", "bc") differ.
    fn key(&self, context: &str, entity: &str, purpose: &str) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new_derive_key(context);
        hasher.update(&self.seed.to_le_bytes());
        for name in [entity, purpose] {
            hasher.update(&(name.len() as u64).to_le_bytes());
            hasher.update(name.as_bytes());
        }
        *hasher.finalize().as_bytes()
    }
}

/// One named random stream.
#[derive(Clone, Debug)]
pub struct Stream(ChaCha8Rng);

impl Source for Stream {
    #[inline]
    fn next_u64(&mut self) -> u64 {
        self.0.next_u64()
    }
}

/// The random word of a message, drawn at its birth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Luck(pub u64);

impl Luck {
    /// The numbers for one purpose (`salt`) and one occasion (`index`, as the attempt) of this message.
    #[inline]
    pub fn fork(self, salt: u64, index: u64) -> LuckStream {
        let occasion = mix(salt ^ mix(index.wrapping_add(GOLDEN)));
        LuckStream(self.0.wrapping_add(occasion))
    }
}

/// The numbers of one message for one occasion.
#[derive(Clone, Debug)]
pub struct LuckStream(u64);

impl Source for LuckStream {
    #[inline]
    fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(GOLDEN);
        mix(self.0)
    }
}

/// 2⁶⁴ ÷ golden ratio, odd: counting in steps of it visits every word.
const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

/// A bijection of the words in which each input bit moves each output bit with probability ½.
///
/// Source: the constants of `moremur` (Pelle Evensen), a finaliser tuned for counters.
#[inline]
fn mix(mut x: u64) -> u64 {
    x = (x ^ x >> 27).wrapping_mul(0x3c79_ac49_2ba7_b653);
    x = (x ^ x >> 33).wrapping_mul(0x1c69_b3f7_4ac4_ae35);
    x ^ x >> 27
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first_eight(mut source: impl Source) -> [u64; 8] {
        std::array::from_fn(|_| source.next_u64())
    }

    /// A source that gives the same word for ever.
    struct Always(u64);
    impl Source for Always {
        fn next_u64(&mut self) -> u64 {
            self.0
        }
    }

    #[test]
    fn the_words_of_a_stream_are_pinned() {
        let words = first_eight(Streams::new(7).stream("checkout", "arrivals"));
        let expected = [
            0x16bb_2132_6dee_7603,
            0x764e_101e_b216_cc5a,
            0xe176_4e20_a29c_f1e0,
            0xd50c_40b0_7762_2fc0,
            0x55fc_7e39_c920_ae39,
            0x8920_42e1_1b1f_a4ba,
            0x4df1_59b4_7ce3_d870,
            0x6a2f_8b4f_2748_7b71,
        ];
        assert_eq!(words, expected, "{words:#018x?}");
    }

    #[test]
    fn the_words_of_a_message_are_pinned() {
        let words = first_eight(Luck(0x0123_4567_89ab_cdef).fork(42, 1));
        let expected = [
            0x6fa1_f480_2028_d68f,
            0x8811_0fd1_2237_e5f7,
            0x1088_c87a_48e6_4722,
            0x3f48_3971_8748_7836,
            0x149a_7e6e_7408_bf52,
            0x2f21_e654_1ee3_7516,
            0xc9a9_1b92_45ce_fc09,
            0x4b6e_eee6_8e52_4ee1,
        ];
        assert_eq!(words, expected, "{words:#018x?}");
        assert_eq!(Streams::new(7).salt("billing", "service"), 0x452d_fe3f_c412_1c8d);
    }

    #[test]
    fn a_stream_depends_on_its_name_alone() {
        let mut alone = Streams::new(7);
        let mut many = Streams::new(7);
        many.stream("a", "b");
        many.salt("c", "d");
        let expected = first_eight(alone.stream("checkout", "arrivals"));
        assert_eq!(first_eight(many.stream("checkout", "arrivals")), expected);

        for (seed, entity, purpose) in [
            (8, "checkout", "arrivals"),
            (7, "checkouta", "rrivals"),
            (7, "checkout", "keys"),
            (7, "arrivals", "checkout"),
        ] {
            let other = first_eight(Streams::new(seed).stream(entity, purpose));
            assert_ne!(other, expected, "{seed} {entity} {purpose}");
            assert_ne!(
                Streams::new(seed).salt(entity, purpose),
                alone.salt("checkout", "arrivals")
            );
        }
    }

    #[test]
    #[should_panic(
        expected = "invariant K3 broken: the stream of `checkout` for `arrivals` was opened twice"
    )]
    fn a_stream_is_opened_once() {
        let mut streams = Streams::new(7);
        streams.stream("checkout", "arrivals");
        streams.stream("checkout", "arrivals");
    }

    #[test]
    fn the_ends_of_the_unit_interval_are_as_promised() {
        assert_eq!(Always(0).unit(), 0.0);
        assert_eq!(Always(u64::MAX).unit(), 1.0 - f64::EPSILON / 2.0);
        assert_eq!(Always(0).unit_open_low(), f64::EPSILON / 2.0);
        assert_eq!(Always(u64::MAX).unit_open_low(), 1.0);
        assert_eq!(
            (Always(u64::MAX).below(1), Always(u64::MAX).below(u64::MAX)),
            (0, u64::MAX - 1)
        );
    }

    /// With n = 3·2⁶², taking the remainder of a word would give the lowest quarter of all numbers twice as
    /// often as the others, one draw in two. 40 000 draws: a third, ± 4 standard errors of 94.
    #[test]
    fn below_has_no_bias() {
        let mut stream = Streams::new(7).stream("test", "below");
        let low = (0..40_000).filter(|_| stream.below(3 << 62) < 1 << 62).count();
        assert!(low.abs_diff(13_333) < 4 * 94, "{low} of 40000");
    }

    /// Likewise at the fine end: of four neighbouring words three give three neighbouring numbers, and the fourth,
    /// refused, must not give the first of them once more.
    #[test]
    fn below_refuses_what_would_come_twice() {
        let mut stream = Streams::new(7).stream("test", "below");
        let firsts = (0..40_000)
            .filter(|_| stream.below(3 << 62).is_multiple_of(3))
            .count();
        assert!(firsts.abs_diff(13_333) < 4 * 94, "{firsts} of 40000");
    }

    #[test]
    #[should_panic(expected = "no number below 0")]
    fn below_zero_there_is_nothing() {
        Always(1).below(0);
    }

    /// What good random words satisfy: each bit is set half the time, each differs from the same bit of the
    /// word before half the time, the 256 values of the outer bytes are equally frequent, and neighbours as
    /// numbers are uncorrelated. Bounds: 5 standard deviations, 270 quantities in each of 5 sequences.
    #[track_caller]
    fn check_randomness(name: &str, words: impl Iterator<Item = u64>) {
        let words: Vec<u64> = words.collect();
        let n = words.len() as f64;
        let half = |what: &str, count: u32| {
            let off = (f64::from(count) - n / 2.0) / (n.sqrt() / 2.0);
            assert!(
                off.abs() < 5.0,
                "{name}: {what} is {off:.1} standard deviations off"
            );
        };
        for bit in 0..64 {
            half(
                &format!("bit {bit}"),
                words.iter().map(|w| (w >> bit & 1) as u32).sum(),
            );
            let flips = words.windows(2).map(|w| ((w[0] ^ w[1]) >> bit & 1) as u32).sum();
            half(&format!("flips of bit {bit}"), flips);
        }
        for shift in [0, 56] {
            let mut counts = [0_u32; 256];
            words
                .iter()
                .for_each(|w| counts[(w >> shift) as usize & 255] += 1);
            let expected = n / 256.0;
            let chi: f64 = counts
                .iter()
                .map(|&c| (f64::from(c) - expected) * (f64::from(c) - expected) / expected)
                .sum();
            // χ² with 255 degrees of freedom has mean 255 and standard deviation √510.
            assert!(
                (chi - 255.0).abs() < 5.0 * 510_f64.sqrt(),
                "{name}: χ² of byte {shift} is {chi:.0}"
            );
        }
        let unit = |w: u64| w as f64 / (u64::MAX as f64 + 1.0) - 0.5;
        let products: f64 = words.windows(2).map(|w| unit(w[0]) * unit(w[1])).sum();
        let r = products * 12.0 / n;
        assert!(r.abs() < 5.0 / n.sqrt(), "{name}: neighbours correlate by {r:.4}");
    }

    /// Neighbouring messages, purposes, attempts and draws have nothing to do with each other, even when the
    /// words that name them are small counters.
    #[test]
    fn neighbouring_luck_is_independent() {
        const N: u64 = 1 << 17;
        let first = |mut source: LuckStream| source.next_u64();
        check_randomness("luck", (0..N).map(|i| first(Luck(i).fork(1, 1))));
        check_randomness("salt", (0..N).map(|i| first(Luck(1).fork(i, 1))));
        check_randomness("index", (0..N).map(|i| first(Luck(1).fork(1, i))));
        check_randomness(
            "index and salt",
            (0..N).map(|i| first(Luck(1).fork(i % 16, i / 16))),
        );
        let mut one = Luck(1).fork(1, 1);
        check_randomness("draws", (0..N).map(|_| one.next_u64()));
    }

    /// Turning one bit of the luck, the salt or the index turns each bit of the number with probability ½.
    #[test]
    fn every_bit_of_a_name_moves_every_bit_of_the_number() {
        const TRIALS: u64 = 4096;
        let number = |name: [u64; 3]| Luck(name[0]).fork(name[1], name[2]).next_u64();
        for part in 0..3 {
            for bit in 0..64 {
                let mut turned = [0_u32; 64];
                for trial in 0..TRIALS {
                    let name = [0, 1, 2].map(|i| trial * 3 + i);
                    let mut other = name;
                    other[part] ^= 1 << bit;
                    let difference = number(name) ^ number(other);
                    (0..64).for_each(|b| turned[b] += (difference >> b & 1) as u32);
                }
                for count in turned {
                    // 12 288 counts, each binomial with standard deviation 32: 6 of those are 192.
                    assert!(count.abs_diff(2048) < 192, "part {part}, bit {bit}: {turned:?}");
                }
            }
        }
    }
}
