//! What a run will hold in memory, told before it starts: about, as nobody knows luck beforehand.
//!
//! Tables follow from the numbers of queues and clients; what waits from flows that are worked out without luck
//! (`backlog.rs`). How many bytes each thing has is asked of the thing (`held_for` beside `held`), so that a table that grows or
//! shrinks is foreseen as it is. Not foreseen: retries by rules for single messages, queues that get more than others,
//! brokers that are down, and what rebalances hold up for a while.

mod backlog;
mod extent;
mod load;
mod members;
mod report;
mod retries;

use crate::cluster::broker::commit_log::CommitLog;
use crate::cluster::broker::index_service::IndexService;
use crate::cluster::broker::schedule_message_service::ScheduleMessageService;
use crate::cluster::broker::segments::Segments;
use crate::cluster::config::{
    Action, Blocked, ClusterConfig, GroupConfig, Identity, KeyDist, Retention, StoreScope,
};
use crate::cluster::consumer::idempotent::Idempotence;
use crate::cluster::ids::{MessageId, ProducerId, TopicId};
use crate::cluster::memory::Size;
use crate::cluster::message::Record;
use crate::cluster::producer::attributes::Key;
use crate::forecast::backlog::Groups;
use crate::forecast::extent::Counts;
use crate::forecast::load::Load;
use crate::forecast::members::Members;
use crate::kernel::math;
use crate::kernel::time::{SimDuration, SimTime};
use crate::observe::observation::{Extent, Observation};

/// What the program itself takes: its code, the scenario, the thread's stack. Measured; `tests/hostile/memory.rs` holds it to that.
pub const PROGRAM: u64 = 10 << 20;

/// How long a message waits when members or brokers are in trouble, or a guard sends it back, seconds.
const IN_TROUBLE: f64 = 60.0;
/// Looks at flows in all: so even the largest scenario takes no more than a second.
const LOOKS: usize = 500_000;
/// Steps of the clock, beside as many instants at most at which something changes.
const STEPS: (usize, usize) = (50, 1_000);

/// What a run is going to hold at its peak, bytes by part.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Forecast {
    /// Tables of queues and brokers.
    pub queues: u64,
    /// Clients, and what brokers know of them.
    pub clients: u64,
    /// Records that wait at brokers, for a reader or for another attempt.
    pub waiting: u64,
    /// Messages in the caches of clients.
    pub caches: u64,
    /// What listeners remember of what they have done.
    pub stores: u64,
    /// Pending events, sends and listener calls.
    pub events: u64,
    /// Accounts and histograms of the report.
    pub accounts: u64,
    /// Its series.
    pub series: u64,
    /// The report itself, put together when the cluster is gone.
    pub report: u64,
    /// The largest backlog.
    pub backlog: Option<Backlog>,
    /// How much there is to observe.
    pub extent: Extent,
}

/// Why messages are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// The group has more to do than it can.
    Behind,
    /// Nobody of the group is there.
    Unread,
    /// They are read, but a member or an operator may go back to them.
    Kept,
}

/// Messages that brokers keep for one group at the peak.
#[derive(Clone, Debug, PartialEq)]
pub struct Backlog {
    /// How many.
    pub messages: u64,
    /// Bytes of them.
    pub bytes: u64,
    /// Their topic.
    pub topic: String,
    /// For whom.
    pub group: String,
    /// Why.
    pub why: Why,
}

impl Forecast {
    /// That of a run of `config`.
    pub fn of(config: &ClusterConfig) -> Self {
        let load = Load::of(config);
        let counts = Counts::of(config);
        let mut course = Course::of(config, &load, &counts);
        for now in instants(config, &load) {
            course.reach(now);
        }
        course.end()
    }

    /// What the model and its observer hold, as `--max-memory` counts it.
    pub fn held(&self) -> u64 {
        let observer = self.accounts + self.series;
        self.queues + self.clients + self.waiting + self.caches + self.stores + self.events + observer
    }

    /// What a run needs at its peak, beside the program: while it goes on, or when its report is put together.
    pub fn peak(&self) -> u64 {
        self.held().max(self.accounts + self.series + self.report)
    }
}

