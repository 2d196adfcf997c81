//! What every part of the cluster needs to act: the clock, the names, the network and the observer.

use crate::cluster::agenda::Agenda;
use crate::cluster::broker::consumer_manager::{Connection, MemberList, Members, Subscriptions};
use crate::cluster::consumer::known_routes::KnownRoutes;
use crate::cluster::consumer::orderly_dead_letter::RetrySend;
use crate::cluster::directory::Directory;
use crate::cluster::event::{CallKind, EnvelopeSlot, Event, LinkSlot, PqSlot};
use crate::cluster::fact::{Fact, Observer, RequestKind};
use crate::cluster::ids::{BrokerId, ConsumerId, GroupId, QueueId, TopicId};
use crate::cluster::memory::of_shared;
use crate::cluster::nameserver::KnownRoute;
use crate::cluster::network::{Direction, Endpoint, Network, Server};
use crate::cluster::offset_lists::{OffsetList, OffsetLists};
use crate::cluster::slab::Slab;
use crate::kernel::memory;
use crate::kernel::time::SimTime;
use std::rc::Rc;

/// See the module.
pub struct Core<O> {
    /// The event list and the clock.
    pub scheduler: Agenda,
    /// Who is who.
    pub directory: Directory,
    /// Who watches.
    pub observer: O,
    /// How long envelopes travel.
    pub network: Network,
    /// Envelopes of the control plane on the wire.
    pub envelopes: Slab<Envelope>,
    /// Offsets of several queues in one of them.
    pub offset_lists: OffsetLists,
}

impl<O: Observer> Core<O> {
    /// The present.
    #[inline]
    pub fn now(&self) -> SimTime {
        self.scheduler.now()
    }

    /// Tells the observer.
    #[inline(never)]
    pub fn emit(&mut self, fact: Fact) {
        self.observer
            .observe(self.scheduler.now(), &self.directory, &fact);
    }

    /// As [`Self::emit`], for what happens with every message: the observer's answer to this kind of fact is compiled
    /// into the caller, which saves time and costs code.
    #[inline(always)]
    pub fn emit_often(&mut self, fact: Fact) {
        self.observer
            .observe(self.scheduler.now(), &self.directory, &fact);
    }

    /// Tells the observer of a request.
    #[inline(never)]
    pub fn tell_request(&mut self, broker: BrokerId, kind: RequestKind, group: Option<GroupId>) {
        self.emit_often(Fact::Request { broker, kind, group });
    }

    /// Lets `event` happen when an envelope between `client` and `server` has travelled.
    #[inline(always)]
    pub fn travel(&mut self, client: Endpoint, server: Server, direction: Direction, event: Event) {
        if let Some(delay) = self.network.constant() {
            self.scheduler.at_in_order(self.scheduler.now() + delay, event);
        } else {
            self.travel_by_chance(client, server, direction, event);
        }
    }

    #[inline(never)]
    fn travel_by_chance(&mut self, client: Endpoint, server: Server, direction: Direction, event: Event) {
        let arrival = self.network.arrival(self.now(), client, server, direction);
        let link = match client {
            Endpoint::Consumer(consumer) => self.network.links.find(consumer, server),
            Endpoint::Producer(_) => None,
        };
        match link {
            None => {
                self.scheduler.at(arrival, event);
            }
            Some(link) => {
                let due = self.network.links.send(link, direction, arrival, event);
                self.link_next(link, direction, due);
            }
        }
    }

    /// Schedules the next arrival on a link in trouble.
    pub fn link_next(&mut self, link: LinkSlot, direction: Direction, due: Option<SimTime>) {
        if let Some(due) = due {
            let event = match direction {
                Direction::Up => Event::LinkUpDue(link),
                Direction::Down => Event::LinkDownDue(link),
            };
            self.scheduler.at(due, event);
        }
    }

    /// Sets what waits on a link in trouble on its way, as far as it may pass.
    pub fn link_release(&mut self, link: LinkSlot) {
        let (consumer, server) = {
            let link = self.network.links.get(link);
            (link.consumer, link.server)
        };
        for direction in [Direction::Up, Direction::Down] {
            let client = Endpoint::Consumer(consumer);
            let arrival = self.network.arrival(self.now(), client, server, direction);
            let due = self.network.links.release(link, direction, arrival);
            self.link_next(link, direction, due);
        }
    }

    /// Sends an envelope of the control plane between a client and a server.
    pub fn send(&mut self, client: Endpoint, server: Server, direction: Direction, envelope: Envelope) {
        let slot = EnvelopeSlot(self.envelopes.insert(envelope));
        self.travel(client, server, direction, Event::Deliver(slot));
    }

