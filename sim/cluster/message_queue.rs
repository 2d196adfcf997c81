//! Names of queues, and Java's order of texts: the order decides who gets which queue.
//!
//! Inside a run a queue is a dense id; this is its name, for whatever depends on the name: the sorted list of
//! a rebalance, hash keys, what people read.
//!
//! Source: `MessageQueue`; `String.compareTo` and `String.hashCode` of the Java class library.

use crate::cluster::consumer::allocate::QueueName;
use std::cmp::Ordering;
use std::fmt;

/// A queue by name.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct MessageQueue {
    /// Its topic, prefix included.
    pub topic: String,
    /// `brokerName`.
    pub broker_name: String,
    /// `queueId` on that broker. Signed as in Java; real ones start at 0.
    pub queue_id: i32,
}

impl MessageQueue {
    /// Queue `queue_id` of `topic` on `broker_name`.
    pub fn new(topic: impl Into<String>, broker_name: impl Into<String>, queue_id: i32) -> Self {
        Self {
            topic: topic.into(),
            broker_name: broker_name.into(),
            queue_id,
        }
    }

    /// The queue that `label` names as people do: `orders broker-a:0`; `None` if it is none.
    pub fn of_label(label: &str) -> Option<Self> {
        let (topic, place) = label.split_once(' ')?;
        let (broker_name, id) = place.rsplit_once(':')?;
        let digits = id.bytes().all(|byte| byte.is_ascii_digit());
        let queue_id = id.parse().ok().filter(|_| digits)?;
        Some(Self::new(topic, broker_name, queue_id))
    }

    /// The same, borrowed.
    pub fn as_name(&self) -> QueueName<'_> {
        QueueName {
            topic: &self.topic,
            broker_name: &self.broker_name,
            queue_id: self.queue_id,
        }
    }

    /// `compareTo` with the very number that Java returns.
    ///
    /// Ids are compared by subtraction, which overflows when their signs differ and they lie more than
    /// 2³¹ − 1 apart. [`Ord`] compares them as numbers instead: it must be a total order, and the two agree
    /// for all ids that a broker can have.
    pub fn compare_to(&self, other: &Self) -> i32 {
        match java_compare(&self.topic, &other.topic) {
            0 => match java_compare(&self.broker_name, &other.broker_name) {
                0 => self.queue_id.wrapping_sub(other.queue_id),
                difference => difference,
            },
            difference => difference,
        }
    }

    /// `hashCode`: broker name, id and topic, in this order.
    pub fn hash_code(&self) -> i32 {
        [
            java_hash(&self.broker_name),
            self.queue_id,
            java_hash(&self.topic),
        ]
        .into_iter()
        .fold(1, |hash: i32, part| hash.wrapping_mul(31).wrapping_add(part))
    }
}

impl Ord for MessageQueue {
    fn cmp(&self, other: &Self) -> Ordering {
        cmp_utf16(&self.topic, &other.topic)
            .then_with(|| cmp_utf16(&self.broker_name, &other.broker_name))
            .then_with(|| self.queue_id.cmp(&other.queue_id))
    }
}

impl PartialOrd for MessageQueue {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// `toString`: the key under which consistent hashing places a queue.
impl fmt::Display for MessageQueue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_name().fmt(f)
    }
}

/// The order in which Java sorts texts: by UTF-16 code unit.
///
/// Differs from Rust's order (by code point) only where a character beyond U+FFFF meets one from U+E000 on.
pub fn cmp_utf16(a: &str, b: &str) -> Ordering {
    a.encode_utf16().cmp(b.encode_utf16())
}

/// `String.compareTo`: the difference of the first unequal UTF-16 code units, else of the lengths.
pub fn java_compare(a: &str, b: &str) -> i32 {
    let (mut left, mut right) = (a.encode_utf16(), b.encode_utf16());
    loop {
        match (left.next(), right.next()) {
            (Some(x), Some(y)) if x == y => {}
            (Some(x), Some(y)) => return i32::from(x) - i32::from(y),
            (Some(_), None) => return 1 + left.count() as i32,
            (None, Some(_)) => return -1 - right.count() as i32,
            (None, None) => return 0,
        }
    }
}

/// `String.hashCode`: Σ unit × 31^(length − 1 − position) over UTF-16 code units, modulo 2³².
pub fn java_hash(text: &str) -> i32 {
    text.encode_utf16().fold(0, |hash: i32, unit| {
        hash.wrapping_mul(31).wrapping_add(i32::from(unit))
    })
}

