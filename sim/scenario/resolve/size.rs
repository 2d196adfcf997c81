//! How large a cluster is once it is built: so many members × what each of them has. A short file can ask for more than
//! any machine holds, so this is counted first, and refused with the arithmetic.

use super::{Resolver, field};
use crate::cluster::config::{Action, GroupConfig, MessageModel, TimelineEntry, TopicConfig, TopicQueues};
use crate::cluster::ids::{BrokerId, TopicId};
use crate::scenario::estimate::grouped;
use crate::scenario::json::{Kind, Node};
use crate::scenario::limits;
use crate::scenario::schema::{Consumers, GroupBlock, KeysBlock, KeysShape, ProducerBlock, ScenarioFile};
use indexmap::IndexMap;
use std::collections::{BTreeMap, BTreeSet};

const CONNECTIONS: &str = "connections of clients to brokers";
const SUBSCRIPTIONS: &str = "subscriptions of members to topics";
const READ_QUEUES: &str = "queues of all groups";
const COPIES: &str = "bytes of members' and producers' blocks, one copy each";

/// What one block of the file adds to a sum, and how that is worked out.
struct Part<'f> {
    section: &'static str,
    name: &'f str,
    amount: u64,
    arithmetic: String,
}

impl Resolver<'_> {
    /// Whether what the file describes can be built. Members that the timeline adds are counted there.
    pub(super) fn fits(&mut self, brokers: usize, topics: &[TopicConfig]) -> bool {
        let sizes = Sizes::of(self.file, self.root, brokers, topics);
        let sums = [
            (sizes.connections(), limits::CONNECTIONS, CONNECTIONS),
            (sizes.subscriptions(), limits::SUBSCRIPTIONS, SUBSCRIPTIONS),
            (sizes.read_queues(), limits::READ_QUEUES, READ_QUEUES),
            (sizes.copies(), limits::COPIED_BYTES, COPIES),
            (sizes.ranks(), limits::RANKS, "keys of \"zipf\" in all"),
        ];
        let mut fits = true;
        for (parts, bound, what) in sums {
            fits &= self.within(&parts, bound, what);
        }
        fits
    }

    fn within(&mut self, parts: &[Part<'_>], bound: u64, what: &str) -> bool {
        let sum = parts
            .iter()
            .fold(0, |sum: u64, part| sum.saturating_add(part.amount));
        let Some(largest) = parts.iter().max_by_key(|part| part.amount) else {
            return true;
        };
        let path = field![largest.section, largest.name];
        let problem = self.beyond(&path, sum, bound, what);
        let fits = problem.is_none();
        if let Some(problem) = problem {
            problem.label = format!("{} here", largest.arithmetic);
        }
        fits
    }

    /// The same once the timeline has added its members and queues, and whether looking at all of them at each sample is
    /// not too much.
    pub(super) fn still_fits(
        &mut self,
        groups: &[GroupConfig],
        producers: usize,
        brokers: usize,
        topics: &[TopicConfig],
        timeline: &[TimelineEntry],
    ) {
        let of_topic = queues_in_the_end(topics, timeline);
        let of_retry = brokers as u64 * u64::from(self.file.cluster.tuning.retry_queue_nums);
        let (mut clients, mut subscriptions, mut read) = (producers as u64, 0, 0_u64);
        for group in groups {
            let members = group.consumers.len() as u64;
            clients += members;
            subscriptions += members * group.subscribe.len() as u64;
            let queues: u64 = group.subscribe.iter().map(|topic| of_topic[topic.index()]).sum();
            read += match group.message_model {
                MessageModel::Broadcasting => group.readers().len() as u64 * queues,
                MessageModel::Clustering => queues + of_retry,
            };
        }
        self.samples_fit(read + clients);
        // What the file alone asks for has been reported.
        if !self.fits {
            return;
        }
        for (found, bound, what) in [
            (clients * brokers as u64, limits::CONNECTIONS, CONNECTIONS),
            (subscriptions, limits::SUBSCRIPTIONS, SUBSCRIPTIONS),
            (read, limits::READ_QUEUES, READ_QUEUES),
        ] {
            let what = format!("{what}, lives and queues to come included");
            self.beyond(&field!["timeline"], found, bound, &what);
        }
    }

    /// Whether `looked_at` members and queues are few enough for the number of samples.
    fn samples_fit(&mut self, looked_at: u64) {
        let interval = super::sample_interval(self.file).as_nanos().max(1);
        let samples = self.file.duration.as_nanos() / interval;
        // A grid that is too fine for one series has been reported.
        if samples > limits::SAMPLES {
            return;
        }
        let (path, what) = (field!["sampleInterval"], "looks at members and queues");
        let sampled = samples.saturating_mul(looked_at);
        if let Some(problem) = self.beyond(&path, sampled, limits::SAMPLED, what) {
            let [samples, looked_at] = [samples, looked_at].map(|n| grouped(n.into()));
            problem.label = format!("{samples} samples × {looked_at}");
            problem
                .help
                .push("raise \"sampleInterval\", or leave it out".to_owned());
        }
    }

    /// Bytes of the largest block of members of each group, in the order of their names: a later life is a copy of one.
    pub(super) fn bytes_of_members(&self) -> Vec<u64> {
        let nodes = entries(self.root.get("groups"));
        let mut groups: Vec<(&String, &GroupBlock)> = self.file.groups.iter().collect();
        groups.sort_by_key(|(name, _)| *name);
        let largest = |(name, block): (&String, &GroupBlock)| {
            let blocks = member_blocks(nodes.get(name.as_str()).copied(), block);
            blocks.into_iter().map(|(_, bytes)| bytes).max().unwrap_or(0)
        };
        groups.into_iter().map(largest).collect()
    }
}

