//! Bounds on what a scenario may ask for: one table, so that hostile input ends in a message, not in a crash.
//!
//! Each is generous for every honest scenario. Those that a flag lifts say so.

use crate::kernel::time::SimDuration;

/// Bytes of a scenario file: 16 MiB.
pub const FILE_BYTES: u64 = 16 << 20;
/// Levels of brackets in a scenario file.
pub const DEPTH: usize = 64;
/// Characters of one number in a scenario file.
pub const NUMBER_CHARACTERS: usize = 64;
/// Brokers of a cluster.
pub const BROKERS: u64 = 1_000;
/// Topics of a cluster.
pub const TOPICS: u64 = 10_000;
/// Queues of all topics on all brokers.
pub const QUEUES: u64 = 100_000;
/// Consumer groups: each has histograms and series of its own.
pub const GROUPS: u64 = 5_000;
/// Producer instances.
pub const PRODUCERS: u64 = 10_000;
/// Consumers of all groups, those that join later included; each life of one that is restarted counts.
pub const CONSUMERS: u64 = 100_000;
/// Steps of the timeline, wildcards expanded: each thing that happens to one member, link or topic on one broker.
pub const TIMELINE: u64 = 1_000_000;
/// Members and servers compared with the wildcards of the timeline, all entries together: a second of work.
pub const LOOKED_AT: u64 = 20_000_000;
/// Brokers × all members and producer instances: each may have a connection to each.
pub const CONNECTIONS: u64 = 5_000_000;
/// Topics of all members: members × topics of their group.
pub const SUBSCRIPTIONS: u64 = 5_000_000;
/// Queues of all groups: those of a group's topics and of its retry topic, in a broadcasting group for each member. Each
/// has an account.
pub const READ_QUEUES: u64 = 250_000;
/// Bytes of the blocks of members and producers, each times how many it stands for: every one has a copy.
pub const COPIED_BYTES: u64 = 256 << 20;
/// Keys of all "zipf" blocks, each of which has a table.
pub const RANKS: u64 = 10_000_000;
/// Places on the rings of all groups: members × `virtualNodes`; a second of work for each time that they are built.
pub const RING_PLACES: u64 = 2_000_000;
/// Points of a time series: duration ÷ sample interval.
pub const SAMPLES: u64 = 1_000_000;
/// Points of a time series where the scenario does not choose the interval.
pub const SAMPLES_BY_DEFAULT: u64 = 600;
/// Messages foreseen by rate × time; `--max-messages` lifts it.
pub const MESSAGES: u64 = 2_000_000_000;
/// Messages that producers send "atOnce", all together: an instant of ten million events would be taken for a livelock.
pub const AT_ONCE: u64 = 5_000_000;
/// Events foreseen: ticks of clients, pulls that find nothing, messages × groups that read them; an hour of work and more.
/// `--max-events` lifts it.
pub const EVENTS: u64 = 20_000_000_000;
/// Samples × members and queues of groups, each of which is looked at: a minute of work.
pub const SAMPLED: u64 = 2_000_000_000;
/// Messages of one producer instance, whatever flags say: a message's number has 40 bits.
pub const MESSAGES_OF_PRODUCER: u64 = (1 << 40) - 1;
/// Longest virtual duration: 10 years of 365 days.
pub const DURATION: SimDuration = SimDuration::from_secs(3_650 * 86_400);
/// Greatest body: `maxMessageSize` of producer and broker.
pub const BODY_BYTES: u32 = 4 << 20;
/// Delay levels: an event names one in a byte.
pub const DELAY_LEVELS: u32 = 255;
/// Longest topic name. Source: `TopicValidator.TOPIC_MAX_LENGTH`.
pub const TOPIC_NAME: usize = 127;
/// Longest group name. Source: `TopicValidator.GROUP_MAX_LENGTH`.
pub const GROUP_NAME: usize = 120;
/// Longest name of anything else.
pub const NAME: usize = 127;
/// Tags of a producer, or texts that one property chooses from.
pub const CHOICES: u64 = 1_000;
/// Tags of all blocks of producers.
pub const TAGS: u64 = 10_000;
/// Different filter expressions of all subscriptions.
pub const EXPRESSIONS: usize = 1_000;
/// Bytes of one `expect` expression, or of a filter expression.
pub const EXPRESSION_BYTES: usize = 4096;

/// Fields that one study varies.
pub const FACTORS: usize = 8;
/// Variants of a study; `--max-runs` lifts it.
pub const VARIANTS: u64 = 10_000;
/// Variants of a study, whatever flags say.
pub const VARIANTS_AT_ALL: u64 = 1_000_000;
/// Messages foreseen in all runs of a study, a day and more of work; `--max-runs` lifts it.
pub const STUDY_MESSAGES: u64 = 100_000_000_000;
/// Producers, consumers, queues and steps of the timeline in all variants of a study: they are built before the first runs.
pub const STUDY_PARTS: u64 = 2_000_000;
/// Bytes of the texts of all variants of a study, each of which has its own copy.
pub const STUDY_BYTES: u64 = 256 << 20;
/// Replications of each variant.
pub const SEEDS: u32 = 100_000;

/// A bound, for help texts and the documentation.
#[derive(Clone, Copy, Debug)]
pub struct Limit {
    /// What it bounds; keys of the file in backticks.
    pub what: &'static str,
    /// The greatest number that is allowed, in `unit`.
    pub at_most: u64,
    /// What is counted.
    pub unit: Unit,
    /// Where in the file there is too much of it, or which flag lifts it.
    pub change: &'static str,
}

