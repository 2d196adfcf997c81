//! The story of one message: the same seed is replayed, and of all that happens those steps are kept that concern it,
//! each with its cause.
//!
//! Causes are those of the report: a second delivery has the cause under which [`Observation`] counts it, so a story
//! and the report of its run cannot contradict each other.
//!
//! [`Observation`]: crate::observe::observation::Observation

mod about;
pub mod actions;
pub mod again;
mod around;
pub mod example;
pub mod facts;
mod follower;
mod reading;
pub mod scene;
pub mod story;
mod wait;
pub mod words;

use crate::cluster::Cluster;
use crate::cluster::bounds::Bounds;
use crate::cluster::config::ClusterConfig;
use crate::cluster::ids::{GroupId, MessageId};
use crate::kernel::time::SimTime;
use follower::Follower;
use story::Story;

/// Replays a run within `bounds` and tells what became of `message`; in all groups that read it, or in `group` alone.
/// `progress` hears of the virtual time and the events executed so far.
///
/// `None` if no such message was made.
///
/// # Panics
/// With a text that begins with `invariant` if the simulator breaks one of its own rules.
pub fn explain(
    config: &ClusterConfig,
    message: MessageId,
    group: Option<GroupId>,
    bounds: &Bounds<'_>,
    progress: impl FnMut(SimTime, u64),
) -> Option<Story> {
    let follower = Follower::new(config, message, group);
    let done = Cluster::new(config.clone(), follower).run_within(bounds, progress);
    done.observer.story(done.end, &done.directory)
}
