//! Facts that come far more rarely than messages: members, owners, brokers, failures, remedies.

use super::Observation;
use crate::cluster::directory::Directory;
use crate::cluster::fact::Fact;
use crate::kernel::time::SimTime;
use crate::observe::duplicates::LedBack;
use crate::observe::ledger::Outcome;
use crate::observe::ownership::HandOver;
use crate::observe::queries::{Found, Query};
use crate::observe::rebalance::{Disconnect, Round};

impl Observation {
    /// Facts that come far more rarely than messages.
    #[inline(never)]
    pub(super) fn observe_rare(&mut self, now: SimTime, directory: &Directory, fact: &Fact) {
        match *fact {
            Fact::FlowControlled { consumer, by, .. } => self.consumers[consumer.index()].put_off(now, by),
            Fact::GuardPassed { consumer, waited } => {
                let group = directory.consumer(consumer).group;
                self.delivered[group.index()].guard_passed(waited);
            }
            Fact::GuardBlocked { consumer } => {
                self.delivered[directory.consumer(consumer).group.index()].blocked += 1;
            }
            Fact::ThreadsSet { consumer, threads } => {
                self.consumers[consumer.index()].threads_set(now, threads);
            }
            Fact::Forwarded {
                consumer,
                queue,
                offset,
                body_size,
                ..
            } => {
                self.ledger.stored(now, queue, offset);
                self.stored_at[queue.index()] += u128::from(now.as_nanos());
                self.stored_bytes[queue.index()] += u64::from(body_size);
                self.delivered[directory.consumer(consumer).group.index()].forwarded += 1;
            }
            Fact::TimelineStep { step } => self.timeline_step(now, directory, step),
            Fact::QueueCreated { queue } => self.queue_created(now, directory, queue),
            Fact::ConsumerStarted { consumer } => self.consumer_started(now, directory, consumer),
            Fact::ConsumerStopped { consumer, how } => self.consumer_stopped(now, directory, consumer, how),
            Fact::QueueAcquired {
                consumer,
                queue,
                start_offset,
                ..
            } => {
                let group = directory.consumer(consumer).group;
                if self.slots.is_broadcasting(group) {
                    self.reader_starts(now, group, queue, consumer, start_offset);
                }
                self.queue_acquired(now, group, queue, consumer);
                self.acquired_in_order(group, queue, consumer, start_offset);
            }
            Fact::QueueReleased {
                consumer,
                queue,
                unfinished,
            } => {
                let group = directory.consumer(consumer).group;
                self.rebalances[group.index()].released_unfinished += u64::from(unfinished);
                let slot = self.slot_of(group, queue, consumer);
                self.release(now, slot, consumer, HandOver::Rebalance);
                if let Some(order) = self.orderly_queue(slot) {
                    order.released(now, consumer);
                }
            }
            Fact::ConsumerPaused { consumer } => self.consumer_sleeps(now, directory, consumer, true),
            Fact::ConsumerResumed { consumer } => self.consumer_sleeps(now, directory, consumer, false),
            Fact::LinkCut { consumer, .. } => self.link_changes(now, directory, consumer, true),
            Fact::LinkHealed { consumer, .. } => self.link_changes(now, directory, consumer, false),
            Fact::LinkSlowed { consumer, slow, .. } => self.link_slows(now, directory, consumer, slow),
            Fact::MemberExpired { broker, consumer } => self.member_expired(directory, broker, consumer),
            Fact::ConnectionLost { broker, consumer } => {
                let at = now;
                self.connection_lost(directory, Disconnect { at, consumer, broker });
            }
            Fact::TopicUpdated {
                topic, broker, read, ..
            } => self.topic_updated(now, directory, (topic, broker), read),
            Fact::PullFailed { consumer, cause, .. } => self.consumers[consumer.index()].pull_failed(cause),
            Fact::SendRefused {
                producer, gave_up, ..
            } => self.producers.refused(producer, gave_up),
            Fact::RebalanceBegan { consumer, trigger } => {
                self.consumers[consumer.index()].rounds += 1;
                self.triggers[consumer.index()] = trigger;
            }
            Fact::RebalanceEnded {
                consumer,
                added,
                removed,
                balanced,
            } => self.rebalances[directory.consumer(consumer).group.index()].round(Round {
                at: now,
                consumer,
                trigger: self.triggers[consumer.index()],
                added,
                removed,
                balanced,
            }),
            Fact::NoStatus {
                consumer,
                messages,
                how,
                ..
            } => self.consumers[consumer.index()].no_status(how, messages),
            Fact::LocalOffsetStored {
                consumer,
                queue,
                offset,
            } => {
                let slot = self.slot_of(directory.consumer(consumer).group, queue, consumer);
                self.lag.committed(now, slot, self.slots.get(slot), offset);
            }
            Fact::EffectHappened { group, identity } => self.effects[group.index()].happened(identity),
            Fact::EffectSuppressed { group, identity } => self.effects[group.index()].suppressed(identity),
            Fact::LocalRetry {
                consumer,
                queue,
                from,
                to,
            } => {
                let slot = self.slot_of(directory.consumer(consumer).group, queue, consumer);
                self.local_retries.extend((from..to).map(|offset| (slot, offset)));
            }
            Fact::ConsumeTimedOut { consumer, .. } => self.consumers[consumer.index()].timed_out += 1,
            Fact::ResultDiscarded { consumer, busy, .. } => {
                let life = &mut self.consumers[consumer.index()];
                life.busy += busy;
                life.discarded += 1;
            }
            Fact::RetryScheduled {
                group,
                queue,
                offset,
                reconsume_times,
                level,
                delay,
                ..
            } => {
                self.retries[group.index()].scheduled(reconsume_times, level, delay);
                let slot = self.slots.slot(group, queue);
                self.slot_ended(now, directory, slot, offset, Outcome::SentBack);
            }
            Fact::RetryStored {
                group,
                queue,
                offset,
                reconsume_times,
                waited,
                again,
                ..
            } => {
                self.stored_at[queue.index()] += u128::from(now.as_nanos());
                self.retries[group.index()].stored(reconsume_times, waited);
                self.ledger.retry_stored(now, group, queue, offset, again);
            }
            Fact::DeadLettered {
                group,
                queue,
                offset,
                dlq_queue,
                message,
                origin_topic,
                ..
            } => {
                if self.orders.is_watched(group) {
                    let slot = self.slots.slot(group, queue);
                    self.finished_in_order(now, slot, message);
                }
                self.retries[group.index()].dead(origin_topic);
                self.stored_at[dlq_queue.index()] += u128::from(now.as_nanos());
                self.ledger.stored(now, dlq_queue, self.ledger.end(dlq_queue));
                let slot = self.slots.slot(group, queue);
                self.slot_ended(now, directory, slot, offset, Outcome::Dead);
            }
            Fact::OffsetsSkipped {
                group,
                queue,
                from,
                to,
                by_operator,
            } => {
                let slot = self.slots.slot(group, queue);
                let of = self.slots.get(slot);
                let skipped = self.ledger.skipped(slot, of, from, to, by_operator);
                self.lag.ended(now, slot, of, skipped);
            }
            Fact::Resent {
                group, queue, offset, ..
            } => {
                self.retries[group.index()].resent();
                self.stored_at[queue.index()] += u128::from(now.as_nanos());
                self.ledger.stored(now, queue, offset);
            }
            Fact::OffsetReset { group, queue, .. } => {
                self.leads_back(self.slots.slot(group, queue), LedBack::Reset);
            }
            Fact::BrokerStopped { broker, .. } => self.broker_stopped(now, directory, broker),
            Fact::BrokerStarted { broker } => self.brokers[broker.index()].starts(now),
            Fact::Dropped {
                consumer,
                group,
                queue,
                offset,
                message,
                cause,
                ..
            } => {
                let slot = self.slot_of(group, queue, consumer);
                self.slot_ended(now, directory, slot, offset, Outcome::Dropped(cause));
                if self.orders.is_watched(group) {
                    self.finished_in_order(now, slot, message);
                }
            }
            Fact::Filtered {
                consumer,
                group,
                queue,
                from,
                to,
                by,
                wanted,
            } => {
                let topic = directory.queue(queue).topic;
                self.filters.passed_over(group, topic, by, to - from);
                let slot = self.slot_of(group, queue, consumer);
                self.filtered(now, slot, (from, to), wanted);
            }
            Fact::MessagesQueried { topic, key, max_num } => self.queries.push(Query {
                at: now,
                topic,
                key,
                max_num,
                found: Vec::new(),
            }),
            Fact::MessageFound {
                queue,
                offset,
                message,
                luck,
                stored,
            } => {
                if let Some(query) = self.queries.last_mut() {
                    query.found.push(Found {
                        queue,
                        offset,
                        message,
                        luck,
                        stored,
                    });
                }
            }
            Fact::LagEstimated {
                group,
                topic,
                diff,
                matching,
            } => self.filters.lag(group, topic, diff, matching),
            Fact::Expired { queue, from, to } => self.expired(now, directory, queue, (from, to)),
            Fact::QueueLocked { .. }
            | Fact::QueueUnlocked { .. }
            | Fact::LockRefused { .. }
            | Fact::StartOffsetChanged { .. }
            | Fact::QueueSuspended { .. } => self.order_fact(now, directory, fact),
            Fact::Heartbeat { .. }
            | Fact::Born { .. }
            | Fact::Stored { .. }
            | Fact::SendAcknowledged { .. }
            | Fact::Dispatched { .. }
            | Fact::Request { .. }
            | Fact::PullHeld { .. }
            | Fact::PullAnswered { .. }
            | Fact::Pushed { .. }
            | Fact::OffsetCommitted { .. }
            | Fact::Cached { .. }
            | Fact::Delivered { .. }
            | Fact::Consumed { .. } => unreachable!("handled by observe"),
        }
    }
}
