//! How many messages a scenario will make: told before the run, so that a slip of a unit costs nobody a night.

use crate::cluster::config::{ClusterConfig, Delivery, GroupConfig, MessageModel, ProducerConfig};
use crate::cluster::producer::workload::Arrivals;
use crate::kernel::time::{SimDuration, SimTime};
use crate::scenario::diagnostic::Diagnostic;
use crate::scenario::json::Node;
use crate::scenario::locate::{self, FieldPath, Step};
use crate::scenario::schema::{ArrivalsBlock, ProducerBlock, ScenarioFile};
use crate::scenario::{defaults, limits};
use std::collections::BTreeMap;

/// Messages that `producer` is expected to make in a run of length `duration`.
pub fn messages_of(producer: &ProducerConfig, duration: SimDuration) -> u128 {
    let end = producer.stop.min(SimTime::ZERO + duration);
    let active = u128::from(end.since(producer.start).as_nanos());
    let by_rate = match producer.arrivals {
        Arrivals::Constant { gap } | Arrivals::Poisson { mean_gap: gap } => {
            active / u128::from(gap.as_nanos().max(1))
        }
        Arrivals::Bursts { mean_gap, on, off } => {
            let (on, off) = (u128::from(on.as_nanos()), u128::from(off.as_nanos()));
            let cycles = active / (on + off).max(1);
            let rest = (active % (on + off).max(1)).min(on);
            (cycles * on + rest) / u128::from(mean_gap.as_nanos().max(1))
        }
        Arrivals::AtOnce if active == 0 => 0,
        Arrivals::AtOnce => u128::MAX,
    };
    by_rate.min(u128::from(producer.max_messages))
}

/// Messages that all producers of `config` are expected to make.
pub fn messages(config: &ClusterConfig) -> u128 {
    let each = config.producers.iter().map(|p| messages_of(p, config.duration));
    each.fold(0, u128::saturating_add)
}

/// Events that happen in a run of length `duration` however little is sent: ticks of clients, and pulls that find nothing.
/// About, as members come and go.
pub fn ticks(config: &ClusterConfig, duration: SimDuration) -> u128 {
    let each = config
        .groups
        .iter()
        .map(|group| ticks_of(config, group, duration));
    each.fold(0, u128::saturating_add)
}

fn ticks_of(config: &ClusterConfig, group: &GroupConfig, duration: SimDuration) -> u128 {
    let every = |interval: SimDuration| u128::from(duration.as_nanos() / interval.as_nanos().max(1));
    let tuning = &group.tuning;
    let heartbeats = every(tuning.heartbeat_broker_interval.duration()) * config.brokers.len() as u128;
    let ticks = every(tuning.persist_consumer_offset_interval.duration())
        + every(tuning.poll_name_server_interval.duration())
        + every(tuning.rebalance_wait_interval.duration());
    let members = members(group);
    let held = group
        .subscribe
        .iter()
        .flat_map(|topic| &config.topics[topic.index()].placement);
    let held: u128 = held.map(|(_, queues)| u128::from(queues.read)).sum();
    let held = match group.message_model {
        MessageModel::Broadcasting => held * members,
        MessageModel::Clustering => held,
    };
    let pull = match group.delivery {
        Delivery::LongPolling => tuning.broker_suspend_max_time_millis.duration(),
        Delivery::ShortPolling { interval } | Delivery::Pull { interval, .. } => interval,
        Delivery::Push { .. } => duration,
    };
    members * (heartbeats + ticks) + held * every(pull) * EVENTS_OF_PULL
}

/// A request, its answer, and the next one that is due.
const EVENTS_OF_PULL: u128 = 3;

/// Messages × groups that read them; those of a broadcasting group go to each member.
pub fn deliveries(config: &ClusterConfig, duration: SimDuration) -> u128 {
    let readers = readers(config);
    let each = config
        .producers
        .iter()
        .map(|producer| deliveries_of(producer, &readers, duration));
    each.fold(0, u128::saturating_add)
}

