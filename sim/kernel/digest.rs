//! The trace digest: one short text that tells whether two runs did the same things in the same order.
//!
//! XXH3 with 128 bits over the stream of (time, code) pairs, 16 bytes each, little-endian. It guards against
//! accidents, not against forgery. Events are gathered in a block first; where blocks end does not show.

use crate::kernel::time::SimTime;
use xxhash_rust::xxh3::Xxh3;

/// Events gathered before they are hashed: 16 KiB, a fraction of any first-level cache.
const BLOCK: usize = 1024;

/// A running digest over events.
#[derive(Clone)]
pub struct TraceDigest {
    hash: Xxh3,
    block: Box<[[u8; 16]; BLOCK]>,
    filled: usize,
}

impl TraceDigest {
    /// The digest of no events.
    pub fn new() -> Self {
        Self {
            hash: Xxh3::new(),
            block: Box::new([[0; 16]; BLOCK]),
            filled: 0,
        }
    }

    /// Takes in one event: when it ran, and a code that tells what it was and to whom it happened.
    #[inline]
    pub fn add(&mut self, time: SimTime, code: u64) {
        let pair = u128::from(code) << 64 | u128::from(time.as_nanos());
        self.block[self.filled % BLOCK] = pair.to_le_bytes();
        self.filled += 1;
        if self.filled == BLOCK {
            self.flush();
        }
    }

    /// The digest of all events so far: 32 hexadecimal digits. More events may follow.
    pub fn finish(&self) -> String {
        let mut hash = self.hash.clone();
        hash.update(self.block[..self.filled].as_flattened());
        format!("{:032x}", hash.digest128())
    }

    #[cold]
    fn flush(&mut self) {
        self.hash.update(self.block.as_flattened());
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
