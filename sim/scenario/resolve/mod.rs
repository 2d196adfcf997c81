//! Names to ids: turns the typed file into a [`ClusterConfig`] and finds what makes no sense together.
//!
//! Topics, groups and producers are sorted by name, so that the order of keys in a file changes nothing.

mod attributes;
mod expressions;
mod groups;
mod guards;
mod listeners;
mod machine_rooms;
mod names;
mod producers;
mod retention;
mod size;
mod strategies;
mod targets;
mod timeline;

pub(super) use guards::spell as spell_guard;

use crate::cluster::broker::retry_dlq::DLQ_TOPIC_PREFIX;
use crate::cluster::broker::schedule_message::DelayLevels;
use crate::cluster::config::{
    BrokerConfig, ClusterConfig, Expression, NetworkConfig, TopicConfig, TopicQueues,
};
use crate::cluster::ids::{BrokerId, TopicId};
use crate::kernel::dist::{Dist, DistError};
use crate::kernel::time::{SimDuration, SimTime};
use crate::scenario::diagnostic::{COLLECTED, Diagnostic, Span};
use crate::scenario::estimate::grouped;
use crate::scenario::json::{Kind, Node};
use crate::scenario::locate::{self, FieldPath};
use crate::scenario::schema::{Brokers, ScenarioFile, TopicBlock};
use crate::scenario::{defaults, limits, suggest};
use indexmap::IndexMap;
use listeners::Nameable;
use std::collections::BTreeSet;

/// Turns `file`, read from `root`, into a configuration.
///
/// # Errors
/// Everything that makes no sense, in no particular order.
pub fn resolve(file: &ScenarioFile, root: &Node) -> Result<ClusterConfig, Vec<Diagnostic>> {
    let mut resolver = Resolver {
        file,
        root,
        problems: Vec::new(),
        comparisons: COMPARISONS,
        topics_known: true,
        fits: true,
        copied: 0,
        ring_places: 0,
        looked_at: 0,
        expressions: Vec::new(),
    };
    let config = resolver.config();
    if resolver.problems.is_empty() {
        Ok(config)
    } else {
        Err(resolver.problems)
    }
}

/// A path from keys: `field!["groups", name, "tuning"]`.
macro_rules! field {
    ($($key:expr),+ $(,)?) => {
        $crate::scenario::locate::FieldPath(vec![$($crate::scenario::locate::Step::Key($key.to_string())),+])
    };
}
use field;

/// Names that are compared for suggestions at most: enough for every honest file, and 0.1 s of work.
const COMPARISONS: usize = 100_000;

struct Resolver<'a> {
    file: &'a ScenarioFile,
    root: &'a Node,
    problems: Vec<Diagnostic>,
    /// What is left of [`COMPARISONS`].
    comparisons: usize,
    /// Whether all topics of the file were built, so that others are unknown.
    topics_known: bool,
    /// Whether members and producers can be built; else they are left out.
    fits: bool,
    /// Bytes in the copies of members that the timeline adds.
    copied: u64,
    /// Places on the rings of all groups so far.
    ring_places: u64,
    /// Names compared with the wildcards of the timeline so far.
    looked_at: u64,
    /// Filter expressions found so far, each once.
    expressions: Vec<Expression>,
}

