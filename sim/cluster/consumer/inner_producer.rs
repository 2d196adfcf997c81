//! The producer that every client has inside: what could not be sent back goes to `%RETRY%group` as an ordinary message.
//!
//! It sends to any queue of the retry topic on any broker that the client knows, with 3 s for up to three attempts, the
//! later ones not to the broker that has just failed if there is another. The message carries the attempts that the
//! *client* has counted. A message that the broker had taken back although its answer did not come is thus stored
//! twice. Left out: the look at the name server when the route is not known (the send fails), and the walk of each thread
//! over the queues, in whose place the luck of the message picks one.
//!
//! Source: `DefaultMQPushConsumerImpl.sendMessageBackAsNormalMessage`, `DefaultMQProducerImpl.sendDefaultImpl`.

use crate::cluster::Cluster;
use crate::cluster::consumer::client::ConsumerClient;
use crate::cluster::consumer::send_message_back::{AfterFailure, Way};
use crate::cluster::event::TaskSlot;
use crate::cluster::fact::Observer;
use crate::cluster::ids::{BrokerId, QueueId};
use crate::cluster::message::Record;
use crate::kernel::streams::{Luck, Source};
use crate::kernel::time::{SimDuration, SimTime};

/// `sendMsgTimeout`: for all attempts together.
const SEND_TIMEOUT: SimDuration = SimDuration::from_secs(3);
/// `retryTimesWhenSendFailed` and the first attempt.
const ATTEMPTS: u8 = 3;

/// An ordinary send under way.
#[derive(Clone, Copy, Debug)]
pub struct RetrySend {
    /// To which queue of the retry topic.
    pub queue: QueueId,
    /// When the first attempt began.
    since: SimTime,
    attempts: u8,
}

impl RetrySend {
    /// When the client waits no longer.
    pub(super) fn deadline(&self) -> SimTime {
        self.since + SEND_TIMEOUT
    }
}

impl<O: Observer> Cluster<O> {
    /// The message that was on its way back has not arrived, as far as the client knows: it goes on as an ordinary
    /// one, to another broker if that has failed before. False if there is no time, no attempt or no queue left.
    pub(super) fn send_to_retry_topic(&mut self, slot: TaskSlot, failed: &AfterFailure) -> bool {
        let now = self.core.now();
        let AfterFailure::Returning { message, way, .. } = failed else {
            return false;
        };
        let task = self.tasks.get(slot.0);
        let held = self.held_queues.get(task.held_queue.0);
        let group = held.group;
        let (since, attempts, last, message) = match way {
            Way::Back => {
                // Here the client's own count of attempts goes along.
                let reconsume_times = message.reconsume_times.saturating_add(task.local_attempts);
                let message = Record {
                    reconsume_times,
                    ..*message
                };
                (now, 0, None, message)
            }
            Way::Retry(send) => {
                let last = self.queues[send.queue.index()].broker;
                (send.since, send.attempts, Some(last), *message)
            }
        };
        if attempts == ATTEMPTS || now >= since + SEND_TIMEOUT {
            return false;
        }
        let client = &self.consumers[held.consumer.index()];
        let luck = Luck(message.luck).fork(
            self.salts[group.index()].retry_send,
            u64::from(message.reconsume_times) << 8 | u64::from(attempts),
        );
        let Some(queue) = self.retry_queue_for(client, last, luck) else {
            return false;
        };
        let send = RetrySend {
            queue,
            since,
            attempts: attempts + 1,
        };
        self.put_on_its_way(slot, message, Way::Retry(send));
        true
    }

    /// A queue of the retry topic that the client knows, not on the broker that has failed if there is another.
    fn retry_queue_for(
        &self,
        client: &ConsumerClient,
        failed: Option<BrokerId>,
        mut luck: impl Source,
    ) -> Option<QueueId> {
        let at = client.topics.iter().position(Option::is_none)?;
        let queues = &client.routes[at].as_ref()?.write_queues;
        let elsewhere = |queue: &&QueueId| Some(self.queues[queue.index()].broker) != failed;
        let others: Vec<QueueId> = queues.iter().filter(elsewhere).copied().collect();
        let among = if others.is_empty() { queues } else { &others };
        (!among.is_empty()).then(|| among[luck.below(among.len() as u64) as usize])
    }
}