/// What the sums are made of.
struct Sizes<'f> {
    file: &'f ScenarioFile,
    root: &'f Node,
    brokers: u64,
    /// Queues of each topic on all brokers.
    queues: BTreeMap<&'f str, u64>,
}

impl<'f> Sizes<'f> {
    fn of(file: &'f ScenarioFile, root: &'f Node, brokers: usize, topics: &'f [TopicConfig]) -> Self {
        let queues = |topic: &'f TopicConfig| {
            let placed = topic
                .placement
                .iter()
                .map(|(_, queues)| u64::from(queues.read.max(queues.write)));
            (topic.name.as_str(), placed.sum())
        };
        Self {
            file,
            root,
            brokers: brokers as u64,
            queues: topics.iter().map(queues).collect(),
        }
    }

    fn groups(&self, of: impl Fn(&'f str, &'f GroupBlock) -> (u64, String)) -> Vec<Part<'f>> {
        parts("groups", &self.file.groups, of)
    }

    fn producers(&self, of: impl Fn(&'f str, &'f ProducerBlock) -> (u64, String)) -> Vec<Part<'f>> {
        parts("producers", &self.file.producers, of)
    }

    fn connections(&self) -> Vec<Part<'f>> {
        let mut parts = self.groups(|_, block| product(members(block), "members", self.brokers, "brokers"));
        parts.extend(
            self.producers(|_, block| product(block.count.into(), "instances", self.brokers, "brokers")),
        );
        parts
    }

    fn subscriptions(&self) -> Vec<Part<'f>> {
        self.groups(|_, block| {
            product(
                members(block),
                "members",
                self.topics(block).len() as u64,
                "topics",
            )
        })
    }

    fn read_queues(&self) -> Vec<Part<'f>> {
        let of_retry = self.brokers * u64::from(self.file.cluster.tuning.retry_queue_nums);
        self.groups(|_, block| {
            let queues = self
                .topics(block)
                .into_iter()
                .filter_map(|topic| self.queues.get(topic));
            let queues = queues.sum::<u64>();
            match block.message_model {
                MessageModel::Broadcasting => product(members(block), "members", queues, "queues"),
                MessageModel::Clustering => {
                    let [own, retry] = [queues, of_retry].map(|n| grouped(n.into()));
                    (queues + of_retry, format!("{own} queues and {retry} for retries"))
                }
            }
        })
    }

    /// Topics of a group: what it says, else all that its members name, else the only one.
    fn topics(&self, block: &'f GroupBlock) -> BTreeSet<&'f str> {
        let own = || {
            block
                .consumers
                .blocks()
                .iter()
                .filter_map(|of| of.subscribe.as_ref())
        };
        let names: BTreeSet<&str> = match &block.subscribe {
            Some(subscribe) => subscribe.keys().map(String::as_str).collect(),
            None => own().flat_map(IndexMap::keys).map(String::as_str).collect(),
        };
        match names.is_empty() {
            true => self.queues.keys().take(1).copied().collect(),
            false => names,
        }
    }

    /// Each member and each instance has a copy of what its block says.
    fn copies(&self) -> Vec<Part<'f>> {
        let nodes = entries(self.root.get("groups"));
        let mut parts = self.groups(|name, block| {
            let blocks = member_blocks(nodes.get(name).copied(), block);
            let sum = blocks.iter().map(|(count, bytes)| count * bytes).sum();
            let largest = blocks.into_iter().max_by_key(|(count, bytes)| count * bytes);
            let (count, bytes) = largest.unwrap_or_default();
            (sum, product(count, "members", bytes, "bytes").1)
        });
        let nodes = entries(self.root.get("producers"));
        parts.extend(self.producers(|name, block| {
            let bytes = nodes.get(name).map_or(0, |node| length(node));
            product(block.count.into(), "instances", bytes, "bytes")
        }));
        parts
    }

    fn ranks(&self) -> Vec<Part<'f>> {
        self.producers(|_, block| match block.keys {
            Some(KeysBlock::Shape(KeysShape::Zipf { count, .. })) => {
                (count.into(), format!("{} keys", grouped(count.into())))
            }
            _ => (0, String::new()),
        })
    }
}