/// When to look, seconds, rising.
fn instants(config: &ClusterConfig, load: &Load) -> Vec<f64> {
    let flows = load.flows()
        + config
            .groups
            .iter()
            .map(|group| group.subscribe.len() + 1)
            .sum::<usize>();
    let steps = (LOOKS / flows.max(1)).clamp(STEPS.0, STEPS.1);
    let end = SimTime::ZERO + config.duration;
    let changes = load.changes().chain(Members::changes(config));
    let mut changes: Vec<f64> = changes.filter(load::within(end)).collect();
    changes.sort_by(f64::total_cmp);
    changes.dedup();
    let every = changes.len().div_ceil(steps).max(1);
    let grid = (0..=steps).map(|step| config.duration.as_secs_f64() * step as f64 / steps as f64);
    let mut all: Vec<f64> = changes.into_iter().step_by(every).chain(grid).collect();
    all.sort_by(f64::total_cmp);
    all.dedup();
    all
}

/// A run as it goes on.
struct Course<'c> {
    config: &'c ClusterConfig,
    load: &'c Load,
    counts: &'c Counts,
    groups: Groups<'c>,
    /// By group: messages that each held queue has in its cache, and has had at most.
    cached: Vec<f64>,
    cached_most: Vec<f64>,
    /// By topic: bytes of a packed segment.
    packed: Vec<u64>,
    /// Keys that an operator will look for.
    asked: Vec<(TopicId, Key)>,
    /// Listener calls at a time at most.
    calls: f64,
    /// The peak so far, without what does not change.
    peak: Forecast,
    /// By topic: for how long something has waited in its queues, seconds.
    behind: Vec<f64>,
}

impl<'c> Course<'c> {
    fn of(config: &'c ClusterConfig, load: &'c Load, counts: &'c Counts) -> Self {
        Self {
            groups: Groups::of(config, load, &counts.shared),
            cached: vec![0.0; config.groups.len()],
            cached_most: vec![0.0; config.groups.len()],
            packed: (0..config.topics.len() as u32)
                .map(|id| packed(config, load, counts, TopicId(id)))
                .collect(),
            asked: (config.timeline.iter())
                .filter_map(|entry| match entry.action {
                    Action::QueryMessage { topic, key, .. } => Some((topic, key)),
                    _ => None,
                })
                .collect(),
            calls: 0.0,
            peak: Forecast::default(),
            behind: vec![0.0; config.topics.len()],
            config,
            load,
            counts,
        }
    }

    fn reach(&mut self, now: f64) {
        let step = self.groups.reach(now);
        let (waiting, backlog) = self.waiting(now, step);
        let mut calls = 0.0;
        for id in 0..self.config.groups.len() {
            self.cached[id] = self.cached_now(id);
            self.cached_most[id] = self.cached_most[id].max(self.cached[id]);
            calls += self.calls_now(id);
        }
        self.calls = self.calls.max(calls);
        let (caches, stores) = (self.caches(), self.stores());
        let before = self.peak.waiting + self.peak.caches + self.peak.stores;
        if waiting + caches + stores >= before {
            self.peak = Forecast {
                waiting,
                caches,
                stores,
                backlog,
                ..Forecast::default()
            };
        }
    }

    /// Bytes of all records at brokers, and the largest backlog; since the look before `step` seconds have gone by.
    fn waiting(&mut self, now: f64, step: f64) -> (u64, Option<Backlog>) {
        let (mut bytes, mut largest): (u64, Option<Backlog>) = (0, None);
        for id in 0..self.config.topics.len() {
            let topic = TopicId(id as u32);
            let commits = |group: usize| commit_interval(&self.config.groups[group]);
            let (kept, fresh) = self.groups.kept(topic, commits);
            let queues = self.counts.topics[id].max(1);
            let of_queue = |records: f64| (records / queues as f64).ceil() as u64;
            let records = [fresh, kept, self.groups.come(topic, now)].map(of_queue);
            let of_topic = queues.saturating_mul(Segments::held_for(records, self.packed[id]));
            if kept > queues as f64 {
                self.behind[id] += step;
            }
            bytes = bytes.saturating_add(of_topic);
            if kept >= 1.0 && largest.as_ref().is_none_or(|largest| largest.bytes < of_topic) {
                largest = self.groups.last_reader(topic, kept).map(|(group, why)| Backlog {
                    messages: kept as u64,
                    bytes: of_topic,
                    topic: self.config.topics[id].name.clone(),
                    group: group.to_owned(),
                    why,
                });
            }
        }
        for (id, group) in self.groups.groups.iter().enumerate() {
            let of_retry = self.counts.retry_queues[id].max(1);
            let brokers = self.config.brokers.len().max(1) as u64;
            bytes += brokers * ScheduleMessageService::held_for((group.delayed as u64).div_ceil(brokers));
            let again = group.topics.iter().find(|vessel| vessel.topic.is_none());
            let packed = self.packed.first().copied().unwrap_or(0);
            if let Some(vessel) = again {
                let fresh = vessel.recent(now, commit_interval(&self.config.groups[id]));
                let of_queue = |records: f64| (records / of_retry as f64).ceil() as u64;
                let records = [fresh, vessel.waiting, group.retried].map(of_queue);
                bytes += of_retry * Segments::held_for(records, packed);
            }
            if self.counts.dead_are_kept[id] {
                let dead = group.dead as u64 / brokers;
                bytes += brokers * Segments::held_for([0, dead, dead], packed);
            }
        }
        (bytes.saturating_add(self.index(now)), largest)
    }

