//! What the timeline does about a backlog, and how long that takes: lags of the groups at each such step.
//!
//! Steps of one kind at one instant on one group or topic are one remedy. What becomes of the lags is noted by
//! [`lag`](super::lag), which sees them change.

use crate::cluster::config::{Action, ClusterConfig, TimelineEntry};
use crate::cluster::ids::{GroupId, TopicId};
use crate::kernel::time::SimTime;

/// Remedies at most; later ones are not told.
const MOST: usize = 200;

/// Whom a remedy is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Patient {
    /// This group.
    Group(GroupId),
    /// All groups that read this topic.
    Topic(TopicId),
}

/// A kind of step.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Kind {
    text: String,
    patient: Patient,
}

/// One remedy; its number is that of its marks in the lags of all groups.
#[derive(Clone, Debug)]
pub struct Remedy {
    /// When.
    pub at: SimTime,
    /// In words: `setThreads billing`.
    pub text: String,
    /// For whom.
    pub patient: Patient,
    /// Steps of the timeline.
    pub steps: u32,
}

/// All remedies of a run.
#[derive(Debug, Default)]
pub struct Remedies {
    /// What each step of the timeline is, if it is a remedy.
    kinds: Vec<Option<Kind>>,
    told: Vec<Remedy>,
}

impl Remedies {
    /// Knows the steps of the timeline of `config`.
    pub fn new(config: &ClusterConfig) -> Self {
        let kind = |entry: &TimelineEntry| kind(config, entry.action);
        Self {
            kinds: config.timeline.iter().map(kind).collect(),
            told: Vec::new(),
        }
    }

    /// A step of the timeline happens next; whether it is the first of a remedy.
    pub fn step(&mut self, now: SimTime, step: u32) -> bool {
        let Some(Some(kind)) = self.kinds.get(step as usize) else {
            return false;
        };
        let of_now = self.told.iter_mut().rev().take_while(|told| told.at == now);
        for told in of_now {
            if told.text == kind.text && told.patient == kind.patient {
                told.steps += 1;
                return false;
            }
        }
        let is_told = self.told.len() < MOST;
        if is_told {
            self.told.push(Remedy {
                at: now,
                text: kind.text.clone(),
                patient: kind.patient,
                steps: 1,
            });
        }
        is_told
    }

    /// All of them, in order.
    pub fn told(&self) -> &[Remedy] {
        &self.told
    }
}

fn kind(config: &ClusterConfig, action: Action) -> Option<Kind> {
    let of_group = |group: GroupId, what: &str| Kind {
        text: format!("{what} {}", config.groups[group.index()].name),
        patient: Patient::Group(group),
    };
    Some(match action {
        Action::Join(member) => of_group(member.group, "join"),
        Action::SetListener { member, .. } => of_group(member.group, "setListener"),
        Action::SetThreads { member, .. } => of_group(member.group, "setThreads"),
        Action::Forward { member, .. } => of_group(member.group, "forward"),
        Action::ResetOffset { group, .. } => of_group(group, "resetOffset"),
        Action::SetMaxReconsumeTimes { group, .. } => of_group(group, "setMaxReconsumeTimes"),
        Action::SetRate { producer, .. } => {
            let producer = &config.producers[producer.index()];
            let name = producer
                .name
                .rsplit_once('-')
                .map_or(&*producer.name, |(name, _)| name);
            Kind {
                text: format!("setRate {name}"),
                patient: Patient::Topic(producer.topic),
            }
        }
        Action::UpdateTopic { topic, .. } => Kind {
            text: format!("updateTopic {}", config.topics[topic.index()].name),
            patient: Patient::Topic(topic),
        },
        _ => return None,
    })
}
