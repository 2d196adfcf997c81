//! Stories of random clusters: whatever happens, there is one, its steps are in order and in bounds, and its sentences
//! are whole.

use super::{cases, faults, operators, orderly};
use RocketMqVersion::{V4_9, V5_3};
use rmqsim::cluster::bounds::Bounds;
use rmqsim::cluster::config::{ClusterConfig, RocketMqVersion};
use rmqsim::cluster::ids::{BrokerId, ConsumerId, GroupId, MessageId, ProducerId};
use rmqsim::explain::example::{self, Why};
use rmqsim::explain::story::Story;
use rmqsim::explain::{Subject, Wanted, explain, tell};
use rmqsim::kernel::time::SimTime;

/// What is always so.
fn check(what: &str, story: &Story) {
    assert!(story.steps.is_sorted_by_key(|step| step.at), "{what}: {story:#?}");
    assert!(story.steps.len() <= 200, "{what}: {} steps", story.steps.len());
    for step in &story.steps {
        assert!(
            !step.text.is_empty() && !step.text.contains("  "),
            "{what}: {step:#?}"
        );
        assert!(step.at <= story.run_ends, "{what}: {step:#?}");
        assert_eq!(step.more > 0, step.until.is_some(), "{what}: {step:#?}");
        assert!(
            step.until.is_none_or(|until| until >= step.at),
            "{what}: {step:#?}"
        );
        let because = step.because.as_ref();
        assert!(
            because.is_none_or(|because| !because.text.is_empty()),
            "{what}: {step:#?}"
        );
    }
}

/// Tells of a bit of everything.
fn tells(name: &str, number: u64, version: RocketMqVersion, config: &ClusterConfig) {
    let bounds = Bounds::default();
    let consumers = config
        .groups
        .iter()
        .flat_map(|group| &group.consumers)
        .enumerate();
    let consumers: Vec<(ConsumerId, &str)> = consumers
        .map(|(id, consumer)| (ConsumerId(id as u32), consumer.name.as_str()))
        .collect();
    let Some((_, who)) = consumers.get(number as usize % consumers.len().max(1)) else {
        return;
    };
    let lives = consumers
        .iter()
        .filter(|(_, name)| name == who)
        .map(|(id, _)| *id);
    let group = GroupId(number as u32 % config.groups.len() as u32);
    let wanted = Wanted {
        topic: config.topics[number as usize % config.topics.len()].name.clone(),
        broker: BrokerId(number as u32 % config.brokers.len() as u32),
        index: 0,
    };
    let at = SimTime::from_nanos(config.duration.as_nanos() / 16 * (number % 17));
    let subjects = [
        Subject::Queue(wanted, None),
        Subject::Consumer((*who).to_owned(), lives.collect()),
        Subject::Rebalance(group, 1 + number as u32 % 9),
        Subject::Moment(at, None),
    ];
    for subject in &subjects {
        let what = format!("{name} case {number} of {version:?}, {subject:?}");
        let found = tell(config, subject, &bounds, |_, _| {});
        let stories = found.what.unwrap_or_default();
        stories.iter().for_each(|story| check(&what, story));
        assert!(
            !matches!(subject, Subject::Moment(..)) || stories.len() == 1,
            "{what}"
        );
    }
    let message = MessageId::new(ProducerId(0), number);
    let why = [Why::Duplicate, Why::Dead, Why::Late, Why::Lost][number as usize % 4];
    let example = example::find(config, why, None, &bounds, |_, _| {});
    for (message, group) in example.what.into_iter().chain([(message, None)]) {
        let what = format!("{name} case {number} of {version:?}, {message:?}");
        if let Some(story) = explain(config, message, group, &bounds, |_, _| {}).what {
            check(&what, &story);
        }
    }
}

#[test]
fn whatever_happens_has_a_story() {
    for number in 0..24 {
        let version = if number % 4 == 3 { V4_9 } else { V5_3 };
        tells("plain", number, version, &cases::case(number, version));
        tells("faults", number, version, &faults::case(number, version));
        tells("operators", number, version, &operators::case(number, version));
        let ordered = orderly::in_order(faults::case(number, version));
        tells("in order", number, version, &ordered);
    }
}
