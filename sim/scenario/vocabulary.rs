//! Words that authors bring along: RocketMQ's names for our keys, and what RocketMQ has but rmqsim not yet.
//!
//! What is not supported is refused with a message of its own: neither accepted silently nor called a typo.

/// RocketMQ's names of things that have a shorter key here.
const OTHER_NAMES: &[(&str, &str)] = &[
    ("consumeThreadMin", "threads"),
    ("consumeThreadMax", "threads"),
    ("consumeThreadNums", "threads"),
    ("allocateMessageQueueStrategy", "strategy"),
    ("virtualNodeCnt", "virtualNodes"),
    ("consumeridcs", "rooms"),
    ("messageListener", "listener"),
    ("subscription", "subscribe"),
    ("topics", "subscribe"),
    ("clientId", "clientIds"),
    ("instances", "count"),
    ("serviceTime", "service"),
    ("brokerName", "brokers"),
    ("defaultTopicQueueNums", "queuesPerBroker"),
    ("queues", "queuesPerBroker"),
    ("time", "at"),
];

/// Keys that are planned or exist in RocketMQ: the object's pattern, the key, a way out.
const KEYS_NOT_YET: &[(&str, &str, &str)] = &[
    (
        "",
        "warmup",
        "the whole run is measured; start producers later with \"start\"",
    ),
    (
        "producers.*",
        "tags",
        "all messages have no tag, and subscriptions read \"*\"",
    ),
    ("producers.*", "keys", "queues are chosen in turn, not by a key"),
    ("producers.*", "tuning", "producers have RocketMQ's defaults"),
    (
        "groups.*",
        "delivery",
        "groups use long polling, as DefaultMQPushConsumer does",
    ),
    (
        "groups.*",
        "consumeTimestamp",
        "CONSUME_FROM_TIMESTAMP means 30 minutes before the start",
    ),
    (
        "groups.*.tuning",
        "consumeTimeout",
        "listeners always return in this version",
    ),
    (
        "groups.*.tuning",
        "suspendCurrentQueueTimeMillis",
        "only concurrent listeners exist so far",
    ),
    ("groups.*.tuning", "popInvisibleTime", "POP is not modelled"),
    ("groups.*.tuning", "popBatchNums", "POP is not modelled"),
    ("timeline", "restart", "use \"kill\" or \"leave\", then \"join\""),
    ("timeline", "pause", "use \"kill\" or \"leave\""),
    ("timeline", "resume", "use \"join\""),
    (
        "timeline",
        "partition",
        "the network always delivers in this version",
    ),
    ("timeline", "vanish", "use \"kill\": the broker notices at once"),
    ("timeline", "rate", "use a second producer with \"start\""),
    ("timeline", "resetOffset", "choose \"consumeFromWhere\" instead"),
];

/// Words that RocketMQ knows: the field's pattern, the word, a way out.
const WORDS_NOT_YET: &[(&str, &str, &str)] = &[
    ("groups.*.messageModel", "BROADCASTING", "use \"CLUSTERING\""),
    ("groups.*.listener", "orderly", "use \"concurrently\""),
    ("groups.*.strategy", "MACHINE_ROOM_NEARBY-CONFIG", CONFIG),
    (
        "groups.*.consumers.strategy",
        "MACHINE_ROOM_NEARBY-CONFIG",
        CONFIG,
    ),
];
const CONFIG: &str = "CONFIG does not look at rooms: write the queues of each member into its lists";

/// A working line for a key that must be given, by pattern.
const EXAMPLES: &[(&str, &str)] = &[
    ("title", "\"title\": \"Two consumers, five queues\""),
    ("duration", "\"duration\": \"10m\""),
    ("cluster", "\"cluster\": { \"topics\": { \"orders\": {} } }"),
    (
        "cluster.topics",
        "\"topics\": { \"orders\": { \"queuesPerBroker\": 4 } }",
    ),
    ("timeline.at", "\"at\": \"3m\""),
];

/// Our key for RocketMQ's name of the same thing.
pub fn other_name(key: &str) -> Option<&'static str> {
    OTHER_NAMES
        .iter()
        .find(|(theirs, _)| *theirs == key)
        .map(|(_, ours)| *ours)
}

/// Whether `key` of the objects at `pattern` is known but not supported; then a way out.
pub fn key_not_yet(pattern: &str, key: &str) -> Option<&'static str> {
    KEYS_NOT_YET
        .iter()
        .find(|(p, k, _)| *p == pattern && *k == key)
        .map(|(_, _, help)| *help)
}

/// Whether `word` as a value of the field at `pattern` is known but not supported; then a way out.
pub fn word_not_yet(pattern: &str, word: &str) -> Option<&'static str> {
    WORDS_NOT_YET
        .iter()
        .find(|(p, w, _)| *p == pattern && *w == word)
        .map(|(_, _, help)| *help)
}

/// A working example of the key at `pattern`.
pub fn example(pattern: &str) -> Option<&'static str> {
    EXAMPLES.iter().find(|(p, _)| *p == pattern).map(|(_, e)| *e)
}
