//! Hand-made cluster histories for the tests of observers.

use crate::cluster::consumer::delivery::Delivery;
use crate::cluster::consumer::held_queue::CacheTotal;
use crate::cluster::directory::{ConsumerInfo, Directory, GroupInfo, QueueInfo, TopicInfo, TopicKind};
use crate::cluster::fact::{
    CommitVia, Fact, Observer, PullFailure, PullResult, RebalanceTrigger, RequestKind, StartOffsetRule,
    StopKind,
};
use crate::cluster::ids::{BrokerId, ConsumerId, GroupId, MessageId, ProducerId, QueueId, TopicId};
use crate::kernel::time::{SimDuration, SimTime};
use crate::observe::observation::Observation;

/// `n` seconds after the start.
pub const fn secs(n: u64) -> SimTime {
    SimTime::from_nanos(n * 1_000_000_000)
}

/// `n` milliseconds after the start.
pub const fn millis(n: u64) -> SimTime {
    SimTime::from_nanos(n * 1_000_000)
}

/// A directory under construction: one broker, `broker-a`; all ids follow the order of the calls.
#[derive(Default)]
pub struct Story {
    /// Who is who.
    pub directory: Directory,
}

impl Story {
    /// One broker, nothing else.
    pub fn new() -> Self {
        let mut story = Self::default();
        story.directory.brokers.push("broker-a".into());
        story
    }

    fn add_topic(mut self, name: &str, kind: TopicKind, queues: u32) -> Self {
        let topic = TopicId(self.directory.topics.len() as u32);
        self.directory.topics.push(TopicInfo {
            name: name.into(),
            kind,
        });
        for index in 0..queues {
            self.directory.queues.push(QueueInfo {
                topic,
                broker: BrokerId(0),
                index,
            });
        }
        self
    }

    /// A user topic.
    pub fn topic(self, name: &str, queues: u32) -> Self {
        self.add_topic(name, TopicKind::User, queues)
    }

    /// `%RETRY%group` with one queue.
    pub fn retry_topic(self, group: &str) -> Self {
        let id = self.group_id(group);
        self.add_topic(&format!("%RETRY%{group}"), TopicKind::Retry(id), 1)
    }

    /// `%DLQ%group`.
    pub fn dead_letter_topic(self, group: &str) -> Self {
        let id = self.group_id(group);
        self.add_topic(&format!("%DLQ%{group}"), TopicKind::DeadLetter(id), 1)
    }

    /// A group that reads these topics.
    pub fn group(mut self, name: &str, topics: &[&str]) -> Self {
        let topics = topics.iter().map(|topic| self.topic_id(topic)).collect();
        self.directory.groups.push(GroupInfo {
            readers: Vec::new(),
            is_idempotent: false,
            name: name.into(),
            topics,
            delivery: Delivery::default(),
        });
        self
    }

    /// A consumer of a group.
    pub fn consumer(mut self, name: &str, group: &str, threads: u32) -> Self {
        let group = self.group_id(group);
        self.directory.consumers.push(ConsumerInfo {
            reader: 0,
            name: name.into(),
            client_id: format!("192.0.2.1@{name}"),
            group,
            threads,
        });
        self
    }

    /// A producer of a topic.
    pub fn producer(mut self, name: &str, topic: &str) -> Self {
        let topic = self.topic_id(topic);
        self.directory.producers.push((name.into(), topic));
        self
    }

    fn topic_id(&self, name: &str) -> TopicId {
        let position = self.directory.topics.iter().position(|topic| topic.name == name);
        TopicId(position.expect("topic is declared first") as u32)
    }

    fn group_id(&self, name: &str) -> GroupId {
        let position = self.directory.groups.iter().position(|group| group.name == name);
        GroupId(position.expect("group is declared first") as u32)
    }
}

/// A history of one producer and one group, told to an observer fact by fact.
pub struct Run {
    /// Who is who.
    pub story: Story,
    /// The observer.
    pub observation: Observation,
    now: SimTime,
    sampled: u64,
    born: u64,
    /// Records by queue: the message, when it was born, when the record was stored, `reconsumeTimes`.
    records: Vec<Vec<(MessageId, SimTime, SimTime, u16)>>,
}

