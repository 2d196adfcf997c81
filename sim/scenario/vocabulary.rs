//! Words that authors bring along: other names for our keys, and what RocketMQ has but rmqsim not yet.
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
    ("consumeMode", "listener"),
    ("consumeMessageMode", "listener"),
    ("consumeOrderlyContext", "orderly"),
    ("consumeType", "delivery"),
    ("subscription", "subscribe"),
    ("subExpression", "subscribe"),
    ("filterExpression", "subscribe"),
    ("sql92", "sql"),
    ("SQL92", "sql"),
    ("selector", "sql"),
    ("topics", "subscribe"),
    ("clientId", "clientIds"),
    ("instances", "count"),
    ("serviceTime", "service"),
    ("brokerName", "brokers"),
    ("defaultTopicQueueNums", "queuesPerBroker"),
    ("queues", "queuesPerBroker"),
    ("tag", "tags"),
    ("key", "keys"),
    ("selector", "queueSelector"),
    ("messageQueueSelector", "queueSelector"),
    ("userProperties", "properties"),
    ("time", "at"),
    ("readQueueNum", "readQueueNums"),
    ("subscriptionGroupConfig", "subscriptionGroup"),
    ("writeQueueNum", "writeQueueNums"),
];

/// What others call things of the timeline.
const OTHER_WORDS: &[(&str, &str)] = &[
    ("add", "join"),
    ("start", "join"),
    ("scaleUp", "join"),
    ("scaleOut", "join"),
    ("stop", "leave"),
    ("remove", "leave"),
    ("scaleDown", "leave"),
    ("scaleIn", "leave"),
    ("crash", "kill"),
    ("sigkill", "kill"),
    ("oom", "kill"),
    ("powerOff", "vanish"),
    ("hostDown", "vanish"),
    ("unplug", "vanish"),
    ("gc", "pause"),
    ("gcPause", "pause"),
    ("freeze", "pause"),
    ("suspend", "pause"),
    ("sigstop", "pause"),
    ("continue", "resume"),
    ("unpause", "resume"),
    ("sigcont", "resume"),
    ("bounce", "restart"),
    ("reboot", "restart"),
    ("deploy", "restart"),
    ("rollingRestart", "restart"),
    ("network", "partition"),
    ("disconnect", "partition"),
    ("isolate", "partition"),
    ("cut", "partition"),
    ("delay", "slow"),
    ("latency", "slow"),
    ("changeTopic", "updateTopic"),
    ("killBroker", "kill"),
    ("crashBroker", "kill"),
    ("stopBroker", "leave"),
    ("restartBroker", "restart"),
    ("bounceBroker", "restart"),
    ("resetOffsetByTime", "resetOffset"),
    ("seek", "resetOffset"),
    ("rewind", "resetOffset"),
    ("replay", "resetOffset"),
    ("skipAccumulatedMessage", "skipBacklog"),
    ("skipAccumulation", "skipBacklog"),
    ("skip", "skipBacklog"),
    ("resendDLQ", "resendDlq"),
    ("redrive", "resendDlq"),
    ("permission", "perm"),
    ("timestamp", "to"),
    ("style", "delivery"),
    ("sentinel", "guard"),
    ("flowRule", "guard"),
    ("rateLimit", "guard"),
    ("controlBehavior", "behavior"),
    ("maxQueueingTimeMs", "maxQueueing"),
    ("warmUpPeriodSec", "warmUp"),
    ("warmUpColdFactor", "coldFactor"),
    ("warmUp", "warmup"),
    ("warmupTime", "warmup"),
    ("rampUp", "warmup"),
    ("burnIn", "warmup"),
    ("transient", "warmup"),
    ("limit", "qps"),
    ("maxConcurrency", "concurrency"),
    ("updateCorePoolSize", "setThreads"),
    ("scaleThreads", "setThreads"),
    ("changeRate", "setRate"),
    ("lowerRetry", "setMaxReconsumeTimes"),
    ("setRetries", "setMaxReconsumeTimes"),
    ("forwarder", "forward"),
    ("redirect", "forward"),
    ("toTopic", "to"),
    ("overload", "busy"),
    ("systemBusy", "busy"),
    ("refusePulls", "busy"),
    ("deliveryStyle", "delivery"),
    ("polling", "delivery"),
    ("prefetch", "credit"),
    ("prefetchCount", "credit"),
    ("batchSize", "batch"),
    ("pullBatchSize", "batch"),
    ("pollInterval", "interval"),
    ("period", "interval"),
    ("setService", "setListener"),
    ("changeService", "setListener"),
    ("setFailure", "setListener"),
    ("changeListener", "setListener"),
    ("to", "until"),
    ("attempts", "firstAttempts"),
    ("delayLevel", "delayLevelWhenNextConsume"),
    ("result", "outcome"),
    ("status", "outcome"),
    ("partialSuccess", "ackIndex"),
    ("dedup", "idempotent"),
    ("deduplication", "idempotent"),
    ("idempotence", "idempotent"),
    ("store", "mark"),
    ("timeToLive", "ttl"),
    ("localOffsets", "localOffsetStore"),
    ("offsetStore", "localOffsetStore"),
    ("model", "messageModel"),
    ("duration", "for"),
    ("lasts", "for"),
    ("interval", "every"),
    ("rounds", "times"),
    ("repeat", "times"),
    ("downTime", "downFor"),
    ("servers", "from"),
    ("resubscribe", "subscribe"),
    ("queryMsgByKey", "queryMessage"),
    ("queryByKey", "queryMessage"),
    ("keys", "key"),
    ("changeSubscription", "subscribe"),
    ("newSubscription", "subscription"),
    ("readQueues", "readQueueNums"),
    ("writeQueues", "writeQueueNums"),
    ("replications", "seeds"),
    ("runs", "seeds"),
    ("parameters", "vary"),
    ("factors", "vary"),
    ("sweep", "study"),
    ("experiment", "study"),
    ("compare", "study"),
    ("control", "baseline"),
    ("untilCI", "untilCi"),
    ("until-ci", "untilCi"),
    ("precision", "untilCi"),
    ("metric", "metrics"),
    ("nameserver", "nameServers"),
    ("namesrv", "nameServers"),
    ("namesrvAddr", "nameServers"),
];

/// Keys that are planned or exist in RocketMQ: the object's pattern, the key, a way out.
const KEYS_NOT_YET: &[(&str, &str, &str)] = &[
    ("producers.*", "tuning", "producers have RocketMQ's defaults"),
    ("groups.*.tuning", "popInvisibleTime", "POP is not modelled"),
    ("groups.*.tuning", "popBatchNums", "POP is not modelled"),
];

/// Words that RocketMQ knows: the field's pattern, the word, a way out.
const WORDS_NOT_YET: &[(&str, &str, &str)] = &[
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

/// Our key, one of `keys`, for another name of the same thing; and whether that name is RocketMQ's.
pub fn other_name<'k>(key: &str, keys: &[&'k str]) -> Option<(&'k str, bool)> {
    let among = |table: &[(&str, &str)]| {
        let ours = table.iter().filter(|(theirs, _)| *theirs == key);
        ours.filter_map(|(_, ours)| keys.iter().copied().find(|k| k == ours))
            .next()
    };
    let rocketmqs = among(OTHER_NAMES).map(|ours| (ours, true));
    rocketmqs.or_else(|| among(OTHER_WORDS).map(|ours| (ours, false)))
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
