//! Everything that can happen in a cluster.
//!
//! An event names entities by id and carries no state: what it means is decided when it runs, from the
//! world as it is then.

use crate::cluster::ids::{BrokerId, ConsumerId, ProducerId};

macro_rules! slot {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub struct $name(pub u32);
        impl $name {
            /// Position in its slab.
            #[inline]
            pub const fn index(self) -> usize {
                self.0 as usize
            }
        }
    };
}

slot!(
    /// A message between its birth and the producer's receipt.
    SendSlot
);
slot!(
    /// One held queue of one client: process queue and pull request in one.
    PqSlot
);
slot!(
    /// A listener call under way.
    TaskSlot
);
slot!(
    /// A request, reply or one-way message of the control plane on the wire.
    EnvelopeSlot
);

slot!(
    /// A link in trouble.
    LinkSlot
);

/// What a thread of a client waits for: each such thread waits for one answer at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CallKind {
    /// Routes, asked for by whatever thread.
    Route,
    /// A heartbeat, one broker after another.
    Heartbeat,
    /// Who is in the group, or where a queue starts: the rebalance thread.
    Rebalance,
    /// Locks given back and the end of the membership, one broker after another: the thread that shuts down.
    Unregister,
    /// Locks of queues, of an orderly client.
    Lock,
    /// Where a queue starts, asked once more when its lock was won: the pull thread of an orderly client.
    StartOffset,
}

impl CallKind {
    /// The bit that stands for it.
    pub const fn bit(self) -> u8 {
        1 << self as u8
    }

    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Route,
        Self::Heartbeat,
        Self::Rebalance,
        Self::Unregister,
        Self::Lock,
        Self::StartOffset,
    ];
}

/// See the module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// Entry of the timeline.
    Timeline(u32),
    /// A producer starts: it asks for its route and draws its first arrival.
    ProducerStart(ProducerId),
    /// The application hands its next message to the producer.
    Arrival(ProducerId),
    /// A send request reaches the broker.
    SendArrives(SendSlot),
    /// The answer reaches the producer.
    SendAckArrives(SendSlot),
    /// The dispatch thread (`ReputMessageService`) makes appended records visible.
    Dispatch(BrokerId),
    /// The schedule service looks at one delay level.
    DeliverDelayed {
        /// At this broker.
        broker: BrokerId,
        /// This level, from 1.
        level: u8,
    },
    /// The broker looks for holds whose time is up: every 5 s, skipped while none is held.
    HoldSweep(BrokerId),
    /// Records that nobody can ask for any more are freed.
    Release(BrokerId),
    /// A request of the control plane reaches its destination.
    Deliver(EnvelopeSlot),
    /// A client process starts.
    ConsumerStart(ConsumerId),
    /// The client has loaded and opened its connections.
    ConsumerReady(ConsumerId),
    /// 30 s tick: ask the name server.
    RoutePoll(ConsumerId),
    /// 30 s tick: heartbeat all brokers.
    HeartbeatTick(ConsumerId),
    /// 5 s tick: persist all offsets.
    PersistTick(ConsumerId),
    /// The rebalance thread wakes.
    RebalanceWake(ConsumerId),
    /// Shutdown waited long enough for running listener calls.
    ShutdownDeadline(ConsumerId),
    /// A pull request comes up again after a pause.
    PullDue(PqSlot),
    /// A pull reaches the broker.
    PullArrives(PqSlot),
    /// The answer to a pull reaches the client.
    PullReplyArrives(PqSlot),
    /// A listener returns.
    ConsumeDone(TaskSlot),
    /// A message sent back reaches the broker.
    SendBackArrives(TaskSlot),
    /// The broker's answer to it reaches the client.
    SendBackReplyArrives(TaskSlot),
    /// The head of the queue towards the server arrives on a link in trouble.
    LinkUpDue(LinkSlot),
    /// The head of the queue towards the client arrives on a link in trouble.
    LinkDownDue(LinkSlot),
    /// A client has waited long enough for an answer.
    CallTimeout {
        /// Whose patience is at an end.
        consumer: ConsumerId,
        /// What it waited for.
        kind: CallKind,
    },
    /// A pull has waited long enough for its connection, or for its answer.
    PullFails(PqSlot),
    /// A message on its way back has waited long enough for the broker's answer.
    SendBackFails(TaskSlot),
    /// Messages that could not be sent back go to the listener again.
    LocalRetry(TaskSlot),
    /// A broker looks for silent clients: every 10 s, skipped while none can be.
    ScanNotActiveChannel(BrokerId),
    /// A producer asks for its route again, because it has changed.
    ProducerRoutePoll(ProducerId),
    /// A broker looks for commit-log files that are old enough to be deleted.
    CleanCommitLog(BrokerId),
    /// A client has let a queue rest whose offset was illegal.
    RepairOffset(PqSlot),
    /// An envelope of pushed messages reaches the client.
    PushArrives(PqSlot),
    /// An acknowledgement of pushed messages reaches the broker.
    CreditArrives(PqSlot),
    /// The step in which the orderly consumption of a queue is may be over.
    OrderlyDue(PqSlot),
    /// 20 s tick: renew the locks of queues.
    LockTick(ConsumerId),
    /// A rebalance has waited long enough for the listener call of a queue that it gives up.
    ConsumeLockTimeout(ConsumerId),
    /// The lock of a queue that was given up with cached messages is given back (4.9).
    UnlockDue(PqSlot),
    /// A client looks for listener calls that take too long: every `consumeTimeout`, skipped while none can.
    CleanExpired(ConsumerId),
    /// The tool that sends dead letters again takes the next one.
    ResendDlq(u32),
    /// The guard of a client may let a waiting call pass.
    GuardOpens(ConsumerId),
    /// A forwarded message reaches the broker.
    ForwardArrives(TaskSlot),
    /// The answer to it reaches the client.
    ForwardReplyArrives(TaskSlot),
}

