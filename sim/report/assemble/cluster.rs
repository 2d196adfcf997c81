//! Brokers, topics, producers, consumers and queues.

use super::groups::failures;
use super::{View, max_secs, mean_secs, ratio};
use crate::cluster::directory::TopicKind;
use crate::cluster::fact::{RequestKind, StopKind};
use crate::cluster::ids::{ConsumerId, ProducerId};
use crate::kernel::time::SimTime;
use crate::observe::consumers::Life;
use crate::observe::episodes::Episode;
use crate::observe::lag::Level;
use crate::observe::requests::Requests;
use crate::report::model::{
    BrokerReport, ClusterReport, ConsumerEnd, ConsumerReport, EpisodeReport, FlowControlReport, HoldsReport,
    ProducerReport, PullFailuresReport, PullsReport, QueueGroupReport, QueueLagReport, QueueReport,
    RequestsReport, SpanReport, TopicPurpose, TopicReport,
};
use indexmap::IndexMap;

impl View<'_> {
    pub(super) fn cluster(&self) -> ClusterReport {
        let mut brokers: Vec<BrokerReport> = (self.observation.brokers.iter())
            .map(|requests| broker(requests, self.end))
            .collect();
        for queue in self.queue_ids() {
            let info = self.directory.queue(queue);
            if self.directory.topic(info.topic).kind == TopicKind::User {
                let broker = &mut brokers[info.broker.index()];
                broker.stored += self.observation.ledger.end(queue);
                broker.stored_bytes += self.observation.stored_bytes[queue.index()];
            }
        }
        ClusterReport {
            brokers: self.directory.brokers.iter().cloned().zip(brokers).collect(),
        }
    }

    pub(super) fn topics(&self) -> IndexMap<String, TopicReport> {
        let mut topics: Vec<TopicReport> = self
            .directory
            .topics
            .iter()
            .map(|info| {
                let (purpose, group) = match info.kind {
                    TopicKind::User => (TopicPurpose::User, None),
                    TopicKind::Retry(group) => (TopicPurpose::Retry, Some(group)),
                    TopicKind::DeadLetter(group) => (TopicPurpose::DeadLetter, Some(group)),
                };
                TopicReport {
                    purpose,
                    group: group.map(|group| self.directory.group(group).name.clone()),
                    queues: 0,
                    stored: 0,
                    stored_bytes: 0,
                }
            })
            .collect();
        for queue in self.queue_ids() {
            let topic = &mut topics[self.directory.queue(queue).topic.index()];
            topic.queues += 1;
            topic.stored += self.observation.ledger.end(queue);
            topic.stored_bytes += self.observation.stored_bytes[queue.index()];
        }
        let names = self.directory.topics.iter().map(|info| info.name.clone());
        names.zip(topics).collect()
    }

    pub(super) fn producers(&self) -> IndexMap<String, ProducerReport> {
        let named = self.directory.producers.iter().enumerate();
        named
            .map(|(id, (name, topic))| {
                let arrivals = self.observation.producers.get(ProducerId(id as u32));
                let report = ProducerReport {
                    topic: self.directory.topic(*topic).name.clone(),
                    born: arrivals.born,
                    stored: arrivals.stored,
                    acknowledged: arrivals.acknowledged,
                    refused: arrivals.refused,
                    retried: arrivals.refused - arrivals.given_up,
                    given_up: arrivals.given_up,
                    in_flight: arrivals.in_flight(),
                    bytes: arrivals.bytes,
                    send_mean_seconds: mean_secs(arrivals.send_sum, arrivals.acknowledged),
                    send_max_seconds: max_secs(arrivals.send_max, arrivals.acknowledged),
                    arrival_digest: format!("{:016x}", arrivals.digest),
                };
                (name.clone(), report)
            })
            .collect()
    }

    pub(super) fn consumers(&self) -> IndexMap<String, ConsumerReport> {
        let deliveries: Vec<u64> = self
            .group_ids()
            .map(|group| self.observation.deliveries(group))
            .collect();
        let lives = self.observation.consumers.iter().enumerate();
        lives
            .map(|(id, life)| {
                let id = ConsumerId(id as u32);
                let group = self.directory.consumer(id).group;
                (
                    self.consumer_key(id),
                    self.consumer(id, life, deliveries[group.index()]),
                )
            })
            .collect()
    }

    fn consumer(&self, id: ConsumerId, life: &Life, group_deliveries: u64) -> ConsumerReport {
        let info = self.directory.consumer(id);
        let length = life.length(self.from, self.end).as_secs_f64();
        let threads = || life.thread_secs(self.from, self.end, info.threads);
        let [
            connection,
            timeout,
            illegal_queue,
            no_subscription,
            old_subscription,
            system_busy,
            flow_control_of_broker,
        ] = life.pulls_failed;
        ConsumerReport {
            group: self.directory.group(info.group).name.clone(),
            member: info.name.clone(),
            client_id: info.client_id.clone(),
            threads: info.threads.into(),
            started_seconds: life.started.map(|at| at.as_secs_f64()),
            stopped_seconds: life.stopped.map(|(at, _)| at.as_secs_f64()),
            end: life.stopped.map(|(_, how)| match how {
                StopKind::Graceful => ConsumerEnd::Graceful,
                StopKind::Killed => ConsumerEnd::Killed,
                StopKind::Vanished => ConsumerEnd::Vanished,
                StopKind::StartFailed => ConsumerEnd::StartFailed,
            }),
            deliveries: life.deliveries,
            succeeded: life.succeeded,
            failed: life.failed,
            failures: failures(life),
            discarded: life.discarded,
            share: ratio(life.deliveries, group_deliveries),
            busy_seconds: life.busy.as_secs_f64(),
            busy_ratio: (length > 0.0).then(|| self.busy(id.index()).as_secs_f64() / threads()),
            queues_final: life.queues.value(),
            queues_max: life.queues.max(),
            queues_mean: if length > 0.0 {
                self.held(id.index()) as f64 / 1e9 / length
            } else {
                0.0
            },
            rebalance_rounds: life.rounds,
            cached: life.cached,
            cached_max: life.cached_max.into(),
            cached_all_max: life.cached_all_max.messages as u64,
            cached_all_max_bytes: life.cached_all_max.bytes as u64,
            flow_control: flow_control(life),
            pauses: life.pauses,
            paused_seconds: life.paused(self.end).as_secs_f64(),
            connections_lost: life.connections_lost,
            pulls_failed: PullFailuresReport {
                connection,
                timeout,
                illegal_queue,
                subscription_not_exist: no_subscription,
                subscription_not_latest: old_subscription,
                system_busy,
                flow_control: flow_control_of_broker,
            },
        }
    }

    pub(super) fn queues(&self) -> IndexMap<String, QueueReport> {
        self.queue_ids()
            .map(|queue| {
                let info = self.directory.queue(queue);
                let readers = self.observation.slots.readers(queue);
                let groups = readers.map(|slot| (self.reader_name(slot), self.queue_of_group(slot)));
                let report = QueueReport {
                    topic: self.directory.topic(info.topic).name.clone(),
                    broker: self.directory.broker(info.broker).to_owned(),
                    id: info.index,
                    max_offset: self.observation.ledger.end(queue),
                    stored_bytes: self.observation.stored_bytes[queue.index()],
                    stranded: (self.observation.stranded[queue.index()].iter())
                        .map(|(from, to)| SpanReport {
                            from_seconds: from.as_secs_f64(),
                            to_seconds: to.unwrap_or(self.end).as_secs_f64(),
                        })
                        .collect(),
                    groups: groups.collect(),
                };
                (self.directory.queue_label(queue), report)
            })
            .collect()
    }

    /// Who reads in a slot: a group, or a member of a broadcasting one.
    fn reader_name(&self, slot: usize) -> String {
        let of = self.observation.slots.get(slot);
        let group = self.directory.group(of.group);
        match of.reader {
            None => group.name.clone(),
            Some(reader) => format!("{} at {}", group.name, group.readers[reader as usize]),
        }
    }

    fn queue_of_group(&self, slot: usize) -> QueueGroupReport {
        let observation = self.observation;
        let lag = observation.lag.slot(slot);
        let order = &observation.orders.queues[slot];
        let times = observation.ownership.times(self.end, slot);
        let level = |level: &Level| QueueLagReport {
            last: level.value(),
            max: level.max(),
            mean: level.mean(self.from, self.end),
        };
        QueueGroupReport {
            committed: lag.committed(),
            lag: level(&lag.lag),
            backlog: level(&lag.backlog),
            waiting_mean: observation.waiting_mean(slot, self.end),
            wait_mean_seconds: observation.wait_mean_secs(slot),
            deliveries: observation.ledger.deliveries(slot),
            duplicates: observation.ledger.duplicates(slot) - order.again,
            blocked_seconds: order.blocked.as_secs_f64(),
            blocked: (order.spans.iter())
                .map(|(from, to)| SpanReport {
                    from_seconds: from.as_secs_f64(),
                    to_seconds: to.as_secs_f64(),
                })
                .collect(),
            owner: observation
                .ownership
                .owner(slot)
                .map(|owner| self.consumer_key(owner)),
            unclaimed_seconds: times.unclaimed.as_secs_f64(),
            owned_seconds: times.owned.as_secs_f64(),
            paused_seconds: times.paused.as_secs_f64(),
            overlap_seconds: times.overlap.as_secs_f64(),
            unowned_seconds: times.unowned.as_secs_f64(),
            unowned_max_seconds: times.unowned_max.as_secs_f64(),
            stranded_seconds: times.stranded.as_secs_f64(),
        }
    }
}

