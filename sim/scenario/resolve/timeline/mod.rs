//! The timeline: wildcards to members, steps to instants, and whether each member is there to be hit.
//!
//! The entries are played through in order of time, against who runs then. What an entry leaves for later (its
//! next target, the end of a pause, the new process) waits on the agenda, so that two entries that reach into
//! each other meet as they will in the run.

mod brokers;
mod cast;
mod entry;
mod links;
mod members;
mod progress;
mod remedies;
#[cfg(test)]
mod tests;
mod topics;

pub(super) use cast::{Cast, Phase, Role};

use super::listeners::Nameable;
use super::{Resolver, field};
use crate::cluster::broker::index_service::DEFAULT_MAX_NUM;
use crate::cluster::config::{Action, ForwardConfig, GroupConfig, ListenerConfig, Member, TimelineEntry};
use crate::cluster::ids::{BrokerId, GroupId};
use crate::kernel::time::{SimDuration, SimTime};
use crate::scenario::diagnostic::{Diagnostic, Span};
use crate::scenario::limits;
use crate::scenario::locate::{self, FieldPath};
use crate::scenario::resolve::targets::Wanted;
use crate::scenario::schema::TimelineBlock;
use entry::{Deed, Known, MemberDeed};
use std::collections::BTreeMap;
use topics::TopicNumbers;

impl<'a> Resolver<'a> {
    /// Expands the timeline; members that join and new lives of members are appended to their groups.
    pub(super) fn timeline(&mut self, groups: &mut [GroupConfig], nameable: Nameable<'_>) -> Expanded {
        let file = self.file;
        let known = Known {
            groups,
            nameable,
            servers: entry::servers(nameable.brokers, file.cluster.name_servers),
        };
        let entries = file.timeline.iter().enumerate();
        let deeds: Vec<Option<Deed<'a>>> = entries
            .map(|(i, block)| self.deed(&path_of(i), block, &known))
            .collect();
        let member_bytes = self.bytes_of_members();
        let mut play = Play {
            member_bytes,
            resolver: self,
            cast: Cast::new(groups),
            queues: TopicNumbers::new(nameable.topics),
            agenda: BTreeMap::new(),
            planned: 0,
            steps: 0,
            made: Vec::new(),
            brokers_down: BTreeMap::new(),
            listeners: Vec::new(),
            forwards: Vec::new(),
        };
        play.open(&deeds);
        while let Some((due, step)) = play.agenda.pop_first() {
            play.step(due, step, &deeds);
        }
        Expanded {
            entries: play.made,
            listeners: play.listeners,
            forwards: play.forwards,
        }
    }
}

/// The timeline with everything resolved, and what its steps refer to.
pub(super) struct Expanded {
    pub(super) entries: Vec<TimelineEntry>,
    pub(super) listeners: Vec<ListenerConfig>,
    pub(super) forwards: Vec<ForwardConfig>,
}

fn path_of(entry: usize) -> FieldPath {
    field!["timeline"].index(entry)
}

/// When something is due. What ends or comes back by itself goes before what the file asks for at that instant,
/// so that one pause can follow another; the rest goes in file order.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Due {
    at: SimTime,
    asked: bool,
    entry: usize,
    /// Order of planning.
    number: u64,
}

/// What is due.
enum Step {
    /// An entry.
    Entry,
    /// A life of a member starts.
    Start(Role),
    /// What the entry does to members happens to this one.
    Target(Role),
    /// The pause by this entry ends, if this life is still in it.
    GoOn(Role, Member),
    /// What the entry did to the links of this member ends.
    Mend(Role),
    /// A broker ends; whether by a crash.
    BrokerEnds(BrokerId, bool),
    /// It starts again.
    BrokerStarts(BrokerId),
}

/// The timeline while it is played through.
struct Play<'p, 'a> {
    resolver: &'p mut Resolver<'a>,
    cast: Cast<'p>,
    queues: TopicNumbers,
    agenda: BTreeMap<Due, Step>,
    /// Steps put on the agenda so far.
    planned: u64,
    /// Steps of the timeline, those to come included.
    steps: u64,
    made: Vec<TimelineEntry>,
    /// Brokers that are down, and by which entry.
    brokers_down: BTreeMap<BrokerId, usize>,
    /// What `setListener` sets, each once.
    listeners: Vec<ListenerConfig>,
    /// What `forward` sets, each once.
    forwards: Vec<ForwardConfig>,
    /// Bytes of the largest block of members, by group.
    member_bytes: Vec<u64>,
}