fn parts<'f, B>(
    section: &'static str,
    blocks: &'f IndexMap<String, B>,
    of: impl Fn(&'f str, &'f B) -> (u64, String),
) -> Vec<Part<'f>> {
    let part = |(name, block): (&'f String, &'f B)| {
        let (amount, arithmetic) = of(name, block);
        Part {
            section,
            name,
            amount,
            arithmetic,
        }
    };
    blocks.iter().map(part).collect()
}

/// Queues of each topic on all brokers, at their most: those that the timeline adds included.
fn queues_in_the_end(topics: &[TopicConfig], timeline: &[TimelineEntry]) -> Vec<u64> {
    let mut queues: BTreeMap<(TopicId, BrokerId), u64> = BTreeMap::new();
    let mut placed = |topic, broker, of: TopicQueues| {
        let known = queues.entry((topic, broker)).or_default();
        *known = (*known).max(of.read.max(of.write).into());
    };
    for (topic, of) in (0..).map(TopicId).zip(topics) {
        of.placement
            .iter()
            .for_each(|(broker, queues)| placed(topic, *broker, *queues));
    }
    for entry in timeline {
        if let Action::UpdateTopic {
            topic,
            broker,
            numbers,
        } = entry.action
        {
            placed(topic, broker, numbers);
        }
    }
    let mut of_topic = vec![0; topics.len()];
    for ((topic, _), queues) in queues {
        of_topic[topic.index()] += queues;
    }
    of_topic
}

fn members(block: &GroupBlock) -> u64 {
    block
        .consumers
        .blocks()
        .iter()
        .map(|of| u64::from(of.members()))
        .sum()
}

/// Each block of members: how many they are, and its bytes.
fn member_blocks(group: Option<&Node>, block: &GroupBlock) -> Vec<(u64, u64)> {
    let node = group.and_then(|group| group.get("consumers"));
    let of = |index: usize| {
        let node = match block.consumers {
            Consumers::Alike(_) => node,
            Consumers::Listed(_) => node.and_then(|list| list.element(index)),
        };
        node.map_or(0, length)
    };
    let blocks = block.consumers.blocks().iter().enumerate();
    blocks
        .map(|(index, of_block)| (of_block.members().into(), of(index)))
        .collect()
}

/// The entries of an object by key.
fn entries(node: Option<&Node>) -> BTreeMap<&str, &Node> {
    match node.map(|node| &node.kind) {
        Some(Kind::Object(entries)) => entries
            .iter()
            .map(|entry| (entry.key.as_str(), &entry.value))
            .collect(),
        _ => BTreeMap::new(),
    }
}

fn length(node: &Node) -> u64 {
    (node.span.end - node.span.start) as u64
}

fn product(a: u64, of_a: &str, b: u64, of_b: &str) -> (u64, String) {
    let [left, right] = [a, b].map(|n| grouped(n.into()));
    (a.saturating_mul(b), format!("{left} {of_a} × {right} {of_b}"))
}
