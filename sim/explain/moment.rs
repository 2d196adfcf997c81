//! The cluster at one instant: who is there, what is out of order, who holds what, what lies before it; what has just
//! happened and what comes next.

use super::rounds::{self, Rounds};
use super::steps::{Like, Steps};
use super::story::{Event, Of, Step, Story, Sum};
use super::teller::{Seen, Tale};
use super::{actions, words};
use crate::cluster::fact::Fact;
use crate::cluster::ids::{ConsumerId, GroupId, QueueId};
use crate::kernel::time::{SimDuration, SimTime};
use std::collections::BTreeMap;

/// Steps before and after.
const AROUND: usize = 10;
/// What is further away than this is told only if there is nothing else.
const NEAR: SimDuration = SimDuration::from_secs(60);
const AT_LEAST: usize = 3;
/// Members that are named of one group, groups that are told of, faults that are listed.
const NAMED: usize = 8;

/// Looks at one instant.
pub struct MomentTale {
    at: SimTime,
    group: Option<GroupId>,
    before: Steps,
    after: Steps,
    rounds: Rounds,
    state: Option<(Vec<Sum>, Vec<Step>)>,
}

impl MomentTale {
    pub fn new(at: SimTime, group: Option<GroupId>) -> Self {
        Self {
            at,
            group,
            before: Steps::bounded(0, AROUND),
            after: Steps::bounded(AROUND, 0),
            rounds: Rounds::default(),
            state: None,
        }
    }

    fn is_wanted(&self, group: GroupId) -> bool {
        self.group.is_none_or(|wanted| wanted == group)
    }

    /// What a fact says here.
    fn told(&mut self, seen: &Seen<'_>, fact: &Fact, group: Option<GroupId>) -> Vec<rounds::Told> {
        // Rounds that change nothing are no news.
        let round = self.rounds.observe(seen, fact);
        let mut told: Vec<rounds::Told> = round.into_iter().filter(|(_, like)| like.is_none()).collect();
        let kind = told_here(fact);
        if let Some(((event, is_many), text)) = kind.zip(kind.and_then(|_| seen.sentence(fact))) {
            let key = || format!("{:?} {group:?}", std::mem::discriminant(fact));
            let like = is_many.then(|| Like::of(key(), fact));
            told.push((Step::new(seen.now, event, text), like));
        }
        told
    }

    /// How things stand: nothing later than the instant has happened.
    fn look(&mut self, seen: &Seen<'_>) {
        let mut sums = Vec::new();
        let all = (0..seen.directory.groups.len() as u32).map(GroupId);
        let wanted: Vec<GroupId> = all.filter(|group| self.is_wanted(*group)).collect();
        for group in wanted.iter().take(NAMED) {
            let name = seen.directory.group(*group).name.clone();
            let text = lag(seen, *group);
            sums.push(Sum { name, text });
        }
        if let more @ 1.. = wanted.len().saturating_sub(NAMED) as u64 {
            let name = words::counted(more, "more group", "more groups");
            let text = "told with --group alone".to_owned();
            sums.push(Sum { name, text });
        }
        let mut said = faults(seen);
        let mut untold = 0;
        for group in wanted {
            if said.len() >= 4 * NAMED {
                untold += 1;
                continue;
            }
            said.extend(owners(seen, group));
            said.extend(rebalance(seen, self.at, group));
            said.extend(members(seen, group));
            said.extend(longest(seen, group));
        }
        if untold > 0 {
            let groups = words::counted(untold, "more group", "more groups");
            said.push(format!("who holds what in {groups} is told with --group alone"));
        }
        let next = seen.config.timeline.iter().find(|entry| entry.at > self.at);
        if let Some(entry) = next {
            said.push(format!(
                "next of the timeline, in {}: {}",
                words::span(entry.at.since(self.at)),
                actions::action(seen.config, &entry.action)
            ));
        }
        let steps = said
            .into_iter()
            .map(|text| Step::new(self.at, Event::State, text));
        self.state = Some((sums, steps.collect()));
    }
}

impl Tale for MomentTale {
    fn before(&mut self, seen: &Seen<'_>) {
        if self.state.is_none() && seen.now > self.at {
            let farewell = self.rounds.farewell(seen.directory, None);
            farewell.into_iter().for_each(|step| self.before.say(step));
            self.look(seen);
        }
    }

