//! What listeners do: how they fail, what they remember, what stands before them.

use super::Plan;
use super::chooser::{Chooser, block, given, maybe, span};
use super::groups::{self, Group};
use serde_json::{Value, json};

/// What an orderly listener does besides its work.
pub fn orderly(c: &mut Chooser, group: &Group) -> Value {
    if !group.by_hand {
        return Value::Null;
    }
    block([
        ("autoCommit", false.into()),
        ("commitEvery", c.pick(&[1, 1, 3]).into()),
        ("onFailure", maybe(c, 50, |_| "rollback".into())),
    ])
}

/// When the listener fails. What fails in order does not block a queue for so long that the rest is too short: a large
/// batch that is rolled back with others would never get through, and a rollback knows no limit of attempts.
pub fn failure(c: &mut Chooser, group: &Group, plan: &Plan) -> Value {
    let fails = c.percent(if plan.traits.listeners { 70 } else { 40 });
    let often = fails && !plan.traits.slow && !group.orderly;
    let probability = match (fails, group.by_hand, group.orderly || plan.traits.slow) {
        (false, _, _) => return Value::Null,
        (true, true, _) => 0.001,
        (true, false, true) => 0.02,
        (true, false, false) => 0.1,
    };
    let ways = plan.traits.listeners;
    let outcome = given(ways && !group.orderly, || c.pick(&["later", "throw", "null"]));
    let rules = match ways {
        true => rules(c, group, plan),
        false => Vec::new(),
    };
    block([
        ("probability", probability.into()),
        ("poison", given(often || group.orderly && !group.by_hand, || 0.02)),
        ("failFirstAttempts", given(often && c.percent(20), || 1)),
        ("outcome", outcome),
        (
            "ackIndex",
            given(!group.orderly, || maybe(c, 50, |_| true.into())),
        ),
        ("rules", given(!rules.is_empty(), || rules)),
    ])
}

/// What happens to certain messages; in order, nothing that lasts.
fn rules(c: &mut Chooser, group: &Group, plan: &Plan) -> Vec<Value> {
    let mut rules = Vec::new();
    if c.percent(30) && !group.by_hand {
        let from = c.below(plan.unrest);
        let lasting = c.pick(&[10, 1_000, if group.orderly { 1_000 } else { 20_000 }]);
        rules.push(json!({ "from": span(from), "until": span(from + lasting), "outcome": "later" }));
    }
    if group.orderly {
        return rules;
    }
    if let Some(producer) = plan.producers.iter().find(|producer| producer.tags)
        && c.percent(20)
        && group.topics.contains(&producer.topic)
    {
        let level = c.pick(&[0, 1, 4]);
        rules.push(json!({ "tag": "TagB", "probability": 0.3, "outcome": "later",
            "delayLevelWhenNextConsume": level }));
    }
    if let Some(producer) = plan.producers.iter().find(|producer| producer.keys > 0)
        && c.percent(20)
    {
        rules.push(json!({ "key": format!("k{}", c.within(1, producer.keys)), "firstAttempts": 1, "service": "30ms" }));
    }
    if c.percent(15) {
        let topic = &plan.topology.topics[group.topics[0]];
        let broker = &plan.topology.brokers[topic.brokers[0]];
        rules.push(json!({ "queue": format!("{} {broker}:0", topic.name), "service": "20ms" }));
    }
    if group.overdue {
        for _ in 0..c.within(1, 6) {
            rules.push(overdue(c, plan));
        }
    }
    rules
}

/// A call that takes longer than `consumeTimeout`, or for ever.
fn overdue(c: &mut Chooser, plan: &Plan) -> Value {
    let producer = c.below(plan.producers.len() as u64) as usize;
    let producer = &plan.producers[producer];
    let outcome = c.pick(&[Value::Null, "hang".into(), "later".into()]);
    let service = given(outcome.is_null() || c.percent(60), || {
        span(c.pick(&[50_000, 70_000, 150_000]))
    });
    let number = c.within(1, producer.messages);
    block([
        (
            "message",
            json!({ "producer": format!("{}-1", producer.name), "number": number }),
        ),
        ("firstAttempts", 1.into()),
        ("outcome", outcome),
        ("service", service),
    ])
}

/// How listeners remember what they have done.
pub fn idempotent(c: &mut Chooser, group: &Group, plan: &Plan) -> Value {
    if group.orderly || group.dead_letters_of.is_some() || !c.percent(35) {
        return Value::Null;
    }
    let mut readable = plan.producers.iter().filter(|p| group.topics.contains(&p.topic));
    let keyed = readable.all(|producer| producer.keys > 0);
    block([
        ("by", given(keyed, || maybe(c, 40, |_| "key".into()))),
        ("mark", c.pick(&["before", "after"]).into()),
        ("scope", maybe(c, 35, |_| "process".into())),
        ("capacity", maybe(c, 30, |c| c.pick(&[0, 50]).into())),
        ("ttl", maybe(c, 30, |_| "5s".into())),
        ("failureProbability", maybe(c, 30, |_| 0.2.into())),
    ])
}

/// A guard for some groups, wide enough that all is done in the rest.
pub fn guard(c: &mut Chooser) -> Value {
    if !c.percent(25) {
        return Value::Null;
    }
    let blocked = maybe(c, 75, |_| "wait".into());
    if c.percent(35) {
        return block([("concurrency", c.within(1, 8).into()), ("blocked", blocked)]);
    }
    let behavior = c.pick(&["reject", "pace", "warmUp", "warmUpPace"]);
    let (paces, warms) = (
        behavior.to_lowercase().ends_with("pace"),
        behavior.starts_with("warm"),
    );
    block([
        ("qps", c.within(60, 200).into()),
        ("behavior", behavior.into()),
        ("maxQueueing", given(paces, || span(c.pick(&[0, 20, 500])))),
        ("warmUp", given(warms, || span(c.pick(&[1_000, 5_000])))),
        ("coldFactor", given(warms, || c.within(2, 4))),
        ("blocked", blocked),
    ])
}

/// Another listener, in mid-work.
pub fn change(c: &mut Chooser, group: &Group, plan: &Plan) -> (Value, Value) {
    let service = groups::service(c, group);
    let failure = match failure(c, group, plan) {
        Value::Null => json!({}),
        mut failure => {
            // Poison by the new listener comes on top of the old one's retries.
            failure.as_object_mut().map(|failure| failure.remove("poison"));
            failure
        }
    };
    match c.below(3) {
        0 => (service, Value::Null),
        1 => (Value::Null, failure),
        _ => (service, failure),
    }
}