fn deliveries_of(producer: &ProducerConfig, readers: &[u128], duration: SimDuration) -> u128 {
    messages_of(producer, duration).saturating_mul(readers[producer.topic.index()])
}

/// By topic: how many read each of its messages, the members of a broadcasting group or a clustering group as one.
fn readers(config: &ClusterConfig) -> Vec<u128> {
    let mut readers = vec![0_u128; config.topics.len()];
    for group in &config.groups {
        let each = match group.message_model {
            MessageModel::Broadcasting => members(group),
            MessageModel::Clustering => 1,
        };
        group
            .subscribe
            .iter()
            .for_each(|topic| readers[topic.index()] += each);
    }
    readers
}

/// Members of a group; lives follow each other, so that those of a member are one.
fn members(group: &GroupConfig) -> u128 {
    group
        .consumers
        .iter()
        .filter(|consumer| consumer.life == 1)
        .count() as u128
}

/// Refuses a run of length `until` in which more than [`limits::EVENTS`] events can be foreseen beside the sends.
pub(super) fn check_events(
    config: &ClusterConfig,
    until: SimDuration,
    root: &Node,
) -> Result<(), Box<Diagnostic>> {
    let (ticks, deliveries) = (ticks(config, until), deliveries(config, until));
    let (total, bound) = (ticks.saturating_add(deliveries), u128::from(limits::EVENTS));
    if total <= bound {
        return Ok(());
    }
    let (section, name, label) = if ticks > deliveries {
        busiest_group(config, until)
    } else {
        busiest_producer(config, until)
    };
    let path = FieldPath(vec![Step::Key(section.to_owned()), Step::Key(name)]);
    let message = format!(
        "about {} events foreseen, more than the {} of one run: {} by the clock (heartbeats, commits, rebalances, pulls that \
         find nothing) and {} deliveries",
        grouped(total),
        grouped(bound),
        grouped(ticks),
        grouped(deliveries)
    );
    let problem = Diagnostic::new(message)
        .at(locate::key_span_of(root, &path))
        .field(&path)
        .label(label)
        .help("lower the duration, the rates, or the number of groups and members; or raise the intervals of the clients")
        .help("if this is meant, say where the run is to stop with --max-events N, which lifts this limit");
    Err(Box::new(problem))
}

/// The group with most ticks: its section and name in the file, and what is to be said of it.
fn busiest_group(config: &ClusterConfig, until: SimDuration) -> (&'static str, String, String) {
    let busiest = config
        .groups
        .iter()
        .max_by_key(|group| ticks_of(config, group, until));
    let group = busiest.expect("whatever ticks is in a group");
    let label = format!("{} members here for {until}", grouped(members(group)));
    ("groups", group.name.clone(), label)
}

/// The block of producers whose messages make most deliveries.
fn busiest_producer(config: &ClusterConfig, until: SimDuration) -> (&'static str, String, String) {
    let readers = readers(config);
    let busiest = config
        .producers
        .iter()
        .max_by_key(|producer| deliveries_of(producer, &readers, until));
    let producer = busiest.expect("what is delivered has a producer");
    let label = format!(
        "about {} messages of each instance here, read by {}",
        grouped(messages_of(producer, until)),
        grouped(readers[producer.topic.index()])
    );
    // Instances of a block are called name-1, name-2, …
    let block = producer.name.rsplit_once('-').map_or("", |(block, _)| block);
    ("producers", block.to_owned(), label)
}

