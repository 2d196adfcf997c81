//! The end of a client: `shutdown()`, `kill -9`, or the loss of its host.
//!
//! A graceful shutdown closes the listener pool (what it has been given gets `awaitTerminationMillisWhenShutdown`,
//! then running calls are cut off and queued tasks thrown away), persists all offsets and unregisters at one
//! broker after another; each tells the others at once. Pulls go on while calls run, but what they bring reaches
//! no listener; with the unregistration they end. An orderly client gives its locks back before it persists. A kill says nothing: the kernel closes the connections, the
//! brokers see that within the network delay, and what was not committed will be consumed again. A host that is
//! lost closes nothing: the brokers go on counting its client until their time-out. A listener that ignores its
//! interruption (`interruptible`) goes on while others have the same message; its result comes too late. Left out: one
//! that answers the interruption with `RECONSUME_LATER` in time to send its message back.
//!
//! Source: `DefaultMQPushConsumerImpl.shutdown`, `ConsumeMessageConcurrentlyService.shutdown`.

use crate::cluster::Cluster;
use crate::cluster::broker::consumer_manager::Connection;
use crate::cluster::consumer::client::ClientState;
use crate::cluster::core::BrokerRequest;
use crate::cluster::event::{CallKind, Event};
use crate::cluster::fact::{Fact, Observer, StopKind};
use crate::cluster::ids::{BrokerId, ConsumerId};

impl<O: Observer> Cluster<O> {
    /// Timeline: graceful shutdown.
    pub(in crate::cluster) fn consumer_leave(&mut self, consumer: ConsumerId) {
        let client = &mut self.consumers[consumer.index()];
        if !matches!(client.state, ClientState::Starting | ClientState::Running) {
            return;
        }
        client.state = ClientState::Draining;
        client.pool.close();
        let wait = self.config.groups[client.group.index()]
            .tuning
            .await_termination_millis_when_shutdown;
        if wait.duration().is_zero() || client.is_idle() {
            self.stop(consumer);
        } else {
            self.core
                .scheduler
                .after(wait.duration(), Event::ShutdownDeadline(consumer));
        }
    }

    /// Running calls had their time.
    pub(in crate::cluster) fn shutdown_deadline(&mut self, consumer: ConsumerId) {
        if self.consumers[consumer.index()].state == ClientState::Draining {
            self.stop(consumer);
        }
    }

    /// Cuts off what still runs, then gives locks back, persists and unregisters.
    pub(in crate::cluster) fn stop(&mut self, consumer: ConsumerId) {
        let outlive = !self.consumers[consumer.index()].interruptible;
        self.abandon_tasks(consumer, outlive);
        let client = &mut self.consumers[consumer.index()];
        if client.orderly.is_some() {
            client.state = ClientState::Unlocking;
            return self.unlock_all(consumer);
        }
        self.stop_unlocked(consumer);
    }

    /// No lock is left: persists and unregisters.
    pub(super) fn stop_unlocked(&mut self, consumer: ConsumerId) {
        self.persist_all(consumer);
        self.end_pulls(consumer);
        let client = &mut self.consumers[consumer.index()];
        client.state = ClientState::Stopping;
        client.unregister_left = client.routes.brokers().to_vec();
        client.unregister_left.reverse();
        self.unregister_next(consumer);
    }

    /// The consumer is out of its client's table (`unregisterConsumer`): whatever pull comes up next is the last of its
    /// queue. What is held is kept for [`Self::consumer_gone`] to tell of.
    fn end_pulls(&mut self, consumer: ConsumerId) {
        for slot in self.consumers[consumer.index()].held.values() {
            let held = self.held_queues.get_mut(slot.0);
            held.process_queue.dropped = true;
            held.requests += 1;
        }
    }

    /// A broker has answered the thread that shuts down, or will not.
    pub(in crate::cluster) fn shutdown_goes_on(&mut self, consumer: ConsumerId) {
        if self.consumers[consumer.index()].state == ClientState::Unlocking {
            self.unlock_next(consumer);
        } else {
            self.unregister_next(consumer);
        }
    }

    /// Unregisters at the next broker; after the last one the client is gone.
    pub(in crate::cluster) fn unregister_next(&mut self, consumer: ConsumerId) {
        match self.consumers[consumer.index()].unregister_left.pop() {
            Some(broker) => self.call(consumer, CallKind::Unregister, broker, BrokerRequest::Unregister),
            None => self.consumer_gone(consumer, StopKind::Graceful),
        }
    }

    /// Timeline: `kill -9`.
    pub(in crate::cluster) fn consumer_kill(&mut self, consumer: ConsumerId) {
        self.consumer_dies(consumer, StopKind::Killed);
    }

    /// Timeline: the host is gone.
    pub(in crate::cluster) fn consumer_vanish(&mut self, consumer: ConsumerId) {
        self.consumer_dies(consumer, StopKind::Vanished);
    }

    /// An end without last words. Only a kernel that lives on closes the connections.
    fn consumer_dies(&mut self, consumer: ConsumerId, how: StopKind) {
        if !self.consumers[consumer.index()].is_alive() {
            return;
        }
        let mut came_due = self.end_pause(consumer);
        // Tasks in order are gone with their process.
        came_due.retain(|event| !matches!(event, Event::OrderlyDue(_)));
        let connections = self.consumers[consumer.index()].connections.clone();
        self.watch_all_for_silence(consumer);
        self.abandon_tasks(consumer, false);
        if how == StopKind::Killed {
            let connections = connections.iter().enumerate();
            for (broker, epoch) in connections.filter_map(|(broker, epoch)| Some((broker, epoch?))) {
                let connection = Connection { consumer, epoch };
                let closed = BrokerRequest::ConnectionClosed;
                self.core.to_broker(connection, BrokerId(broker as u32), closed);
            }
        }
        self.consumer_gone(consumer, how);
        // What a stopped process had not seen yet: it ends what it refers to.
        for event in came_due {
            self.handle_now(event);
        }
    }

    /// Nothing of the client is left but what is on the wire.
    pub(super) fn consumer_gone(&mut self, consumer: ConsumerId, how: StopKind) {
        let client = &mut self.consumers[consumer.index()];
        let kept = client.state == ClientState::Stopping;
        client.state = ClientState::Gone;
        self.wishes
            .remove(client.group, &client.topics, &client.expressions);
        let round = std::mem::take(&mut client.rebalance).round.unwrap_or_default();
        let held = std::mem::take(&mut client.held);
        if let Some(queue) = round.asking_for() {
            self.queues[queue.index()].forget_asker(consumer);
        }
        // Told before the queues are released, so that an observer knows why they are.
        self.idempotence.process_ended(consumer);
        self.core.emit(Fact::ConsumerStopped { consumer, how });
        let start_offsets = client
            .orderly
            .as_mut()
            .map(|orderly| std::mem::take(&mut orderly.start_offsets));
        for &slot in held.values() {
            let orderly = self.held_queues.get(slot.0).orderly.as_deref();
            if orderly.is_some_and(|orderly| orderly.given_up) {
                self.request_ended(slot);
            } else {
                self.drop_held_queue(slot);
            }
            if kept {
                self.request_ended(slot);
            }
        }
        // Their pull requests were waiting for the end of the round, or for where to start.
        for slot in round
            .into_taken()
            .into_iter()
            .chain(start_offsets.unwrap_or_default())
        {
            self.request_ended(slot);
        }
        self.forget_links(consumer, how != StopKind::Vanished);
    }
}
