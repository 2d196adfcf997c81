//! Default values of settings, and constants: every one that the model has, by name.

use crate::harness::{Tally, same};
use rmqsim::cluster::broker::{rebalance_lock_manager, retry_dlq, schedule_message};
use rmqsim::cluster::config::{BrokerTuning, ConsumeFromWhere, ConsumerTuning, RocketMqVersion};
use rmqsim::cluster::consumer::{consume_orderly, consume_result, flow_control, process_queue};
use rmqsim::cluster::profile::Profile;
use rmqsim::cluster::topic_route;
use rmqsim::kernel::time::SimDuration;
use rmqsim::scenario;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// Settings of ours that carry RocketMQ's value under another name: class, its name there, our name.
const RENAMED: [(&str, &str, &str); 2] = [
    ("RebalanceService", "waitInterval", "rebalanceWaitInterval"),
    (
        "DefaultMQPushConsumerImpl",
        "BROKER_SUSPEND_MAX_TIME_MILLIS",
        "brokerSuspendMaxTimeMillis",
    ),
];

/// Settings without a Java field of their own: `delayLevelWhenNextConsume` is an attribute of each call (0), `deleteWhen`
/// is missing in the vectors, the others describe what the model adds.
const OUR_OWN: [&str; 9] = [
    "dlqPermission",
    "delayLevelWhenNextConsume",
    "deleteWhen",
    "retention",
    "hourAtStart",
    "physicalMemoryMib",
    "startupTime",
    "reputInterval",
    "notifyOnExpiry",
];

pub fn judge(file: &Value, tally: &mut Tally) {
    let mut run = BTreeSet::new();
    let consumer = setting(&ConsumerTuning::default());
    let broker = setting(&BrokerTuning::default());
    for (name, found) in consumer.as_object().into_iter().flatten() {
        check_setting(file, tally, &mut run, &["DefaultMQPushConsumer"], name, found);
    }
    let classes = ["BrokerConfig", "MessageStoreConfig", "SubscriptionGroupConfig"];
    for (name, found) in broker.as_object().into_iter().flatten() {
        check_setting(file, tally, &mut run, &classes, name, found);
    }
    for (class, name, found) in fixed() {
        check(file, tally, &mut run, class, name, &found);
    }
    skip_the_rest(file, tally, &run);
}

fn setting(tuning: &impl serde::Serialize) -> Value {
    serde_json::to_value(tuning).expect("settings are plain data")
}

type Run = BTreeSet<(String, String)>;

/// Looks a setting up by its own name in `classes`, or by its other name among the constants.
fn check_setting(
    file: &Value,
    tally: &mut Tally,
    run: &mut Run,
    classes: &[&str],
    name: &str,
    found: &Value,
) {
    let renamed = RENAMED
        .iter()
        .find(|(_, _, ours)| *ours == name)
        .map(|&(class, theirs, _)| (class, theirs));
    let by_name = || {
        classes
            .iter()
            .find(|class| file[**class].get(name).is_some())
            .map(|&class| (class, name))
    };
    if let Some((class, theirs)) = renamed.or_else(by_name) {
        check(file, tally, run, class, theirs, found);
    } else if !OUR_OWN.contains(&name) && classes.iter().all(|class| file.get(*class).is_some()) {
        tally.record(
            name,
            found,
            same("name", "a field of RocketMQ, or one listed as our own", name),
        );
    }
}

