//! Times, names and numbers as a story says them.

use crate::cluster::directory::Directory;
use crate::cluster::fact::{
    CommitVia, FilteredBy, FlowControlCause, PullFailure, RebalanceTrigger, StartOffsetRule, StopKind,
};
use crate::cluster::ids::{ConsumerId, GroupId, MessageId, ProducerId, QueueId};
use crate::cluster::network::Server;
use crate::kernel::time::{SimDuration, SimTime};
use crate::report::charts::text;

/// An instant: seconds with milliseconds.
pub fn at(time: SimTime) -> String {
    let millis = (time.as_nanos() + 500_000) / 1_000_000;
    format!("{}.{:03} s", millis / 1000, millis % 1000)
}

/// A length of time.
pub fn span(duration: SimDuration) -> String {
    text::span(duration).replace('\u{2009}', " ")
}

/// A number.
pub fn count(n: u64) -> String {
    text::grouped(n).replace('\u{2009}', " ")
}

/// So many of something, which has these names if there is one and if there are more.
pub fn counted(n: u64, one: &str, many: &str) -> String {
    format!("{} {}", count(n), if n == 1 { one } else { many })
}

/// Producer and number of a message.
pub fn message(directory: &Directory, message: MessageId) -> String {
    format!(
        "{}#{}",
        directory.producer(message.producer()),
        message.number() + 1
    )
}

/// The message of that name.
pub fn message_of(names: &[String], name: &str) -> Option<MessageId> {
    let (producer, number) = name.rsplit_once('#')?;
    let producer = names.iter().position(|known| known == producer)?;
    let number: u64 = number.parse().ok()?;
    let number = number.checked_sub(1).filter(|number| *number < 1 << 40)?;
    Some(MessageId::new(ProducerId(producer as u32), number))
}

/// A group, or a member of it if each member gets all.
pub fn reader(directory: &Directory, group: GroupId, reader: u32) -> String {
    let of = directory.group(group);
    match of.readers.get(reader as usize) {
        None => of.name.clone(),
        Some(client_id) => {
            let known = directory.consumers.iter().find(|consumer| {
                consumer.group == group && consumer.reader == reader && &consumer.client_id == client_id
            });
            known.map_or_else(|| client_id.clone(), |consumer| consumer.name.clone())
        }
    }
}

/// A client.
pub fn client(directory: &Directory, consumer: ConsumerId) -> &str {
    &directory.consumer(consumer).name
}

/// Which life of its member a client is, from 1.
pub fn life(directory: &Directory, consumer: ConsumerId) -> usize {
    let name = client(directory, consumer);
    let until = &directory.consumers[..=consumer.index()];
    until.iter().filter(|known| known.name == name).count()
}

/// A client as the report calls it: its name, from the second life on with its number.
pub fn key(directory: &Directory, consumer: ConsumerId) -> String {
    let name = client(directory, consumer);
    match life(directory, consumer) {
        1 => name.to_owned(),
        n => format!("{name}#{n}"),
    }
}

/// The other end of a client's link.
pub fn server(brokers: &[String], server: Server) -> String {
    match server {
        Server::Broker(broker) => brokers[broker.index()].clone(),
        Server::NameServer(number) => format!("name server {}", number + 1),
    }
}

/// `a`, `a and b`, `a, b and c`.
pub fn joined(parts: &[String]) -> String {
    match parts {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// Queues, those of one topic and broker together: `orders broker-a:0–3, 5 and broker-b:0`.
pub fn queues(directory: &Directory, queues: &[QueueId]) -> String {
    const PARTS: usize = 5;
    let mut sorted: Vec<_> = queues.iter().map(|queue| directory.queue(*queue)).collect();
    sorted.sort_by_key(|of| (of.topic, of.broker, of.index));
    let mut told: Vec<String> = Vec::new();
    let (mut last_topic, mut left) = (None, sorted.len());
    for part in sorted
        .chunk_by(|a, b| (a.topic, a.broker) == (b.topic, b.broker))
        .take(PARTS)
    {
        let topic = match last_topic == Some(part[0].topic) {
            true => String::new(),
            false => format!("{} ", directory.topic(part[0].topic).name),
        };
        last_topic = Some(part[0].topic);
        left -= part.len();
        let runs: Vec<String> = (part.chunk_by(|a, b| a.index + 1 == b.index))
            .map(|run| match (run[0].index, run[run.len() - 1].index) {
                (first, last) if first == last => first.to_string(),
                (first, last) => format!("{first}–{last}"),
            })
            .collect();
        told.push(format!(
            "{topic}{}:{}",
            directory.broker(part[0].broker),
            runs.join(", ")
        ));
    }
    if left > 0 {
        told.push(counted(left as u64, "more queue", "more queues"));
    }
    joined(&told)
}

/// How a client went.
pub fn stopped(how: StopKind) -> &'static str {
    match how {
        StopKind::Graceful => "shut down",
        StopKind::Killed => "was killed",
        StopKind::Vanished => "lost its host",
        StopKind::StartFailed => "could not start",
    }
}

/// What made a client look for its queues anew.
pub fn woken(trigger: RebalanceTrigger) -> &'static str {
    match trigger {
        RebalanceTrigger::Start => "it had just started",
        RebalanceTrigger::Notification => "a broker told it that the members had changed",
        RebalanceTrigger::Period => "its rebalance period had passed",
        RebalanceTrigger::Unbalanced => "its last round had not reached its aim",
        RebalanceTrigger::Reconnect => "it had connected to a broker anew",
        RebalanceTrigger::OffsetIllegal => "a broker had called its offset illegal",
    }
}

