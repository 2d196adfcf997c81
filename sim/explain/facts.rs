//! What one fact says, as a sentence: the words that stories, the page of a run and its player share.
//!
//! Facts that come with every message, pull or heartbeat say nothing here.

use super::actions;
use super::scene::{Held, Scene};
use super::words;
use crate::cluster::config::ClusterConfig;
use crate::cluster::directory::Directory;
use crate::cluster::fact::{Fact, NoStatus, RebalanceTrigger, StartOffsetRule};
use crate::cluster::ids::{ConsumerId, GroupId, MessageId, QueueId};
use crate::kernel::time::SimDuration;

/// What `fact` says, without a full stop; `None` of a fact that is not rare. `scene` has taken it in already.
pub fn sentence(directory: &Directory, config: &ClusterConfig, fact: &Fact, scene: &Scene) -> Option<String> {
    if let Fact::TimelineStep { step } = *fact {
        let entry = config.timeline.get(step as usize)?;
        return actions::untold(config, &entry.action);
    }
    of_member(directory, fact)
        .or_else(|| of_round(directory, fact))
        .or_else(|| of_owners(directory, fact, scene))
        .or_else(|| of_listener(directory, fact))
        .or_else(|| of_offsets(directory, fact))
        .or_else(|| of_broker(directory, fact))
        .or_else(|| of_message(directory, fact, None))
}

/// Who comes and goes, and whom one reaches.
fn of_member(directory: &Directory, fact: &Fact) -> Option<String> {
    let client = |consumer| words::client(directory, consumer);
    let server = |server| words::server(&directory.brokers, server);
    Some(match *fact {
        Fact::ConsumerStarted { consumer } => match words::life(directory, consumer) {
            1 => format!("{} starts", client(consumer)),
            life => format!("{} starts again, its life {life}", client(consumer)),
        },
        Fact::ConsumerStopped { consumer, how } => {
            format!("{} {}", client(consumer), words::stopped(how))
        }
        Fact::ConsumerPaused { consumer } => format!("the process of {} stands still", client(consumer)),
        Fact::ConsumerResumed { consumer } => format!("the process of {} goes on", client(consumer)),
        Fact::LinkCut { consumer, server: to } => {
            format!("{} is cut off from {}", client(consumer), server(to))
        }
        Fact::LinkHealed { consumer, server: to } => {
            format!("{} reaches {} again", client(consumer), server(to))
        }
        Fact::LinkSlowed {
            consumer,
            server: to,
            slow,
        } => match slow {
            true => format!(
                "everything between {} and {} takes longer",
                client(consumer),
                server(to)
            ),
            false => format!(
                "the link between {} and {} is as fast as before",
                client(consumer),
                server(to)
            ),
        },
        Fact::MemberExpired { broker, consumer } => format!(
            "{} gives {} up, which has been silent for too long",
            directory.broker(broker),
            client(consumer)
        ),
        Fact::ConnectionLost { broker, consumer } => format!(
            "{} loses its connection to {}",
            client(consumer),
            directory.broker(broker)
        ),
        Fact::ThreadsSet { consumer, threads } => format!(
            "{} has {} from now on",
            client(consumer),
            words::counted(threads.into(), "listener thread", "listener threads")
        ),
        _ => return None,
    })
}

/// Rebalance rounds. Those that the period wakes, and those that change nothing, are not rare.
fn of_round(directory: &Directory, fact: &Fact) -> Option<String> {
    let client = |consumer| words::client(directory, consumer);
    match *fact {
        Fact::RebalanceBegan { consumer, trigger } if trigger != RebalanceTrigger::Period => Some(format!(
            "{} looks for its queues anew, because {}",
            client(consumer),
            words::woken(trigger)
        )),
        Fact::RebalanceEnded {
            consumer,
            added,
            removed,
            balanced,
        } if added + removed > 0 || !balanced => {
            let changed = match (added, removed) {
                (0, 0) => "changes nothing".to_owned(),
                (added, 0) => format!("takes {}", queues(added)),
                (0, removed) => format!("gives {} up", queues(removed)),
                (added, removed) => format!("takes {} and gives {} up", queues(added), queues(removed)),
            };
            let aim = match balanced {
                true => "",
                false => ", has not reached its aim and will try again in 1 s",
            };
            Some(format!("the round of {} {changed}{aim}", client(consumer)))
        }
        _ => None,
    }
}

