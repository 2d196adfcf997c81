//! How long things may take, worked out from the configuration.
//!
//! A network whose delays have no greatest value is taken for one whose delays stay below what one envelope in 10⁹
//! exceeds. Trouble is not in here: `excuses` tells when that is over.

use crate::cluster::config::{ClusterConfig, Delivery, GroupConfig};
use crate::cluster::consumer::process_queue::REBALANCE_LOCK_INTERVAL;
use crate::cluster::ids::GroupId;
use crate::cluster::profile::Profile;
use crate::kernel::dist::{Dist, Shape};
use crate::kernel::math;
use crate::kernel::time::{SimDuration, SimTime};

/// A pull whose answer never comes is given up after 31 s, and asked for again after 1 s.
pub const GIVEN_UP_PULL: SimDuration = SimDuration::from_secs(31 + 1);
/// The least that a client gives a broker to answer: the thread that asks for locks.
pub const SHORTEST_PATIENCE: SimDuration = SimDuration::from_secs(1);
/// The most that a thread which asks one broker after another gives each, connecting included.
const LONGEST_PATIENCE: SimDuration = SimDuration::from_secs(6);
/// A client lets a queue whose offset is illegal rest for so long before 5.2.
const OFFSET_REPAIR: SimDuration = SimDuration::from_secs(10);
/// A broker looks for holds whose time is up.
pub const HOLD_SWEEP: SimDuration = SimDuration::from_secs(5);
/// A broker looks for silent clients.
const CHANNEL_SCAN: SimDuration = SimDuration::from_secs(10);
/// What a thread with a clock may be late by.
const LATE: SimDuration = SimDuration::from_secs(5);
/// What a round may take beside its requests: calls that are waited for, threads that are busy.
const SLACK: SimDuration = SimDuration::from_secs(60);

/// Longest times of one run.
#[derive(Clone, Debug)]
pub struct Bounds {
    /// One envelope on a whole link.
    pub way: SimDuration,
    /// Whether all locks can be renewed within the interval. If not, the thread that does it does nothing else, and queues
    /// whose pause is over wait for ever.
    pub locks_keep_up: bool,
    /// By group.
    groups: Vec<OfGroup>,
    /// How long after the last change in peace every client has its queues.
    settles: SimDuration,
    /// The same after a trouble that nobody was told of: somebody silent is given up first.
    recovers: SimDuration,
}

#[derive(Clone, Copy, Debug)]
struct OfGroup {
    pull: SimDuration,
    round: SimDuration,
    renewal: SimDuration,
    heartbeat: SimDuration,
}

impl Bounds {
    /// Those of a run of `config`.
    pub fn new(config: &ClusterConfig) -> Self {
        let way = longest(&config.network.latency);
        let trip = way * 2;
        let groups: Vec<OfGroup> = config
            .groups
            .iter()
            .map(|group| OfGroup {
                pull: pull(config, group, trip),
                round: round(config, group, trip),
                renewal: renewal(config, trip),
                heartbeat: heartbeat(config, group, trip),
            })
            .collect();
        let most = |of: fn(&OfGroup) -> SimDuration| groups.iter().map(of).max().unwrap_or_default();
        let slowest =
            |of: fn(&GroupConfig) -> SimDuration| config.groups.iter().map(of).max().unwrap_or_default();
        let wait = slowest(|group| group.tuning.rebalance_wait_interval.duration());
        let routes = slowest(|group| group.tuning.poll_name_server_interval.duration());
        let start = slowest(|group| {
            group.tuning.startup_time.duration()
                + group.tuning.await_termination_millis_when_shutdown.duration()
        });
        let settles = start + routes + wait * 2 + most(|of| of.round) + most(|of| of.pull);
        let expiry = config.broker_tuning.channel_expired_timeout.duration() + CHANNEL_SCAN;
        let heartbeat = slowest(|group| group.tuning.heartbeat_broker_interval.duration());
        let passes = u64::from(Profile::of(config.version).lock_renewals);
        Self {
            way,
            locks_keep_up: trip * (passes * config.brokers.len() as u64) < REBALANCE_LOCK_INTERVAL,
            groups,
            settles,
            recovers: settles + expiry + heartbeat + GIVEN_UP_PULL,
        }
    }

    /// The longest time between two signs of a pull loop.
    pub fn pull(&self, group: GroupId) -> SimDuration {
        self.groups[group.index()].pull
    }

    /// The longest round in which every broker answers. A new queue is pulled only when the start offsets of all new
    /// queues of its topic have come.
    pub fn round(&self, group: GroupId) -> SimDuration {
        self.groups[group.index()].round
    }

    /// The longest time between two requests for the lock of a queue that is held, while each other broker that is in
    /// trouble keeps the thread waiting.
    pub fn renewal(&self, group: GroupId, troubled: u64) -> SimDuration {
        self.groups[group.index()].renewal + LONGEST_PATIENCE * troubled
    }

    /// The longest time between two heartbeats to one broker.
    pub fn heartbeat(&self, group: GroupId) -> SimDuration {
        self.groups[group.index()].heartbeat
    }

    /// How long after its last change a cluster is at rest. `silent`: somebody may have gone without a word.
    pub fn rest(&self, silent: bool) -> SimDuration {
        match silent {
            true => self.recovers,
            false => self.settles,
        }
    }