    fn observe(&mut self, seen: &Seen<'_>, fact: &Fact) {
        if self.state.is_some() && self.after.is_full() {
            return;
        }
        let farewell = self.rounds.farewell(seen.directory, Some(fact));
        let group = group_of(seen, fact);
        let is_wanted = self
            .group
            .is_none_or(|wanted| group.is_none_or(|group| group == wanted));
        let told = if is_wanted {
            self.told(seen, fact, group)
        } else {
            Vec::new()
        };
        let steps = match self.state.is_some() {
            false => &mut self.before,
            true => &mut self.after,
        };
        farewell.into_iter().for_each(|step| steps.say(step));
        for (step, like) in told {
            match like {
                Some(like) => steps.say_like(like, step),
                None => steps.say(step),
            }
        }
    }

    fn stories(&mut self, seen: &Seen<'_>) -> Vec<Story> {
        if self.at > seen.now {
            return Vec::new();
        }
        if self.state.is_none() {
            self.look(seen);
        }
        let (sums, state) = self.state.take().unwrap_or_default();
        let told = |steps: &mut Steps| -> Vec<Step> {
            let told = std::mem::take(steps).told().into_iter();
            told.filter(|step| step.event != Event::Omitted).collect()
        };
        let last = |step: &Step| step.until.unwrap_or(step.at);
        let (mut steps, mut after) = (told(&mut self.before), told(&mut self.after));
        let far = steps.iter().take_while(|step| self.at.since(last(step)) > NEAR);
        let far = far.count().min(steps.len().saturating_sub(AT_LEAST));
        steps.drain(..far);
        let near = after.iter().take_while(|step| step.at.since(self.at) <= NEAR);
        let near = near.count().max(AT_LEAST);
        after.truncate(near);
        steps.extend(state);
        steps.extend(after);
        vec![Story {
            of: Of::Moment,
            name: exactly(self.at),
            tag: None,
            key: None,
            body_bytes: None,
            ends: Vec::new(),
            sums,
            steps,
            run_ends: seen.now,
        }]
    }
}

/// What kind of step a fact is here, and whether it comes in crowds.
fn told_here(fact: &Fact) -> Option<(Event, bool)> {
    Some(match fact {
        Fact::ConsumerStarted { .. }
        | Fact::ConsumerStopped { .. }
        | Fact::ConsumerPaused { .. }
        | Fact::ConsumerResumed { .. }
        | Fact::LinkCut { .. }
        | Fact::LinkHealed { .. }
        | Fact::LinkSlowed { .. }
        | Fact::MemberExpired { .. }
        | Fact::ThreadsSet { .. } => (Event::Member, false),
        Fact::ConnectionLost { .. } => (Event::Member, true),
        Fact::BrokerStopped { .. } | Fact::BrokerStarted { .. } | Fact::TopicUpdated { .. } => {
            (Event::Broker, false)
        }
        Fact::TimelineStep { .. } => (Event::Timeline, false),
        Fact::OffsetsSkipped { .. } => (Event::Skipped, true),
        Fact::OffsetCommitted { .. } => (Event::RolledBack, true),
        Fact::OffsetReset { .. } => (Event::Timeline, true),
        Fact::Expired { .. } => (Event::Expired, true),
        Fact::DeadLettered { .. } => (Event::Dead, true),
        Fact::RetryScheduled { .. } => (Event::SentBack, true),
        Fact::Dropped { .. } => (Event::Dropped, true),
        Fact::SendRefused { .. } => (Event::SendRefused, true),
        Fact::FlowControlled { .. } | Fact::PullFailed { .. } => (Event::Pull, true),
        Fact::LockRefused { .. } | Fact::StartOffsetChanged { .. } => (Event::Lock, true),
        Fact::ResultDiscarded { .. } => (Event::Discarded, true),
        Fact::ConsumeTimedOut { .. }
        | Fact::NoStatus { .. }
        | Fact::LocalRetry { .. }
        | Fact::QueueSuspended { .. } => (Event::Failed, true),
        Fact::Filtered { wanted: true, .. } => (Event::Filtered, true),
        Fact::Resent { .. } => (Event::Stored, true),
        _ => return None,
    })
}

