//! What a group can do over time: who is there, with how many threads, and how long a message takes.

use crate::cluster::config::{
    Action, Blocked, ClusterConfig, ConsumerConfig, Delivery, GroupConfig, GuardRule, ListenerKind,
    MessageModel,
};
use crate::cluster::ids::{GroupId, TopicId};

/// From the start of a client to its first message: class loading, routes, heartbeats, the first shares.
const WARMING_UP: f64 = 1.0;
/// Nothing is faster, messages a second.
const FASTEST: f64 = 1e12;

/// One member life.
#[derive(Clone, Copy, Debug)]
struct Member {
    threads: f64,
    service: f64,
    state: State,
    /// When that began, seconds.
    since: f64,
    /// Where its listener sends what it reads.
    forwards: Option<TopicId>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Absent,
    Works,
    /// It holds its queues and does nothing; `true`: until the brokers give it up.
    Stuck(bool),
}

/// A group over time. To be asked for rising instants.
#[derive(Debug)]
pub struct Members<'c> {
    config: &'c ClusterConfig,
    group: GroupId,
    members: Vec<Member>,
    /// What concerns it on the timeline, rising.
    entries: Vec<(f64, Action)>,
    /// Position there.
    at: usize,
    /// Instants from which on it stands otherwise, rising.
    turns: Vec<f64>,
    /// The last answer, and from when on it does not hold.
    known: Option<(Strength, f64)>,
    /// Queues that the group shares.
    queues: f64,
}

/// A group at an instant.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Strength {
    /// Members that work.
    pub members: u64,
    /// Messages a second that all of them can do, or the slowest of a broadcasting group.
    pub rate: f64,
    /// Listener threads.
    pub threads: f64,
    /// Share of the queues whose owners do nothing.
    pub stuck: f64,
    /// Where members send what they read, if any does, and how large a share of them.
    pub forwards: Option<(TopicId, f64)>,
}

impl<'c> Members<'c> {
    /// `group`, which shares so many queues.
    pub fn of(config: &'c ClusterConfig, group: GroupId, queues: u64) -> Self {
        let member = |consumer: &ConsumerConfig| Member {
            threads: consumer.threads.into(),
            service: service(consumer),
            state: match consumer.start {
                Some(_) => State::Works,
                None => State::Absent,
            },
            since: consumer.start.map_or(0.0, |start| start.as_secs_f64()),
            forwards: None,
        };
        let of = &config.groups[group.index()];
        let entries = config
            .timeline
            .iter()
            .map(|entry| (entry.at.as_secs_f64(), entry.action));
        let entries: Vec<(f64, Action)> = entries
            .filter(|(_, action)| concerns(action) == Some(group))
            .collect();
        let expiry = config
            .broker_tuning
            .channel_expired_timeout
            .duration()
            .as_secs_f64();
        let starts = of.consumers.iter().filter_map(|consumer| consumer.start);
        let turns = starts
            .map(|start| start.as_secs_f64())
            .chain(entries.iter().map(|(at, _)| *at));
        let mut turns: Vec<f64> = turns.flat_map(|at| [at, at + WARMING_UP, at + expiry]).collect();
        turns.sort_by(f64::total_cmp);
        Self {
            config,
            group,
            members: of.consumers.iter().map(member).collect(),
            entries,
            at: 0,
            turns,
            known: None,
            queues: queues as f64,
        }
    }