/// Values that are not settings here.
fn fixed() -> Vec<(&'static str, &'static str, Value)> {
    let profile = Profile::of(RocketMqVersion::V5_3);
    let millis = |span: SimDuration| json!(span.as_millis());
    vec![
        (
            "ConsumeMessageOrderlyService",
            "MAX_TIME_CONSUME_CONTINUOUSLY",
            millis(consume_orderly::MAX_TIME_CONSUME_CONTINUOUSLY),
        ),
        (
            "DefaultMQPushConsumer",
            "consumeFromWhere",
            json!(ConsumeFromWhere::default()),
        ),
        (
            "DefaultMQPushConsumer",
            "pullTimeDelayMillsWhenException",
            millis(flow_control::DELAY_WHEN_EXCEPTION),
        ),
        (
            "SubscriptionGroupConfig",
            "retryMaxTimes",
            json!(consume_result::max_reconsume_times_concurrently(-1)),
        ),
        (
            "DefaultMQPushConsumer",
            "consumeThreadMin",
            json!(scenario::defaults::threads()),
        ),
        (
            "DefaultMQProducer",
            "defaultTopicQueueNums",
            json!(scenario::defaults::QUEUES_PER_BROKER),
        ),
        (
            "DefaultMQProducer",
            "maxMessageSize",
            json!(scenario::limits::BODY_BYTES),
        ),
        (
            "RebalanceService",
            "minInterval",
            millis(profile.rebalance_min_interval),
        ),
        (
            "DefaultMQPushConsumerImpl",
            "PULL_TIME_DELAY_MILLS_WHEN_CACHE_FLOW_CONTROL",
            millis(flow_control::DELAY_WHEN_CACHE_FLOW_CONTROL),
        ),
        (
            "DefaultMQPushConsumerImpl",
            "PULL_TIME_DELAY_MILLS_WHEN_BROKER_FLOW_CONTROL",
            millis(flow_control::DELAY_WHEN_BROKER_FLOW_CONTROL),
        ),
        (
            "DefaultMQPushConsumerImpl",
            "PULL_TIME_DELAY_MILLS_WHEN_SUSPEND",
            millis(flow_control::DELAY_WHEN_SUSPEND),
        ),
        (
            "DefaultMQPushConsumerImpl",
            "CONSUMER_TIMEOUT_MILLIS_WHEN_SUSPEND",
            millis(flow_control::PULL_TIMEOUT),
        ),
        (
            "ProcessQueue",
            "PULL_MAX_IDLE_TIME",
            millis(process_queue::PULL_MAX_IDLE_TIME),
        ),
        (
            "ProcessQueue",
            "REBALANCE_LOCK_INTERVAL",
            millis(process_queue::REBALANCE_LOCK_INTERVAL),
        ),
        (
            "ProcessQueue",
            "REBALANCE_LOCK_MAX_LIVE_TIME",
            millis(process_queue::REBALANCE_LOCK_MAX_LIVE_TIME),
        ),
        (
            "ScheduleMessageService",
            "FIRST_DELAY_TIME",
            millis(schedule_message::FIRST_DELAY_TIME),
        ),
        (
            "ScheduleMessageService",
            "DELAY_FOR_A_WHILE",
            millis(schedule_message::DELAY_FOR_A_WHILE),
        ),
        (
            "ScheduleMessageService",
            "DELAY_FOR_A_PERIOD",
            millis(schedule_message::DELAY_FOR_A_PERIOD),
        ),
        (
            "AbstractSendMessageProcessor",
            "DLQ_NUMS_PER_GROUP",
            json!(retry_dlq::DLQ_NUMS_PER_GROUP),
        ),
        (
            "RebalanceLockManager",
            "REBALANCE_LOCK_MAX_LIVE_TIME",
            millis(rebalance_lock_manager::REBALANCE_LOCK_MAX_LIVE_TIME),
        ),
        ("PermName", "PERM_READ", json!(topic_route::PERM_READ)),
        ("PermName", "PERM_WRITE", json!(topic_route::PERM_WRITE)),
        ("MixAll", "MASTER_ID", json!(topic_route::MASTER_ID)),
    ]
}

/// Compares with the field of a configuration class, or with the constant of another.
fn check(file: &Value, tally: &mut Tally, run: &mut Run, class: &str, name: &str, found: &Value) {
    let expected = file.get(class).and_then(|fields| fields.get(name));
    let Some(expected) = expected.or_else(|| file["constants"].get(class)?.get(name)) else {
        return;
    };
    run.insert((class.to_owned(), name.to_owned()));
    tally.record(
        &format!("{class}.{name}"),
        expected,
        same("value", expected, found),
    );
}

fn skip_the_rest(file: &Value, tally: &mut Tally, run: &Run) {
    for (section, content) in file.as_object().into_iter().flatten() {
        tally.data(file, section);
        let constants = || content.as_object().into_iter().flatten();
        match section.as_str() {
            "meta" => {}
            "constants" => constants().for_each(|(class, fields)| skip_fields(tally, run, class, fields)),
            class => skip_fields(tally, run, class, content),
        }
    }
}

fn skip_fields(tally: &mut Tally, run: &Run, class: &str, fields: &Value) {
    let names = fields.as_object().into_iter().flatten().map(|(name, _)| name);
    let skipped = names
        .filter(|name| !run.contains(&(class.to_owned(), (*name).clone())))
        .count();
    if skipped > 0 {
        tally.skip(
            format!("{class}: fields that the model has no setting or constant for"),
            skipped as u64,
        );
    }
}
