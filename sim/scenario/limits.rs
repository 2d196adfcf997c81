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

/// Every bound with what it bounds, for help texts and the documentation.
pub fn table() -> Vec<(&'static str, String)> {
    let count = |n: u64| crate::scenario::estimate::grouped(u128::from(n));
    vec![
        ("size of a scenario file", format!("{} MiB", FILE_BYTES >> 20)),
        ("levels of brackets", DEPTH.to_string()),
        ("characters of a number", NUMBER_CHARACTERS.to_string()),
        ("length of a topic name", TOPIC_NAME.to_string()),
        ("length of a group name", GROUP_NAME.to_string()),
        ("length of any other name", NAME.to_string()),
        (
            "bytes of an expectation or of a filter expression",
            EXPRESSION_BYTES.to_string(),
        ),
        ("brokers", count(BROKERS)),
        ("topics", count(TOPICS)),
        ("queues of all topics", count(QUEUES)),
        ("consumer groups", count(GROUPS)),
        ("producer instances", count(PRODUCERS)),
        ("consumers of all groups, each life of one", count(CONSUMERS)),
        ("steps of the timeline, wildcards expanded", count(TIMELINE)),
        (
            "members and servers × timeline entries with a wildcard",
            count(LOOKED_AT),
        ),
        ("members and producer instances × brokers", count(CONNECTIONS)),
        ("members × topics of their group", count(SUBSCRIPTIONS)),
        (
            "queues × groups that read them (broadcasting: × members), queues for retries included",
            count(READ_QUEUES),
        ),
        (
            "bytes of blocks of members and producers × their numbers",
            format!("{} MiB", COPIED_BYTES >> 20),
        ),
        ("keys of all `zipf` blocks", count(RANKS)),
        ("members × `virtualNodes`, all groups", count(RING_PLACES)),
        ("points of a time series", count(SAMPLES)),
        ("messages foreseen (`--max-messages` lifts it)", count(MESSAGES)),
        ("messages sent `atOnce`", count(AT_ONCE)),
        (
            "events foreseen: by the clock, and messages × groups that read them (`--max-events` lifts it)",
            count(EVENTS),
        ),
        (
            "points of a time series × members and queues of groups",
            count(SAMPLED),
        ),
        ("tags of a producer, values of a property", count(CHOICES)),
        ("tags of all producers", count(TAGS)),
        ("different filter expressions", count(EXPRESSIONS as u64)),
        ("bytes of a message body", format!("{} MiB", BODY_BYTES >> 20)),
        ("delay levels", DELAY_LEVELS.to_string()),
        ("fields that a study varies", FACTORS.to_string()),
        ("variants of a study (`--max-runs` lifts it)", count(VARIANTS)),
        ("variants of a study, whatever flags say", count(VARIANTS_AT_ALL)),
        (
            "messages foreseen in all runs of a study (`--max-runs` lifts it)",
            count(STUDY_MESSAGES),
        ),
        (
            "producers, consumers, queues and timeline steps in all variants of a study",
            count(STUDY_PARTS),
        ),
        (
            "bytes of text in all variants of a study",
            format!("{} MiB", STUDY_BYTES >> 20),
        ),
        ("seeds of a study", count(SEEDS.into())),
        ("virtual duration", "10 years (3650d)".to_owned()),
    ]
}