/// An instant with as many digits as it has.
fn exactly(at: SimTime) -> String {
    let nanos = at.as_nanos();
    match nanos % 1_000_000 {
        0 => words::at(at),
        _ => {
            let digits = format!("{}.{:09}", nanos / 1_000_000_000, nanos % 1_000_000_000);
            format!("{} s", digits.trim_end_matches('0'))
        }
    }
}

/// The group whose affair a fact is, if it is one's alone.
fn group_of(seen: &Seen<'_>, fact: &Fact) -> Option<GroupId> {
    match *fact {
        Fact::OffsetsSkipped { group, .. }
        | Fact::OffsetCommitted { group, .. }
        | Fact::OffsetReset { group, .. }
        | Fact::DeadLettered { group, .. }
        | Fact::RetryScheduled { group, .. }
        | Fact::Resent { group, .. } => Some(group),
        Fact::TimelineStep { step } => {
            let entry = seen.config.timeline.get(step as usize)?;
            entry.action.member().map(|member| member.group)
        }
        _ => super::consumer::client_of(fact).map(|client| seen.directory.consumer(client).group),
    }
}

/// How far behind a group is.
fn lag(seen: &Seen<'_>, group: GroupId) -> String {
    let observation = seen.observation;
    if group.index() >= observation.delivered.len() {
        return "nothing yet".to_owned();
    }
    let of = observation.lag.group(group);
    let (lag, backlog) = (of.lag.value(), of.backlog.value());
    let balance = observation.ledger.balance(&observation.slots, group);
    let mut parts = vec![format!(
        "lag {}, {} unfinished",
        words::count(lag),
        words::count(backlog)
    )];
    for (what, n) in [
        ("of these with a listener", balance.in_flight),
        ("waiting for a retry", balance.awaiting_retry),
        ("dead", balance.dead),
        ("lost", balance.lost()),
    ] {
        if n > 0 {
            parts.push(format!("{} {what}", words::count(n)));
        }
    }
    if !of.oldest.is_zero() {
        parts.push(format!(
            "the oldest that nobody has seen was {} old at the last sample",
            words::span(of.oldest)
        ));
    }
    parts.join("; ")
}

/// Faults that last.
fn faults(seen: &Seen<'_>) -> Vec<String> {
    let mut all: Vec<String> = (seen.scene.brokers_down())
        .map(|(broker, since, crash)| {
            let how = if crash { "was killed" } else { "shut down" };
            let broker = seen.directory.broker(broker);
            format!("{broker} is down: it {how} at {}", words::at(since))
        })
        .collect();
    for (consumer, client) in seen.scene.clients() {
        let who = words::client(seen.directory, consumer);
        if let Some(since) = client.stands_still() {
            let since = words::at(since);
            all.push(format!("the process of {who} stands still, since {since}"));
        }
        if client.stopped.is_some() {
            continue;
        }
        let server = |to| words::server(&seen.directory.brokers, to);
        let cut: Vec<String> = client.cut.keys().map(|to| server(*to)).collect();
        if let Some(since) = client.cut.values().min() {
            all.push(format!(
                "{who} is cut off from {}, since {}",
                words::joined(&cut),
                words::at(*since)
            ));
        }
        let slow: Vec<String> = client.slow.keys().map(|to| server(*to)).collect();
        if let Some(since) = client.slow.values().min() {
            all.push(format!(
                "everything between {who} and {} takes longer, since {}",
                words::joined(&slow),
                words::at(*since)
            ));
        }
    }
    if all.len() > NAMED {
        let more = all.len() - NAMED;
        all.truncate(NAMED);
        all.push(format!("{more} more of such faults of brokers and clients"));
    }
    all
}