/// Where somebody begins who takes a queue.
pub fn begins(offset: u64, by: StartOffsetRule) -> String {
    let offset = count(offset);
    match by {
        StartOffsetRule::Committed => format!("the committed offset {offset}"),
        StartOffsetRule::YoungQueue => {
            format!("offset {offset}, for nothing was committed and the queue is young")
        }
        StartOffsetRule::ConsumeFromWhere => {
            format!("offset {offset}, by consumeFromWhere, for nothing was committed")
        }
    }
}

/// The setting that a full cache exceeds.
pub fn threshold(by: FlowControlCause) -> &'static str {
    match by {
        FlowControlCause::Count => "pullThresholdForQueue",
        FlowControlCause::Size => "pullThresholdSizeForQueue",
        FlowControlCause::Span => "consumeConcurrentlyMaxSpan",
    }
}

/// Why a pull failed.
pub fn pull_failed(cause: PullFailure) -> &'static str {
    match cause {
        PullFailure::Connection => "the connection was lost or could not be made",
        PullFailure::Timeout => "no answer came within 31 s",
        PullFailure::IllegalQueue => "the queue is beyond readQueueNums",
        PullFailure::SubscriptionNotExist => "the broker knows of no subscription (SUBSCRIPTION_NOT_EXIST)",
        PullFailure::SubscriptionNotLatest => {
            "the broker knows another version of the subscription (SUBSCRIPTION_NOT_LATEST)"
        }
        PullFailure::SystemBusy => "the queue of the broker's pull threads is full (SYSTEM_BUSY)",
        PullFailure::FlowControl => "the broker said FLOW_CONTROL",
    }
}

/// Why a committed offset went back; the first word is the one under which the report counts what follows from it.
pub fn fell_back(via: CommitVia, broker: &str) -> (&'static str, String) {
    match via {
        CommitVia::FellBack => (
            "broker",
            format!("{broker} has ended, and its offsets are those of its last save"),
        ),
        CommitVia::Reset => ("reset", "an operator has set the group back".to_owned()),
        CommitVia::Pull | CommitVia::Update => (
            "overlap",
            "another client, which had come less far, has committed".to_owned(),
        ),
    }
}

/// Who did not let it through.
pub fn filtered(by: FilteredBy) -> &'static str {
    match by {
        FilteredBy::Broker => "the broker, by the subscription that it knows of the group",
        FilteredBy::Client => "the client, for the broker went by another member's subscription",
        FilteredBy::HashCollision => "the client: the hash of the tag matches, the tag does not",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_messages_are_read_as_they_are_written() {
        let names = ["checkout-1", "a#b-1"].map(str::to_owned);
        assert_eq!(
            message_of(&names, "checkout-1#1"),
            Some(MessageId::new(ProducerId(0), 0))
        );
        assert_eq!(
            message_of(&names, "a#b-1#17"),
            Some(MessageId::new(ProducerId(1), 16))
        );
        for wrong in [
            "checkout-1",
            "checkout-1#",
            "checkout-1#0",
            "checkout-1#x",
            "x#1",
            "#1",
            "",
        ] {
            assert_eq!(message_of(&names, wrong), None, "{wrong}");
        }
        assert_eq!(message_of(&names, "checkout-1#1099511627777"), None);
    }

    #[test]
    fn queues_of_one_broker_are_named_together() {
        use crate::observe::story::Story;
        let story = Story::new().topic("orders", 6).topic("bills", 1);
        let said = |ids: &[u32]| {
            let ids: Vec<QueueId> = ids.iter().map(|id| QueueId(*id)).collect();
            queues(&story.directory, &ids)
        };
        assert_eq!(said(&[3]), "orders broker-a:3");
        assert_eq!(
            said(&[6, 0, 2, 1, 5]),
            "orders broker-a:0–2, 5 and bills broker-a:0"
        );
        assert_eq!(said(&[]), "");
    }

    #[test]
    fn instants_have_milliseconds() {
        assert_eq!(at(SimTime::from_nanos(183_000_499_999)), "183.000 s");
        assert_eq!(at(SimTime::from_nanos(999_999_999)), "1.000 s");
    }
}
