//! The consume offset in a client's memory, and where a newly taken queue starts.
//!
//! An offset is the next one to consume. The memory moves with every finished message; what reaches the
//! broker, and when, is the world's business.
//!
//! Source: `RemoteBrokerOffsetStore`, `ControllableOffset`, `RebalancePushImpl.computePullFromWhereWithException`.

use crate::cluster::config::ConsumeFromWhere;

/// The in-memory offset of one queue; unknown until the first update.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MemoryOffset(Option<OffsetEntry>);

/// A known offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OffsetEntry {
    /// Next offset to consume.
    pub value: u64,
    /// Whether updates are ignored: an illegal offset is being repaired.
    pub frozen: bool,
}

const _: () = assert!(size_of::<MemoryOffset>() <= 16, "one per queue and client");

impl MemoryOffset {
    /// `updateOffset`: sets the value, or only raises it. Ignored while frozen. Creates the entry.
    #[inline]
    pub fn update(&mut self, offset: u64, increase_only: bool) {
        match &mut self.0 {
            None => {
                self.0 = Some(OffsetEntry {
                    value: offset,
                    frozen: false,
                })
            }
            Some(OffsetEntry { frozen: true, .. }) => {}
            Some(entry) if increase_only => entry.value = entry.value.max(offset),
            Some(entry) => entry.value = offset,
        }
    }

    /// `updateAndFreezeOffset`: sets the value and ignores all later updates until the entry is removed.
    pub fn update_and_freeze(&mut self, offset: u64) {
        self.0 = Some(OffsetEntry {
            value: offset,
            frozen: true,
        });
    }

    /// `removeOffset`: forgets it.
    pub fn remove(&mut self) {
        self.0 = None;
    }

    /// `readOffset(READ_FROM_MEMORY)`; `None` stands for RocketMQ's −1.
    #[inline]
    pub fn read(&self) -> Option<u64> {
        self.0.map(|entry| entry.value)
    }

    /// The entry itself.
    pub fn entry(&self) -> Option<OffsetEntry> {
        self.0
    }
}

/// The broker's answer to "where is this group?" (`readOffset(READ_FROM_STORE)`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoredOffset {
    /// It knows.
    Found(u64),
    /// It knows of none (−1).
    NotFound,
    /// No answer, or an error (−2).
    Failed,
}

/// How the start offset of a newly taken queue is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PullFromWhere {
    /// Start here.
    At(u64),
    /// Ask the broker for the end of the queue and start there.
    AskMaxOffset,
    /// Ask the broker for the first message stored at `consumeTimestamp` or later and start there.
    AskTimestamp,
    /// Unknown: the queue is not taken in this round.
    Unknown,
}

/// Where a newly taken queue starts, given the broker's answer.
///
/// `ConsumeFromWhere` speaks only for a group without an offset, and retry topics have rules of their own:
/// they start at 0, except with `CONSUME_FROM_TIMESTAMP`, which starts them at the end. If the broker cannot
/// be asked what this names, the start is unknown as well.
pub const fn compute_pull_from_where(
    from: ConsumeFromWhere,
    is_retry_topic: bool,
    stored: StoredOffset,
) -> PullFromWhere {
    match (stored, from) {
        (StoredOffset::Found(offset), _) => PullFromWhere::At(offset),
        (StoredOffset::Failed, _) => PullFromWhere::Unknown,
        (StoredOffset::NotFound, ConsumeFromWhere::FirstOffset) => PullFromWhere::At(0),
        (StoredOffset::NotFound, ConsumeFromWhere::LastOffset) if is_retry_topic => PullFromWhere::At(0),
        (StoredOffset::NotFound, ConsumeFromWhere::LastOffset) => PullFromWhere::AskMaxOffset,
        (StoredOffset::NotFound, ConsumeFromWhere::Timestamp) if is_retry_topic => {
            PullFromWhere::AskMaxOffset
        }
        (StoredOffset::NotFound, ConsumeFromWhere::Timestamp) => PullFromWhere::AskTimestamp,
    }
}

/// `ConsumeInitMode` of a POP consumer: 0 = from the oldest message, 1 = from the end.
pub const fn consume_init_mode(from: ConsumeFromWhere) -> u8 {
    match from {
        ConsumeFromWhere::FirstOffset => 0,
        ConsumeFromWhere::LastOffset | ConsumeFromWhere::Timestamp => 1,
    }
}

/// The rule behind a name of RocketMQ's enumeration. Three of its names are deprecated; they mean the last
/// offset, whatever they say.
pub fn consume_from_where_named(name: &str) -> Option<ConsumeFromWhere> {
    Some(match name {
        "CONSUME_FROM_LAST_OFFSET"
        | "CONSUME_FROM_LAST_OFFSET_AND_FROM_MIN_WHEN_BOOT_FIRST"
        | "CONSUME_FROM_MIN_OFFSET"
        | "CONSUME_FROM_MAX_OFFSET" => ConsumeFromWhere::LastOffset,
        "CONSUME_FROM_FIRST_OFFSET" => ConsumeFromWhere::FirstOffset,
        "CONSUME_FROM_TIMESTAMP" => ConsumeFromWhere::Timestamp,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Concurrent results only raise, orderly commits may lower, a repair ends both until it is forgotten.
    #[test]
    fn updates_raise_set_and_freeze() {
        let mut offset = MemoryOffset::default();
        assert_eq!(offset.read(), None);
        offset.update(10, true);
        offset.update(7, true);
        assert_eq!(offset.read(), Some(10));
        offset.update(7, false);
        assert_eq!(offset.read(), Some(7));
        offset.update_and_freeze(5);
        offset.update(9, false);
        offset.update(9, true);
        assert_eq!(
            offset.entry(),
            Some(OffsetEntry {
                value: 5,
                frozen: true
            })
        );
        offset.remove();
        offset.update(1, true);
        assert_eq!(
            offset.entry(),
            Some(OffsetEntry {
                value: 1,
                frozen: false
            })
        );
    }

    /// Once an offset is committed, `ConsumeFromWhere` has no say.
    #[test]
    fn committed_offset_wins() {
        for from in [
            ConsumeFromWhere::LastOffset,
            ConsumeFromWhere::FirstOffset,
            ConsumeFromWhere::Timestamp,
        ] {
            for retry in [false, true] {
                let at = compute_pull_from_where(from, retry, StoredOffset::Found(3));
                assert_eq!(at, PullFromWhere::At(3));
                let at = compute_pull_from_where(from, retry, StoredOffset::Failed);
                assert_eq!(at, PullFromWhere::Unknown);
            }
        }
    }
}