    /// Sends from a consumer client to a broker.
    pub fn to_broker(&mut self, connection: Connection, broker: BrokerId, request: BrokerRequest) {
        let envelope = Envelope::ToBroker {
            connection,
            broker,
            request,
        };
        self.send(
            Endpoint::Consumer(connection.consumer),
            Server::Broker(broker),
            Direction::Up,
            envelope,
        );
    }

    /// Sends from a broker to a consumer client.
    pub fn to_consumer(&mut self, broker: BrokerId, connection: Connection, reply: ConsumerReply) {
        let envelope = Envelope::ToConsumer {
            broker,
            connection,
            reply,
        };
        self.send(
            Endpoint::Consumer(connection.consumer),
            Server::Broker(broker),
            Direction::Down,
            envelope,
        );
    }
}

/// An envelope of the control plane: everything on the wire but sends, pulls and send-backs, which have
/// events of their own because they are many.
#[derive(Debug)]
pub enum Envelope {
    /// A consumer client to a broker.
    ToBroker {
        /// From.
        connection: Connection,
        /// To.
        broker: BrokerId,
        /// What.
        request: BrokerRequest,
    },
    /// A broker to a consumer client. Whoever has given the connection up hears nothing.
    ToConsumer {
        /// From.
        broker: BrokerId,
        /// To.
        connection: Connection,
        /// What.
        reply: ConsumerReply,
    },
    /// A client asks a name server for the routes of all its topics.
    RouteRequest {
        /// Who asks.
        from: Endpoint,
        /// Which name server.
        number: u32,
    },
    /// The name server's answer to a consumer client.
    ConsumerRoutes {
        /// Who asked.
        to: ConsumerId,
        /// The routes of its topics.
        routes: Option<Routes>,
    },
    /// The name server's answer to a producer.
    ProducerRoute {
        /// Who asked.
        to: crate::cluster::ids::ProducerId,
        /// The route of its topic; `None` if no broker has it.
        route: Option<Rc<KnownRoute>>,
    },
    /// The name servers have seen the connection of a broker close.
    BrokerGone {
        /// The broker.
        broker: BrokerId,
    },
    /// A broker tells the name servers of a topic that it has created or changed.
    TopicRegistration {
        /// The broker.
        broker: BrokerId,
        /// The topic.
        topic: TopicId,
    },
    /// NOTIFY_CONSUMER_IDS_CHANGED to all members of a group, where all have the same way.
    ConsumerIdsChanged {
        /// Who tells.
        broker: BrokerId,
        /// The members.
        members: Members,
    },
}

impl Envelope {
    /// Bytes that it holds beside itself. Of routes the name server holds the greater part.
    pub fn held(&self) -> u64 {
        match self {
            Self::ToBroker { request, .. } => request.held(),
            Self::ToConsumer { reply, .. } => reply.held(),
            _ => 0,
        }
    }
}

#[cfg(target_pointer_width = "64")]
const _: () = assert!(
    size_of::<Option<Envelope>>() <= 32,
    "thousands of clients that do the same at once have as many envelopes on the wire"
);

/// What a consumer client asks of a broker.
#[derive(Debug)]
pub enum BrokerRequest {
    /// HEART_BEAT.
    Heartbeat(Subscriptions),
    /// UNREGISTER_CLIENT.
    Unregister,
    /// GET_CONSUMER_LIST_BY_GROUP.
    ConsumerList,
    /// QUERY_CONSUMER_OFFSET, of the thread that waits.
    QueryOffset(QueueId, CallKind),
    /// GET_MAX_OFFSET.
    MaxOffset(QueueId, CallKind),
    /// SEARCH_OFFSET_BY_TIMESTAMP.
    SearchOffset(QueueId, SimTime, CallKind),
    /// UPDATE_CONSUMER_OFFSET of one queue, held or just given up, one way.
    UpdateOffset(PqSlot, u64),
    /// The same of several queues of a tick, in one envelope.
    UpdateOffsets(OffsetList),
    /// Not a request: the client's kernel closed the connection.
    ConnectionClosed,
    /// LOCK_BATCH_MQ.
    LockBatch(Box<LockBatch>),
    /// UNLOCK_BATCH_MQ.
    UnlockBatch(Box<UnlockBatch>),
    /// SEND_MESSAGE to `%RETRY%group`.
    SendRetry(Box<RetrySend>),
}