impl Resolver<'_> {
    fn config(&mut self) -> ClusterConfig {
        let file = self.file;
        let duration = file.duration;
        self.run_length();
        self.expectations();
        let mut brokers = self.brokers();
        self.machine_rooms(&mut brokers);
        let mut topics = self.topics(&brokers);
        self.dist(
            &field!["cluster", "network", "latency"],
            &file.cluster.network.latency,
        );
        self.delay_levels();
        self.retention();
        self.fits = self.fits(brokers.len(), &topics);
        let producers = self.producers(&topics);
        self.add_dead_letter_topics(&mut topics);
        let known = Nameable {
            producers: &producers,
            topics: &topics,
            brokers: &brokers,
        };
        let mut groups = self.groups(known);
        let timeline = self.timeline(&mut groups, known);
        self.still_fits(
            &groups,
            producers.len(),
            brokers.len(),
            &topics,
            &timeline.entries,
        );
        self.strategies(&groups, &topics, &brokers);
        ClusterConfig {
            seed: file.seed.0,
            duration,
            version: file.cluster.rocketmq,
            brokers,
            topics,
            producers,
            groups,
            expressions: std::mem::take(&mut self.expressions),
            timeline: timeline.entries,
            listeners: timeline.listeners,
            forwards: timeline.forwards,
            network: NetworkConfig {
                latency: file.cluster.network.latency.clone(),
            },
            name_servers: file.cluster.name_servers,
            broker_tuning: file.cluster.tuning.clone(),
            sample_interval: sample_interval(file),
            warmup: warmup(file),
        }
    }

    /// `; did you mean …?`, as long as comparing names does not take too long.
    fn hint(&mut self, name: &str, known: &[&str]) -> String {
        match self.comparisons.checked_sub(known.len()) {
            Some(left) => self.comparisons = left,
            None => return String::new(),
        }
        suggest::did_you_mean(name, known.iter().copied())
    }

    /// Reports a problem of the field at `path`, pointing at its value.
    fn problem(&mut self, path: &FieldPath, message: impl Into<String>) -> &mut Diagnostic {
        let span = match self.is_full() {
            true => self.root.opening(),
            false => locate::span_of(self.root, path),
        };
        self.problem_at(path, span, message)
    }

    /// Reports a problem of the map entry at `path`, pointing at its name.
    fn name_problem(&mut self, path: &FieldPath, message: impl Into<String>) -> &mut Diagnostic {
        let span = match self.is_full() {
            true => self.root.opening(),
            false => locate::key_span_of(self.root, path),
        };
        self.problem_at(path, span, message)
    }

    /// Whether there are more problems than anybody reads; then their places are not looked up any more.
    fn is_full(&self) -> bool {
        self.problems.len() >= COLLECTED
    }

    fn problem_at(&mut self, path: &FieldPath, span: Span, message: impl Into<String>) -> &mut Diagnostic {
        self.problems.truncate(COLLECTED - 1);
        self.problems.push(Diagnostic::new(message).at(span).field(path));
        let last = self.problems.len() - 1;
        &mut self.problems[last]
    }

    /// Reports that there are more of something than a run can hold.
    fn bound(&mut self, path: &FieldPath, found: u64, bound: u64, what: &str) -> bool {
        self.beyond(path, found, bound, what).is_some()
    }

    /// As [`Self::bound`]; gives the problem, to say more of it.
    fn beyond(&mut self, path: &FieldPath, found: u64, bound: u64, what: &str) -> Option<&mut Diagnostic> {
        if found <= bound {
            return None;
        }
        let (found, bound) = (grouped(found.into()), grouped(bound.into()));
        let message = format!("{found} {what}, more than the {bound} that a run can hold");
        let problem = self.name_problem(path, message);
        problem.label = "too many".to_owned();
        Some(problem)
    }

    fn run_length(&mut self) {
        let duration = self.file.duration;
        let path = field!["duration"];
        if duration.is_zero() {
            self.problem(&path, "the duration must be greater than 0").label =
                "nothing would happen".to_owned();
        } else if duration > limits::DURATION {
            let message = format!(
                "the duration {duration} is longer than {}, the longest run",
                limits::DURATION
            );
            self.problem(&path, message).label = "too long".to_owned();
        }
        self.sample_interval();
        self.warmup();
    }

    fn sample_interval(&mut self) {
        let duration = self.file.duration;
        let Some(interval) = self.file.sample_interval else {
            return;
        };
        let path = field!["sampleInterval"];
        if interval.is_zero() {
            self.problem(&path, "the sample interval must be greater than 0")
                .label = "zero period".to_owned();
        } else if duration.as_nanos() / interval.as_nanos() > limits::SAMPLES {
            let points = grouped(u128::from(duration.as_nanos() / interval.as_nanos()));
            let bound = grouped(limits::SAMPLES.into());
            let message =
                format!("{duration} ÷ {interval} = {points} points in each series, more than {bound}");
            let problem = self.problem(&path, message);
            problem.label = "too fine".to_owned();
            problem.help.push(format!(
                "leave it out to get {}",
                defaults::sample_interval(duration)
            ));
        }
    }

    fn warmup(&mut self) {
        let (duration, end) = (self.file.duration, warmup(self.file));
        if end < duration || self.file.warmup.is_zero() {
            return;
        }
        let grid = match end == self.file.warmup {
            true => String::new(),
            false => format!(" (rounded up to the grid of {})", sample_interval(self.file)),
        };
        let message = format!("the warm-up ends at {end}{grid}, the run at {duration}");
        let problem = self.problem(&field!["warmup"], message);
        problem.label = "nothing would be measured".to_owned();
        problem
            .help
            .push("it must be shorter than \"duration\"".to_owned());
    }

    fn expectations(&mut self) {
        for (i, text) in self.file.expect.iter().enumerate() {
            let path = field!["expect"].index(i);
            if text.trim().is_empty() {
                let problem = self.problem(&path, "an expectation must not be empty");
                problem.label = "nothing to check".to_owned();
                problem
                    .help
                    .push("for example \"groups.billing.lost == 0\"".to_owned());
            } else if text.len() > limits::EXPRESSION_BYTES {
                self.problem(
                    &path,
                    format!("an expectation has at most {} bytes", limits::EXPRESSION_BYTES),
                );
            }
        }
    }

    fn brokers(&mut self) -> Vec<BrokerConfig> {
        let path = field!["cluster", "brokers"];
        let mut names: Vec<String> = match &self.file.cluster.brokers {
            Brokers::Count(n) => (0..*n).map(broker_name).collect(),
            Brokers::Named(names) => names.clone(),
        };
        if self.bound(&path, names.len() as u64, limits::BROKERS, "brokers") {
            names.truncate(1);
        }
        for (i, name) in names.iter().enumerate() {
            let here = path.index(i);
            self.broker_name(&here, name);
            if name == "brokers" || name.starts_with("nameserver") {
                let problem = self.problem(&here, format!("a broker cannot be called `{name}`"));
                problem.label = "stands for something else in the timeline".to_owned();
            }
            if let Some(first) = names[..i].iter().position(|n| n == name) {
                let first = locate::span_of(self.root, &path.index(first));
                let problem = self.problem(&here, format!("the broker `{name}` is named twice"));
                problem.label = "named again here".to_owned();
                problem.related.push((first, "first named here".to_owned()));
            }
        }
        names.sort();
        let of_no_room = |name| BrokerConfig {
            name,
            machine_room: String::new(),
        };
        names.into_iter().map(of_no_room).collect()
    }

    fn topics(&mut self, brokers: &[BrokerConfig]) -> Vec<TopicConfig> {
        let path = field!["cluster", "topics"];
        let file = self.file;
        self.bound(&path, file.cluster.topics.len() as u64, limits::TOPICS, "topics");
        let mut topics: Vec<TopicConfig> = Vec::new();
        let mut queues = 0_u64;
        for (name, block) in &file.cluster.topics {
            let here = path.key(name);
            self.topic_name(&here, name);
            let of_broker = topic_queues(block);
            let on = match &block.brokers {
                None => (0..brokers.len() as u32).map(BrokerId).collect(),
                Some(names) => self.brokers_of(&here, names, brokers),
            };
            queues += u64::from(of_broker.read.max(of_broker.write)) * on.len() as u64;
            if queues > limits::QUEUES {
                continue; // counted, but not built
            }
            topics.push(TopicConfig {
                name: name.clone(),
                placement: on.into_iter().map(|broker| (broker, of_broker)).collect(),
            });
        }
        if self.bound(&path, queues, limits::QUEUES, "queues") {
            // The topics that were left out would be reported as unknown.
            self.topics_known = false;
        }
        topics.sort_by(|a, b| a.name.cmp(&b.name));
        topics
    }

    /// The brokers that a topic names, sorted.
    fn brokers_of(&mut self, topic: &FieldPath, names: &[String], brokers: &[BrokerConfig]) -> Vec<BrokerId> {
        let mut found: Vec<BrokerId> = Vec::new();
        for (i, name) in names.iter().enumerate() {
            let path = topic.key("brokers").index(i);
            match brokers.binary_search_by(|b| b.name.cmp(name)) {
                Ok(id) if found.contains(&BrokerId(id as u32)) => {
                    self.problem(&path, format!("the broker `{name}` is named twice"))
                        .label = "named again here".to_owned();
                }
                Ok(id) => found.push(BrokerId(id as u32)),
                Err(_) => self.unknown_broker(&path, name, brokers),
            }
        }
        found.sort();
        found
    }

    fn unknown_broker(&mut self, path: &FieldPath, name: &str, brokers: &[BrokerConfig]) {
        let known: Vec<&str> = brokers.iter().map(|b| b.name.as_str()).collect();
        let message = format!("unknown broker `{name}`{}", self.hint(name, &known));
        let help = format!("brokers: {}", suggest::list(known, 20));
        let problem = self.problem(path, message);
        problem.label = "not declared under \"cluster.brokers\"".to_owned();
        problem.help.push(help);
    }

    /// The topic called `name`, which the field at `path` names (`as_key`: by its key). Reports it if there is none.
    fn topic(
        &mut self,
        path: &FieldPath,
        as_key: bool,
        name: &str,
        topics: &[TopicConfig],
    ) -> Option<TopicId> {
        if let Some(index) = topic_position(topics, name) {
            return Some(TopicId(index as u32));
        }
        if let Some(group) = name.strip_prefix(DLQ_TOPIC_PREFIX) {
            self.no_dead_letters(path, as_key, name, group);
            return None;
        }
        if self.is_full() || !self.topics_known {
            return None;
        }
        let users = topics.iter().filter(|t| !t.name.starts_with(DLQ_TOPIC_PREFIX));
        let known: Vec<&str> = users.map(|t| t.name.as_str()).collect();
        let message = format!("unknown topic `{name}`{}", self.hint(name, &known));
        let help = format!("declared topics: {}", suggest::list(known, 20));
        let problem = if as_key {
            self.name_problem(path, message)
        } else {
            self.problem(path, message)
        };
        problem.label = "not declared under \"cluster.topics\"".to_owned();
        problem.help.push(help);
        None
    }

    /// Dead-letter topics that somebody subscribes to are known before they exist, behind all other topics.
    fn add_dead_letter_topics(&mut self, topics: &mut Vec<TopicConfig>) {
        let groups = &self.file.groups;
        let subscribed = groups.values().flat_map(|group| {
            let members = group.consumers.blocks().iter();
            let own = members.filter_map(|block| block.subscribe.as_ref());
            group.subscribe.iter().chain(own).flat_map(IndexMap::keys)
        });
        let exists = |name: &&String| {
            let group = name.strip_prefix(DLQ_TOPIC_PREFIX);
            group.is_some_and(|group| groups.contains_key(group))
        };
        let names: BTreeSet<&String> = subscribed.filter(exists).collect();
        topics.extend(names.into_iter().map(|name| TopicConfig {
            name: name.clone(),
            placement: Vec::new(),
        }));
    }

    /// There is no such dead-letter topic, or nobody subscribes to it.
    fn no_dead_letters(&mut self, path: &FieldPath, as_key: bool, name: &str, group: &str) {
        let groups: Vec<&str> = self.file.groups.keys().map(String::as_str).collect();
        let exists = groups.contains(&group);
        let message = match exists {
            true => format!("nobody subscribes to `{name}`"),
            false => format!(
                "there is no group `{group}`, so no dead letters{}",
                self.hint(group, &groups)
            ),
        };
        let problem = if as_key {
            self.name_problem(path, message)
        } else {
            self.problem(path, message)
        };
        problem.label = match exists {
            true => "its queues cannot be changed".to_owned(),
            false => format!("expected \"{DLQ_TOPIC_PREFIX}group\" of a group of this file"),
        };
        problem
            .help
            .push(format!("groups: {}", suggest::list(groups, 20)));
    }

    fn dist(&mut self, path: &FieldPath, dist: &Dist) {
        if let Err(error) = dist.validate() {
            let key = match error {
                DistError::MinAboveMax { .. } => "min",
                DistError::MeanZero { .. } => "mean",
                DistError::CvOutOfRange { .. } => "cv",
                DistError::P99NotAboveMean { .. } | DistError::P99TooFar { .. } => "p99",
                DistError::AlphaTooSmall { .. } => "alpha",
                DistError::NoValues => "values",
            };
            // The only key of the object is the name of the shape.
            let (node, _) = locate::nearest_node(self.root, path);
            let path = match &node.kind {
                Kind::Object(entries) if entries.len() == 1 => path.key(&entries[0].key).key(key),
                _ => path.clone(),
            };
            let error = error.to_string();
            let (message, help) = error.split_once("; ").unwrap_or((&error, ""));
            let problem = self.problem(&path, message);
            problem.label = "cannot be drawn from".to_owned();
            if !help.is_empty() {
                problem.help.push(help.to_owned());
            }
        } else if dist.mean() > limits::DURATION {
            let message = format!("`{path}` is longer than {}, the longest run", limits::DURATION);
            self.problem(path, message).label = "too long".to_owned();
        }
    }

    /// `messageDelayLevel`: what the broker can parse, no level in the past, and no more levels than it counts.
    fn delay_levels(&mut self) {
        let levels = &self.file.cluster.tuning.message_delay_level;
        let path = field!["cluster", "tuning", "messageDelayLevel"];
        let (message, label) = match DelayLevels::parse(levels) {
            Err(_) if levels.trim().is_empty() => (
                "there must be at least one delay level".to_owned(),
                "no level in it".to_owned(),
            ),
            Err(error) => (
                format!("`{}` is not a delay level", error.text),
                error.reason.to_string(),
            ),
            Ok(parsed) if parsed.max_level() > limits::DELAY_LEVELS => (
                format!("{} delay levels are too many", parsed.max_level()),
                format!("at most {}", limits::DELAY_LEVELS),
            ),
            Ok(parsed) => match levels.split(' ').zip(parsed.all_millis()).find(|(_, millis)| {
                let span = u64::try_from(*millis).map(SimDuration::from_millis);
                !span.is_ok_and(|span| span <= limits::DURATION)
            }) {
                Some((level, _)) => (
                    format!("`{level}` is not a delay level"),
                    format!("a delay is at least 0 and at most {}", limits::DURATION),
                ),
                None => return,
            },
        };
        let problem = self.problem(&path, message);
        problem.label = label;
        problem.help.push(
            "RocketMQ's own: \"1s 5s 10s 30s 1m 2m 3m 4m 5m 6m 7m 8m 9m 10m 20m 30m 1h 2h\"".to_owned(),
        );
    }

    /// The instant `at`, which must lie before the end of the run.
    fn before_end(&mut self, path: &FieldPath, at: SimDuration, what: &str) -> SimTime {
        let duration = self.file.duration;
        if at >= duration && !duration.is_zero() {
            let end = locate::span_of(self.root, &field!["duration"]);
            let problem = self.problem(path, format!("{what} at {at}, but the run ends at {duration}"));
            problem.label = "not before the end".to_owned();
            problem.related.push((end, "ends here".to_owned()));
            problem
                .help
                .push("to run only the beginning of a scenario use --until".to_owned());
        }
        SimTime::ZERO + at
    }
}
/// The grid of the time series.
fn sample_interval(file: &ScenarioFile) -> SimDuration {
    file.sample_interval
        .unwrap_or(defaults::sample_interval(file.duration))
}

