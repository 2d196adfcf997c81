//! The trace digest: one short text that tells whether two runs did the same things in the same order.
//!
//! XXH3 with 128 bits over the stream of (time, code) pairs, 16 bytes each, little-endian. It guards against
//! accidents, not against forgery. Events are gathered in a block first; where blocks end does not show.

use crate::kernel::time::SimTime;
use xxhash_rust::xxh3::Xxh3;

/// Events gathered before they are hashed: 2 KiB, so that they take little of the first-level cache.
const BLOCK: usize = 128;

/// A running digest over events.
#[derive(Clone)]
pub struct TraceDigest {
    hash: Xxh3,
    block: Box<[[[u8; 8]; 2]; BLOCK]>,
    filled: usize,
}

impl TraceDigest {
    /// The digest of no events.
    pub fn new() -> Self {
        Self {
            hash: Xxh3::new(),
            block: Box::new([[[0; 8]; 2]; BLOCK]),
            filled: 0,
        }
    }

    /// Takes in one event: when it ran, and a code that tells what it was and to whom it happened.
    #[inline]
    pub fn add(&mut self, time: SimTime, code: u64) {
        self.block[self.filled % BLOCK] = [time.as_nanos().to_le_bytes(), code.to_le_bytes()];
        self.filled += 1;
        if self.filled == BLOCK {
            self.flush();
        }
    }

    /// The digest of all events so far: 32 hexadecimal digits. More events may follow.
    pub fn finish(&self) -> String {
        let mut hash = self.hash.clone();
        hash.update(self.block[..self.filled].as_flattened().as_flattened());
        format!("{:032x}", hash.digest128())
    }

    #[cold]
    fn flush(&mut self) {
        self.hash.update(self.block.as_flattened().as_flattened());
        self.filled = 0;
    }
}

impl Default for TraceDigest {
    fn default() -> Self {
        Self::new()
    }
}

impl std::fmt::Debug for TraceDigest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("TraceDigest").field(&self.finish()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use xxhash_rust::xxh3::xxh3_128;

    fn of(events: impl Iterator<Item = (u64, u64)>) -> TraceDigest {
        let mut digest = TraceDigest::new();
        events.for_each(|(time, code)| digest.add(SimTime::from_nanos(time), code));
        digest
    }

    /// The algorithm is part of the report's format. Empty: the published value of XXH3-128 with seed 0.
    #[test]
    fn the_digest_is_pinned() {
        assert_eq!(TraceDigest::new().finish(), "99aa06d3014798d86001c324468d497f");
        let digest = of((0..5000).map(|i| (i * 1_000_003, i ^ 0xabcd)));
        assert_eq!(digest.finish(), "083f7e00d98215b831080cbfd0a20010");
    }

    #[test]
    fn it_shows_as_its_digits() {
        let shown = format!("{:?}", TraceDigest::new());
        assert_eq!(shown, "TraceDigest(\"99aa06d3014798d86001c324468d497f\")");
    }

    #[test]
    fn where_blocks_end_does_not_show() {
        for n in [0, 1, 2, 1023, 1024, 1025, 2048, 5000] {
            let events = || (0..n).map(|i: u64| (i * 7, u64::MAX - i));
            let bytes: Vec<u8> = events()
                .flat_map(|(time, code)| [time.to_le_bytes(), code.to_le_bytes()].concat())
                .collect();
            assert_eq!(
                of(events()).finish(),
                format!("{:032x}", xxh3_128(&bytes)),
                "{n} events"
            );
        }
    }

    #[test]
    fn finishing_changes_nothing() {
        let mut digest = of((0..1500).map(|i| (i, i)));
        assert_eq!(digest.finish(), digest.finish());
        digest.add(SimTime::from_nanos(1500), 1500);
        assert_eq!(digest.finish(), of((0..1501).map(|i| (i, i))).finish());
    }

    #[test]
    fn order_time_and_code_all_count() {
        let digests = [
            [(1, 2), (3, 4)],
            [(3, 4), (1, 2)],
            [(2, 1), (3, 4)],
            [(1, 2), (3, 5)],
        ]
        .map(|events| of(events.into_iter()).finish());
        for (i, digest) in digests.iter().enumerate() {
            assert!(!digests[..i].contains(digest), "{digests:?}");
        }
    }
}