const _: () = assert!(
    size_of::<Event>() <= 8,
    "the event list copies events at every move"
);

impl Event {
    /// The event as one word, for the event list and the trace digest: kind in the upper half, entity in the
    /// lower.
    #[inline(always)]
    pub const fn code(self) -> u64 {
        let (kind, id) = match self {
            Self::Timeline(n) => (0, n),
            Self::ProducerStart(p) => (1, p.0),
            Self::Arrival(p) => (2, p.0),
            Self::SendArrives(s) => (3, s.0),
            Self::SendAckArrives(s) => (4, s.0),
            Self::Dispatch(b) => (5, b.0),
            Self::DeliverDelayed { broker, level } => (6 | (level as u64) << 8, broker.0),
            Self::HoldSweep(b) => (7, b.0),
            Self::Release(b) => (8, b.0),
            Self::Deliver(e) => (9, e.0),
            Self::ConsumerStart(c) => (10, c.0),
            Self::ConsumerReady(c) => (11, c.0),
            Self::RoutePoll(c) => (12, c.0),
            Self::HeartbeatTick(c) => (13, c.0),
            Self::PersistTick(c) => (14, c.0),
            Self::RebalanceWake(c) => (15, c.0),
            Self::ShutdownDeadline(c) => (16, c.0),
            Self::PullDue(p) => (17, p.0),
            Self::PullArrives(p) => (18, p.0),
            Self::PullReplyArrives(p) => (19, p.0),
            Self::ConsumeDone(t) => (20, t.0),
            Self::SendBackArrives(t) => (21, t.0),
            Self::SendBackReplyArrives(t) => (22, t.0),
            Self::LinkUpDue(l) => (23, l.0),
            Self::LinkDownDue(l) => (24, l.0),
            Self::CallTimeout { consumer, kind } => (25 | (kind as u64) << 8, consumer.0),
            Self::PullFails(p) => (26, p.0),
            Self::SendBackFails(t) => (27, t.0),
            Self::LocalRetry(t) => (28, t.0),
            Self::ScanNotActiveChannel(b) => (29, b.0),
            Self::ProducerRoutePoll(p) => (30, p.0),
            Self::CleanCommitLog(b) => (31, b.0),
            Self::RepairOffset(p) => (32, p.0),
            Self::PushArrives(p) => (33, p.0),
            Self::CreditArrives(p) => (34, p.0),
            Self::OrderlyDue(p) => (35, p.0),
            Self::LockTick(c) => (36, c.0),
            Self::ConsumeLockTimeout(c) => (37, c.0),
            Self::UnlockDue(p) => (38, p.0),
            Self::CleanExpired(c) => (39, c.0),
            Self::ResendDlq(n) => (40, n),
            Self::GuardOpens(c) => (41, c.0),
            Self::ForwardArrives(t) => (42, t.0),
            Self::ForwardReplyArrives(t) => (43, t.0),
        };
        kind << 32 | id as u64
    }

    /// Whether a client has waited long enough for something.
    pub const fn is_time_out(self) -> bool {
        matches!(
            self,
            Self::CallTimeout { .. } | Self::PullFails(_) | Self::SendBackFails(_)
        )
    }