    fn settings(&self) -> &'c GroupConfig {
        &self.config.groups[self.group.index()]
    }

    /// What happens up to `now`, seconds.
    pub fn reach(&mut self, now: f64) {
        while let Some(&(at, action)) = self.entries.get(self.at) {
            if at > now {
                return;
            }
            self.at += 1;
            self.happens(at, &action);
        }
    }

    fn happens(&mut self, at: f64, action: &Action) {
        let (member, state) = match *action {
            Action::Join(member) | Action::Resume(member) => (member, State::Works),
            Action::Leave(member) | Action::Kill(member) => (member, State::Absent),
            Action::Vanish(member) => (member, State::Stuck(true)),
            Action::Pause(member) => (member, State::Stuck(false)),
            Action::SetThreads { member, threads } => {
                self.members[member.consumer as usize].threads = threads.into();
                return;
            }
            Action::SetListener { member, listener } => {
                let service = self.config.listeners[listener as usize].service.mean();
                self.members[member.consumer as usize].service = service.as_secs_f64();
                return;
            }
            Action::Forward { member, forward } => {
                let forward = &self.config.forwards[forward as usize];
                let of = &mut self.members[member.consumer as usize];
                of.service = forward.service.mean().as_secs_f64();
                of.forwards = Some(forward.topic);
                return;
            }
            _ => return,
        };
        let of = &mut self.members[member.consumer as usize];
        if of.state != state {
            (of.state, of.since) = (state, at);
        }
    }

    /// How it stands at `now`, seconds.
    pub fn strength(&mut self, now: f64) -> Strength {
        if let Some((strength, _)) = self.known.filter(|(_, until)| now < *until) {
            return strength;
        }
        let strength = self.count(now);
        let next = self.turns.partition_point(|at| *at <= now);
        self.known = Some((strength, self.turns.get(next).copied().unwrap_or(f64::MAX)));
        strength
    }

    fn count(&self, now: f64) -> Strength {
        let settings = self.settings();
        let expiry = self.config.broker_tuning.channel_expired_timeout.duration();
        let is_at_work = |of: &&Member| of.state == State::Works && of.since + WARMING_UP <= now;
        let is_stuck = |of: &&Member| match of.state {
            State::Stuck(true) => of.since + expiry.as_secs_f64() > now,
            State::Stuck(false) => true,
            _ => false,
        };
        let at_work = self.members.iter().filter(is_at_work).count() as f64;
        let stuck = self.members.iter().filter(is_stuck).count() as f64;
        let holders = (at_work + stuck).min(self.queues).max(1.0);
        let queues_each = (self.queues / holders).max(1.0);
        let rates = self.members.iter().filter(is_at_work);
        let rates = rates.map(|of| (rate_of(settings, of, queues_each), of.threads));
        let broadcasting = settings.message_model == MessageModel::Broadcasting;
        let (rate, threads) = match broadcasting {
            true => rates.fold((f64::MAX, 0.0), |sum, of| (of.0.min(sum.0), sum.1 + of.1)),
            // Whoever has no queue does nothing.
            false => {
                let share = if at_work > 0.0 {
                    (self.queues / at_work).min(1.0)
                } else {
                    0.0
                };
                let (rate, threads) = rates.fold((0.0, 0.0), |sum, of| (sum.0 + of.0, sum.1 + of.1));
                (rate * share, threads * share)
            }
        };
        Strength {
            members: at_work as u64,
            rate: if at_work > 0.0 { rate.min(FASTEST) } else { 0.0 },
            threads,
            forwards: self.forwards(),
            stuck: match broadcasting {
                true => 0.0,
                false => (stuck / (at_work + stuck).max(1.0)).min(1.0),
            },
        }
    }

    fn forwards(&self) -> Option<(TopicId, f64)> {
        let at_work = self.members.iter().filter(|of| of.state == State::Works);
        let (all, forwarding) = at_work.fold((0, 0), |(all, some), of| {
            (all + 1, some + u32::from(of.forwards.is_some()))
        });
        let topic = self.members.iter().find_map(|of| of.forwards)?;
        Some((topic, f64::from(forwarding) / f64::from(all.max(1))))
    }

    /// Instants at which something happens to it, and somewhat later, when that shows.
    pub fn changes(config: &ClusterConfig) -> impl Iterator<Item = f64> {
        let starts = config.groups.iter().flat_map(|group| &group.consumers);
        let starts = starts.filter_map(|consumer| consumer.start);
        let all = starts.chain(config.timeline.iter().map(|entry| entry.at));
        all.flat_map(|at| [at.as_secs_f64(), at.as_secs_f64() + WARMING_UP])
    }
}

/// The group in which an action changes what somebody does. Whom it reaches and what it wants is not foreseen.
fn concerns(action: &Action) -> Option<GroupId> {
    match action {
        Action::Cut { .. } | Action::Heal { .. } | Action::Slow { .. } | Action::Subscribe { .. } => None,
        _ => action.member().map(|member| member.group),
    }
}

/// Mean time of a listener for a message, seconds. A rule that speaks of all messages counts, others do not.
fn service(consumer: &ConsumerConfig) -> f64 {
    let mut mean = consumer.service.mean().as_secs_f64();
    for rule in consumer.failure.rules.iter().rev() {
        if let Some(service) = rule.service.as_ref().filter(|_| rule.which == Default::default()) {
            mean += rule.probability * (service.mean().as_secs_f64() - mean);
        }
    }
    mean
}

/// Messages a second of one member with so many queues.
fn rate_of(group: &GroupConfig, member: &Member, queues: f64) -> f64 {
    let threads = match group.listener {
        ListenerKind::Orderly(_) => member.threads.min(queues),
        ListenerKind::Concurrently => member.threads,
    };
    let guard = group.guard.map(|guard| (guard.rule, guard.blocked));
    let (threads, calls) = match guard {
        Some((GuardRule::Concurrency(most), _)) => (threads.min(most.into()), FASTEST),
        Some((GuardRule::Rate { qps, .. }, Blocked::Wait)) => (threads, qps.into()),
        // What is blocked takes no time, and comes again.
        Some((GuardRule::Rate { .. }, Blocked::Later)) | None => (threads, FASTEST),
    };
    let batch = f64::from(group.tuning.consume_message_batch_max_size);
    let asked = match group.delivery {
        Delivery::Pull { interval, batch } => {
            queues * f64::from(batch)
                / interval
                    .as_secs_f64()
                    .max(member.service * f64::from(batch) / threads)
        }
        _ => FASTEST,
    };
    (threads / member.service.max(1.0 / FASTEST))
        .min(calls * batch)
        .min(asked)
}