fn queues(n: u32) -> String {
    words::counted(n.into(), "queue", "queues")
}

/// Who takes a queue and who gives it up; locks.
fn of_owners(directory: &Directory, fact: &Fact, scene: &Scene) -> Option<String> {
    let client = |consumer| words::client(directory, consumer);
    let label = |queue| directory.queue_label(queue);
    Some(match *fact {
        Fact::QueueAcquired {
            consumer,
            queue,
            start_offset,
            decided_by,
        } => taken(directory, scene, (consumer, queue), (start_offset, decided_by)),
        Fact::QueueReleased {
            consumer,
            queue,
            unfinished,
        } => given_up(directory, scene, (consumer, queue), unfinished),
        Fact::StartOffsetChanged {
            consumer,
            queue,
            start_offset,
        } => format!(
            "{} has the lock of {} and begins at offset {} after all",
            client(consumer),
            label(queue),
            words::count(start_offset)
        ),
        Fact::LockRefused { consumer, queue } => format!(
            "{} is refused the lock of {}: another client has it",
            client(consumer),
            label(queue)
        ),
        Fact::QueueUnlocked { consumer, queue } => {
            format!("{} gives the lock of {} back", client(consumer), label(queue))
        }
        _ => return None,
    })
}

/// Somebody takes a queue: from whom, after how long, and where it begins.
pub fn taken(
    directory: &Directory,
    scene: &Scene,
    (consumer, queue): (ConsumerId, QueueId),
    (offset, by): (u64, StartOffsetRule),
) -> String {
    let held = scene.held_beside(directory, consumer, queue);
    format!(
        "{} takes {}{} and begins at {}",
        words::client(directory, consumer),
        directory.queue_label(queue),
        whence(directory, held, consumer),
        words::begins(offset, by)
    )
}

/// From whom it came and how, as ` from billing-2, 1.2 s after it had given it up`.
pub fn whence(directory: &Directory, held: &Held, consumer: ConsumerId) -> String {
    let name = |who| words::client(directory, who);
    let mut said = match held.taken.and_then(|taken| taken.before) {
        None => String::new(),
        Some(before) if before == consumer => " back".to_owned(),
        Some(before) if name(before) == name(consumer) => " from its life before".to_owned(),
        Some(before) => format!(" from {}", name(before)),
    };
    let others: Vec<&str> = (held.owners.iter())
        .filter(|owner| **owner != consumer)
        .map(|owner| name(*owner))
        .collect();
    if !others.is_empty() {
        said += &format!(", although {} still has it,", others.join(" and "));
    } else if let Some(gap) = gap(held) {
        said += &format!(", which nobody had for {},", words::span(gap));
    }
    said
}

/// How long nobody had a queue that has just been taken, if it had had an owner before.
pub fn gap(held: &Held) -> Option<SimDuration> {
    let taken = held.taken?;
    taken.before?;
    let (from, to) = held.unowned.last()?;
    let gap = to.filter(|to| *to == taken.at)?.since(*from);
    (!gap.is_zero()).then_some(gap)
}

/// Somebody gives a queue up, or leaves it when it goes.
pub fn given_up(
    directory: &Directory,
    scene: &Scene,
    (consumer, queue): (ConsumerId, QueueId),
    unfinished: u32,
) -> String {
    let (who, label) = (words::client(directory, consumer), directory.queue_label(queue));
    let mut said = match scene.client(consumer).stopped {
        None => format!("{who} gives {label} up"),
        Some(_) => format!("{who} leaves {label}"),
    };
    if unfinished > 0 {
        let messages = words::counted(unfinished.into(), "message", "messages");
        said += &format!(" with {messages} unfinished");
    }
    let held = scene.held_beside(directory, consumer, queue);
    if let Some(other) = held.owners.last().filter(|other| **other != consumer) {
        said += &format!("; {} has it already", words::client(directory, *other));
    }
    said
}

