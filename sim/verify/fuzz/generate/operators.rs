//! What happens to brokers, topics, producers and the progress of groups.

use super::Plan;
use super::chooser::{Chooser, given, maybe, span};
use super::groups::Group;
use super::members::{Clock, Entry, entry};
use crate::kernel::streams::Streams;
use serde_json::{Value, json};

/// The longest time that a broker is down, ms.
const LONGEST: u64 = 70_000;

pub fn timeline(streams: &mut Streams, plan: &Plan) -> Vec<Entry> {
    let mut c = Chooser(streams.stream("operators", "timeline"));
    let mut work = Work {
        clock: Clock::new(plan),
        plan,
        entries: Vec::new(),
    };
    let traits = plan.traits;
    if traits.brokers {
        work.brokers(&mut c);
    }
    if traits.topics {
        for _ in 0..c.within(1, 3) {
            work.topic(&mut c);
        }
    }
    if traits.operators {
        for group in &plan.groups {
            work.progress(&mut c, group);
        }
        if let Some(producer) = plan.producers.iter().find(|producer| producer.keys > 0) {
            let topic = plan.topology.topics[producer.topic].name.as_str();
            let key = format!("k{}", c.within(1, producer.keys));
            let most = maybe(&mut c, 30, |c| c.within(1, 64).into());
            work.add(
                &mut c,
                "queryMessage",
                topic,
                [("key", key.into()), ("maxNum", most)],
            );
        }
    }
    if traits.remedies {
        work.remedies(&mut c);
    }
    work.entries
}

struct Work<'p> {
    clock: Clock,
    plan: &'p Plan,
    entries: Vec<Entry>,
}

impl Work<'_> {
    fn add<const N: usize>(&mut self, c: &mut Chooser, action: &str, target: &str, with: [(&str, Value); N]) {
        let at = self.clock.instant(c);
        self.entries.push(entry(at, action, target, with));
    }

    /// Brokers end and start again, or, when nothing need come to rest, stay away.
    fn brokers(&mut self, c: &mut Chooser) {
        for broker in &self.plan.topology.brokers {
            for _ in 0..c.pick(&[0, 1, 1, 2]) {
                let crash = c.percent(60);
                if self.plan.traits.restless && c.percent(40) {
                    self.add(c, if crash { "kill" } else { "leave" }, broker, []);
                    continue;
                }
                let down = c.pick(&[1, 100, 1_000, 5_000, 20_000, LONGEST]);
                let shutdown = given(crash, || "kill");
                self.add(
                    c,
                    "restart",
                    broker,
                    [("downFor", span(down)), ("shutdown", shutdown)],
                );
            }
        }
    }

    /// Topics grow and shrink, for readers and writers together or one after the other; a broker may be new to them.
    fn topic(&mut self, c: &mut Chooser) {
        let topology = &self.plan.topology;
        let topic = &topology.topics[c.below(topology.topics.len() as u64) as usize];
        let most = if self.plan.traits.slow { 2 } else { 6 };
        let number = |c: &mut Chooser| c.within(1, most).into();
        let (read, write) = match c.below(3) {
            0 => (number(c), Value::Null),
            1 => (Value::Null, number(c)),
            _ => (number(c), number(c)),
        };
        let brokers = maybe(c, 50, |c| vec![c.pick(&topology.brokers)].into());
        let with = [
            ("readQueueNums", read),
            ("writeQueueNums", write),
            ("brokers", brokers),
        ];
        self.add(c, "updateTopic", &topic.name, with);
    }

    fn progress(&mut self, c: &mut Chooser, group: &Group) {
        let force = |c: &mut Chooser, plan: &Plan| given(plan.is_4_9, || maybe(c, 30, |_| false.into()));
        let topic = |c: &mut Chooser, plan: &Plan| {
            let topic = c.pick(&group.topics);
            Value::from(plan.topology.topics[topic].name.as_str())
        };
        for _ in 0..c.pick(&[0, 0, 1, 2]) {
            let at = self.clock.instant(c);
            let to = match c.below(3) {
                0 => "earliest".into(),
                1 => "latest".into(),
                _ => span(c.below(at + 1)),
            };
            let (topic, force) = (topic(c, self.plan), force(c, self.plan));
            let with = [("topic", topic), ("to", to), ("force", force)];
            self.entries
                .push(entry(at, "resetOffset", group.name.as_str(), with));
        }
        if c.percent(20) {
            let topic = topic(c, self.plan);
            self.add(c, "skipBacklog", &group.name, [("topic", topic)]);
        }
        if c.percent(40) {
            let rate = c.pick(&["1000/s", "10/s"]);
            self.add(c, "resendDlq", &group.name, [("rate", rate.into())]);
        }
        if c.percent(25) {
            let perm = c.pick(&["readWrite", "write"]);
            self.add(
                c,
                "updateTopicPerm",
                &format!("%DLQ%{}", group.name),
                [("perm", perm.into())],
            );
        }
    }

    fn remedies(&mut self, c: &mut Chooser) {
        for _ in 0..c.pick(&[0, 0, 1, 3]) {
            let broker = c.pick(&self.plan.topology.brokers);
            let answer = c.pick(&["SYSTEM_BUSY", "FLOW_CONTROL"]);
            let lasting = span(c.within(1, 20_000));
            self.add(c, "busy", &broker, [("for", lasting), ("answer", answer.into())]);
        }
        if let Some(producer) = self.plan.producers.iter().find(|producer| !producer.at_once)
            && c.percent(40)
        {
            let rate = c.pick(&["1/s", "20/s", "200/s"]);
            self.add(c, "setRate", &producer.name, [("rate", rate.into())]);
        }
        for group in &self.plan.groups {
            if c.percent(25) {
                let times = match group.orderly {
                    true => c.pick(&[0, 1, 5]),
                    false => c.pick(&[0, 1, 5, -1]),
                };
                self.add(
                    c,
                    "setMaxReconsumeTimes",
                    &group.name,
                    [("maxReconsumeTimes", times.into())],
                );
            }
        }
        // One at most: two that send to each other would never end.
        let mut concurrent = self.plan.groups.iter().filter(|group| !group.orderly);
        let topics = 0..self.plan.topology.topics.len();
        if let Some(group) = concurrent.next()
            && let Some(other) = topics.into_iter().find(|topic| !group.topics.contains(topic))
            && c.percent(70)
        {
            let to = self.plan.topology.topics[other].name.as_str();
            let service = maybe(c, 50, |_| json!({ "exponential": { "mean": "2ms" } }));
            let members = match c.percent(50) {
                true => format!("{}/*", group.name),
                false => format!("{}/{}", group.name, c.within(1, group.members)),
            };
            self.add(c, "forward", &members, [("to", to.into()), ("service", service)]);
        }
    }
}