    /// Messages in the cache of each queue that the group's members hold.
    fn cached_now(&self, id: usize) -> f64 {
        let (group, config) = (&self.groups.groups[id], &self.config.groups[id]);
        if group.strength.members == 0 {
            return 0.0;
        }
        let queues = self.counts.shared[id].max(1) as f64;
        let waiting: f64 = group.topics.iter().map(|vessel| vessel.waiting).sum();
        let served = group.served() * extent::mean_service(config) / queues;
        let holders = (group.strength.members as f64).min(queues).max(1.0);
        // While one message takes its time, its client is done with others of the queue behind it.
        let spread = extent::spread(config) * group.strength.threads / holders / (queues / holders).max(1.0);
        let most = extent::cache_most(config, self.load, self.config) as f64;
        let each = waiting / queues;
        let ahead = if each >= 1.0 { spread.min(each) } else { 0.0 };
        each.min(most) + served + ahead
    }

    /// Listener calls of the group at a time.
    fn calls_now(&self, id: usize) -> f64 {
        let group = &self.groups.groups[id];
        let waiting: f64 = group.topics.iter().map(|vessel| vessel.waiting).sum();
        let busy = group.served() * extent::mean_service(&self.config.groups[id]) * 2.0 + waiting;
        busy.min(group.strength.threads)
    }

    fn caches(&self) -> u64 {
        let each = self.config.groups.iter().enumerate().map(|(id, group)| {
            let (held, cached) = (self.counts.held[id], self.cached[id]);
            // A cache has room while there is anything in it.
            let filled = (held as f64 * cached.min(1.0)).ceil() as u64;
            let messages = (filled, cached.ceil() as u64);
            let answer = messages.1.min(extent::answer(group));
            Size::caches_held(held + self.counts.churn[id].given_up, messages, answer)
        });
        each.fold(0, u64::saturating_add)
    }

    fn stores(&self) -> u64 {
        let groups = self.groups.groups.iter().zip(&self.config.groups);
        let each = groups.map(|(group, config)| {
            let Some(store) = config.idempotent else { return 0 };
            let done: f64 = group.begun.by(f64::MAX);
            let distinct = match store.by {
                Identity::MessageId => done,
                Identity::Key => done.min(extent::keys(self.config, config) as f64),
            };
            let stores = match store.scope {
                StoreScope::Group => 1,
                StoreScope::Process => group.strength.members.max(1),
            };
            let each = (distinct as u64 / stores).min(store.capacity);
            stores * Idempotence::held_for(each)
        });
        each.sum()
    }

    /// Bytes of the entries of keys that an operator will look for.
    fn index(&self, now: f64) -> u64 {
        let of = |&(topic, key): &(TopicId, Key)| {
            let mut producers = self.config.producers.iter();
            let keys = producers
                .find(|p| p.topic == topic)
                .and_then(|p| p.attributes.keys);
            let share = match keys {
                None => 0.0,
                Some(KeyDist::Uniform { count }) => 1.0 / f64::from(count),
                Some(KeyDist::Zipf { count, exponent }) => {
                    let weight = |rank: u32| math::pow(f64::from(rank), -exponent);
                    weight(key.0) / (1..=count.min(10_000)).map(weight).sum::<f64>()
                }
            };
            IndexService::held_for((share * self.load.made_by(topic, now)) as u64)
        };
        self.asked.iter().map(of).sum()
    }