/// What listeners and their clients do with what they have.
fn of_listener(directory: &Directory, fact: &Fact) -> Option<String> {
    let client = |consumer| words::client(directory, consumer);
    let record = |queue, offset| {
        format!(
            "{} at offset {}",
            directory.queue_label(queue),
            words::count(offset)
        )
    };
    Some(match *fact {
        Fact::NoStatus {
            consumer,
            queue,
            offset,
            how,
            ..
        } => format!("{} ({})", no_status(client(consumer), how), record(queue, offset)),
        Fact::ConsumeTimedOut {
            consumer,
            queue,
            offset,
        } => format!(
            "{} sends {} back, for it has taken longer than consumeTimeout; its listener still works on it",
            client(consumer),
            record(queue, offset)
        ),
        Fact::ResultDiscarded {
            consumer,
            queue,
            offset,
            ..
        } => format!(
            "what the listener of {} has done with {} does not count",
            client(consumer),
            record(queue, offset)
        ),
        Fact::LocalRetry {
            consumer,
            queue,
            from,
            to,
        } => format!(
            "{} of {} could not be sent back, so {} keeps them and tries again",
            words::counted(to - from, "message", "messages"),
            directory.queue_label(queue),
            client(consumer)
        ),
        Fact::QueueSuspended {
            consumer,
            queue,
            offset,
            rolled_back,
            ..
        } => format!(
            "the listener of {} has failed: {} pauses, and offset {} comes again{}",
            client(consumer),
            directory.queue_label(queue),
            words::count(offset),
            match rolled_back {
                true => " with all since the last commit",
                false => "",
            }
        ),
        Fact::FlowControlled { consumer, queue, by } => format!(
            "{} puts a pull of {} off, for its cache exceeds {}",
            client(consumer),
            directory.queue_label(queue),
            words::threshold(by)
        ),
        Fact::PullFailed {
            consumer,
            queue,
            cause,
        } => format!(
            "a pull of {} by {} fails: {}",
            directory.queue_label(queue),
            client(consumer),
            words::pull_failed(cause)
        ),
        _ => return None,
    })
}

/// What a listener does that returns no status.
pub fn no_status(who: &str, how: NoStatus) -> String {
    match how {
        NoStatus::Threw => format!("the listener of {who} throws an exception"),
        NoStatus::ReturnedNull => format!("the listener of {who} returns null"),
        NoStatus::Hangs => format!("the listener of {who} hangs: it will never return"),
    }
}

/// Offsets that go back, or beyond what nobody has seen; records that are gone.
fn of_offsets(directory: &Directory, fact: &Fact) -> Option<String> {
    let label = |queue| directory.queue_label(queue);
    let group_name = |group: GroupId| &directory.group(group).name;
    Some(match *fact {
        Fact::OffsetCommitted {
            group,
            queue,
            old: Some(old),
            new,
            via,
        } if new < old => {
            let (_, why) = words::fell_back(via, directory.broker(directory.queue(queue).broker));
            format!(
                "the committed offset of {} in {} falls back from {} to {}: {why}",
                group_name(group),
                label(queue),
                words::count(old),
                words::count(new)
            )
        }
        Fact::OffsetReset { group, queue, to } => format!(
            "an operator sets {} to offset {} of {}",
            group_name(group),
            words::count(to),
            label(queue)
        ),
        Fact::OffsetsSkipped {
            group,
            queue,
            from,
            to,
            by_operator,
        } => format!(
            "{} leaves {} of {} behind for good, {}",
            group_name(group),
            words::counted(to - from, "message", "messages"),
            label(queue),
            match by_operator {
                true => "because an operator has moved it",
                false => "because its first offset there lies behind them",
            }
        ),
        Fact::Expired { queue, from, to } => format!(
            "retention removes {} of {}: its least offset is {} now",
            words::counted(to - from, "message", "messages"),
            label(queue),
            words::count(to)
        ),
        Fact::Filtered {
            consumer,
            queue,
            from,
            to,
            by,
            wanted: true,
            ..
        } => format!(
            "{} passes over {} of {} that a member of its group asks for: filtered out by {}",
            words::client(directory, consumer),
            words::counted(to - from, "message", "messages"),
            label(queue),
            words::filtered(by)
        ),
        _ => return None,
    })
}

