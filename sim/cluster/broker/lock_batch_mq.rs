//! LOCK_BATCH_MQ and UNLOCK_BATCH_MQ: who may consume a queue of an orderly group.
//!
//! The rules are in `rebalance_lock_manager`. Nobody waits in line and nobody is told: who is refused asks again. A client
//! is known by its client id here, so two with one id have each other's locks, and who comes back has its own. Also here:
//! messages that an orderly client has given up and sends to `%RETRY%group` itself.
//!
//! Source: `AdminBrokerProcessor.lockBatchMQ` and `unlockBatchMQ`, `SendMessageProcessor.handleRetryAndDLQ`.

use crate::cluster::Cluster;
use crate::cluster::consumer::orderly_dead_letter::RetrySend;
use crate::cluster::fact::{Fact, Observer};
use crate::cluster::ids::{BrokerId, ConsumerId, GroupId, QueueId};
use crate::cluster::sabotage::Sabotage;

impl<O: Observer> Cluster<O> {
    /// The queues among those asked for whose lock the client has now.
    pub(super) fn lock_batch(
        &mut self,
        broker: BrokerId,
        group: GroupId,
        consumer: ConsumerId,
        queues: &[QueueId],
    ) -> Vec<QueueId> {
        let now = self.core.now();
        let rank = self.consumers[consumer.index()].rank;
        let mut granted = Vec::new();
        for &queue in queues {
            let for_all = self.is_sabotaged(Sabotage::LockForAll);
            let locks = &mut self.brokers[broker.index()].locks;
            if locks.try_lock(now, group, queue, rank) || for_all {
                self.core.emit(Fact::QueueLocked { consumer, queue });
                granted.push(queue);
            } else {
                self.core.emit(Fact::LockRefused { consumer, queue });
            }
        }
        granted
    }

    /// Frees those of the queues that the client has locked.
    pub(super) fn unlock_batch(
        &mut self,
        broker: BrokerId,
        group: GroupId,
        consumer: ConsumerId,
        queues: &[QueueId],
    ) {
        let rank = self.consumers[consumer.index()].rank;
        for queue in queues {
            self.brokers[broker.index()].locks.unlock(&group, queue, &rank);
            self.core.emit(Fact::QueueUnlocked {
                consumer,
                queue: *queue,
            });
        }
    }

    /// A message that has failed too often comes as an ordinary send to `%RETRY%group`: it has had more attempts than
    /// it may have, so it is dead. (From 5.1.4 on it would be in any case, while a queue of the group is locked here.)
    pub(super) fn retry_send_arrives(&mut self, broker: BrokerId, group: GroupId, send: &RetrySend) {
        self.dead_letter(broker, group, send.queue, send.offset, send.record);
    }
}