/// When and why a consumer put pulls off.
fn flow_control(life: &Life) -> FlowControlReport {
    let [count, size, span] = life.flow_control;
    let report = |episode: &Episode| EpisodeReport {
        from_seconds: (episode.from.since(SimTime::ZERO)).as_secs_f64(),
        to_seconds: (episode.to.since(SimTime::ZERO)).as_secs_f64(),
        count: episode.by[0],
        size: episode.by[1],
        span: episode.by[2],
    };
    FlowControlReport {
        count,
        size,
        span,
        episodes: life.episodes.count,
        lasted_seconds: life.episodes.length().as_secs_f64(),
        list: life.episodes.all().map(report).collect(),
    }
}

/// Counts by kind.
pub(super) fn requests(of: impl Fn(RequestKind) -> u64) -> RequestsReport {
    RequestsReport {
        total: RequestKind::ALL.into_iter().map(&of).sum(),
        send: of(RequestKind::Send),
        pull: of(RequestKind::Pull),
        heartbeat: of(RequestKind::Heartbeat),
        unregister: of(RequestKind::Unregister),
        consumer_list: of(RequestKind::ConsumerList),
        query_offset: of(RequestKind::QueryOffset),
        lookup_offset: of(RequestKind::LookupOffset),
        update_offset: of(RequestKind::UpdateOffset),
        send_back: of(RequestKind::SendBack),
        acknowledge: of(RequestKind::Acknowledge),
        lock_batch: of(RequestKind::LockBatch),
        unlock_batch: of(RequestKind::UnlockBatch),
    }
}

fn broker(requests: &Requests, end: SimTime) -> BrokerReport {
    let answered_holds = requests.woken + requests.expired;
    let envelopes = requests.found + requests.pushes;
    BrokerReport {
        requests: self::requests(|kind| requests.of(kind)),
        pulls: PullsReport {
            found: requests.found,
            not_found: requests.not_found,
            offset_moved: requests.offset_moved,
            no_match: requests.no_match,
            messages_mean: (envelopes > 0).then(|| ratio(requests.messages, envelopes)),
        },
        holds: HoldsReport {
            held: requests.held,
            woken: requests.woken,
            expired: requests.expired,
            unanswered: requests.held.saturating_sub(answered_holds),
            mean_seconds: mean_secs(requests.hold_sum, answered_holds),
            max_seconds: max_secs(requests.hold_max, answered_holds),
        },
        stored: 0,
        stored_bytes: 0,
        pushes: requests.pushes,
        sent: requests.messages,
        sent_bytes: requests.bytes,
        members_expired: requests.members_expired,
        stops: requests.stops,
        down_seconds: requests.down(end).as_secs_f64(),
    }
}
