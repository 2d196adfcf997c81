//! What happened to the members of a group and to its queues, and what the timeline did beside, in a few words.
//!
//! Neighbours of one kind within half a per cent of the run are made one; who leaves and returns within a tenth of
//! the run restarts. Restarts in a row are told once where there is a crowd of events. What happens at the very
//! start is no event.

use crate::report::charts::steps::steps;
use crate::report::charts::style::{ALARM, Colour, QUIET, SMALL};
use crate::report::charts::{Subject, text};
use crate::report::model::{MemberChange, MemberChangeReport, Report};

/// From here on events are a crowd.
pub const CROWD: usize = 24;
/// Room for a name in a label, in pixels.
const NAME: f64 = 130.0;
/// Room for a step of the timeline, in pixels.
const STEP: f64 = 210.0;

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A change, from which a rebalance may follow.
    Change(MemberChange),
    /// A client lost its connection to a broker.
    Disconnect,
    /// A step of the timeline that concerns no member's life; `who` tells all of it.
    Step,
}

/// Something that happened, to be marked on a time axis.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// When, in seconds.
    pub at: f64,
    kind: Kind,
    /// To whom: the member, not its life; of queues, the topic.
    who: String,
    /// Whether it had lived before.
    again: bool,
    /// How many more did the same at (nearly) the same time.
    pub others: u64,
    /// Whether the other half of a restart stands beside: then one label is enough.
    restart: Option<Half>,
    /// How many restarts in a row it stands for; 0 if the first of them tells of it.
    row: u64,
}

/// A restart is a leave and, soon after, a return.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Half {
    Leave,
    Return,
}

impl Event {
    /// `change` alone.
    pub fn of(subject: &Subject<'_>, change: &MemberChangeReport) -> Self {
        let consumer = change.consumer.as_ref();
        let known = consumer.and_then(|key| subject.report.consumers.get(key));
        let who = known
            .map(|known| &known.member)
            .or(consumer)
            .or(change.topic.as_ref());
        Self {
            at: change.at_seconds,
            kind: Kind::Change(change.change),
            who: who.cloned().unwrap_or_default(),
            again: change.change == MemberChange::Started && who != consumer,
            others: 0,
            restart: None,
            row: 1,
        }
    }

    /// A step of the timeline, in words.
    pub fn step(at: f64, words: String) -> Self {
        Self {
            at,
            kind: Kind::Step,
            who: words,
            again: false,
            others: 0,
            restart: None,
            row: 1,
        }
    }

    /// Whether it has a label of its own.
    pub fn is_named(&self) -> bool {
        (self.restart != Some(Half::Return) || self.others > 0) && self.row > 0
    }

    /// Whether it is a connection that was lost.
    pub fn is_lost_link(&self) -> bool {
        self.kind == Kind::Disconnect
    }

    /// Whether it is half of a restart.
    pub fn is_restart(&self) -> bool {
        self.restart.is_some()
    }

    /// What happens, without to whom; nothing of a step of the timeline, which is told as a whole.
    pub fn verb(&self) -> &'static str {
        if self.restart.is_some() && self.others == 0 {
            return "restarts";
        }
        let many = self.others > 0;
        let change = match self.kind {
            Kind::Disconnect if many => return "links lost",
            Kind::Disconnect => return "loses a link",
            Kind::Step => return "",
            Kind::Change(change) => change,
        };
        match (change, many, self.again) {
            (MemberChange::Started, false, false) => "joins",
            (MemberChange::Started, false, true) => "returns",
            (MemberChange::Started, true, _) => "join",
            (MemberChange::Graceful, false, _) => "leaves",
            (MemberChange::Graceful, true, _) => "leave",
            (MemberChange::Killed, ..) => "killed",
            (MemberChange::Vanished, ..) => "vanished",
            (MemberChange::StartFailed, ..) => "failed to start",
            (MemberChange::Paused, ..) => "paused",
            (MemberChange::Resumed, false, _) => "goes on",
            (MemberChange::Resumed, true, _) => "go on",
            (MemberChange::CutOff, ..) => "cut off",
            (MemberChange::Reconnected, ..) => "reachable again",
            (MemberChange::Slowed, ..) => "slowed",
            (MemberChange::FastAgain, ..) => "fast again",
            (MemberChange::QueuesChanged, ..) => "queues change",
        }
    }

    /// What happens and to whom.
    pub fn label(&self) -> String {
        if self.row > 1 {
            return format!("{} restarts, one by one", text::grouped(self.row));
        }
        let room = if self.kind == Kind::Step { STEP } else { NAME };
        let name = text::fitted(&self.who, SMALL, room);
        match (self.kind, self.others) {
            (Kind::Step, _) => name,
            (_, 0) | (Kind::Change(MemberChange::QueuesChanged), _) => format!("{name} {}", self.verb()),
            (Kind::Disconnect, n) => format!("{} {}", text::grouped(n + 1), self.verb()),
            (_, n) => format!("{} consumers {}", text::grouped(n + 1), self.verb()),
        }
    }

    /// Red for what nobody wants.
    pub fn colour(&self) -> Colour {
        match self.kind {
            Kind::Change(MemberChange::Killed | MemberChange::Vanished | MemberChange::StartFailed) => ALARM,
            _ => QUIET,
        }
    }

    /// Whether `other`, which comes later, is the same for the eye.
    fn takes_in(&self, other: &Self) -> bool {
        let names_what = matches!(self.kind, Kind::Change(MemberChange::QueuesChanged) | Kind::Step);
        self.kind == other.kind && (!names_what || self.who == other.who)
    }
}

