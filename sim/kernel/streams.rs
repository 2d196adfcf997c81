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
