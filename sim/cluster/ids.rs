//! Names of entities inside a run: dense small integers, one type each.
//!
//! Nothing compares two kinds of id by accident, and tables are plain vectors. Texts (broker and client
//! names) are looked up in the [`Directory`](super::directory::Directory) only when a person is to read them.

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
        pub struct $name(pub u32);
        impl $name {
            /// Position in the tables of this kind.
            #[inline]
            pub const fn index(self) -> usize {
                self.0 as usize
            }
        }
    };
}

id!(
    /// A broker (a master; replication is outside this model so far).
    BrokerId
);
id!(
    /// A topic by name, whatever brokers hold it; retry and dead-letter topics included.
    TopicId
);
id!(
    /// One queue of one topic on one broker.
    QueueId
);
id!(
    /// A consumer group.
    GroupId
);
id!(
    /// One incarnation of a consumer client: who joins again is a new one.
    ConsumerId
);
id!(
    /// A producer instance.
    ProducerId
);

/// A message as its producer made it: the same for the original and all its retry copies.
///
/// Upper 24 bits: the producer; lower 40 bits: its running number from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct MessageId(pub u64);

impl MessageId {
    /// Message number `number` of `producer`.
    pub const fn new(producer: ProducerId, number: u64) -> Self {
        Self((producer.0 as u64) << 40 | number)
    }
    /// Who made it.
    pub const fn producer(self) -> ProducerId {
        ProducerId((self.0 >> 40) as u32)
    }
    /// Its running number at that producer, from 0.
    pub const fn number(self) -> u64 {
        self.0 & ((1 << 40) - 1)
    }
}