const GROUP: GroupId = GroupId(0);
const PRODUCER: ProducerId = ProducerId(0);
/// One message of 100 bytes in a cache.
const ONE: CacheTotal = CacheTotal {
    messages: 1,
    bytes: 100,
};

impl Run {
    /// All queues of `story` exist from the start; samples are a second apart, in a run planned for 30 s.
    pub fn new(story: Story) -> Self {
        let records = story.directory.queues.iter().map(|_| Vec::new()).collect();
        let mut run = Self {
            story,
            observation: Observation::with_interval(SimDuration::from_secs(1), SimDuration::from_secs(30)),
            now: SimTime::ZERO,
            sampled: 0,
            born: 0,
            records,
        };
        for queue in 0..run.records.len() as u32 {
            run.tell(Fact::QueueCreated {
                queue: QueueId(queue),
            });
        }
        run
    }

    /// The first `secs` seconds are not measured. To be said first.
    pub fn warmed_up(mut self, secs: u64) -> Self {
        let horizon = SimDuration::from_secs(30);
        self.observation = self.observation.after(SimDuration::from_secs(secs), horizon);
        self
    }

    /// It is `millis` ms after the start; samples that have come due are taken first.
    pub fn at(&mut self, ms: u64) -> &mut Self {
        self.now = millis(ms);
        while secs(self.sampled) <= self.now {
            self.observation.sample(secs(self.sampled), &self.story.directory);
            self.sampled += 1;
        }
        self
    }

    /// Something happens now.
    pub fn tell(&mut self, fact: Fact) -> &mut Self {
        self.observation.observe(self.now, &self.story.directory, &fact);
        self
    }

    /// Ends the run now.
    pub fn finish(&mut self) -> &mut Self {
        self.observation.finish(self.now, &self.story.directory);
        self
    }

    /// The process of a consumer starts.
    pub fn start(&mut self, consumer: u32) -> &mut Self {
        self.tell(Fact::ConsumerStarted {
            consumer: ConsumerId(consumer),
        })
    }

    /// A consumer is gone.
    pub fn stop(&mut self, consumer: u32, how: StopKind) -> &mut Self {
        self.tell(Fact::ConsumerStopped {
            consumer: ConsumerId(consumer),
            how,
        })
    }

    /// The process of a consumer stops for a while.
    pub fn pause(&mut self, consumer: u32) -> &mut Self {
        self.tell(Fact::ConsumerPaused {
            consumer: ConsumerId(consumer),
        })
    }

    /// It goes on.
    pub fn resume(&mut self, consumer: u32) -> &mut Self {
        self.tell(Fact::ConsumerResumed {
            consumer: ConsumerId(consumer),
        })
    }

    /// Consumers are given the first `read` queues of the first topic.
    pub fn read_queues(&mut self, read: u32) -> &mut Self {
        self.tell(Fact::TopicUpdated {
            topic: TopicId(0),
            broker: BrokerId(0),
            read,
            write: 6,
        })
    }

    /// A consumer takes queues in one round.
    pub fn take(&mut self, consumer: u32, queues: &[u32]) -> &mut Self {
        self.round(consumer, queues, &[])
    }

    /// A rebalance round of a consumer.
    pub fn round(&mut self, consumer: u32, taken: &[u32], given_up: &[u32]) -> &mut Self {
        let consumer = ConsumerId(consumer);
        self.tell(Fact::RebalanceBegan {
            consumer,
            trigger: RebalanceTrigger::Notification,
        });
        for &queue in given_up {
            self.tell(Fact::QueueReleased {
                consumer,
                queue: QueueId(queue),
                unfinished: 0,
            });
        }
        for &queue in taken {
            self.tell(Fact::QueueAcquired {
                consumer,
                queue: QueueId(queue),
                start_offset: 0,
                decided_by: StartOffsetRule::Committed,
            });
        }
        self.tell(Fact::RebalanceEnded {
            consumer,
            added: taken.len() as u32,
            removed: given_up.len() as u32,
            balanced: true,
        })
    }