/// The warm-up, rounded up to the grid of the time series.
fn warmup(file: &ScenarioFile) -> SimDuration {
    let interval = sample_interval(file).as_nanos().max(1);
    let points = file.warmup.as_nanos().div_ceil(interval);
    SimDuration::from_nanos(points.saturating_mul(interval))
}

/// Where the topic called `name` stands: users' are sorted by name, dead-letter topics come after them.
fn topic_position(topics: &[TopicConfig], name: &str) -> Option<usize> {
    if name.starts_with(DLQ_TOPIC_PREFIX) {
        return topics.iter().position(|topic| topic.name == name);
    }
    let end = topics.partition_point(|topic| !topic.name.starts_with(DLQ_TOPIC_PREFIX));
    topics[..end]
        .binary_search_by(|topic| topic.name.as_str().cmp(name))
        .ok()
}

/// The name of broker number `n` where the file gives only their number: broker-a … broker-z, broker-aa, …
fn broker_name(n: u32) -> String {
    let mut letters = Vec::new();
    let mut rest = n + 1;
    while rest > 0 {
        letters.push(b'a' + ((rest - 1) % 26) as u8);
        rest = (rest - 1) / 26;
    }
    letters.reverse();
    format!("broker-{}", String::from_utf8_lossy(&letters))
}

/// Queue numbers of a topic on each of its brokers.
pub fn topic_queues(block: &TopicBlock) -> TopicQueues {
    let both = block.queues_per_broker.unwrap_or(defaults::QUEUES_PER_BROKER);
    TopicQueues {
        read: block.read_queue_nums.unwrap_or(both),
        write: block.write_queue_nums.unwrap_or(both),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbered_brokers_get_letters() {
        assert_eq!(
            [0, 25, 26, 27, 701, 702].map(broker_name),
            [
                "broker-a",
                "broker-z",
                "broker-aa",
                "broker-ab",
                "broker-zz",
                "broker-aaa"
            ]
        );
    }
}