/// Everything worth a marker for a group, in order.
pub fn events(subject: &Subject<'_>) -> Vec<Event> {
    let mut all = of_members(subject);
    all.extend(steps(subject.report, Some(subject)));
    joined(subject.report, all)
}

/// Everything worth a marker for the cluster, in order.
pub fn events_of_all(report: &Report) -> Vec<Event> {
    let mut all = steps(report, None);
    for (name, group) in &report.groups {
        all.extend(of_members(&Subject { report, name, group }));
    }
    joined(report, all)
}

/// Makes neighbours of one kind one, and a leave and a return a restart.
fn joined(report: &Report, mut all: Vec<Event>) -> Vec<Event> {
    all.retain(|event| event.at > 0.0);
    all.sort_by(|a, b| a.at.total_cmp(&b.at));
    let duration = report.run.duration_seconds;
    let mut events: Vec<Event> = Vec::new();
    for mut event in all {
        let since = |earlier: &Event| event.at - earlier.at;
        let same = events
            .iter_mut()
            .rev()
            .take_while(|e| since(e) <= duration / 200.0);
        if let Some(same) = same.into_iter().find(|earlier| earlier.takes_in(&event)) {
            same.others += 1;
            continue;
        }
        let left = |earlier: &&mut Event| {
            earlier.kind == Kind::Change(MemberChange::Graceful)
                && earlier.who == event.who
                && since(earlier) <= duration / 10.0
        };
        let leave = events.iter_mut().rev().find(left);
        if let Some(leave) = leave.filter(|leave| event.again && leave.others == 0) {
            leave.restart = Some(Half::Leave);
            event.restart = Some(Half::Return);
        }
        events.push(event);
    }
    if events.len() > CROWD {
        line_up(&mut events);
    }
    events
}

/// Has the first of three or more restarts in a row tell of all.
fn line_up(events: &mut [Event]) {
    let restarts = |event: &Event| event.restart.is_some() && event.others == 0;
    for row in events.chunk_by_mut(|a, b| restarts(a) && restarts(b)) {
        let leaves = row
            .iter()
            .filter(|event| event.restart == Some(Half::Leave))
            .count() as u64;
        if leaves > 2 {
            row.iter_mut().for_each(|event| event.row = 0);
            if let Some(first) = row.iter_mut().find(|event| event.restart == Some(Half::Leave)) {
                first.row = leaves;
            }
        }
    }
}

/// Changes and lost connections, each for itself.
fn of_members(subject: &Subject<'_>) -> Vec<Event> {
    let Some(rebalance) = subject.report.rebalance.get(subject.name) else {
        return Vec::new();
    };
    let lost = rebalance.disconnects.iter().map(|lost| Event {
        at: lost.at_seconds,
        kind: Kind::Disconnect,
        who: match subject.report.consumers.get(&lost.consumer) {
            Some(consumer) => consumer.member.clone(),
            None => lost.consumer.clone(),
        },
        again: false,
        others: 0,
        restart: None,
        row: 1,
    });
    let changes = rebalance.changes.iter().map(|change| Event::of(subject, change));
    changes.chain(lost).collect()
}