    /// All parts, now that the run is over.
    fn end(mut self) -> Forecast {
        let (config, counts) = (self.config, self.counts);
        let size = counts.size(config);
        let consumers = size.consumers.max(1);
        let cached: f64 = (counts.held.iter().zip(&self.cached_most))
            .map(|(held, cached)| *held as f64 * cached)
            .sum();
        let latency = 2.0 * config.network.latency.mean().as_secs_f64();
        let at_once = self.load.at_once();
        let topics: Vec<TopicId> = (0..config.topics.len() as u32).map(TopicId).collect();
        let sends = at_once + (self.load.fastest(&topics, config.duration) * latency) as u64 + size.producers;
        let calls = self.calls as u64;
        let events = counts.events(config) + sends + calls;
        let extent = counts.extent(config, &self.spans(), &self.behind);
        let forecast = &mut self.peak;
        forecast.queues = size.queues_held() + commit_logs(config, self.load, counts, at_once);
        forecast.clients = size.clients_held(cached as u64 / consumers);
        forecast.events = size.events_held(events, sends, calls);
        forecast.accounts = Observation::accounts_held_for(&extent);
        forecast.series = Observation::series_held_for(&extent);
        forecast.report = report::held(config, &extent);
        forecast.extent = extent;
        self.peak
    }

    /// By group that anything comes to: the longest time from a message's birth to its end.
    fn spans(&self) -> Vec<SimDuration> {
        let end = self.config.duration.as_secs_f64();
        let groups = self.groups.groups.iter().zip(&self.config.groups);
        let spans = groups.filter_map(|(group, config)| {
            let begun = group.begun.by(f64::MAX);
            let trouble = match config.guard.map(|guard| guard.blocked) {
                Some(Blocked::Later) => IN_TROUBLE,
                _ if !self.config.timeline.is_empty() => IN_TROUBLE,
                _ => 0.0,
            };
            let usual = 10.0 * extent::mean_service(config) + group.retries.longest(begun);
            let longest = (group.wait + usual).max(trouble);
            (begun >= 1.0).then(|| SimDuration::from_secs_f64(longest.clamp(0.01, end)))
        });
        spans.collect()
    }
}

/// Bytes of a packed segment of the topic's records, when they come at the mean rate of the run.
fn packed(config: &ClusterConfig, load: &Load, counts: &Counts, topic: TopicId) -> u64 {
    let queues = counts.topics[topic.index()].max(1) as f64;
    let producers = config.producers.iter().enumerate();
    let producers: Vec<u32> = producers
        .filter(|(_, producer)| producer.topic == topic)
        .map(|(id, _)| id as u32)
        .collect();
    let end = config.duration.as_secs_f64();
    let gap = SimDuration::from_secs_f64(queues * end / load.made_by(topic, end).max(1.0)).as_nanos();
    let many = producers.len().max(1) as u64;
    Segments::packed_held(|n| {
        let stored = SimTime::from_nanos(n * gap);
        // Several producers take turns; each has counted up a little in the meantime.
        let producer = producers.get((n % many) as usize).copied().unwrap_or(0);
        Record {
            born: stored,
            stored,
            luck: n.wrapping_mul(0x9E37_79B9_7F4A_7C15),
            id: MessageId::new(ProducerId(producer), n * queues as u64 / many),
            body_size: load.body(topic, end) as u32,
            origin_topic: topic,
            reconsume_times: 0,
        }
    })
}

/// Half of the interval between two commits of a group, seconds.
fn commit_interval(group: &GroupConfig) -> f64 {
    group
        .tuning
        .persist_consumer_offset_interval
        .duration()
        .as_secs_f64()
        / 2.0
}

/// Bytes of the logs of all brokers, where files are full or much comes at once.
fn commit_logs(config: &ClusterConfig, load: &Load, counts: &Counts, at_once: u64) -> u64 {
    let (brokers, end) = (config.brokers.len().max(1) as u64, config.duration.as_secs_f64());
    let tuning = &config.broker_tuning;
    let topics = (0..config.topics.len()).map(|id| TopicId(id as u32));
    let (made, bytes) = topics.fold((0.0, 0.0), |sum, topic| {
        let made = load.made_by(topic, end);
        (sum.0 + made, sum.1 + made * load.body(topic, end))
    });
    let (files, in_file) = match tuning.retention {
        // A file a minute, of those in which anything comes.
        Retention::Exact => {
            let kept = f64::from(tuning.file_reserved_time) * 3600.0;
            let minutes = end.min(kept) / 60.0;
            (minutes.min(made), made / (end / 60.0).max(1.0))
        }
        _ => {
            let file = tuning.mapped_file_size_commit_log as f64;
            (bytes / brokers as f64 / file, made)
        }
    };
    let queues = (counts.queues / brokers).min(in_file.ceil() as u64);
    brokers * CommitLog::held_for(files as u64, queues, at_once / brokers)
}
