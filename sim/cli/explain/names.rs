//! What people call a group, a message, a queue or a consumer, and what they may have meant.

use crate::cluster::config::ClusterConfig;
use crate::cluster::ids::{BrokerId, ConsumerId, GroupId, MessageId};
use crate::explain::{Wanted, words};
use crate::scenario::suggest;
use anyhow::anyhow;

/// The group of that name.
pub fn group_of(config: &ClusterConfig, name: &str) -> anyhow::Result<GroupId> {
    let names = || config.groups.iter().map(|group| group.name.as_str());
    let position = names().position(|known| known == name);
    position.map(|position| GroupId(position as u32)).ok_or_else(|| {
        let hint = suggest::did_you_mean(name, names());
        anyhow!("there is no group `{name}`{hint}")
    })
}

/// The group that is meant where none is named: the only one.
pub fn only_group(config: &ClusterConfig) -> anyhow::Result<GroupId> {
    if config.groups.len() == 1 {
        return Ok(GroupId(0));
    }
    let names = config.groups.iter().map(|group| group.name.as_str());
    let names = suggest::list(names, 10);
    Err(anyhow!(
        "several groups have rebalances; choose one with --group: {names}"
    ))
}

/// The message of that name.
pub fn message_of(config: &ClusterConfig, name: &str) -> anyhow::Result<MessageId> {
    let names: Vec<String> = config.producers.iter().map(|of| of.name.clone()).collect();
    words::message_of(&names, name).ok_or_else(|| {
        let producer = name.split_once('#').map_or(name, |(producer, _)| producer);
        let hint = match names.iter().any(|known| known == producer) {
            true => String::new(),
            false => suggest::did_you_mean(producer, names.iter().map(String::as_str)),
        };
        let first = names.first().map_or("checkout-1", String::as_str);
        anyhow!("`{name}` names no message; a name has a producer and a number from 1, like {first}#1{hint}")
    })
}

/// The lives of a consumer: `billing-2` has all of them, `billing-2#2` the second; a client id has those that bore it.
pub fn lives_of(config: &ClusterConfig, name: &str) -> anyhow::Result<Vec<ConsumerId>> {
    let consumers = || {
        config
            .groups
            .iter()
            .flat_map(|group| &group.consumers)
            .enumerate()
    };
    let (member, life) = match name.rsplit_once('#') {
        Some((member, life)) => (member, life.parse::<usize>().ok()),
        None => (name, None),
    };
    let lives = |is: &dyn Fn(&crate::cluster::config::ConsumerConfig) -> bool| -> Vec<ConsumerId> {
        let found = consumers().filter(|(_, consumer)| is(consumer));
        found.map(|(id, _)| ConsumerId(id as u32)).collect()
    };
    let whole = lives(&|consumer| consumer.name == name);
    if !whole.is_empty() {
        return Ok(whole);
    }
    let of_member = lives(&|consumer| consumer.name == member);
    let one = life.and_then(|life| of_member.get(life.checked_sub(1)?));
    if let Some(one) = one {
        return Ok(vec![*one]);
    }
    if !of_member.is_empty() {
        return Err(anyhow!(
            "`{name}`: {member} has {}",
            words::counted(of_member.len() as u64, "life", "lives")
        ));
    }
    let by_id = lives(&|consumer| consumer.client_id == name);
    if !by_id.is_empty() {
        return Ok(by_id);
    }
    let mut names: Vec<&str> = consumers().map(|(_, consumer)| consumer.name.as_str()).collect();
    names.dedup();
    let hint = suggest::did_you_mean(name, names.iter().copied());
    let known = match hint.is_empty() {
        true => format!("; there are {}", suggest::list(names.iter().copied(), 8)),
        false => hint,
    };
    Err(anyhow!("there is no consumer `{name}`{known}"))
}

/// What may stand between the parts of a queue's name.
const BETWEEN: [char; 8] = [' ', ':', '/', ',', '@', '#', '-', '\t'];

