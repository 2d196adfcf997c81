//! Messages that an orderly listener has failed too often: the client itself sends them to `%RETRY%group`.
//!
//! The listener thread sends one after another with the producer that every client has inside: an ordinary send with 3 s
//! for up to three attempts. The broker sees from the count of attempts that the message is dead, and puts it
//! into `%DLQ%group` instead. What could not be sent stays at the head of its queue, which pauses as after any
//! failure. Left out: the look at the name server before the first send; the walk over the queues of the retry topic,
//! in whose place the luck of the message picks one.
//!
//! Source: `ConsumeMessageOrderlyService.checkReconsumeTimes` and `sendMessageBack`, `DefaultMQProducerImpl`.

use crate::cluster::Cluster;
use crate::cluster::consumer::consume_orderly::Step;
use crate::cluster::consumer::consume_result::ConsumeOrderlyStatus;
use crate::cluster::consumer::process_queue::CachedMessage;
use crate::cluster::core::BrokerRequest;
use crate::cluster::event::PqSlot;
use crate::cluster::fact::Observer;
use crate::cluster::ids::{BrokerId, ConsumerId, GroupId, QueueId};
use crate::cluster::message::Record;
use crate::cluster::network::Server;
use crate::kernel::streams::{Luck, Source};
use crate::kernel::time::{SimDuration, SimTime};
use std::collections::VecDeque;

/// `sendMsgTimeout`: for all attempts together.
const SEND_TIMEOUT: SimDuration = SimDuration::from_secs(3);
/// `retryTimesWhenSendFailed` and the first attempt.
const ATTEMPTS: u32 = 3;

/// Messages of a batch on their way to the dead letters.
#[derive(Debug)]
pub struct Sending {
    /// Those yet to be sent, the one under way first.
    left: VecDeque<CachedMessage>,
    /// Offsets of those that could not be sent.
    not_sent: Vec<u64>,
    /// Where the one under way goes.
    broker: BrokerId,
    /// Attempts begun for it.
    attempts: u32,
    /// When it is given up, if no answer comes.
    deadline: SimTime,
    /// Whether that is scheduled: on links in trouble only.
    timed: bool,
    /// Tells the answer that is waited for from one that comes too late.
    number: u32,
}

/// A message on the wire to `%RETRY%group`.
#[derive(Debug)]
pub struct RetrySend {
    /// From which queue of the client.
    pub held_queue: PqSlot,
    /// The number of the attempt.
    pub number: u32,
    /// Where the record lies that has failed.
    pub queue: QueueId,
    /// Its offset.
    pub offset: u64,
    /// The record, with the attempts that the client has counted.
    pub record: Record,
}

impl<O: Observer> Cluster<O> {
    /// Sends messages of the batch in hand to the dead letters, one after another.
    pub(super) fn send_dead_letters(&mut self, slot: PqSlot, dead: VecDeque<CachedMessage>) {
        let sending = Sending {
            left: dead,
            not_sent: Vec::new(),
            broker: BrokerId(0),
            attempts: 0,
            deadline: self.core.now() + SEND_TIMEOUT,
            timed: false,
            number: 0,
        };
        self.orderly_queue(slot).step = Step::Sending(Box::new(sending));
        self.attempt_dead_letter(slot, None);
    }

    fn sending(&mut self, slot: PqSlot) -> Option<&mut Sending> {
        match &mut self.held_queues.find_mut(slot.0)?.orderly.as_deref_mut()?.step {
            Step::Sending(sending) => Some(sending),
            _ => None,
        }
    }

    /// Sends the next message, or the same once more, to a queue of the retry topic; not on the broker that has failed
    /// if there is another.
    fn attempt_dead_letter(&mut self, slot: PqSlot, failed: Option<BrokerId>) {
        let now = self.core.now();
        let held = self.held_queues.get(slot.0);
        let (consumer, group, queue) = (held.consumer, held.group, held.queue);
        let Some(sending) = self.sending(slot) else { return };
        let message = sending.left[0];
        sending.attempts += 1;
        let attempts = sending.attempts;
        let Some(broker) = self.dead_letter_broker(group, &message, attempts, failed) else {
            return self.dead_letter_not_sent(slot);
        };
        let orderly = self.orderly(consumer);
        orderly.retry_sends += 1;
        let number = orderly.retry_sends;
        let Some(sending) = self.sending(slot) else { return };
        (sending.broker, sending.number) = (broker, number);
        let deadline = sending.deadline;
        let connected = self.connect(consumer, broker);
        if connected {
            let send = RetrySend {
                held_queue: slot,
                number,
                queue,
                offset: message.offset,
                record: Record::from(&message),
            };
            self.send_to_broker(consumer, broker, BrokerRequest::SendRetry(Box::new(send)));
        }
        if !connected {
            let limit = self.connect_limit(consumer, broker);
            self.time_dead_letter(slot, deadline.min(now + limit));
        } else if self.troubled(consumer, Server::Broker(broker)).is_some() {
            self.time_dead_letter(slot, deadline);
        }
    }

