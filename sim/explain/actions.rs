//! What a step of the timeline says, as a sentence.

use super::words;
use crate::cluster::config::{Action, ClusterConfig, Expression, ExpressionId, OffsetTarget};
use crate::cluster::ids::{BrokerId, GroupId, TopicId};
use crate::kernel::time::SimDuration;

/// What happens, as a sentence without a full stop.
pub fn action(config: &ClusterConfig, action: &Action) -> String {
    of_member(config, action).unwrap_or_else(|| of_operator(config, action))
}

/// The same, unless the step has facts of its own that tell of it.
pub fn untold(config: &ClusterConfig, what: &Action) -> Option<String> {
    match what {
        Action::Join(_)
        | Action::Kill(_)
        | Action::Vanish(_)
        | Action::Pause(_)
        | Action::Resume(_)
        | Action::Cut { .. }
        | Action::Heal { .. }
        | Action::Slow { .. }
        | Action::SetThreads { .. }
        | Action::StopBroker { .. }
        | Action::StartBroker(_)
        | Action::UpdateTopic { .. } => None,
        _ => Some(action(config, what)),
    }
}

fn of_member(config: &ClusterConfig, action: &Action) -> Option<String> {
    let member = action.member()?;
    let of = &config.groups[member.group.index()].consumers[member.consumer as usize];
    let brokers: Vec<String> = config.brokers.iter().map(|broker| broker.name.clone()).collect();
    let server = |server| words::server(&brokers, server);
    let who = &of.name;
    Some(match *action {
        Action::Join(_) if of.life > 1 => format!("{who} starts again"),
        Action::Join(_) => format!("{who} starts"),
        Action::Leave(_) => format!("{who} is told to shut down"),
        Action::Kill(_) => format!("{who} is killed"),
        Action::Vanish(_) => format!("{who} loses its host"),
        Action::Pause(_) => format!("the process of {who} stops for a while"),
        Action::Resume(_) => format!("the process of {who} goes on"),
        Action::Cut { server: to, .. } => format!("{who} is cut off from {}", server(to)),
        Action::Heal { server: to, .. } => format!("a cut between {who} and {} ends", server(to)),
        Action::Slow { server: to, by, .. } if by.is_zero() => {
            format!("the link between {who} and {} is as fast as before", server(to))
        }
        Action::Slow { server: to, by, .. } => format!(
            "everything between {who} and {} takes {} longer",
            server(to),
            words::span(by)
        ),
        Action::Subscribe {
            topic, expression, ..
        } => format!(
            "{who} subscribes to {} with {}",
            topic_of(config, topic),
            expression_of(config, expression)
        ),
        Action::SetListener { .. } => format!("the listener of {who} behaves otherwise from now on"),
        Action::SetThreads { threads, .. } => format!(
            "{who} is given {}",
            words::counted(threads.into(), "listener thread", "listener threads")
        ),
        Action::Forward { forward, .. } => {
            let to = config.forwards[forward as usize].topic;
            format!("{who} forwards its messages to {}", topic_of(config, to))
        }
        _ => return None,
    })
}

fn of_operator(config: &ClusterConfig, action: &Action) -> String {
    let group = |id: GroupId| &config.groups[id.index()].name;
    let broker = |id: BrokerId| &config.brokers[id.index()].name;
    match *action {
        Action::Busy {
            broker: at, until, ..
        } => {
            format!("{} refuses all pulls until {}", broker(at), words::at(until))
        }
        Action::SetMaxReconsumeTimes { group: of, times } => {
            format!("clients of {} ask for at most {times} retries", group(of))
        }
        Action::SetRate { producer, gap } => {
            let name = &config.producers[producer.index()].name;
            format!("{name} sends {}", rate(gap))
        }
        Action::QueryMessage { topic, key, .. } => {
            format!(
                "somebody looks for the messages of {} with the key {key}",
                topic_of(config, topic)
            )
        }
        Action::ResendDlq { group: of, .. } => {
            format!(
                "an operator begins to send the dead letters of {} again",
                group(of)
            )
        }
        Action::SetDlqPermission { group: of, readable } => {
            let may = if readable { "may" } else { "may not" };
            format!("the dead letters of {} {may} be read from now on", group(of))
        }
        Action::ResetOffset {
            group: of,
            topic,
            target,
            ..
        } => {
            let to = match target {
                OffsetTarget::Earliest => "the least offset that there is".to_owned(),
                OffsetTarget::Latest => "the end".to_owned(),
                OffsetTarget::Time(at) => format!("what was stored at {} or later", words::at(at)),
            };
            format!(
                "an operator sets {} to {to} of {}",
                group(of),
                topic_of(config, topic)
            )
        }
        Action::StopBroker {
            broker: at,
            crash: true,
        } => format!("{} is killed", broker(at)),
        Action::StopBroker { broker: at, .. } => format!("{} shuts down", broker(at)),
        Action::StartBroker(at) => format!("{} starts again", broker(at)),
        Action::UpdateTopic {
            topic,
            broker: at,
            numbers,
        } => format!(
            "{} has {} to read and {} to write on {}",
            topic_of(config, topic),
            words::counted(numbers.read.into(), "queue", "queues"),
            words::count(numbers.write.into()),
            broker(at)
        ),
        _ => String::new(),
    }
}

fn topic_of(config: &ClusterConfig, topic: TopicId) -> &str {
    let known = config.topics.get(topic.index());
    known.map_or("a topic of the cluster", |topic| topic.name.as_str())
}

fn expression_of(config: &ClusterConfig, id: ExpressionId) -> String {
    match usize::from(id.0)
        .checked_sub(1)
        .and_then(|at| config.expressions.get(at))
    {
        None => "*".to_owned(),
        Some(Expression::Tags(tags)) => format!("`{}`", tags.sub_string),
        Some(Expression::Sql(_)) => "an SQL92 expression".to_owned(),
    }
}

fn rate(gap: SimDuration) -> String {
    match gap.as_secs_f64() {
        0.0 => "all its messages at once".to_owned(),
        gap => format!(
            "{} messages/s from now on",
            crate::report::charts::text::number(1.0 / gap)
        ),
    }
}