/// A queue as people write it: `orders broker-a:3`, `orders/broker-a/3`, `broker-a:3` where there is one topic, or as
/// RocketMQ prints it: `MessageQueue [topic=orders, brokerName=broker-a, queueId=3]`.
pub fn queue_of(config: &ClusterConfig, text: &str) -> anyhow::Result<Wanted> {
    let no_queue = || {
        let topic = config
            .topics
            .first()
            .map_or("orders", |topic| topic.name.as_str());
        let broker = config
            .brokers
            .first()
            .map_or("broker-a", |broker| broker.name.as_str());
        anyhow!(
            "`{text}` names no queue; a queue has a topic, a broker and a number, like \"{topic} {broker}:0\""
        )
    };
    if let (Some(topic), Some(broker), Some(index)) = (
        field(text, "topic="),
        field(text, "brokerName="),
        field(text, "queueId="),
    ) {
        let index = index.parse().map_err(|_| no_queue())?;
        return wanted(config, text, (topic, broker, index));
    }
    let rest = text.trim_end_matches(|c: char| c.is_ascii_digit());
    let index = text[rest.len()..].parse().map_err(|_| no_queue())?;
    let (signed, rest) = (rest, rest.trim_end_matches(BETWEEN));
    let is_signed = signed.ends_with('+') || (signed.ends_with('-') && signed.len() > rest.len() + 1);
    if is_signed {
        return Err(no_queue());
    }
    let names = config.brokers.iter().map(|broker| broker.name.as_str());
    let at_the_end = |text: &str| {
        let named = names.clone().filter(|name| {
            let before = text.strip_suffix(name);
            before.is_some_and(|before| before.is_empty() || before.ends_with(BETWEEN))
        });
        named.max_by_key(|name| name.len())
    };
    let broker = match at_the_end(rest) {
        Some(broker) => broker,
        None if at_the_end(text).is_some() => {
            return Err(anyhow!(
                "`{text}` names no queue: its number is missing, as in \"{text}:0\""
            ));
        }
        None => rest.rsplit([' ', ':', '/', ',', '\t']).next().unwrap_or(rest),
    };
    let topic = rest[..rest.len() - broker.len()].trim_end_matches(BETWEEN).trim();
    match (topic, config.topics.as_slice()) {
        ("", [one]) => wanted(config, text, (&one.name, broker, index)),
        ("", several) if !broker.is_empty() => {
            let topics = suggest::list(several.iter().map(|topic| topic.name.as_str()), 8);
            Err(anyhow!(
                "`{text}` names no topic, and there are several: {topics}"
            ))
        }
        ("", _) => Err(no_queue()),
        (topic, _) => wanted(config, text, (topic, broker, index)),
    }
}

/// What follows `name` up to the next comma or bracket.
fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(name)?;
    Some(rest.split([',', ']']).next()?.trim())
}