/// What a bound counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Things.
    Count,
    /// Bytes, told in MiB.
    Bytes,
    /// Days of 24 hours.
    Days,
}

impl Limit {
    /// The bound for people.
    pub fn at_most(&self) -> String {
        match self.unit {
            Unit::Count => crate::scenario::estimate::grouped(self.at_most.into()),
            Unit::Bytes => format!("{} MiB", self.at_most >> 20),
            Unit::Days => format!("{} days", crate::scenario::estimate::grouped(self.at_most.into())),
        }
    }
}

/// Every bound.
pub fn table() -> Vec<Limit> {
    let limit = |what, at_most, unit, change| Limit {
        what,
        at_most,
        unit,
        change,
    };
    let count = |what, at_most, change| limit(what, at_most, Unit::Count, change);
    let bytes = |what, at_most, change| limit(what, at_most, Unit::Bytes, change);
    vec![
        bytes("size of a scenario file", FILE_BYTES, "the file"),
        count("levels of brackets", DEPTH as u64, "the file"),
        count("characters of a number", NUMBER_CHARACTERS as u64, "any number"),
        count(
            "characters of a topic's name",
            TOPIC_NAME as u64,
            "`cluster.topics`",
        ),
        count("characters of a group's name", GROUP_NAME as u64, "`groups`"),
        count(
            "characters of any other name",
            NAME as u64,
            "`cluster.brokers`, `producers`",
        ),
        count(
            "bytes of an expectation or of a filter expression",
            EXPRESSION_BYTES as u64,
            "`expect`, `subscribe`",
        ),
        count("brokers", BROKERS, "`cluster.brokers`"),
        count("topics", TOPICS, "`cluster.topics`"),
        count("queues of all topics on all brokers", QUEUES, "`queuesPerBroker`"),
        count("consumer groups", GROUPS, "`groups`"),
        count("instances of all producers", PRODUCERS, "`producers.*.count`"),
        count(
            "consumers of all groups; each life of one that restarts counts",
            CONSUMERS,
            "`consumers.count`, `timeline`",
        ),
        count(
            "steps of the timeline, with every wildcard and every repetition written out",
            TIMELINE,
            "`timeline`",
        ),
        count(
            "names compared with wildcards of the timeline, all entries together",
            LOOKED_AT,
            "`timeline`",
        ),
        count(
            "connections: consumers and instances of producers × brokers",
            CONNECTIONS,
            "`consumers.count`, `producers.*.count`, `cluster.brokers`",
        ),
        count(
            "subscriptions: members × topics of their group, summed over the groups",
            SUBSCRIPTIONS,
            "`consumers.count`, `subscribe`",
        ),
        count(
            "queues that groups read, those for retries included; in a broadcasting group × its members",
            READ_QUEUES,
            "`queuesPerBroker`, `groups`",
        ),
        bytes(
            "text of members' and producers' blocks × how many each block stands for",
            COPIED_BYTES,
            "`consumers`, `producers`",
        ),
        count(
            "keys of all `zipf` blocks",
            RANKS,
            "`producers.*.keys.zipf.count`",
        ),
        count(
            "places on rings: members × `virtualNodes`, summed over the groups",
            RING_PLACES,
            "`virtualNodes`, `consumers.count`",
        ),
        count("points of a time series", SAMPLES, "`sampleInterval`"),
        count(
            "points of a time series × consumers, producers and queues of groups",
            SAMPLED,
            "`sampleInterval`",
        ),
        count(
            "messages foreseen",
            MESSAGES,
            "`rate`, `duration`, `--max-messages`",
        ),
        count(
            "messages foreseen of one instance of a producer, whatever flags say",
            MESSAGES_OF_PRODUCER,
            "`producers.*.count`",
        ),
        count("messages sent `atOnce`", AT_ONCE, "`producers.*.messages`"),
        count(
            "events foreseen: ticks of clients, pulls that find nothing, messages × groups that read them",
            EVENTS,
            "`duration`, `rate`, `--max-events`",
        ),
        count(
            "tags of a producer, values of a property",
            CHOICES,
            "`tags`, `properties`",
        ),
        count("tags of all producers", TAGS, "`tags`"),
        count("different filter expressions", EXPRESSIONS as u64, "`subscribe`"),
        bytes("body of a message", BODY_BYTES.into(), "`bodySize`"),
        count("delay levels", DELAY_LEVELS.into(), "`messageDelayLevel`"),
        count("fields that a study varies", FACTORS as u64, "`--vary`"),
        count("variants of a study", VARIANTS, "`--vary`, `--max-runs`"),
        count(
            "variants of a study, whatever flags say",
            VARIANTS_AT_ALL,
            "`--vary`",
        ),
        count(
            "messages foreseen in all runs of a study",
            STUDY_MESSAGES,
            "`--vary`, `--seeds`, `--max-runs`",
        ),
        count(
            "producers, consumers, queues and steps of the timeline in all variants of a study",
            STUDY_PARTS,
            "`--vary`",
        ),
        bytes("text of all variants of a study", STUDY_BYTES, "`--vary`"),
        count("seeds of a study", SEEDS.into(), "`--seeds`"),
        limit(
            "virtual duration",
            DURATION.as_nanos() / DAY,
            Unit::Days,
            "`duration`",
        ),
    ]
}

/// Nanoseconds.
const DAY: u64 = 86_400_000_000_000;
