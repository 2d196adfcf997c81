//! The same clusters with operators at work: brokers end and start, offsets are reset, files are small and do not last,
//! dead letters are sent again and read, groups have no retry queues.
//!
//! All of it happens in the minute of unrest, but for the return of the last broker. The account of messages is checked
//! at every sample; after the rest nothing waits for a group that somebody is left of.

use crate::random::cases::{self, Chooser, UNREST, at, ms};
use rmqsim::cluster::config::{
    Action, ClusterConfig, OffsetTarget, Retention, RocketMqVersion, TimelineEntry, TopicConfig,
};
use rmqsim::cluster::ids::{BrokerId, GroupId, TopicId};
use rmqsim::kernel::streams::Streams;

/// Longest time that a broker is down.
const LONGEST: u64 = 70_000;
const REST: u64 = 400_000;

/// A random cluster with operators.
pub fn case(number: u64, version: RocketMqVersion) -> ClusterConfig {
    let mut config = cases::case(number, version);
    let mut c = Chooser(Streams::new(number).stream("case", "operators"));
    config.duration = ms(UNREST + LONGEST + REST);
    if c.percent(40) {
        let tuning = &mut config.broker_tuning;
        tuning.retention = Retention::Files;
        tuning.mapped_file_size_commit_log = c.pick(&[20_000, 200_000]);
        tuning.file_reserved_time = 0;
        tuning.delete_when = "0;1".to_owned();
        if version == RocketMqVersion::V4_9 {
            // Whoever falls behind files that go one after another is told to go on at the least offset, lets the queue
            // rest for 10 s before 5.2 and more until the next round, and is behind again: nothing but the end of the
            // deletions helps. Refused pulls are what lets groups fall behind here.
            config
                .timeline
                .retain(|entry| !matches!(entry.action, Action::Busy { .. }));
        }
    }
    let (mut entries, groups) = (config.timeline.clone(), config.groups.len());
    for broker in (0..config.brokers.len() as u32).map(BrokerId) {
        let mut time = c.below(UNREST);
        for _ in 0..c.pick(&[0, 1, 1, 2]) {
            let crash = c.percent(60);
            entries.push(entry(time, Action::StopBroker { broker, crash }));
            time += c.pick(&[1, 100, 1000, 5000, 20_000, LONGEST]);
            entries.push(entry(time, Action::StartBroker(broker)));
            time += c.below(20_000);
        }
    }
    for group in (0..groups as u32).map(GroupId) {
        config.groups[group.index()].subscription_group.retry_queue_nums =
            c.pick(&[None, None, Some(0), Some(2)]);
        for _ in 0..c.pick(&[0, 0, 1, 2]) {
            let topic = c.pick(&config.groups[group.index()].subscribe);
            let (time, force) = (c.below(UNREST), c.percent(70));
            let back = at(c.below(time + 1));
            let target = c.pick(&[
                OffsetTarget::Earliest,
                OffsetTarget::Latest,
                OffsetTarget::Time(back),
            ]);
            let reset = Action::ResetOffset {
                group,
                topic,
                target,
                force,
            };
            entries.push(entry(time, reset));
        }
        if c.percent(30) {
            let gap = ms(c.pick(&[1, 100]));
            entries.push(entry(UNREST - c.below(20_000), Action::ResendDlq { group, gap }));
        }
    }
    if groups > 1 && c.percent(40) {
        let topic = TopicId(config.topics.len() as u32);
        config.topics.push(TopicConfig {
            name: format!("%DLQ%{}", config.groups[0].name),
            placement: Vec::new(),
        });
        config.groups[1].subscribe.push(topic);
    }
    entries.sort_by_key(|entry| entry.at);
    config.timeline = entries;
    config
}

fn entry(millis: u64, action: Action) -> TimelineEntry {
    TimelineEntry {
        at: at(millis),
        action,
    }
}