    /// A broker that has the retry topic, as the luck of the message has it.
    fn dead_letter_broker(
        &self,
        group: GroupId,
        message: &CachedMessage,
        attempts: u32,
        failed: Option<BrokerId>,
    ) -> Option<BrokerId> {
        let topic = self.topics.retry(group)?;
        let brokers = (0..self.brokers.len() as u32).map(BrokerId);
        let mut brokers: Vec<BrokerId> = brokers
            .filter(|broker| !self.topics.queues(topic, *broker).is_empty())
            .collect();
        if brokers.len() > 1 {
            brokers.retain(|broker| Some(*broker) != failed);
        }
        let times = u64::from(message.progress.reconsume_times()) << 8 | u64::from(attempts);
        let mut luck = Luck(message.luck).fork(self.salts[group.index()].retry_queue, times);
        let count = brokers.len() as u64;
        (count > 0).then(|| brokers[luck.below(count) as usize])
    }

    fn time_dead_letter(&mut self, slot: PqSlot, due: SimTime) {
        let due = due.max(self.core.now());
        if let Some(sending) = self.sending(slot) {
            sending.timed = true;
            self.orderly_step_ends(slot, due);
        }
    }

    /// The link got into trouble: the clock runs for what is on its way.
    pub(super) fn time_dead_letters(&mut self, consumer: ConsumerId, broker: BrokerId) {
        for slot in self.dead_letters_to(consumer, broker) {
            if let Some(sending) = self.sending(slot)
                && !sending.timed
            {
                let deadline = sending.deadline;
                self.time_dead_letter(slot, deadline);
            }
        }
    }

    /// The connection is lost: what waits for an answer on it is tried elsewhere.
    pub(super) fn dead_letters_fail(&mut self, consumer: ConsumerId, broker: BrokerId) {
        for slot in self.dead_letters_to(consumer, broker) {
            self.cancel_dead_letter_time_out(slot);
            self.dead_letter_fails(slot, broker);
        }
    }

    /// The attempt has failed: another one elsewhere, if there are any left.
    fn dead_letter_fails(&mut self, slot: PqSlot, broker: BrokerId) {
        let now = self.core.now();
        let again = self
            .sending(slot)
            .is_some_and(|sending| sending.attempts < ATTEMPTS && now < sending.deadline);
        if again {
            self.attempt_dead_letter(slot, Some(broker));
        } else {
            self.dead_letter_not_sent(slot);
        }
    }

    /// Queues of a client one of whose messages is on its way to `broker`.
    fn dead_letters_to(&mut self, consumer: ConsumerId, broker: BrokerId) -> Vec<PqSlot> {
        let client = &self.consumers[consumer.index()];
        let Some(orderly) = client.orderly.as_deref() else {
            return Vec::new();
        };
        let slots: Vec<PqSlot> = client.held.values().chain(&orderly.outlived).copied().collect();
        let goes_there = |slot: &PqSlot| self.sending(*slot).is_some_and(|s| s.broker == broker);
        slots.into_iter().filter(goes_there).collect()
    }

    fn cancel_dead_letter_time_out(&mut self, slot: PqSlot) {
        if let Some(sending) = self.sending(slot) {
            sending.timed = false;
            self.cancel_orderly_step(slot);
        }
    }

    /// The broker has the message that is waited for.
    pub(super) fn dead_letter_sent(&mut self, consumer: ConsumerId, slot: PqSlot, number: u32) {
        let held = self.held_queues.find(slot.0);
        let is_mine = held.is_some_and(|held| held.consumer == consumer);
        if is_mine && self.sending(slot).is_some_and(|sending| sending.number == number) {
            self.cancel_dead_letter_time_out(slot);
            self.next_dead_letter(slot);
        }
    }

    /// The message under way has had its time: the client gives the connection up, if there is one, and with it all that
    /// waits for an answer there.
    pub(super) fn dead_letter_times_out(&mut self, slot: PqSlot) {
        let consumer = self.held_queues.get(slot.0).consumer;
        let Some(sending) = self.sending(slot) else {
            return;
        };
        let broker = sending.broker;
        if self.consumers[consumer.index()]
            .connections
            .get(broker.index())
            .is_some()
        {
            self.close_connection(consumer, broker);
        } else {
            self.dead_letter_fails(slot, broker);
        }
    }

    /// The message under way is given up for now.
    fn dead_letter_not_sent(&mut self, slot: PqSlot) {
        if let Some(sending) = self.sending(slot) {
            let offset = sending.left[0].offset;
            sending.not_sent.push(offset);
        }
        self.next_dead_letter(slot);
    }

    /// On to the next message; after the last one the batch is settled.
    fn next_dead_letter(&mut self, slot: PqSlot) {
        let deadline = self.core.now() + SEND_TIMEOUT;
        let Some(sending) = self.sending(slot) else { return };
        sending.left.pop_front();
        if !sending.left.is_empty() {
            (sending.attempts, sending.deadline, sending.timed) = (0, deadline, false);
            return self.attempt_dead_letter(slot, None);
        }
        let not_sent = std::mem::take(&mut sending.not_sent);
        self.settle_orderly_batch(slot, ConsumeOrderlyStatus::SuspendCurrentQueueAMoment, &not_sent);
    }
}
