//! Queues and consumers as the command line writes them, and how they are shown.

use crate::cluster::message_queue::{MessageQueue, cmp_utf16};
use crate::scenario::estimate::grouped;
use std::collections::BTreeSet;
use std::str::FromStr;

/// Queues, and consumers, at most.
const BOUND: u64 = 100_000;

/// Brokers with their numbers of queues: `8`, or `broker-a:4,broker-b:4`.
#[derive(Clone, Debug)]
pub struct Queues(Vec<(String, u32)>);

impl Queues {
    /// The queues of `topic` in RocketMQ's order.
    pub fn of_topic(&self, topic: &str) -> Vec<MessageQueue> {
        let of_broker = |(broker, queues): &(String, u32)| {
            let broker = broker.clone();
            (0..*queues).map(move |id| MessageQueue::new(topic, broker.as_str(), id as i32))
        };
        let mut queues: Vec<MessageQueue> = self.0.iter().flat_map(of_broker).collect();
        queues.sort();
        queues
    }
}

impl FromStr for Queues {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if is_number(text) {
            return Ok(Self(vec![("broker-a".to_owned(), count(text, "queues")? as u32)]));
        }
        let mut brokers: Vec<(String, u32)> = Vec::new();
        let mut total = 0;
        for (at, part) in text.split(',').enumerate() {
            let wrong = |why: String| format!("part {}, `{part}`: {why}", at + 1);
            let Some((broker, queues)) = part.rsplit_once(':').filter(|(broker, _)| !broker.is_empty())
            else {
                return Err(wrong("not a broker with its queues, like broker-a:4".to_owned()));
            };
            if !is_number(queues) {
                return Err(wrong(format!("`{queues}` is not a number of queues")));
            }
            if brokers.iter().any(|(known, _)| known == broker) {
                return Err(wrong(format!("the broker `{broker}` is named twice")));
            }
            let queues = count(queues, "queues").map_err(wrong)?;
            total += queues;
            brokers.push((broker.to_owned(), queues as u32));
        }
        within_bound(total, "queues")?;
        Ok(Self(brokers))
    }
}

/// Client ids in RocketMQ's order; `4` stands for consumer-1 … consumer-4. One that is named twice stays so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Consumers(pub Vec<String>);

impl Consumers {
    fn sorted(mut ids: Vec<String>) -> Self {
        ids.sort_by(|a, b| cmp_utf16(a, b));
        Self(ids)
    }

    /// With `more` consumers of names that are free: consumer-1, consumer-2, …
    ///
    /// # Errors
    /// If these are too many.
    pub fn plus(&self, more: u32) -> Result<Self, String> {
        within_bound(self.0.len() as u64 + u64::from(more), "consumers")?;
        let taken: BTreeSet<&String> = self.0.iter().collect();
        let numbered = (self.0.len() + 1..).map(|n| format!("consumer-{n}"));
        let free = numbered.filter(|name| !taken.contains(name));
        Ok(Self::sorted(
            self.0.iter().cloned().chain(free.take(more as usize)).collect(),
        ))
    }

    /// Without these.
    ///
    /// # Errors
    /// If one of them is not there.
    pub fn minus(&self, names: &[String]) -> Result<Self, String> {
        let mut left = self.clone();
        for name in names {
            let Some(at) = left.0.iter().position(|id| id == name) else {
                let hint = crate::scenario::suggest::did_you_mean(name, left.0.iter().map(String::as_str));
                return Err(format!("there is no consumer `{name}` to take away{hint}"));
            };
            left.0.remove(at);
        }
        Ok(left)
    }
}

impl FromStr for Consumers {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if is_number(text) {
            let n = count(text, "consumers")?;
            return Ok(Self::sorted((1..=n).map(|n| format!("consumer-{n}")).collect()));
        }
        let ids: Vec<String> = text.split(',').map(str::to_owned).collect();
        if let Some(at) = ids.iter().position(String::is_empty) {
            return Err(format!(
                "part {} is empty: a client id has at least one character",
                at + 1
            ));
        }
        within_bound(ids.len() as u64, "consumers")?;
        Ok(Self::sorted(ids))
    }
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn count(digits: &str, what: &str) -> Result<u64, String> {
    let number = digits.parse().unwrap_or(u64::MAX);
    within_bound(number, what)?;
    Ok(number)
}