impl BrokerRequest {
    fn held(&self) -> u64 {
        match self {
            Self::Heartbeat(subscriptions) => of_shared(subscriptions),
            Self::LockBatch(batch) => memory::of::<LockBatch>(1) + memory::of_vec(&batch.queues),
            Self::UnlockBatch(batch) => memory::of::<UnlockBatch>(1) + memory::of_vec(&batch.queues),
            Self::SendRetry(_) => memory::of::<RetrySend>(1),
            _ => 0,
        }
    }
}

/// Queues whose locks are asked for.
#[derive(Debug)]
pub struct LockBatch {
    /// These.
    pub queues: Vec<QueueId>,
    /// The thread that waits.
    pub by: CallKind,
}

/// Queues whose locks are given back.
#[derive(Debug)]
pub struct UnlockBatch {
    /// These.
    pub queues: Vec<QueueId>,
    /// Whether somebody waits for the answer.
    pub answer: bool,
}

/// What came of locks that were asked for.
#[derive(Debug)]
pub struct Locked {
    /// The thread that waits.
    pub by: CallKind,
    /// The queues asked for.
    pub asked: Vec<QueueId>,
    /// Those whose lock is the client's now.
    pub granted: Vec<QueueId>,
}

/// The state of the name server, and the routes in the order of the client's topics. Not sent at all if nothing
/// has changed since the state that the client knows.
pub type Routes = (u64, Rc<KnownRoutes>);

/// What a broker tells a consumer client.
#[derive(Debug)]
pub enum ConsumerReply {
    /// Answer to a heartbeat.
    HeartbeatDone,
    /// Answer to the unregistration.
    UnregisterDone,
    /// Sorted ranks of the members' client ids; `None` if the group is unknown.
    ConsumerList(Option<MemberList>),
    /// Answer to `QueryOffset`: a commit stands there.
    CommittedOffset(u64, CallKind),
    /// Answer to `QueryOffset`: no commit, but the queue's first message is still in memory: start at 0.
    YoungQueue(CallKind),
    /// Answer to `QueryOffset`: not found.
    NoOffset(CallKind),
    /// Answer to `MaxOffset` and `SearchOffset`.
    LookedUp(u64, CallKind),
    /// NOTIFY_CONSUMER_IDS_CHANGED, one way.
    ConsumerIdsChanged,
    /// RESET_CONSUMER_CLIENT_OFFSET, one way (before 5.2).
    ResetOffset(Rc<Vec<(QueueId, u64)>>),
    /// Not an answer: the broker closed the connection.
    ConnectionClosed,
    /// Answer to `LockBatch`.
    Locked(Box<Locked>),
    /// Answer to `UnlockBatch`.
    UnlockDone,
    /// Answer to `SendRetry`.
    RetrySent {
        /// From which queue of the client.
        held_queue: PqSlot,
        /// The number of the attempt.
        number: u32,
    },
}

impl ConsumerReply {
    fn held(&self) -> u64 {
        match self {
            Self::ConsumerList(Some(members)) => of_shared(members),
            Self::ResetOffset(offsets) => of_shared(offsets),
            Self::Locked(locked) => {
                let queues = memory::of_vec(&locked.asked) + memory::of_vec(&locked.granted);
                memory::of::<Locked>(1) + queues
            }
            _ => 0,
        }
    }
}

/// The broker's answer to QUERY_CONSUMER_OFFSET when it is not "not found".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QueriedOffset {
    /// A commit stands there.
    Committed(u64),
    /// No commit, but the queue's first message is still in memory: start at 0.
    Young,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lists that travel are counted, those of the answer too.
    #[test]
    fn envelopes_count_what_they_carry() {
        let broker = BrokerId(0);
        let connection = Connection {
            consumer: ConsumerId(0),
            epoch: 1,
        };
        let queues = || (0..100).map(QueueId).collect::<Vec<_>>();
        let by = CallKind::Rebalance;
        let of = |request| Envelope::ToBroker {
            connection,
            broker,
            request,
        };
        assert_eq!(of(BrokerRequest::Unregister).held(), 0);
        let batch = LockBatch { queues: queues(), by };
        assert!(of(BrokerRequest::LockBatch(Box::new(batch))).held() >= 400);
        let locked = Locked {
            by,
            asked: queues(),
            granted: queues(),
        };
        let answer = Envelope::ToConsumer {
            broker,
            connection,
            reply: ConsumerReply::Locked(Box::new(locked)),
        };
        assert!(answer.held() >= 800);
    }
}