    /// The event that has this [`code`](Self::code).
    ///
    /// # Panics
    /// If none has.
    #[inline(always)]
    pub const fn from_code(code: u64) -> Self {
        let id = code as u32;
        match (code >> 32) as u8 {
            0 => Self::Timeline(id),
            1 => Self::ProducerStart(ProducerId(id)),
            2 => Self::Arrival(ProducerId(id)),
            3 => Self::SendArrives(SendSlot(id)),
            4 => Self::SendAckArrives(SendSlot(id)),
            5 => Self::Dispatch(BrokerId(id)),
            6 => Self::DeliverDelayed {
                broker: BrokerId(id),
                level: (code >> 40) as u8,
            },
            7 => Self::HoldSweep(BrokerId(id)),
            8 => Self::Release(BrokerId(id)),
            9 => Self::Deliver(EnvelopeSlot(id)),
            10 => Self::ConsumerStart(ConsumerId(id)),
            11 => Self::ConsumerReady(ConsumerId(id)),
            12 => Self::RoutePoll(ConsumerId(id)),
            13 => Self::HeartbeatTick(ConsumerId(id)),
            14 => Self::PersistTick(ConsumerId(id)),
            15 => Self::RebalanceWake(ConsumerId(id)),
            16 => Self::ShutdownDeadline(ConsumerId(id)),
            17 => Self::PullDue(PqSlot(id)),
            18 => Self::PullArrives(PqSlot(id)),
            19 => Self::PullReplyArrives(PqSlot(id)),
            20 => Self::ConsumeDone(TaskSlot(id)),
            21 => Self::SendBackArrives(TaskSlot(id)),
            22 => Self::SendBackReplyArrives(TaskSlot(id)),
            23 => Self::LinkUpDue(LinkSlot(id)),
            24 => Self::LinkDownDue(LinkSlot(id)),
            25 => Self::CallTimeout {
                consumer: ConsumerId(id),
                kind: CallKind::ALL[(code >> 40) as usize],
            },
            26 => Self::PullFails(PqSlot(id)),
            27 => Self::SendBackFails(TaskSlot(id)),
            28 => Self::LocalRetry(TaskSlot(id)),
            29 => Self::ScanNotActiveChannel(BrokerId(id)),
            30 => Self::ProducerRoutePoll(ProducerId(id)),
            31 => Self::CleanCommitLog(BrokerId(id)),
            32 => Self::RepairOffset(PqSlot(id)),
            33 => Self::PushArrives(PqSlot(id)),
            34 => Self::CreditArrives(PqSlot(id)),
            35 => Self::OrderlyDue(PqSlot(id)),
            36 => Self::LockTick(ConsumerId(id)),
            37 => Self::ConsumeLockTimeout(ConsumerId(id)),
            38 => Self::UnlockDue(PqSlot(id)),
            39 => Self::CleanExpired(ConsumerId(id)),
            40 => Self::ResendDlq(id),
            41 => Self::GuardOpens(ConsumerId(id)),
            42 => Self::ForwardArrives(TaskSlot(id)),
            43 => Self::ForwardReplyArrives(TaskSlot(id)),
            _ => panic!("no event has this code"),
        }
    }
}

/// What the codes of one kind of event have above the entity.
const fn kind(event: Event) -> u64 {
    event.code() >> 32
}

/// Kind of [`Event::Arrival`].
pub(super) const ARRIVAL: u64 = kind(Event::Arrival(ProducerId(0)));
/// Kind of [`Event::SendArrives`].
pub(super) const SEND_ARRIVES: u64 = kind(Event::SendArrives(SendSlot(0)));
/// Kind of [`Event::SendAckArrives`].
pub(super) const SEND_ACK_ARRIVES: u64 = kind(Event::SendAckArrives(SendSlot(0)));
/// Kind of [`Event::Dispatch`].
pub(super) const DISPATCH: u64 = kind(Event::Dispatch(BrokerId(0)));
/// Kind of [`Event::PullArrives`].
pub(super) const PULL_ARRIVES: u64 = kind(Event::PullArrives(PqSlot(0)));
/// Kind of [`Event::PullReplyArrives`].
pub(super) const PULL_REPLY_ARRIVES: u64 = kind(Event::PullReplyArrives(PqSlot(0)));
/// Kind of [`Event::Deliver`].
pub(super) const DELIVER: u64 = kind(Event::Deliver(EnvelopeSlot(0)));
/// Kind of [`Event::PersistTick`].
pub(super) const PERSIST_TICK: u64 = kind(Event::PersistTick(ConsumerId(0)));
/// Kind of [`Event::ConsumeDone`].
pub(super) const CONSUME_DONE: u64 = kind(Event::ConsumeDone(TaskSlot(0)));

#[cfg(test)]
mod tests {
    use super::*;

    /// Kinds count up from 0 without a hole; the code of each comes back.
    #[test]
    fn every_code_names_one_event() {
        for kind in 0..=43 {
            for id in [0, 1, u32::MAX] {
                let code = kind << 32 | u64::from(id);
                assert_eq!(Event::from_code(code).code(), code);
            }
        }
        let delayed = Event::DeliverDelayed {
            broker: BrokerId(7),
            level: 18,
        };
        assert_eq!(Event::from_code(delayed.code()), delayed);
        for kind in CallKind::ALL {
            let late = Event::CallTimeout {
                consumer: ConsumerId(9),
                kind,
            };
            assert_eq!(Event::from_code(late.code()), late);
        }
    }
}