    /// A message is born, stored, visible and acknowledged, all at once.
    pub fn send(&mut self, queue: u32) -> &mut Self {
        let message = self.bear();
        self.store(message, queue)
    }

    /// A message is born and refused by a broker; the next attempt stores it in `retry`, or there is none.
    pub fn send_in_vain(&mut self, retry: Option<u32>) -> &mut Self {
        let message = self.bear();
        self.tell(Fact::SendRefused {
            producer: PRODUCER,
            message,
            gave_up: retry.is_none(),
        });
        match retry {
            Some(queue) => self.store(message, queue),
            None => self,
        }
    }

    fn bear(&mut self) -> MessageId {
        let message = MessageId::new(PRODUCER, self.born);
        let luck = self.born ^ 0xABCD;
        self.born += 1;
        self.tell(Fact::Born {
            producer: PRODUCER,
            message,
            luck,
            body_size: 100,
        });
        self.tell(Fact::Request {
            broker: BrokerId(0),
            kind: RequestKind::Send,
            group: None,
        });
        message
    }

    fn store(&mut self, message: MessageId, queue: u32) -> &mut Self {
        let offset = self.append(queue, (message, self.now, self.now, 0));
        self.tell(Fact::Stored {
            queue: QueueId(queue),
            offset,
            message,
            body_size: 100,
        });
        self.tell(Fact::SendAcknowledged {
            producer: PRODUCER,
            message,
            latency: SimDuration::from_millis(1),
        });
        self.dispatch(queue)
    }

    fn append(&mut self, queue: u32, record: (MessageId, SimTime, SimTime, u16)) -> u64 {
        let records = &mut self.records[queue as usize];
        records.push(record);
        records.len() as u64 - 1
    }

    fn dispatch(&mut self, queue: u32) -> &mut Self {
        let max_offset = self.records[queue as usize].len() as u64;
        self.tell(Fact::Dispatched {
            queue: QueueId(queue),
            max_offset,
        })
    }

    /// A held pull is answered with one message, and the listener is called with it.
    pub fn deliver(&mut self, consumer: u32, queue: u32, offset: u64) -> &mut Self {
        let (message, born, stored, reconsume_times) = self.records[queue as usize][offset as usize];
        let (consumer, queue) = (ConsumerId(consumer), QueueId(queue));
        self.tell(Fact::PullHeld {
            queue,
            consumer,
            offset,
        });
        self.tell(Fact::PullAnswered {
            queue,
            consumer,
            result: PullResult::Found,
            messages: 1,
            bytes: 200,
            next_offset: offset + 1,
            held: SimDuration::from_millis(500),
        });
        self.tell(Fact::Cached {
            consumer,
            queue,
            messages: 1,
            cached: 1,
            client: ONE,
            group: ONE,
        });
        self.tell(Fact::Delivered {
            consumer,
            group: GROUP,
            queue,
            offset,
            message,
            luck: 0,
            reconsume_times,
            born,
            stored,
            position: 0,
        })
    }

    /// The listener returns after 50 ms of work.
    pub fn consume(&mut self, consumer: u32, queue: u32, offset: u64, success: bool) -> &mut Self {
        let (message, born, _, reconsume_times) = self.records[queue as usize][offset as usize];
        self.tell(Fact::Consumed {
            consumer: ConsumerId(consumer),
            group: GROUP,
            queue: QueueId(queue),
            offset,
            message,
            reconsume_times,
            born,
            busy: SimDuration::from_millis(50),
            success,
        })
    }

    /// The broker takes a failed record back; the copy is to come after 10 s.
    pub fn send_back(&mut self, queue: u32, offset: u64) -> &mut Self {
        let (message, _, _, reconsume_times) = self.records[queue as usize][offset as usize];
        self.tell(Fact::RetryScheduled {
            group: GROUP,
            queue: QueueId(queue),
            offset,
            message,
            reconsume_times: reconsume_times + 1,
            level: 3,
            delay: SimDuration::from_secs(10),
        })
    }