    /// Whether what was on the wire at `then` may still be there.
    pub fn on_the_wire(&self, now: SimTime, then: SimTime) -> bool {
        now.since(then) <= self.way * 2 + SimDuration::from_secs(6)
    }
}

fn pull(config: &ClusterConfig, group: &GroupConfig, trip: SimDuration) -> SimDuration {
    let broker = &config.broker_tuning;
    let hold = match broker.long_polling_enable {
        true => group.tuning.broker_suspend_max_time_millis.duration() + HOLD_SWEEP,
        false => broker.short_polling_time_mills.duration() * 2,
    };
    let pause = match group.delivery {
        Delivery::ShortPolling { interval } | Delivery::Pull { interval, .. } => interval,
        Delivery::LongPolling | Delivery::Push { .. } => SimDuration::ZERO,
    };
    GIVEN_UP_PULL.max(hold) + trip * 2 + group.tuning.pull_interval.duration() + pause + OFFSET_REPAIR
}

/// Each topic asks for its members, each new queue for its offset and, with an orderly listener, for its lock.
fn round(config: &ClusterConfig, group: &GroupConfig, trip: SimDuration) -> SimDuration {
    let topics = group.subscribe.len() as u64 + 1;
    let placed = group
        .subscribe
        .iter()
        .filter_map(|topic| config.topics.get(topic.index()));
    let queues: u64 = placed
        .flat_map(|topic| &topic.placement)
        .map(|(_, numbers)| u64::from(numbers.read.max(numbers.write)))
        .sum();
    let retries = u64::from(config.broker_tuning.retry_queue_nums) * config.brokers.len() as u64;
    SLACK + SimDuration::from_secs(30) + trip * (2 * topics + 3 * (queues + retries))
}

/// Brokers are asked one after another, and from 5.0 on twice. Whoever has more of them than fit into an interval asks
/// without a pause.
fn renewal(config: &ClusterConfig, trip: SimDuration) -> SimDuration {
    let passes = u64::from(Profile::of(config.version).lock_renewals) + 1;
    REBALANCE_LOCK_INTERVAL + LATE + trip * (passes * config.brokers.len() as u64)
}

/// The timer thread sends them one after another, and asks for routes besides.
fn heartbeat(config: &ClusterConfig, group: &GroupConfig, trip: SimDuration) -> SimDuration {
    let routes = group.subscribe.len() as u64 + 2;
    let requests = 2 * (config.brokers.len() as u64 + routes);
    group.tuning.heartbeat_broker_interval.duration() + LATE + trip * requests
}

/// The longest delay, or for shapes without one what a draw in 10⁹ exceeds.
fn longest(latency: &Dist) -> SimDuration {
    let times =
        |span: SimDuration, factor: f64| SimDuration::from_secs_f64((span.as_secs_f64() * factor).min(1e6));
    let shape = match latency {
        Dist::Constant(always) => return *always,
        Dist::Shape(shape) => shape,
    };
    match shape {
        Shape::Uniform { max, .. } => *max,
        Shape::Empirical { values } => values.iter().copied().max().unwrap_or_default(),
        // e^-21 is about 10⁻⁹.
        Shape::Exponential { mean } => times(*mean, 21.0),
        Shape::Gamma { mean, cv } => times(*mean, 1.0 + 8.0 * cv + 21.0 * cv * cv),
        Shape::Lognormal { mean, p99 } => {
            let z99 = 2.326;
            let ratio = math::ln(p99.as_secs_f64() / mean.as_secs_f64());
            let sigma = z99 - math::sqrt((z99 * z99 - 2.0 * ratio).max(0.0));
            times(*p99, math::exp(sigma * (6.0 - z99)))
        }
        Shape::Pareto { mean, alpha } => times(*mean, (alpha - 1.0) / alpha * math::pow(1e9, 1.0 / alpha)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::sampler::Sampler;
    use crate::kernel::streams::Streams;

    fn ms(n: u64) -> SimDuration {
        SimDuration::from_millis(n)
    }

    /// A hundred thousand draws of each shape stay below its longest, and come within a factor of a hundred of it; of a
    /// thousand where the tail is heaviest.
    #[test]
    fn no_draw_exceeds_the_longest() {
        let shapes = [
            Shape::Uniform {
                min: ms(1),
                max: ms(9),
            },
            Shape::Exponential { mean: ms(5) },
            Shape::Gamma { mean: ms(5), cv: 0.5 },
            Shape::Gamma { mean: ms(5), cv: 3.0 },
            Shape::Lognormal {
                mean: ms(1),
                p99: ms(10),
            },
            Shape::Empirical {
                values: vec![ms(3), ms(8)],
            },
            Shape::Pareto {
                mean: ms(5),
                alpha: 3.0,
            },
            Shape::Pareto {
                mean: ms(5),
                alpha: 1.5,
            },
        ];
        for shape in shapes {
            let dist = Dist::Shape(shape);
            let mut stream = Streams::new(7).stream("link", "latency");
            let sampler = Sampler::new(&dist).unwrap();
            let drawn = (0..100_000).map(|_| sampler.sample(&mut stream)).max().unwrap();
            let bound = longest(&dist);
            let factor = match dist {
                Dist::Shape(Shape::Pareto { alpha, .. }) if alpha < 2.0 => 1000,
                _ => 100,
            };
            assert!(
                drawn <= bound && bound < drawn * factor,
                "{dist:?}: {drawn}, {bound}"
            );
        }
    }
}
