//! Rebalance rounds, each as one step: what a client took, from whom, and what it gave up.

use super::facts;
use super::steps::Like;
use super::story::{Cause, Event, Step};
use super::teller::Seen;
use super::words;
use crate::cluster::directory::Directory;
use crate::cluster::fact::{Fact, RebalanceTrigger};
use crate::cluster::ids::{ConsumerId, GroupId, QueueId};
use crate::kernel::time::{SimDuration, SimTime};
use crate::observe::rebalance::{Change, ChangeOutcome, Subject};
use std::collections::BTreeMap;

/// Queues given up, with how many messages of each were unfinished.
type Given = Vec<(QueueId, u32)>;

/// What a round has changed so far.
#[derive(Clone, Debug)]
struct Round {
    began: SimTime,
    trigger: RebalanceTrigger,
    taken: Vec<Took>,
    given: Given,
}

/// One queue taken.
#[derive(Clone, Debug)]
struct Took {
    queue: QueueId,
    from: Option<ConsumerId>,
    /// How long nobody had it.
    gap: Option<SimDuration>,
    /// Who still has it.
    beside: Option<ConsumerId>,
}

/// Rounds under way, and clients that have just gone.
#[derive(Clone, Debug, Default)]
pub struct Rounds {
    open: BTreeMap<ConsumerId, Round>,
    /// Queues that somebody leaves who has just gone, with what was unfinished.
    left: Option<(SimTime, ConsumerId, Given)>,
}

/// A step, and what it is like if it is one of many.
pub type Told = (Step, Option<Like>);

impl Rounds {
    /// What is to be told before `fact`, which is not (or no more) about somebody's going.
    pub fn farewell(&mut self, directory: &Directory, fact: Option<&Fact>) -> Option<Step> {
        let (_, who, _) = self.left.as_ref()?;
        if matches!(fact, Some(Fact::QueueReleased { consumer, .. }) if consumer == who) {
            return None;
        }
        let (at, who, queues) = self.left.take()?;
        let text = format!(
            "{} leaves {}",
            words::client(directory, who),
            given(directory, &queues)
        );
        Some(Step::new(at, Event::Owner, text))
    }

    /// What a fact about rounds and owners says; the fact is about a client that is of interest.
    pub fn observe(&mut self, seen: &Seen<'_>, fact: &Fact) -> Option<Told> {
        match *fact {
            Fact::RebalanceBegan { consumer, trigger } => {
                let round = Round {
                    began: seen.now,
                    trigger,
                    taken: Vec::new(),
                    given: Vec::new(),
                };
                self.open.insert(consumer, round);
                None
            }
            Fact::QueueAcquired { consumer, queue, .. } => {
                let Some(round) = self.open.get_mut(&consumer) else {
                    return Some((Step::new(seen.now, Event::Owner, seen.sentence(fact)?), None));
                };
                let held = seen.scene.held_beside(seen.directory, consumer, queue);
                round.taken.push(Took {
                    queue,
                    from: held.taken.and_then(|taken| taken.before),
                    gap: facts::gap(held),
                    beside: held.owners.iter().copied().rfind(|owner| *owner != consumer),
                });
                None
            }
            Fact::QueueReleased {
                consumer,
                queue,
                unfinished,
            } => self.released(seen, fact, (consumer, queue, unfinished)),
            Fact::RebalanceEnded {
                consumer, balanced, ..
            } => {
                let round = self.open.remove(&consumer)?;
                Some(round.told(seen, consumer, balanced))
            }
            Fact::ConsumerStopped { consumer, .. } => {
                let round = self.open.remove(&consumer)?;
                let has_changed = !round.taken.is_empty() || !round.given.is_empty();
                has_changed.then(|| round.told(seen, consumer, true))
            }
            _ => None,
        }
    }

    fn released(
        &mut self,
        seen: &Seen<'_>,
        fact: &Fact,
        (consumer, queue, unfinished): (ConsumerId, QueueId, u32),
    ) -> Option<Told> {
        if seen.scene.client(consumer).stopped.is_some() {
            let (_, _, queues) = self.left.get_or_insert((seen.now, consumer, Vec::new()));
            queues.push((queue, unfinished));
            return None;
        }
        match self.open.get_mut(&consumer) {
            Some(round) => {
                round.given.push((queue, unfinished));
                None
            }
            None => Some((Step::new(seen.now, Event::Owner, seen.sentence(fact)?), None)),
        }
    }
}