    /// The copy of a record reaches the retry queue after 10.05 s.
    pub fn come_back(&mut self, retry_queue: u32, queue: u32, offset: u64) -> &mut Self {
        let (message, born, _, reconsume_times) = self.records[queue as usize][offset as usize];
        let copy = self.append(retry_queue, (message, born, self.now, reconsume_times + 1));
        self.tell(Fact::RetryStored {
            group: GROUP,
            queue: QueueId(retry_queue),
            offset: copy,
            message,
            reconsume_times: reconsume_times + 1,
            waited: SimDuration::from_millis(10_050),
            again: false,
        });
        self.dispatch(retry_queue)
    }

    /// A record is given up.
    pub fn bury(&mut self, queue: u32, offset: u64, dlq_queue: u32) -> &mut Self {
        let (message, born, _, reconsume_times) = self.records[queue as usize][offset as usize];
        self.tell(Fact::DeadLettered {
            group: GROUP,
            queue: QueueId(queue),
            offset,
            dlq_queue: QueueId(dlq_queue),
            message,
            reconsume_times: reconsume_times + 1,
            origin_topic: TopicId(0),
            born,
        })
    }

    /// The group's offset is committed.
    pub fn commit(&mut self, queue: u32, new: u64) -> &mut Self {
        self.tell(Fact::OffsetCommitted {
            group: GROUP,
            queue: QueueId(queue),
            old: None,
            new,
            via: CommitVia::Update,
        })
    }
}

/// Ten seconds that are not measured, and twenty that are. B dies in the first part; of five messages two are born in it,
/// one of which is delivered in the second part, and the last is never delivered.
pub fn warmed_up() -> Run {
    let story = Story::new()
        .topic("orders", 2)
        .producer("shop", "orders")
        .group("billing", &["orders"])
        .consumer("billing-1", "billing", 1)
        .consumer("billing-2", "billing", 1);
    let mut run = Run::new(story).warmed_up(10);
    let (a, b) = (0, 1);
    run.at(0).start(a).start(b);
    run.at(100).take(a, &[0, 1]);
    run.at(1_000).send(0);
    run.at(2_000).deliver(a, 0, 0);
    run.at(2_050).consume(a, 0, 0, true);
    run.at(3_000).round(a, &[], &[1]).take(b, &[1]);
    run.at(8_000).send(0);
    run.at(9_000).stop(b, StopKind::Killed);
    run.at(10_000).send(0);
    run.at(12_000).deliver(a, 0, 1);
    run.at(12_050).consume(a, 0, 1, true);
    run.at(13_000).deliver(a, 0, 2);
    run.at(13_050).consume(a, 0, 2, true);
    run.at(20_000).send(0);
    run.at(21_000).deliver(a, 0, 3);
    run.at(21_050).consume(a, 0, 3, true);
    run.at(28_000).send(0);
    run.at(30_000).finish();
    run
}

/// Two consumers of two queues, 30 s. Six messages, one a second, on queues 0 and 1 in turn; each is delivered
/// 5 ms after it was sent and done 50 ms later. Message 2 (queue 0, offset 1) fails, comes back at 13.1 s,
/// fails again and is dead. At 10 s consumer 1 is killed, having committed one of its three messages; at 10.2 s
/// consumer 0 takes its queue and sees the other two again. A last message at 29.99 s stays unfinished.
pub fn crash() -> Run {
    let story = Story::new()
        .topic("orders", 2)
        .group("billing", &["orders"])
        .retry_topic("billing")
        .dead_letter_topic("billing")
        .consumer("billing-1", "billing", 2)
        .consumer("billing-2", "billing", 2)
        .producer("shop", "orders");
    let (retry, dead) = (2, 3);
    let mut run = Run::new(story);
    run.at(0).start(0).start(1);
    run.at(100).take(0, &[0, retry]).take(1, &[1]);
    for n in 0..6_u64 {
        let (owner, queue, offset, sent) = ((n % 2) as u32, (n % 2) as u32, n / 2, 1_000 * (n + 1));
        run.at(sent).send(queue);
        run.at(sent + 5).deliver(owner, queue, offset);
        run.at(sent + 55).consume(owner, queue, offset, n != 2);
        if n == 2 {
            run.send_back(queue, offset);
        }
    }
    run.at(8_000).commit(0, 3).commit(1, 1);
    run.at(10_000).stop(1, StopKind::Killed);
    run.at(10_200).take(0, &[1]);
    run.at(10_205).deliver(0, 1, 1).deliver(0, 1, 2);
    run.at(10_255).consume(0, 1, 1, true).consume(0, 1, 2, true);
    run.at(13_105).come_back(retry, 0, 1);
    run.at(13_110).deliver(0, retry, 0);
    run.at(13_160).consume(0, retry, 0, false).bury(retry, 0, dead);
    run.at(15_000).commit(1, 3).commit(retry, 1);
    run.at(29_990).send(0);
    run.at(29_995).deliver(0, 0, 3);
    run.at(30_000).finish();
    run
}

