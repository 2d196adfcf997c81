//! What is left in memory when all is at rest (E1). That no copy waits longer than its delay is asked elsewhere (T1).

use super::group_end::GroupEnd;
use super::{Judge, who};
use crate::cluster::Leftovers;
use crate::cluster::directory::{Directory, TopicKind};
use crate::cluster::ids::{GroupId, QueueId, TopicId};
use crate::cluster::profile::Profile;
use crate::kernel::time::{SimDuration, SimTime};
use crate::observe::invariant::Invariant;

/// Records lie in segments of so many.
const SEGMENT: u64 = 64;

impl Judge<'_> {
    pub(super) fn nothing_leaks(
        &self,
        end: SimTime,
        directory: &Directory,
        left: &Leftovers,
        groups: &[GroupEnd],
    ) {
        let gone = (left.held_queues_of_gone, left.tasks_of_gone);
        self.asked.must(end, Invariant::E1, gone == (0, 0), || {
            format!(
                "{} queues and {} calls are left of clients that are gone",
                gone.0, gone.1
            )
        });
        for (consumer, queue) in self.holds.keys() {
            self.asked.must(
                end,
                Invariant::E1,
                self.processes.alive.contains(consumer),
                || {
                    format!(
                        "{} held by a client that is gone",
                        who(directory, *consumer, *queue)
                    )
                },
            );
        }
        // Every living client may have a request and its answer on the way to each broker, and its commits.
        let clients = (self.processes.alive.len() + directory.producers.len()) as u32;
        let most = clients * (4 + 6 * self.config.brokers.len() as u32);
        self.asked.must(end, Invariant::E1, left.envelopes <= most, || {
            format!("{} envelopes are left, {most} at most", left.envelopes)
        });
        if self.producers_are_over(end) {
            self.asked.must(end, Invariant::E1, left.sends == 0, || {
                format!("{} sends have no answer", left.sends)
            });
        }
        self.memory_is_free(end, directory, left, groups);
    }

    /// Memory follows the backlog: what all readers have behind them is freed, up to a part of a segment. A
    /// stopped client may still ask for what it holds.
    fn memory_is_free(&self, end: SimTime, directory: &Directory, left: &Leftovers, groups: &[GroupEnd]) {
        for (at, kept) in left.records.iter().enumerate() {
            let queue = QueueId(at as u32);
            let topic = directory.queue(queue).topic;
            if self.may_be_rewound(topic) {
                continue;
            }
            let readers: Vec<GroupId> = match directory.topic(topic).kind {
                TopicKind::User => (0..self.config.groups.len() as u32)
                    .map(GroupId)
                    .filter(|group| directory.group(*group).topics.contains(&topic))
                    .collect(),
                TopicKind::Retry(group) => vec![group],
                // What somebody reads or may send again stays.
                TopicKind::DeadLetter(_) if !self.rested || !self.slots.readers(queue).is_empty() => continue,
                TopicKind::DeadLetter(_) => vec![],
            };
            // Two owners of a retry queue send everything back twice: dead letters may rain to the end.
            let last_dead = self.retries.last_dead.get(&queue).copied().unwrap_or_default();
            let is_read = |group: &GroupId| self.has_read_all(directory, &groups[group.index()], queue);
            if readers.iter().all(is_read) && end.since(last_dead) > SimDuration::from_secs(1) {
                self.asked.must(end, Invariant::E1, *kept < SEGMENT, || {
                    format!("{}: {kept} records are kept", directory.queue_label(queue))
                });
            }
        }
    }

    /// Before 5.2 members learn of a reset themselves, who knows when: what it leads to is kept.
    fn may_be_rewound(&self, topic: TopicId) -> bool {
        !Profile::of(self.config.version).server_side_reset && self.excuses.is_rewound(topic)
    }
}