impl Round {
    fn told(self, seen: &Seen<'_>, consumer: ConsumerId, balanced: bool) -> Told {
        let who = words::client(seen.directory, consumer);
        let group = seen.directory.consumer(consumer).group;
        let because = because(seen, group, self.trigger);
        let aim = match balanced {
            true => "",
            false => "; it has not reached its aim, and will try again in 1 s",
        };
        if self.taken.is_empty() && self.given.is_empty() {
            let text = format!(
                "a round of {who} changes nothing: it came because {}{aim}",
                words::woken(self.trigger)
            );
            let key = format!("idle {balanced} {:?}", self.trigger);
            let like = Like::new(key, format!("{consumer:?}"));
            return (Step::new(seen.now, Event::Round, text), Some(like));
        }
        let mut parts = Vec::new();
        if !self.given.is_empty() {
            parts.push(format!("gives up {}", given(seen.directory, &self.given)));
        }
        if !self.taken.is_empty() {
            parts.push(format!("takes {}", taken(seen.directory, consumer, &self.taken)));
        }
        let took = seen.now.since(self.began);
        let long = match took >= SimDuration::from_millis(1) {
            true => format!(" (a round of {})", words::span(took)),
            false => String::new(),
        };
        let text = format!("{who} {}{long}{aim}", parts.join(" and "));
        (Step::new(seen.now, Event::Round, text).because(because), None)
    }
}

/// `orders broker-a:2–3 with 9 messages unfinished`.
fn given(directory: &Directory, queues: &[(QueueId, u32)]) -> String {
    let ids: Vec<QueueId> = queues.iter().map(|(queue, _)| *queue).collect();
    let list = words::queues(directory, &ids);
    match queues.iter().map(|(_, unfinished)| u64::from(*unfinished)).sum() {
        0 => list,
        n => format!(
            "{list} with {} unfinished",
            words::counted(n, "message", "messages")
        ),
    }
}

/// `orders broker-a:2 from billing-2 and broker-a:3 from billing-4, which nobody had for up to 1.2 ms`.
fn taken(directory: &Directory, me: ConsumerId, taken: &[Took]) -> String {
    let mut by_giver: BTreeMap<Option<ConsumerId>, Vec<QueueId>> = BTreeMap::new();
    for took in taken {
        by_giver.entry(took.from).or_default().push(took.queue);
    }
    let name = |who| words::client(directory, who);
    let givers = by_giver.len();
    let told: Vec<String> = (by_giver.into_iter().take(4))
        .map(|(giver, queues)| {
            let list = words::queues(directory, &queues);
            match giver {
                None if givers == 1 => list,
                None => format!("{list}, which nobody had had,"),
                Some(giver) if giver == me => format!("{list} back"),
                Some(giver) if name(giver) == name(me) => format!("{list} from its life before"),
                Some(giver) => format!("{list} from {}", name(giver)),
            }
        })
        .collect();
    let mut said = words::joined(&told);
    if givers > 4 {
        said += &format!(" and others from {} more", givers - 4);
    }
    if let Some(gap) = taken.iter().filter_map(|took| took.gap).max() {
        let up_to = if taken.len() > 1 { "up to " } else { "" };
        said += &format!(", which nobody had for {up_to}{}", words::span(gap));
    }
    let beside = taken.iter().filter(|took| took.beside.is_some()).count();
    if let Some(other) = taken.iter().find_map(|took| took.beside) {
        let which = match (beside, taken.len()) {
            (1, 1) => "it".to_owned(),
            (n, all) if n == all => "them".to_owned(),
            (n, _) => format!("{n} of them"),
        };
        said += &format!(", although {} still has {which}", name(other));
    }
    said
}

/// A round that comes of its period more than so long after the last change, and after the last member that a broker gave
/// up, has nothing to do with them: who was not told has looked by then (20 s). New queues are learned of with the next
/// route (30 s) alone.
const SETTLED: SimDuration = SimDuration::from_secs(25);
const SETTLED_QUEUES: SimDuration = SimDuration::from_secs(60);

/// Whether a round is put down to the last change of the group, or to what woke it alone.
fn is_due_to(
    change: &ChangeOutcome,
    trigger: RebalanceTrigger,
    expired: Option<SimTime>,
    now: SimTime,
) -> bool {
    match trigger {
        RebalanceTrigger::Start | RebalanceTrigger::OffsetIllegal | RebalanceTrigger::Reconnect => false,
        RebalanceTrigger::Notification | RebalanceTrigger::Unbalanced => true,
        RebalanceTrigger::Period => {
            let settled = match change.change {
                Change::QueuesChanged => SETTLED_QUEUES,
                _ => SETTLED,
            };
            now.since(expired.map_or(change.at, |expired| expired.max(change.at))) <= settled
        }
    }
}