/// Brokers and topics.
fn of_broker(directory: &Directory, fact: &Fact) -> Option<String> {
    Some(match *fact {
        Fact::BrokerStopped { broker, crash: true } => format!("{} is killed", directory.broker(broker)),
        Fact::BrokerStopped { broker, .. } => format!("{} shuts down", directory.broker(broker)),
        Fact::BrokerStarted { broker } => format!("{} starts again", directory.broker(broker)),
        Fact::TopicUpdated {
            topic,
            broker,
            read,
            write,
        } => format!(
            "{} has {} to read and {} to write on {} from now on",
            directory.topic(topic).name,
            queues(read),
            words::count(write.into()),
            directory.broker(broker)
        ),
        _ => return None,
    })
}

/// What becomes of a message that failed or was refused. `it` is the one that is called so; others are named, and so is
/// the group whose affair it is.
pub fn of_message(directory: &Directory, fact: &Fact, it: Option<MessageId>) -> Option<String> {
    let named = |message| match it == Some(message) {
        true => "it".to_owned(),
        false => words::message(directory, message),
    };
    let group_name = |group: GroupId| directory.group(group).name.as_str();
    let whose = |message, group| match it == Some(message) {
        true => String::new(),
        false => format!(" in {}", group_name(group)),
    };
    Some(match *fact {
        Fact::SendRefused { message, gave_up, .. } => match gave_up {
            false => format!(
                "a broker refuses {}; the producer tries another queue",
                named(message)
            ),
            true => format!(
                "a broker refuses {}, and the producer gives up: it is stored nowhere",
                named(message)
            ),
        },
        Fact::Forwarded {
            consumer,
            queue,
            offset,
            message,
            ..
        } if it == Some(message) => format!(
            "{} has forwarded it to {}, offset {}",
            words::client(directory, consumer),
            directory.queue_label(queue),
            words::count(offset)
        ),
        Fact::Resent {
            group,
            queue,
            offset,
            message,
        } => match it == Some(message) {
            true => format!(
                "an operator has sent the dead letter to {} again, offset {}",
                directory.queue_label(queue),
                words::count(offset)
            ),
            false => format!(
                "an operator has sent {}, a dead letter of {}, to {} again",
                named(message),
                group_name(group),
                directory.queue_label(queue)
            ),
        },
        Fact::RetryScheduled {
            group,
            queue,
            message,
            reconsume_times,
            level,
            delay,
            ..
        } => format!(
            "{} takes {} back{}: delivery {} is due in {} (delay level {level})",
            directory.broker(directory.queue(queue).broker),
            named(message),
            match it == Some(message) {
                true => String::new(),
                false => format!(" from {}", group_name(group)),
            },
            reconsume_times + 1,
            words::span(delay)
        ),
        Fact::RetryStored {
            group,
            queue,
            offset,
            message,
            waited,
            again,
            ..
        } => format!(
            "the copy{} lies in {} at offset {}, {} after it was sent back{}",
            match it == Some(message) {
                true => String::new(),
                false => format!(" of {} for {}", named(message), group_name(group)),
            },
            directory.queue_label(queue),
            words::count(offset),
            words::span(waited),
            if again { ", for the second time" } else { "" }
        ),
        Fact::DeadLettered {
            group,
            dlq_queue,
            message,
            reconsume_times,
            ..
        } => match it == Some(message) {
            true => format!("it is given up and lies in {}", directory.queue_label(dlq_queue)),
            false => format!(
                "{} gives {} up, which {}, and it lies in {}",
                group_name(group),
                named(message),
                failed(reconsume_times),
                directory.queue_label(dlq_queue)
            ),
        },
        Fact::Dropped { group, message, .. } => format!(
            "{} has failed{}, and nobody will try it again",
            named(message),
            whose(message, group)
        ),
        _ => return None,
    })
}

