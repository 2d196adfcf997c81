//! Why a group is given a record that it has had before.

use super::scene::{Held, Place, Scene};
use super::story::Cause;
use super::words;
use crate::cluster::directory::Directory;
use crate::cluster::ids::ConsumerId;
use crate::kernel::time::SimTime;
use crate::observe::duplicates::Duplicates;

/// The name under which the second of two counts has one more.
pub fn counted_as(before: &Duplicates, after: &Duplicates) -> Option<&'static str> {
    let by_name = |counts: &Duplicates| {
        [
            ("killed", counts.killed),
            ("vanished", counts.vanished),
            ("graceful", counts.graceful),
            ("rebalance", counts.rebalance),
            ("overlap", counts.overlap),
            ("paused", counts.paused),
            ("local_retry", counts.local_retry),
            ("broker", counts.broker),
            ("reset", counts.reset),
            ("other", counts.other),
        ]
    };
    let pairs = by_name(before).into_iter().zip(by_name(after));
    pairs
        .filter(|(before, after)| after.1 > before.1)
        .map(|(_, (name, _))| name)
        .next()
}

/// Why `now` gets the record at `offset` that `had` had; `counted` is the name under which the report counts it, `None` if
/// it does not count as a duplicate.
pub fn cause(
    scene: &Scene,
    directory: &Directory,
    place: Place,
    (had, now): (ConsumerId, ConsumerId),
    offset: u64,
    counted: Option<&'static str>,
) -> Cause {
    let kind = counted.unwrap_or("in_order");
    let held = scene.held(place);
    let before = held.taken.and_then(|taken| taken.before).unwrap_or(had);
    // Who held the queue last, unless that is the one who has it now and another had the record.
    let before = if before == now { had } else { before };
    let client = |consumer| words::client(directory, consumer);
    let began = began(held, directory, offset);
    let (text, at): (String, Option<SimTime>) = match kind {
        "killed" | "vanished" | "graceful" => {
            let went = [before, had]
                .into_iter()
                .find_map(|who| Some((who, scene.client(who).stopped?)));
            match went {
                Some((who, (at, how))) => (
                    format!(
                        "{} {} at {}, when {} had consumed up to {}; {began}",
                        client(who),
                        words::stopped(how),
                        words::at(at),
                        directory.group(place.0).name,
                        words::count(held.consumed_to)
                    ),
                    Some(at),
                ),
                None => (format!("the client that had it is gone; {began}"), None),
            }
        }
        "rebalance" => match held.given {
            Some(given) => {
                let woken = given.trigger.map_or("", words::woken);
                let given_up = format!(
                    "{} gave the queue up at {}",
                    client(given.consumer),
                    words::at(given.at)
                );
                let why = if woken.is_empty() {
                    String::new()
                } else {
                    format!(", for {woken}")
                };
                (
                    format!("{given_up}{why}, before it had committed this one; {began}"),
                    Some(given.at),
                )
            }
            None => (began, None),
        },
        "overlap" => {
            let other = held.owners.iter().copied().find(|owner| *owner != now);
            let other = other.unwrap_or(before);
            let at = held.taken.map(|taken| taken.at);
            (
                format!(
                    "{} still had the queue when {} took it: their views of the group differ; {began}",
                    client(other),
                    client(held.taken.map_or(now, |taken| taken.consumer)),
                ),
                at,
            )
        }
        "paused" => {
            let still = [before, had, now].into_iter().find_map(|who| {
                let (from, to) = scene.client(who).paused.last().copied()?;
                Some((who, from, to))
            });
            match still {
                Some((who, from, to)) => {
                    let to = to.map_or("on".to_owned(), |to| format!("to {}", words::at(to)));
                    (
                        format!(
                            "the process of {} stood still from {} {to}, and the queue went to another meanwhile; {began}",
                            client(who),
                            words::at(from)
                        ),
                        Some(from),
                    )
                }
                None => (began, None),
            }
        }
        "broker" => {
            let broker = directory.queue(place.2).broker;
            let ended = scene.broker_ended(broker);
            let how = match ended {
                Some((_, true)) => "was killed",
                _ => "ended",
            };
            let at = ended.map(|(at, _)| at);
            let fell = held.fell_back.map_or(String::new(), |fell| {
                format!(
                    ", and the committed offset fell back to {}",
                    words::count(fell.to)
                )
            });
            let when = at.map_or(String::new(), |at| format!(" at {}", words::at(at)));
            (format!("{} {how}{when}{fell}", directory.broker(broker)), at)
        }
        "reset" => {
            let at = held.fell_back.map(|fell| fell.at);
            let when = at.map_or(String::new(), |at| format!(" at {}", words::at(at)));
            let to = held.fell_back.map_or(String::new(), |fell| {
                format!(" to offset {}", words::count(fell.to))
            });
            (format!("an operator set the group back{to}{when}"), at)
        }
        "local_retry" => (
            format!(
                "it could not be sent back to its broker, so {} keeps it and tries again",
                client(now)
            ),
            None,
        ),
        "in_order" => (
            "its listener had failed: an orderly queue pauses and tries the same record again".to_owned(),
            None,
        ),
        _ => (
            "the queue did not change hands: the client pulled it anew".to_owned(),
            None,
        ),
    };
    Cause { kind, text, at }
}

/// Where the last one that took the queue began, and why that was before the record.
fn began(held: &Held, directory: &Directory, offset: u64) -> String {
    let Some(taken) = held.taken else {
        return format!("the record lies at {}", words::count(offset));
    };
    let start = words::begins(taken.start_offset, taken.decided_by);
    format!(
        "{} took the queue at {} and began at {start}; this one lies at {}",
        words::client(directory, taken.consumer),
        words::at(taken.at),
        words::count(offset)
    )
}
