//! Stories of a run: the same seed is replayed, and of all that happens those steps are kept that concern one message, one
//! queue, one consumer, one rebalance or one instant, each with its cause.
//!
//! Causes are those of the report: a second delivery has the cause under which [`Observation`] counts it, so a story
//! and the report of its run cannot contradict each other.
//!
//! [`Observation`]: crate::observe::observation::Observation

mod about;
pub mod actions;
pub mod again;
mod around;
mod consumer;
pub mod example;
pub mod facts;
mod follower;
mod moment;
mod queue;
mod reading;
mod rebalance;
mod rounds;
pub mod scene;
mod steps;
pub mod story;
mod teller;
mod wait;
pub mod words;

pub use queue::Wanted;

use crate::cluster::bounds::{Bounds, Stopped};
use crate::cluster::config::ClusterConfig;
use crate::cluster::ids::{ConsumerId, GroupId, MessageId};
use crate::cluster::{Cluster, Finished};
use crate::kernel::time::SimTime;
use consumer::ConsumerTale;
use follower::Follower;
use moment::MomentTale;
use queue::QueueTale;
use rebalance::RebalanceTale;
use story::Story;
use teller::{Seen, Tale, Teller};

/// What a replay has found.
#[derive(Clone, Debug)]
pub struct Found<T> {
    /// That.
    pub what: T,
    /// Where the run was stopped before its time, if it was: of what comes later nothing is known.
    pub cut: Option<Cut>,
}

/// A run was stopped before its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cut {
    /// How far it came.
    pub at: SimTime,
    /// Why.
    pub why: Stopped,
}

impl Cut {
    fn of<O>(done: &Finished<O>) -> Option<Self> {
        done.stopped.map(|why| Self { at: done.end, why })
    }

    /// The option that stopped it.
    pub fn by(self) -> &'static str {
        match self.why {
            Stopped::Events { .. } => "--max-events",
            Stopped::Memory { .. } => "--max-memory",
            Stopped::Interrupted => "a signal",
        }
    }
}

/// Replays a run within `bounds` and tells what became of `message`; in all groups that read it, or in `group` alone.
/// `progress` hears of the virtual time and the events executed so far.
///
/// Nothing if no such message was made.
///
/// # Panics
/// With a text that begins with `invariant` if the simulator breaks one of its own rules.
pub fn explain(
    config: &ClusterConfig,
    message: MessageId,
    group: Option<GroupId>,
    bounds: &Bounds<'_>,
    progress: impl FnMut(SimTime, u64),
) -> Found<Option<Story>> {
    let follower = Follower::new(config, message, group);
    let done = Cluster::new(config.clone(), follower).run_within(bounds, progress);
    let cut = Cut::of(&done);
    let what = done.observer.story(done.end, &done.directory);
    Found { what, cut }
}

/// What else has a story.
#[derive(Clone, Debug)]
pub enum Subject {
    /// A queue, for each group that reads it or for one.
    Queue(Wanted, Option<GroupId>),
    /// A consumer by its name, with those of its lives that are to be told.
    Consumer(String, Vec<ConsumerId>),
    /// A change of a group, from 1.
    Rebalance(GroupId, u32),
    /// An instant, for all groups or one.
    Moment(SimTime, Option<GroupId>),
}

/// Why there is no story.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nothing {
    /// There is no such queue: the topic had so many on the broker.
    Queues(u64),
    /// Nobody that was asked for reads the queue.
    Unread,
    /// The consumer has never started.
    NeverStarted,
    /// There were so many changes.
    Rebalances(u64),
    /// The run ended then.
    EndsAt(SimTime),
}

/// Replays a run within `bounds` and tells the story of `subject`; of a queue one for each group that reads it.
///
/// What is found is why there is nothing to tell, if there is nothing.
///
/// # Panics
/// As [`explain`].
pub fn tell(
    config: &ClusterConfig,
    subject: &Subject,
    bounds: &Bounds<'_>,
    progress: impl FnMut(SimTime, u64),
) -> Found<Result<Vec<Story>, Nothing>> {
    let any = match subject {
        Subject::Queue(wanted, group) => Any::Queue(QueueTale::new(wanted.clone(), *group)),
        Subject::Consumer(name, lives) => Any::Consumer(ConsumerTale::new(name.clone(), lives.clone())),
        Subject::Rebalance(group, number) => Any::Rebalance(RebalanceTale::new(*group, *number)),
        Subject::Moment(at, group) => Any::Moment(MomentTale::new(*at, *group)),
    };
    let mut done = Cluster::new(config.clone(), Teller::new(config, any)).run_within(bounds, progress);
    let cut = Cut::of(&done);
    let stories = done.observer.stories(done.end, &done.directory);
    if !stories.is_empty() {
        let what = Ok(stories);
        return Found { what, cut };
    }
    let what = Err(match done.observer.tale {
        Any::Queue(tale) if tale.is_there() => Nothing::Unread,
        Any::Queue(tale) => Nothing::Queues(tale.beside),
        Any::Consumer(_) => Nothing::NeverStarted,
        Any::Rebalance(tale) => Nothing::Rebalances(tale.known),
        Any::Moment(_) => Nothing::EndsAt(done.end),
    });
    Found { what, cut }
}

/// Any of the tales, so that there is one observer of all.
enum Any {
    Queue(QueueTale),
    Consumer(ConsumerTale),
    Rebalance(RebalanceTale),
    Moment(MomentTale),
}

impl Any {
    fn tale(&mut self) -> &mut dyn Tale {
        match self {
            Self::Queue(tale) => tale,
            Self::Consumer(tale) => tale,
            Self::Rebalance(tale) => tale,
            Self::Moment(tale) => tale,
        }
    }
}

impl Tale for Any {
    fn before(&mut self, seen: &Seen<'_>) {
        self.tale().before(seen);
    }

    fn observe(&mut self, seen: &Seen<'_>, fact: &crate::cluster::fact::Fact) {
        self.tale().observe(seen, fact);
    }

    fn stories(&mut self, seen: &Seen<'_>) -> Vec<Story> {
        self.tale().stories(seen)
    }
}