/// How often a dead letter has failed.
pub fn failed(reconsume_times: u16) -> String {
    format!(
        "has failed {}",
        words::counted(u64::from(reconsume_times), "time", "times")
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::fact::{CommitVia, StopKind};
    use crate::kernel::time::SimTime;
    use crate::observe::story::{Story, secs};

    const FIRST: ConsumerId = ConsumerId(0);
    const SECOND: ConsumerId = ConsumerId(1);
    const QUEUE: QueueId = QueueId(0);

    /// The sentences of `facts`, each at its second.
    fn told(facts: &[(u64, Fact)]) -> Vec<Option<String>> {
        let story = Story::new().topic("orders", 1).group("billing", &["orders"]);
        let story = story
            .consumer("billing-1", "billing", 1)
            .consumer("billing-2", "billing", 1)
            .producer("checkout-1", "orders");
        let mut scene = Scene::default();
        let mut say = |at: SimTime, fact: &Fact| {
            scene.observe(at, &story.directory, fact);
            of_member(&story.directory, fact)
                .or_else(|| of_round(&story.directory, fact))
                .or_else(|| of_owners(&story.directory, fact, &scene))
                .or_else(|| of_offsets(&story.directory, fact))
                .or_else(|| of_message(&story.directory, fact, None))
        };
        facts.iter().map(|(at, fact)| say(secs(*at), fact)).collect()
    }

    fn take(consumer: ConsumerId, offset: u64, by: StartOffsetRule) -> Fact {
        Fact::QueueAcquired {
            consumer,
            queue: QUEUE,
            start_offset: offset,
            decided_by: by,
        }
    }

    fn leave(consumer: ConsumerId, unfinished: u32) -> Fact {
        Fact::QueueReleased {
            consumer,
            queue: QUEUE,
            unfinished,
        }
    }

    #[test]
    fn a_queue_goes_from_one_to_the_other() {
        let killed = Fact::ConsumerStopped {
            consumer: FIRST,
            how: StopKind::Killed,
        };
        let told = told(&[
            (1, take(FIRST, 0, StartOffsetRule::YoungQueue)),
            (5, killed),
            (5, leave(FIRST, 3)),
            (7, take(SECOND, 12, StartOffsetRule::Committed)),
            (9, take(FIRST, 12, StartOffsetRule::Committed)),
            (9, leave(SECOND, 1)),
        ]);
        let expected = [
            "billing-1 takes orders broker-a:0 and begins at offset 0, for nothing was committed and the queue is young",
            "billing-1 was killed",
            "billing-1 leaves orders broker-a:0 with 3 messages unfinished",
            "billing-2 takes orders broker-a:0 from billing-1, which nobody had for 2 s, and begins at the committed offset 12",
            "billing-1 takes orders broker-a:0 from billing-2, although billing-2 still has it, and begins at the committed offset 12",
            "billing-2 gives orders broker-a:0 up with 1 message unfinished; billing-1 has it already",
        ];
        let told: Vec<&str> = told.iter().map(|text| text.as_deref().unwrap()).collect();
        assert_eq!(told, expected);
    }

    #[test]
    fn what_happens_all_the_time_is_not_told() {
        let round = |added, balanced| Fact::RebalanceEnded {
            consumer: FIRST,
            added,
            removed: 0,
            balanced,
        };
        let commit = |old, new| Fact::OffsetCommitted {
            group: GroupId(0),
            queue: QUEUE,
            old: Some(old),
            new,
            via: CommitVia::FellBack,
        };
        let told = told(&[
            (1, round(0, true)),
            (2, commit(4, 9)),
            (3, round(2, false)),
            (4, commit(9, 4)),
        ]);
        assert_eq!(told[..2], [None, None]);
        let expected = [
            "the round of billing-1 takes 2 queues, has not reached its aim and will try again in 1 s",
            "the committed offset of billing in orders broker-a:0 falls back from 9 to 4: broker-a has ended, and its offsets are those of its last save",
        ];
        assert_eq!(told[2..], expected.map(|text| Some(text.to_owned())));
    }

    #[test]
    fn the_message_of_a_story_is_called_it() {
        let message = MessageId::new(crate::cluster::ids::ProducerId(0), 41);
        let fact = Fact::RetryScheduled {
            group: GroupId(0),
            queue: QUEUE,
            offset: 7,
            message,
            reconsume_times: 1,
            level: 3,
            delay: SimDuration::from_secs(10),
        };
        let story = Story::new().topic("orders", 1).group("billing", &["orders"]);
        let story = story.producer("checkout-1", "orders");
        let say = |it| of_message(&story.directory, &fact, it).unwrap();
        assert_eq!(
            say(None),
            "broker-a takes checkout-1#42 back from billing: delivery 2 is due in 10 s (delay level 3)"
        );
        assert_eq!(
            say(Some(message)),
            "broker-a takes it back: delivery 2 is due in 10 s (delay level 3)"
        );
    }
}