fn within_bound(found: u64, what: &str) -> Result<(), String> {
    match found {
        0 => Err(format!("there must be {what}, at least one")),
        found if found > BOUND => Err(format!("at most {} {what}", grouped(BOUND.into()))),
        _ => Ok(()),
    }
}

/// A share in few words, in its own order: `broker-a 0–3, broker-b 1`.
pub fn compact(share: &[MessageQueue]) -> String {
    let follows = |a: &MessageQueue, b: &MessageQueue| {
        a.topic == b.topic && a.broker_name == b.broker_name && a.queue_id.checked_add(1) == Some(b.queue_id)
    };
    let run = |run: &[MessageQueue]| match run {
        [first, .., last] => format!("{} {}–{}", first.broker_name, first.queue_id, last.queue_id),
        [only] => format!("{} {}", only.broker_name, only.queue_id),
        [] => String::new(),
    };
    let runs: Vec<String> = share.chunk_by(follows).map(run).collect();
    runs.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(spec: &str, labels: &[&str]) {
        let queues = spec.parse::<Queues>().expect(spec).of_topic("t");
        let found: Vec<String> = queues
            .iter()
            .map(|queue| format!("{} {}", queue.broker_name, queue.queue_id))
            .collect();
        assert_eq!(found, labels);
    }

    /// Brokers sort as texts: `broker-10` before `broker-2`.
    #[test]
    fn queues_come_in_order() {
        check("2", &["broker-a 0", "broker-a 1"]);
        check(
            "broker-2:1,broker-10:2",
            &["broker-10 0", "broker-10 1", "broker-2 0"],
        );
    }

    #[test]
    fn malformed_specs_say_where() {
        for (spec, error) in [
            ("", "part 1, ``: not a broker with its queues, like broker-a:4"),
            (
                "broker-a:4,broker-b",
                "part 2, `broker-b`: not a broker with its queues, like broker-a:4",
            ),
            (
                "broker-a:4,broker-b:x",
                "part 2, `broker-b:x`: `x` is not a number of queues",
            ),
            ("b:1,b:2", "part 2, `b:2`: the broker `b` is named twice"),
            ("b:60000,c:60000", "at most 100 000 queues"),
            ("99999999999999999999999", "at most 100 000 queues"),
            ("0", "there must be queues, at least one"),
        ] {
            assert_eq!(
                spec.parse::<Queues>().unwrap_err().replace('\u{2009}', " "),
                error
            );
        }
        assert!(
            "a,,b"
                .parse::<Consumers>()
                .unwrap_err()
                .starts_with("part 2 is empty")
        );
    }

    #[test]
    fn consumers_come_and_go() {
        let four: Consumers = "4".parse().unwrap();
        assert_eq!(four.plus(1).unwrap(), "5".parse().unwrap());
        assert_eq!(
            four.minus(&["consumer-4".to_owned()]).unwrap(),
            "3".parse().unwrap()
        );
        assert!(four.minus(&["consumer-9".to_owned()]).is_err());
        let named: Consumers = "b,consumer-3".parse().unwrap();
        assert_eq!(named.plus(1).unwrap().0, ["b", "consumer-3", "consumer-4"]);
    }

    #[test]
    fn runs_are_written_as_ranges() {
        let queue = |broker: &str, id| MessageQueue::new("t", broker, id);
        let share = [
            queue("a", 0),
            queue("a", 1),
            queue("a", 2),
            queue("a", 4),
            queue("b", 5),
        ];
        assert_eq!(compact(&share), "a 0–2, a 4, b 5");
        assert_eq!(compact(&[]), "");
    }
}