/// Three consumers (A, B, C) of six queues, 30 s; a message a queue at 2 s, done at 2.055 s, never committed.
///
/// C stops at 5 s, with queues 4 and 5. The broker gives it up at 8 s; A takes queue 4 at 9 s and B queue 5 at 9.2 s.
/// C goes on at 12 s, finds its connection lost, and is a member again: A lets go at 13 s, B at 13.2 s. At 15 s the
/// host of B is lost; A takes queue 2 and C queue 3 at 18 s. At 20 s consumers are given four queues only; C lets go
/// of 4 and 5 at 22 s, and A of 2, which C takes at 22.3 s. At 26 s queue 4 is given again; C takes it at 28 s. Three
/// messages come twice: of queue 4 to A at 9.1 s, of 5 to C at 12.1 s, of 3 to C at 18.1 s. One is sent to queue 5
/// at 20.1 s and stays there. Two more are refused at 24 s, the first of them finds queue 0.
pub fn troubles() -> Run {
    let story = Story::new()
        .topic("orders", 6)
        .group("billing", &["orders"])
        .retry_topic("billing")
        .consumer("billing-1", "billing", 1)
        .consumer("billing-2", "billing", 1)
        .consumer("billing-3", "billing", 1)
        .producer("shop", "orders");
    let (a, b, c) = (0, 1, 2);
    let mut run = Run::new(story);
    run.at(0).start(a).start(b).start(c);
    run.at(1_000).take(a, &[0, 1]).take(b, &[2, 3]).take(c, &[4, 5]);
    run.at(2_000);
    (0..6).for_each(|queue| _ = run.send(queue));
    run.at(2_005);
    (0..6).for_each(|queue| _ = run.deliver(queue / 2, queue, 0));
    run.at(2_055);
    (0..6).for_each(|queue| _ = run.consume(queue / 2, queue, 0, true));
    run.at(5_000).pause(c);
    run.at(8_000).tell(Fact::MemberExpired {
        broker: BrokerId(0),
        consumer: ConsumerId(c),
    });
    run.at(9_000).take(a, &[4]);
    run.at(9_100).deliver(a, 4, 0);
    run.at(9_150).consume(a, 4, 0, true);
    run.at(9_200).take(b, &[5]);
    run.at(12_000).resume(c).tell(Fact::ConnectionLost {
        broker: BrokerId(0),
        consumer: ConsumerId(c),
    });
    run.at(12_100).deliver(c, 5, 0);
    run.at(12_150).consume(c, 5, 0, true);
    run.at(13_000).round(a, &[], &[4]);
    run.at(13_200).round(b, &[], &[5]);
    run.at(15_000).stop(b, StopKind::Vanished);
    run.at(18_000).take(a, &[2]).take(c, &[3]);
    run.at(18_100).deliver(c, 3, 0);
    run.at(18_150).consume(c, 3, 0, true);
    run.at(20_000).read_queues(4);
    run.at(20_100).send(5);
    run.at(21_000).tell(Fact::PullFailed {
        consumer: ConsumerId(c),
        queue: QueueId(4),
        cause: PullFailure::IllegalQueue,
    });
    run.at(22_000).round(c, &[], &[4, 5]).round(a, &[], &[2]);
    run.at(22_300).take(c, &[2]);
    run.at(24_000).send_in_vain(Some(0)).send_in_vain(None);
    run.at(26_000).read_queues(5);
    run.at(28_000).take(c, &[4]);
    run.at(30_000).finish();
    run
}
