//! Steps of the timeline that are no change of members: brokers that stop, rates, listeners, offsets, dead letters.
//!
//! They are read from the normalised scenario, which holds them as they were asked for; what became of the members is
//! told by the report itself.

use crate::kernel::time::SimDuration;
use crate::report::charts::Subject;
use crate::report::charts::events::Event;
use crate::report::model::Report;
use serde_json::Value;

/// The steps that concern a group, or all of them.
pub fn steps(report: &Report, of: Option<&Subject<'_>>) -> Vec<Event> {
    let timeline = report.scenario.get("timeline").and_then(Value::as_array);
    let step = |entry: &Value| {
        let at: SimDuration = entry.get("at")?.as_str()?.parse().ok()?;
        let words = words(report, entry, of)?;
        Some(Event::step(at.as_secs_f64(), words))
    };
    timeline.into_iter().flatten().filter_map(step).collect()
}

/// What an entry does, if it concerns the group and is not told otherwise.
fn words(report: &Report, entry: &Value, of: Option<&Subject<'_>>) -> Option<String> {
    let text = |key: &str| match entry.get(key)? {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    };
    // Targets are `group`, `group/members`, a producer, a topic or a broker.
    let for_group = |target: &String| {
        let group = target.split('/').next().unwrap_or(target);
        of.is_none_or(|subject| subject.name == group)
    };
    let for_topic =
        |topic: &str| of.is_none_or(|subject| subject.group.topics.iter().any(|own| own.as_str() == topic));
    for (action, verb) in BROKERS {
        if let Some(broker) = text(action).filter(|name| report.cluster.brokers.contains_key(name)) {
            return Some(format!("{broker} {verb}"));
        }
    }
    for (action, what, value) in MEMBERS {
        if let Some(target) = text(action) {
            let value = value
                .and_then(text)
                .map_or(String::new(), |value| format!(" {value}"));
            return for_group(&target).then(|| format!("{target}: {what}{value}"));
        }
    }
    if let Some(producer) = text("setRate") {
        let known = report
            .producers
            .iter()
            .find(|(name, _)| producer.starts_with(name.as_str()));
        let rate = text("rate").unwrap_or_default();
        let concerns = known.is_none_or(|(_, known)| for_topic(&known.topic));
        return concerns.then(|| format!("{producer}: {rate}"));
    }
    None
}

/// What may happen to a broker.
const BROKERS: [(&str, &str); 4] = [
    ("kill", "killed"),
    ("leave", "stops"),
    ("restart", "restarts"),
    ("busy", "busy"),
];

/// What is done with members or with the messages of a group, and which value is told.
const MEMBERS: [(&str, &str, Option<&str>); 8] = [
    ("setListener", "listener changes", None),
    ("setThreads", "threads", Some("threads")),
    ("forward", "forwards to", Some("to")),
    (
        "setMaxReconsumeTimes",
        "maxReconsumeTimes",
        Some("maxReconsumeTimes"),
    ),
    ("subscribe", "subscription changes", None),
    ("resetOffset", "offsets reset", None),
    ("skipBacklog", "backlog skipped", None),
    ("resendDlq", "dead letters sent again", None),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::model::{BrokerReport, GroupReport, ProducerReport};
    use serde_json::json;

    fn told(timeline: Value, group: Option<&str>) -> Vec<String> {
        let mut report = Report {
            scenario: json!({ "timeline": timeline }),
            ..Report::default()
        };
        report
            .cluster
            .brokers
            .insert("broker-a".into(), BrokerReport::default());
        for (name, topic) in [("checkout", "orders"), ("mailer", "mails")] {
            let producer = ProducerReport {
                topic: topic.into(),
                ..ProducerReport::default()
            };
            report.producers.insert(name.into(), producer);
        }
        let of = GroupReport {
            topics: vec!["orders".into()],
            ..GroupReport::default()
        };
        let subject = group.map(|name| Subject {
            report: &report,
            name,
            group: &of,
        });
        let steps = steps(&report, subject.as_ref());
        steps.iter().map(Event::label).collect()
    }

    #[test]
    fn steps_are_told_to_those_whom_they_concern() {
        let timeline = json!([
            { "at": "1m", "kill": "broker-a" },
            { "at": "1m", "kill": "billing/2" },
            { "at": "2m", "setThreads": "billing/*", "threads": 40 },
            { "at": "2m", "resetOffset": "audit", "topic": "orders", "to": "0s" },
            { "at": "3m", "setRate": "checkout", "rate": "400/s" },
            { "at": "3m", "setRate": "mailer-1", "rate": "9/s" },
        ]);
        assert_eq!(
            told(timeline.clone(), Some("billing")),
            ["broker-a killed", "billing/*: threads 40", "checkout: 400/s"]
        );
        assert_eq!(
            told(timeline, None).len(),
            5,
            "a member's end is told by the report"
        );
    }

    #[test]
    fn what_is_no_timeline_has_no_steps() {
        for odd in [
            json!(null),
            json!(7),
            json!([{ "at": 3 }, {}, [], { "at": "1m" }]),
        ] {
            assert!(told(odd, None).is_empty());
        }
    }
}