/// Refuses a run of length `until` that would make more than `bound` messages, with the arithmetic.
pub(super) fn check(
    file: &ScenarioFile,
    config: &ClusterConfig,
    until: SimDuration,
    bound: u64,
    root: &Node,
) -> Result<(), Box<Diagnostic>> {
    let of_instance = |p: &ProducerConfig| messages_of(p, until);
    // All instances of a block are alike, and its first is called name-1.
    let firsts = config
        .producers
        .iter()
        .filter_map(|p| Some((p.name.strip_suffix("-1")?, of_instance(p))));
    let firsts: BTreeMap<&str, u128> = firsts.collect();
    let each = |name: &str| firsts.get(name).copied().unwrap_or(0);
    let of_block = |name: &str, block: &ProducerBlock| each(name).saturating_mul(block.count.into());
    let total = config
        .producers
        .iter()
        .map(of_instance)
        .fold(0, u128::saturating_add);
    let Some((name, block)) = file
        .producers
        .iter()
        .max_by_key(|(name, block)| of_block(name, block))
    else {
        return Ok(());
    };
    let keys = match (block.rate, block.messages) {
        (Some(_), _) => vec!["producers", name, "rate"],
        (None, Some(_)) => vec!["producers", name, "messages"],
        (None, None) => vec!["producers", name],
    };
    let path = FieldPath(keys.into_iter().map(|k| Step::Key(k.to_owned())).collect());
    let refuse = |message: String| {
        Diagnostic::new(message)
            .at(locate::span_of(root, &path))
            .field(&path)
    };
    let bound = u128::from(bound);
    if total > bound {
        let arithmetic = match block.arrivals {
            ArrivalsBlock::AtOnce => format!("{} × {} messages at once", block.count, grouped(each(name))),
            _ => format!(
                "{} × {} × {until}",
                block.count,
                block.rate.unwrap_or(defaults::rate())
            ),
        };
        let message = format!(
            "{} messages foreseen, more than the {} of one run",
            grouped(total),
            grouped(bound)
        );
        let problem = refuse(message)
            .label(format!("{} of them", grouped(of_block(name, block))))
            .help(format!("{arithmetic}: lower the rate, the count or the duration"))
            .help(format!(
                "if this is meant, lift the limit with --max-messages {total}"
            ));
        return Err(Box::new(problem));
    }
    let bound = u128::from(limits::MESSAGES_OF_PRODUCER);
    if each(name) > bound {
        let message = format!(
            "one producer can make at most {} messages, whatever --max-messages says",
            grouped(bound)
        );
        let problem = refuse(message)
            .label(format!("{} foreseen", grouped(each(name))))
            .help("share them between more instances: \"count\"");
        return Err(Box::new(problem));
    }
    Ok(())
}

/// `12345678` as `12 345 678`.
pub fn grouped(n: u128) -> String {
    let digits = n.to_string();
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::config::{AttributesConfig, QueueSelector, SizeDist};
    use crate::cluster::ids::TopicId;

    #[track_caller]
    fn check(arrivals: Arrivals, start: u64, stop: u64, max_messages: u64, expected: u128) {
        let producer = ProducerConfig {
            attributes: AttributesConfig::default(),
            queue_selector: QueueSelector::RoundRobin,
            name: "p-1".to_owned(),
            topic: TopicId(0),
            arrivals,
            body_size: SizeDist::Constant(1),
            start: SimTime::ZERO + SimDuration::from_secs(start),
            stop: SimTime::ZERO + SimDuration::from_secs(stop),
            max_messages,
        };
        assert_eq!(messages_of(&producer, SimDuration::from_secs(100)), expected);
    }

    /// 100 s at 10/s, less what lies before the start, after the stop, in silence or beyond the maximum.
    #[test]
    fn messages_are_rate_times_active_time() {
        let mean_gap = SimDuration::from_millis(100);
        let bursts = Arrivals::Bursts {
            mean_gap,
            on: SimDuration::from_secs(10),
            off: SimDuration::from_secs(30),
        };
        check(Arrivals::Poisson { mean_gap }, 0, 1000, u64::MAX, 1000);
        check(Arrivals::Constant { gap: mean_gap }, 20, 50, u64::MAX, 300);
        check(Arrivals::Poisson { mean_gap }, 0, 1000, 7, 7);
        check(bursts, 0, 1000, u64::MAX, 300); // 0–10, 40–50, 80–90
        check(Arrivals::AtOnce, 0, 1000, 42, 42);
        check(Arrivals::AtOnce, 200, 1000, 42, 0);
    }

    #[test]
    fn thousands_are_told_apart() {
        assert_eq!(
            [grouped(0), grouped(999), grouped(1000), grouped(1234567)],
            ["0", "999", "1 000", "1 234 567"]
        );
    }
}