impl Play<'_, '_> {
    /// Puts the starts of the members that the file names and all entries on the agenda.
    fn open(&mut self, deeds: &[Option<Deed<'_>>]) {
        for group in (0..self.cast.groups.len() as u32).map(GroupId) {
            for role in self.cast.roles(group) {
                if let Phase::Waiting(at, _) = self.cast.player(role).phase {
                    self.plan(at, false, 0, Step::Start(role));
                }
            }
        }
        for (i, _) in deeds.iter().enumerate().filter(|(_, deed)| deed.is_some()) {
            let at = SimTime::ZERO + self.block(i).at;
            self.plan(at, true, i, Step::Entry);
        }
    }

    fn plan(&mut self, at: SimTime, asked: bool, entry: usize, step: Step) {
        // What lies beyond the end has been reported, or does not matter.
        if at.since(SimTime::ZERO) < self.resolver.file.duration {
            self.planned += 1;
            let number = self.planned;
            let due = Due {
                at,
                asked,
                entry,
                number,
            };
            self.agenda.insert(due, step);
        }
    }

    fn step(&mut self, due: Due, step: Step, deeds: &[Option<Deed<'_>>]) {
        let Due { at, entry, .. } = due;
        match (step, deeds.get(entry).and_then(Option::as_ref)) {
            (Step::Start(role), _) => self.start(at, entry, role),
            (Step::GoOn(role, member), _) => self.go_on(at, entry, role, member),
            (Step::Mend(role), _) => self.mend(at, entry, role),
            (Step::Entry, Some(Deed::Join(group, filters))) => self.join(at, entry, *group, filters),
            (Step::Entry, Some(Deed::To(group, members, deed))) => {
                self.aim(at, entry, *group, members, deed);
            }
            (Step::Entry, Some(Deed::Query(topic, key))) => {
                let max_num = self.block(entry).max_num.unwrap_or(DEFAULT_MAX_NUM);
                let (topic, key) = (*topic, *key);
                if self.afford(entry, 1) {
                    self.act(at, Action::QueryMessage { topic, key, max_num });
                }
            }
            (Step::Entry, Some(Deed::UpdateTopic(topic, brokers))) => {
                self.update_topic(at, entry, *topic, brokers.as_deref());
            }
            (Step::Entry, Some(Deed::Plain(actions))) if self.afford(entry, actions.len() as u64) => {
                actions.iter().for_each(|action| self.act(at, *action));
            }
            (Step::Entry, Some(Deed::Broker(broker, deed))) => self.plan_broker(at, entry, *broker, *deed),
            (Step::Entry, Some(Deed::Once(action))) => {
                if self.afford(entry, 1) {
                    self.act(at, *action);
                }
            }
            (Step::BrokerEnds(broker, crash), _) => self.broker_ends(at, entry, broker, crash),
            (Step::BrokerStarts(broker), _) => self.broker_starts(at, entry, broker),
            (Step::Target(role), Some(Deed::To(_, _, deed))) => self.hit(at, entry, role, deed),
            (Step::Entry | Step::Target(_), _) => {}
        }
    }

    fn act(&mut self, at: SimTime, action: Action) {
        self.made.push(TimelineEntry { at, action });
    }

    fn block(&self, entry: usize) -> &TimelineBlock {
        &self.resolver.file.timeline[entry]
    }

    /// Takes account of so many more steps of the timeline; false if they are too many, which is reported once.
    fn afford(&mut self, entry: usize, steps: u64) -> bool {
        let before = self.steps;
        self.steps = before.saturating_add(steps);
        let all = (before, self.steps);
        self.within(entry, all, limits::TIMELINE, "steps of the timeline")
    }

    /// The same for lives of members of a group, and what they are copied from.
    fn lives(&mut self, entry: usize, group: GroupId, lives: u64) -> bool {
        let before = self.cast.total;
        self.cast.total = before.saturating_add(lives);
        let all = (before, self.cast.total);
        if !self.within(entry, all, limits::CONSUMERS, "consumers") {
            return false;
        }
        let before = self.resolver.copied;
        let bytes = self.member_bytes.get(group.index()).copied().unwrap_or(0);
        self.resolver.copied = before.saturating_add(lives * bytes);
        let all = (before, self.resolver.copied);
        self.within(entry, all, limits::COPIED_BYTES, "bytes in copies of members")
    }

    /// Whether a count that an entry raised is within its bound; reports the entry that breaks it.
    fn within(&mut self, entry: usize, (before, now): (u64, u64), bound: u64, what: &str) -> bool {
        if before <= bound && now > bound {
            let path = self.place(entry).0;
            self.resolver.bound(&path, now, bound, what);
        }
        now <= bound
    }

    /// Finds the members that an entry names, and plans what happens to each.
    fn aim(&mut self, at: SimTime, entry: usize, group: GroupId, text: &str, deed: &MemberDeed) {
        let (phase, words): (fn(Phase) -> bool, _) = match deed {
            MemberDeed::Resume => (Phase::is_stuck, "is paused"),
            MemberDeed::Pause(_) => (|phase| phase == Phase::Running, "runs"),
            _ => (Phase::is_alive, "runs"),
        };
        let wanted = Wanted { phase, words, at };
        let (path, span) = self.place(entry);
        let targets = self
            .resolver
            .members(&path, span, &self.cast, group, text, &wanted);
        let count = targets.len() as u64;
        let rounds = match deed {
            MemberDeed::Restart { times, .. } => u64::from(*times),
            _ => 1,
        };
        if let MemberDeed::Restart { down_for, .. } = deed
            && (!self.lives(entry, group, count * rounds) || !self.rounds_fit(entry, count, *down_for))
        {
            return;
        }
        if !self.afford(entry, count.saturating_mul(deed.steps())) {
            return;
        }
        self.steps_before_end(entry, count, rounds);
        let every = self.block(entry).every.unwrap_or(SimDuration::ZERO);
        for round in 0..rounds {
            for (i, role) in (0..).zip(&targets) {
                let at = at + every * (round * count + i);
                self.plan(at, true, entry, Step::Target(*role));
            }
        }
    }

    /// Reports rounds of restarts that come back to members that are still down.
    fn rounds_fit(&mut self, entry: usize, targets: u64, down_for: SimDuration) -> bool {
        let block = self.block(entry);
        let (Some(every), Some(times)) = (block.every, block.times) else {
            return true;
        };
        let round = every * targets;
        if times == 1 || targets == 0 || round >= down_for {
            return true;
        }
        let message = format!(
            "the next round begins {round} after the last ({targets} × {every}), but members are down for {down_for}"
        );
        let problem = self.resolver.problem(&path_of(entry).key("every"), message);
        problem.label = "too soon".to_owned();
        problem
            .help
            .push("raise \"every\" or lower \"downFor\"".to_owned());
        false
    }

    /// Reports an `every` that leads beyond the end of the run.
    fn steps_before_end(&mut self, entry: usize, targets: u64, rounds: u64) {
        let block = self.block(entry);
        let (start, Some(every), last) = (block.at, block.every, targets * rounds) else {
            return;
        };
        let last = start + every * last.saturating_sub(1);
        let end = self.resolver.file.duration;
        if last < end || start >= end {
            return;
        }
        let times = match rounds {
            1 => String::new(),
            rounds => format!(" × {rounds} times"),
        };
        let message = format!(
            "{targets} targets{times}, one every {every} from {start} on: the last at {last}, but the run ends at {end}"
        );
        self.resolver.problem(&path_of(entry).key("every"), message).label =
            "reaches beyond the end".to_owned();
    }

    /// The action of an entry: its path, and where whom it names stands.
    fn place(&self, entry: usize) -> (FieldPath, Span) {
        let path = path_of(entry);
        let Some((key, target)) = entry::actions(self.block(entry)).next() else {
            let span = locate::span_of(self.resolver.root, &path);
            return (path, span);
        };
        let path = path.key(key);
        let members = target.find('/').map_or(0, |slash| slash + 1);
        let span = self.resolver.inside(&path, members, target.len());
        (path, span)
    }

    /// Reports a problem with an entry's target, and points at the entry that is in the way.
    fn conflict(
        &mut self,
        entry: usize,
        message: String,
        other: Option<(usize, &str)>,
    ) -> Option<&mut Diagnostic> {
        if self.resolver.is_full() {
            return None;
        }
        let (path, span) = self.place(entry);
        let related = other.filter(|(other, _)| *other != entry);
        let related = related.map(|(other, words)| (self.place(other).1, words.to_owned()));
        let problem = self.resolver.problem_at(&path, span, message);
        problem.label = "not then".to_owned();
        problem.related.extend(related);
        Some(problem)
    }
}