fn wanted(
    config: &ClusterConfig,
    text: &str,
    (topic, broker, index): (&str, &str, u32),
) -> anyhow::Result<Wanted> {
    let brokers = || config.brokers.iter().map(|broker| broker.name.as_str());
    let of_group = |prefix: &'static str| {
        let names = config
            .groups
            .iter()
            .map(move |group| format!("{prefix}{}", group.name));
        names.collect::<Vec<String>>()
    };
    let mut topics: Vec<String> = config.topics.iter().map(|topic| topic.name.clone()).collect();
    topics.extend(of_group("%RETRY%"));
    topics.extend(of_group("%DLQ%"));
    if !topics.iter().any(|known| known == topic) {
        let hint = suggest::did_you_mean(topic, topics.iter().map(String::as_str));
        return Err(anyhow!("`{text}`: there is no topic `{topic}`{hint}"));
    }
    let Some(position) = brokers().position(|known| known == broker) else {
        let hint = suggest::did_you_mean(broker, brokers());
        let known = match hint.is_empty() {
            true => format!("; there are {}", suggest::list(brokers(), 8)),
            false => hint,
        };
        return Err(anyhow!("`{text}`: there is no broker `{broker}`{known}"));
    };
    Ok(Wanted {
        topic: topic.to_owned(),
        broker: BrokerId(position as u32),
        index,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::{Overrides, Scenario};

    #[test]
    fn a_queue_has_many_names() {
        let config = Scenario::load("consumer-crash", &Overrides::default())
            .unwrap()
            .config;
        let expected = Wanted {
            topic: "orders".to_owned(),
            broker: BrokerId(0),
            index: 3,
        };
        for text in [
            "orders broker-a:3",
            "orders/broker-a/3",
            "orders:broker-a:3",
            "orders-broker-a-3",
            "broker-a:3",
            "broker-a 3",
            "MessageQueue [topic=orders, brokerName=broker-a, queueId=3]",
        ] {
            assert_eq!(queue_of(&config, text).unwrap(), expected, "{text}");
        }
        let retry = queue_of(&config, "%RETRY%billing broker-a:0").unwrap();
        assert_eq!((retry.topic.as_str(), retry.index), ("%RETRY%billing", 0));
    }

    #[test]
    fn what_names_no_queue_is_told_why() {
        let config = Scenario::load("consumer-crash", &Overrides::default())
            .unwrap()
            .config;
        for (text, says) in [
            ("order broker-a:3", "no topic `order`; did you mean `orders`?"),
            (
                "orders brokr-a:3",
                "no broker `brokr-a`; did you mean `broker-a`?",
            ),
            ("orders x:3", "no broker `x`; there are broker-a, broker-b"),
            ("orders broker-a", "names no queue; a queue has a topic"),
            ("", "like \"orders broker-a:0\""),
            ("orders broker-a:99999999999", "names no queue"),
            ("orders broker-a:-1", "names no queue; a queue has a topic"),
            ("orders broker-a -1", "names no queue"),
            ("orders broker-a:+1", "names no queue"),
        ] {
            let error = queue_of(&config, text).unwrap_err().to_string();
            assert!(error.contains(says), "{text}: {error}");
        }
    }

    /// The number at the end of a broker's name is not that of a queue.
    #[test]
    fn a_broker_with_a_number_is_not_a_queue() {
        let mut config = Scenario::load("consumer-crash", &Overrides::default())
            .unwrap()
            .config;
        config.brokers[1].name = "broker-1".to_owned();
        let error = queue_of(&config, "orders broker-1").unwrap_err().to_string();
        assert!(
            error.contains("its number is missing, as in \"orders broker-1:0\""),
            "{error}"
        );
        assert_eq!(queue_of(&config, "orders broker-1:2").unwrap().index, 2);
    }

    #[test]
    fn of_several_topics_one_must_be_named() {
        let config = Scenario::load("backlog-remedies", &Overrides::default())
            .unwrap()
            .config;
        let error = queue_of(&config, "broker-a:1").unwrap_err().to_string();
        assert!(
            error.contains("names no topic, and there are several: "),
            "{error}"
        );
    }

    #[test]
    fn a_consumer_is_all_its_lives_or_one() {
        let config = Scenario::load("rolling-deploy-strategy", &Overrides::default())
            .unwrap()
            .config;
        let all = lives_of(&config, "billing-1").unwrap();
        assert_eq!(all.len(), 2);
        assert_eq!(lives_of(&config, "billing-1#2").unwrap(), all[1..]);
        for (name, says) in [
            ("billing-1#3", "billing-1 has 2 lives"),
            (
                "biling-1",
                "no consumer `biling-1`; there are billing-1, billing-2",
            ),
            ("x", "there are billing-1, billing-2"),
        ] {
            let error = lives_of(&config, name).unwrap_err().to_string();
            assert!(error.contains(says), "{name}: {error}");
        }
    }
}