/// Brings `entries` into the order in which Java walks a `HashSet` or `HashMap` into which they were put one
/// after another: by bucket, and inside a bucket as they came. `hash` is `hashCode`.
///
/// Nothing promises this order, but much depends on it: it decides which queue a client takes and pulls first.
/// A `ConcurrentHashMap` walks the same way; that it grows one entry earlier is left out.
pub fn java_hash_order<T>(entries: &mut [T], hash: impl Fn(&T) -> i32) {
    let mut buckets = 16;
    while entries.len() * 4 > buckets * 3 {
        buckets *= 2;
    }
    let spread = |hash: i32| (hash as u32 ^ hash as u32 >> 16) as usize;
    entries.sort_by_key(|entry| spread(hash(entry)) & (buckets - 1));
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Clients of RocketMQ 5.3.3 that had just started were seen with these queues first: their table was looked
    /// at while they took them.
    #[test]
    fn queues_are_taken_in_the_order_of_the_hash_set() {
        for (topic, queues, first) in [
            ("T_dup_graceful_backlog_21336_0", 4, &[2][..]),
            ("T_dup_graceful_backlog_21336_1", 4, &[0]),
            ("T_dup_graceful_backlog_21336_2", 4, &[0, 1]),
            ("T_dup_join_backlog_21433_0", 4, &[3]),
            ("T_retry_short_max4_21136_0", 4, &[1]),
            ("T_longpoll_idle_21289", 4, &[2, 1]),
            ("T_skew_avg_21722", 8, &[0, 1, 4, 5]),
            ("T_rebalance_1b_join_leave_kill_21646", 8, &[0, 4, 3, 2]),
        ] {
            let mut ids: Vec<i32> = (0..queues).collect();
            java_hash_order(&mut ids, |id| {
                MessageQueue::new(topic, "broker-a", *id).hash_code()
            });
            assert_eq!(&ids[..first.len()], first, "{topic}");
        }
    }

    /// 16 buckets up to 12 entries, 32 up to 24, 64 up to 48: where 64, 32 and 16 stood in a `HashSet<Integer>` of Java
    /// 17 into which they were put before 1, 2, 3 and so on.
    #[test]
    fn the_table_doubles_when_it_is_more_than_three_quarters_full() {
        for (entries, places) in [
            (12, [0, 1, 2]),
            (13, [0, 1, 12]),
            (24, [0, 1, 17]),
            (25, [0, 24, 16]),
            (48, [0, 32, 16]),
            (49, [48, 31, 15]),
        ] {
            let mut numbers = vec![64, 32, 16];
            numbers.extend((1..).filter(|n| *n != 16 && *n != 32).take(entries - 3));
            java_hash_order(&mut numbers, |n| *n);
            let place = |number| numbers.iter().position(|n| *n == number);
            assert_eq!([64, 32, 16].map(place), places.map(Some), "{entries} entries");
        }
    }

    /// Java folds the upper half of a hash into the lower, exclusive-or. The same `HashSet<Integer>`, put in as shown.
    #[test]
    fn buckets_look_at_both_halves_of_a_hash() {
        for (put, walked) in [
            (
                [1, 0x1_0001, 0x2_0001, 0x1_0000],
                [0x1_0001, 1, 0x1_0000, 0x2_0001],
            ),
            ([3, 0, -1, -65_533], [0, -1, 3, -65_533]),
        ] {
            let mut numbers = put;
            java_hash_order(&mut numbers, |n| *n);
            assert_eq!(numbers, walked);
        }
    }

    /// A label is the topic, a blank, and the place on the broker. A broker's name may hold colons, no part a sign.
    #[test]
    fn labels_name_queues() {
        let queue = |broker, id| Some(MessageQueue::new("orders", broker, id));
        assert_eq!(MessageQueue::of_label("orders broker-a:0"), queue("broker-a", 0));
        assert_eq!(
            MessageQueue::of_label("orders idc:broker-a:17"),
            queue("idc:broker-a", 17)
        );
        for none in [
            "orders",
            "orders broker-a",
            "orders broker-a:",
            "orders broker-a:x",
            "orders broker-a:+1",
            "broker-a:0",
        ] {
            assert_eq!(MessageQueue::of_label(none), None, "{none}");
        }
    }

    /// "0" < "@", so the tenth client sorts first, and `broker-10` sorts before `broker-2`.
    #[test]
    fn digits_sort_as_text() {
        assert_eq!(cmp_utf16("10.0.0.10@p", "10.0.0.1@p"), Ordering::Less);
        assert!(MessageQueue::new("t", "broker-10", 9) < MessageQueue::new("t", "broker-2", 0));
        assert!(MessageQueue::new("t", "b", 2) < MessageQueue::new("t", "b", 10));
    }

    /// U+1F600 is D83D DE00 in UTF-16, which comes before U+FF5E; by code point it comes after.
    #[test]
    fn surrogates_sort_before_the_end_of_the_basic_plane() {
        assert_eq!(cmp_utf16("😀", "～"), Ordering::Less);
        assert_eq!("😀".cmp("～"), Ordering::Greater);
    }

    /// 2147483647 − (−1) overflows to −2147483648: Java says "less", numbers say "greater".
    #[test]
    fn java_overflows_where_the_order_must_not() {
        let (high, low) = (
            MessageQueue::new("t", "b", i32::MAX),
            MessageQueue::new("t", "b", -1),
        );
        assert_eq!(high.compare_to(&low), i32::MIN);
        assert_eq!(high.cmp(&low), Ordering::Greater);
    }
}