/// The name of a trigger, where a round is put down to it alone.
fn alone(trigger: RebalanceTrigger) -> &'static str {
    match trigger {
        RebalanceTrigger::Start => "started",
        RebalanceTrigger::Notification => "notification",
        RebalanceTrigger::Period => "period",
        RebalanceTrigger::Unbalanced => "unbalanced",
        RebalanceTrigger::Reconnect => "reconnect",
        RebalanceTrigger::OffsetIllegal => "offset_illegal",
    }
}

/// Why a client of the group looked for its queues anew: the change to which it is put down, and what woke the client; or
/// that alone, where the change has nothing to do with it.
pub fn because(seen: &Seen<'_>, group: GroupId, trigger: RebalanceTrigger) -> Cause {
    let woken = words::woken(trigger);
    let rebalances = &seen.observation.rebalances[group.index()];
    let present = rebalances
        .number()
        .and_then(|number| Some((number, rebalances.outcome(number)?)));
    let expired = seen.scene.expired(group);
    match present {
        Some((number, change)) if is_due_to(change, trigger, expired, seen.now) => Cause {
            kind: kind(change.change),
            text: format!(
                "{} at {} (rebalance {}), and {woken}",
                changed(seen.directory, change),
                words::at(change.at),
                u64::from(number) + 1
            ),
            at: Some(change.at),
        },
        _ => Cause {
            kind: alone(trigger),
            text: woken.to_owned(),
            at: None,
        },
    }
}

/// The name of a change in the report.
pub fn kind(change: Change) -> &'static str {
    match change {
        Change::Started => "started",
        Change::Graceful => "graceful",
        Change::Killed => "killed",
        Change::Vanished => "vanished",
        Change::StartFailed => "start_failed",
        Change::Paused => "paused",
        Change::Resumed => "resumed",
        Change::CutOff => "cut_off",
        Change::Reconnected => "reconnected",
        Change::Slowed => "slowed",
        Change::FastAgain => "fast_again",
        Change::QueuesChanged => "queues_changed",
    }
}

/// A change in words: `billing-2 was killed`.
pub fn changed(directory: &Directory, change: &ChangeOutcome) -> String {
    let who = match change.subject {
        Subject::Member(consumer) => words::client(directory, consumer).to_owned(),
        Subject::Queues(topic, broker) => {
            let topic = &directory.topic(topic).name;
            return format!("the queues of {topic} on {} changed", directory.broker(broker));
        }
    };
    let did = match change.change {
        Change::Started => "started",
        Change::Graceful => "shut down",
        Change::Killed => "was killed",
        Change::Vanished => "lost its host",
        Change::StartFailed => "could not start",
        Change::Paused => "stood still",
        Change::Resumed => "went on",
        Change::CutOff => "was cut off",
        Change::Reconnected => "reached all servers again",
        Change::Slowed => "got a slow link",
        Change::FastAgain => "had no slow link any more",
        Change::QueuesChanged => "was given other queues",
    };
    format!("{who} {did}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::story::secs;

    #[test]
    fn an_old_change_is_not_the_cause_of_what_came_of_itself() {
        let change = |change| ChangeOutcome {
            at: secs(90),
            subject: Subject::Member(ConsumerId(0)),
            change,
            members: 3,
            moves: 0,
            moves_least: 0,
            detected: None,
            stable: SimDuration::ZERO,
            unowned: SimDuration::ZERO,
            duplicates: 0,
        };
        let started = change(Change::Started);
        let due = |trigger, expired, now| is_due_to(&started, trigger, expired, secs(now));
        assert!(!due(RebalanceTrigger::OffsetIllegal, None, 91));
        assert!(!due(RebalanceTrigger::Reconnect, None, 91));
        assert!(due(RebalanceTrigger::Notification, None, 300));
        assert!(due(RebalanceTrigger::Period, None, 110));
        assert!(!due(RebalanceTrigger::Period, None, 120));
        // A member that stood still is given up two minutes later: then it matters.
        assert!(due(RebalanceTrigger::Period, Some(secs(210)), 230));
        let queues = change(Change::QueuesChanged);
        assert!(is_due_to(&queues, RebalanceTrigger::Period, None, secs(140)));
    }
}
