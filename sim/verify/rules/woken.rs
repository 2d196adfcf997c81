//! A held pull does not outlast what it waits for (H3): the dispatch that makes a record visible answers it.
//!
//! Not asked about: whoever filters, and waits for what matches; and before 5.2 groups that an operator sets back, whose
//! members rest for 10 s with a queue in their hands and hear of nothing. A pull that is refused when it is woken is told
//! of when its client hears of it, a journey later.
//!
//! Source: `PullRequestHoldService.notifyMessageArriving`.

use super::excuses::Excuses;
use super::{Judge, who};
use crate::cluster::config::ClusterConfig;
use crate::cluster::directory::Directory;
use crate::cluster::fact::Fact;
use crate::cluster::ids::{ConsumerId, GroupId, QueueId};
use crate::cluster::profile::Profile;
use crate::kernel::time::{SimDuration, SimTime};
use crate::observe::invariant::Invariant;

/// Who waits, and who should wait no longer.
#[derive(Debug, Default)]
pub struct Woken {
    /// By queue.
    waiting: Vec<Vec<ConsumerId>>,
    /// Who was to be answered at that time, in the order of time.
    due: Vec<(SimTime, ConsumerId, QueueId)>,
    /// By group: whether its holds are not asked about.
    excused: Vec<bool>,
}

impl Woken {
    /// For one run of `config`.
    pub fn new(config: &ClusterConfig, excuses: &Excuses) -> Self {
        let by_clients = !Profile::of(config.version).server_side_reset;
        let groups = (0..config.groups.len() as u32).map(GroupId);
        let excused = groups.map(|group| {
            !config.broker_tuning.long_polling_enable
                || config.has_filters(group)
                || by_clients && excuses.is_reset(group)
        });
        Self {
            excused: excused.collect(),
            ..Self::default()
        }
    }

    fn waits(&mut self, consumer: ConsumerId, queue: QueueId) {
        if self.waiting.len() <= queue.index() {
            self.waiting.resize_with(queue.index() + 1, Vec::new);
        }
        self.waiting[queue.index()].push(consumer);
    }

    /// Whether the answer was due.
    fn is_answered(&mut self, consumer: ConsumerId, queue: QueueId) -> bool {
        if let Some(waiting) = self.waiting.get_mut(queue.index()) {
            waiting.retain(|other| *other != consumer);
        }
        let before = self.due.len();
        self.due.retain(|(_, who, of)| (*who, *of) != (consumer, queue));
        self.due.len() < before
    }

    /// What `queue` has got is for all who wait.
    fn something_comes(&mut self, now: SimTime, queue: QueueId) {
        if let Some(waiting) = self.waiting.get_mut(queue.index()) {
            let due = waiting.drain(..).map(|consumer| (now, consumer, queue));
            self.due.extend(due);
        }
    }

    fn forget(&mut self, is_forgotten: impl Fn(ConsumerId, QueueId) -> bool) {
        for (queue, waiting) in self.waiting.iter_mut().enumerate() {
            waiting.retain(|consumer| !is_forgotten(*consumer, QueueId(queue as u32)));
        }
        self.due
            .retain(|(_, consumer, queue)| !is_forgotten(*consumer, *queue));
    }
}

impl Judge<'_> {
    pub(super) fn wakes(&mut self, now: SimTime, directory: &Directory, fact: &Fact) {
        if !self.woken.due.is_empty() {
            self.is_awake(now, directory);
        }
        match *fact {
            Fact::PullHeld { consumer, queue, .. } => {
                let group = directory.consumer(consumer).group;
                // What was on the wire when its client was killed is held too, and nobody hears of the answer.
                let is_heard = self.processes.alive.contains(&consumer);
                if is_heard && !self.woken.excused[group.index()] {
                    self.woken.waits(consumer, queue);
                }
            }
            Fact::PullAnswered { consumer, queue, .. }
            | Fact::PullFailed { consumer, queue, .. }
            | Fact::QueueReleased { consumer, queue, .. } => {
                let was_due = self.woken.is_answered(consumer, queue);
                self.asked.add(Invariant::H3, u64::from(was_due));
            }
            Fact::Dispatched { queue, .. } => self.woken.something_comes(now, queue),
            Fact::ConsumerStopped { consumer, .. } => self.woken.forget(|who, _| who == consumer),
            Fact::BrokerStopped { broker, .. } => {
                self.woken
                    .forget(|_, queue| directory.queue(queue).broker == broker);
            }
            _ => {}
        }
    }

    /// Those who should wait no longer do not, or have been refused.
    fn is_awake(&mut self, now: SimTime, directory: &Directory) {
        let journey = self.bounds.way * 2 + SimDuration::from_millis(1);
        while let Some(&(since, consumer, queue)) = self.woken.due.first()
            && now.since(since) > journey
        {
            self.woken.due.remove(0);
            // A stopped client, or one behind a link in trouble, may not have heard of a refusal; one that shuts down
            // does not care.
            let broker = directory.queue(queue).broker;
            if self.excuses.was_felt(since, consumer, broker) || self.excuses.is_leaving(now, consumer) {
                continue;
            }
            let who = || who(directory, consumer, queue);
            self.asked.must(now, Invariant::H3, false, || {
                format!(
                    "{} its pull is held although a record became visible at {since}",
                    who()
                )
            });
        }
    }
}