/// Queues of a group that lack an owner or have several.
fn owners(seen: &Seen<'_>, group: GroupId) -> Vec<String> {
    let name = &seen.directory.group(group).name;
    let ownership = &seen.observation.ownership;
    let slots = &seen.observation.slots;
    let of_group = slots
        .of_group(group)
        .filter(|slot| slots.get(*slot).reader.is_none());
    let unowned: Vec<QueueId> = of_group
        .filter(|slot| ownership.is_unowned(*slot))
        .map(|slot| slots.get(slot).queue)
        .collect();
    let mut most = 0;
    let several: Vec<QueueId> = (seen.scene.places())
        .filter(|((of, reader, _), held)| (*of, *reader) == (group, 0) && held.owners.len() > 1)
        .inspect(|(_, held)| most = most.max(held.owners.len()))
        .map(|((_, _, queue), _)| queue)
        .collect();
    let mut said = Vec::new();
    if !unowned.is_empty() {
        said.push(format!(
            "nobody of {name} has {}",
            words::queues(seen.directory, &unowned)
        ));
    }
    if !several.is_empty() {
        let members = if most > 2 {
            "two or more members"
        } else {
            "two members"
        };
        said.push(format!(
            "{members} of {name} have {} at once",
            words::queues(seen.directory, &several)
        ));
    }
    said
}

/// Whether a group is about to share its queues out, and what the last change was.
fn rebalance(seen: &Seen<'_>, at: SimTime, group: GroupId) -> Vec<String> {
    let name = &seen.directory.group(group).name;
    let mut said = Vec::new();
    let in_round: Vec<String> = (seen.scene.clients())
        .filter(|(id, client)| seen.directory.consumer(*id).group == group && client.in_round.is_some())
        .map(|(id, _)| words::client(seen.directory, id).to_owned())
        .take(NAMED)
        .collect();
    if !in_round.is_empty() {
        said.push(format!("in a rebalance round: {}", words::joined(&in_round)));
    }
    let rebalances = seen.observation.rebalances.get(group.index());
    let last = rebalances.and_then(|of| Some((of.number()?, of.outcome(of.number()?)?)));
    if let Some((number, change)) = last.filter(|(_, change)| change.at <= at) {
        let moves = match change.moves {
            0 => "no queue has changed hands since".to_owned(),
            n => format!(
                "{} changed hands since",
                words::counted(n, "queue has", "queues have")
            ),
        };
        said.push(format!(
            "the last change of {name} (rebalance {}) was {} ago, when {}; {moves}",
            u64::from(number) + 1,
            words::span(at.since(change.at)),
            rounds::changed(seen.directory, change)
        ));
    }
    said
}

/// Who is there, and what each holds.
fn members(seen: &Seen<'_>, group: GroupId) -> Option<String> {
    let name = &seen.directory.group(group).name;
    let mut held: BTreeMap<ConsumerId, Vec<QueueId>> = BTreeMap::new();
    for (id, client) in seen.scene.clients() {
        if seen.directory.consumer(id).group == group && client.is_alive() {
            held.insert(id, Vec::new());
        }
    }
    for ((of, _, queue), place) in seen.scene.places() {
        for owner in place.owners.iter().filter(|_| of == group) {
            held.entry(*owner).or_default().push(queue);
        }
    }
    if held.is_empty() {
        return Some(format!("{name} has no members"));
    }
    let told: Vec<String> = (held.iter().take(NAMED))
        .map(|(who, queues)| {
            let who = words::client(seen.directory, *who);
            match queues.is_empty() {
                true => format!("{who} has nothing"),
                false => format!("{who} has {}", words::queues(seen.directory, queues)),
            }
        })
        .collect();
    let more = match held.len().saturating_sub(NAMED) {
        0 => String::new(),
        n => format!("; {n} more"),
    };
    let members = words::counted(held.len() as u64, "member", "members");
    Some(format!("{name} has {members}: {}{more}", told.join("; ")))
}

/// The queue with the longest backlog.
fn longest(seen: &Seen<'_>, group: GroupId) -> Option<String> {
    let slots = &seen.observation.slots;
    let backlog = |slot: usize| seen.observation.lag.slot(slot).backlog.value();
    let slot = slots
        .of_group(group)
        .max_by_key(|slot| (backlog(*slot), std::cmp::Reverse(*slot)))?;
    let (of, n) = (slots.get(slot), backlog(slot));
    if n == 0 {
        return None;
    }
    let owner = match seen.observation.ownership.owner(slot) {
        Some(owner) => format!("{} has it", words::client(seen.directory, owner)),
        None => "nobody has it".to_owned(),
    };
    Some(format!(
        "most of what {} has yet to finish lies in {}: {}; {owner}",
        seen.directory.group(group).name,
        seen.directory.queue_label(of.queue),
        words::counted(n, "message", "messages")
    ))
}
