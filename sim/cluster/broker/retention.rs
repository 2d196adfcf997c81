//! Retention: old commit-log files are deleted, and with them what any topic has in them.
//!
//! `files`, as RocketMQ does: during the hours of `deleteWhen` the broker looks every 10 s and deletes whole files whose
//! last write is `fileReservedTime` hours ago, oldest first, 10 in one look, never the newest. So a record lives until the
//! first such hour after its *file* is old enough, and for ever in a log that does not fill its newest file. `exact`, as
//! managed services promise: every record goes that many hours after it was stored, to the minute, whatever topic it
//! is of. `none`: nothing goes. A queue's `minOffset` moves up with the deletion; offsets that groups have committed do
//! not move. A look is scheduled only when there will be something to delete.
//!
//! Left out: deletion when the disk is full; the time until the index follows the log (at most 10 s for most queues);
//! pauses of 100 ms between deletions.
//!
//! Source: `DefaultMessageStore.CleanCommitLogService`, `MappedFileQueue.deleteExpiredFileByTime`,
//! `ConsumeQueue.correctMinOffset`.

use crate::cluster::Cluster;
use crate::cluster::broker::commit_log::FileEnd;
use crate::cluster::config::{BrokerTuning, Retention};
use crate::cluster::event::Event;
use crate::cluster::fact::{Fact, Observer};
use crate::cluster::ids::{BrokerId, QueueId};
use crate::kernel::time::{SimDuration, SimTime};

/// `cleanResourceInterval`: period of the looks.
pub const CLEAN_PERIOD: SimDuration = SimDuration::from_secs(10);
/// `deleteFileBatchMax`: files deleted in one look.
const DELETE_FILE_BATCH_MAX: u32 = 10;
/// To how much time `exact` is exact.
const EXACTNESS: SimDuration = SimDuration::from_secs(60);
const HOUR: SimDuration = SimDuration::from_secs(3600);

/// What ends a file under these settings.
pub const fn file_end(tuning: &BrokerTuning) -> FileEnd {
    match tuning.retention {
        Retention::Exact => FileEnd::Span(EXACTNESS),
        Retention::Files | Retention::None => FileEnd::Bytes(tuning.mapped_file_size_commit_log),
    }
}

/// `deleteWhen`: hours of the day, separated by `;`. `None` if one of them is no hour.
pub fn delete_hours(text: &str) -> Option<Vec<u64>> {
    let hour = |word: &str| word.parse::<u64>().ok().filter(|hour| *hour < 24);
    text.split(';').map(hour).collect()
}

/// The first look on the grid of `phase` at or after `earliest` that falls into one of `hours`, in a day of which the run
/// starts at `hour_at_start`.
fn next_look(earliest: SimTime, phase: SimTime, hours: &[u64], hour_at_start: u32) -> Option<SimTime> {
    let mut time = earliest;
    // In a day and a bit every hour has come.
    for _ in 0..=25 {
        let look = time.next_on_grid(phase, CLEAN_PERIOD);
        let hours_passed = look.as_nanos() / HOUR.as_nanos();
        if hours.contains(&((hours_passed + u64::from(hour_at_start)) % 24)) {
            return Some(look);
        }
        time = SimTime::ZERO + HOUR * (hours_passed + 1);
    }
    None
}

impl<O: Observer> Cluster<O> {
    /// The next record of this size begins a new file of the broker's log.
    #[inline(never)]
    pub(super) fn begin_file(&mut self, broker_id: BrokerId) {
        let now = self.core.now();
        let ends = self.ends_of_file(broker_id);
        self.brokers[broker_id.index()].commit_log.begin_file(now, ends);
        self.plan_cleaning(broker_id);
    }

    /// How far the newest file has each queue that has anything in it.
    fn ends_of_file(&mut self, broker: BrokerId) -> Vec<(QueueId, u64)> {
        let mut ends = Vec::new();
        for queue in &self.brokers[broker.index()].queues {
            ends.extend(self.queues[queue.index()].end_of_file().map(|end| (*queue, end)));
        }
        ends
    }

    /// Schedules the next look that finds something to delete, unless one is scheduled.
    pub(in crate::cluster) fn plan_cleaning(&mut self, broker_id: BrokerId) {
        let tuning = &self.config.broker_tuning;
        let broker = &mut self.brokers[broker_id.index()];
        if broker.clean_pending || broker.is_down || tuning.retention == Retention::None {
            return;
        }
        let reserved = HOUR * u64::from(tuning.file_reserved_time);
        let soon = self.core.scheduler.now() + SimDuration::from_nanos(1);
        let oldest = broker.commit_log.oldest().map(|file| file.last_write);
        let next = match tuning.retention {
            Retention::Exact => oldest.or(broker.commit_log.closes()).map(|last| last + reserved),
            _ => oldest.and_then(|oldest| {
                let earliest = (oldest + reserved).max(soon);
                next_look(
                    earliest,
                    broker.clean_phase,
                    &self.delete_hours,
                    tuning.hour_at_start,
                )
            }),
        };
        if let Some(next) = next {
            broker.clean_pending = true;
            self.core
                .scheduler
                .at(next.max(soon), Event::CleanCommitLog(broker_id));
        }
    }

    /// A look: deletes what is old enough.
    pub(in crate::cluster) fn clean_commit_log(&mut self, broker_id: BrokerId) {
        let now = self.core.now();
        let tuning = &self.config.broker_tuning;
        let reserved = HOUR * u64::from(tuning.file_reserved_time);
        let exact = tuning.retention == Retention::Exact;
        let broker = &mut self.brokers[broker_id.index()];
        broker.clean_pending = false;
        if broker.is_down {
            return;
        }
        // What came last goes too, when its time has come.
        if exact && broker.commit_log.closes().is_some_and(|closes| closes <= now) {
            let ends = self.ends_of_file(broker_id);
            self.brokers[broker_id.index()].commit_log.end_idle_file(ends);
        }
        let mut files = 0;
        while let Some(oldest) = self.brokers[broker_id.index()].commit_log.oldest()
            && oldest.last_write + reserved <= now
            && (exact || files < DELETE_FILE_BATCH_MAX)
        {
            files += 1;
            let deleted = self.brokers[broker_id.index()].commit_log.delete_oldest();
            for (queue, end) in deleted.into_iter().flat_map(|file| file.ends) {
                self.delete_records(queue, end);
            }
        }
        self.plan_cleaning(broker_id);
    }

    /// What `queue` has below `end` is deleted.
    fn delete_records(&mut self, queue: QueueId, end: u64) {
        if let Some(deleted) = self.queues[queue.index()].delete_below(end) {
            self.core.emit(Fact::Expired {
                queue,
                from: deleted.start,
                to: deleted.end,
            });
            self.plan_release(self.queues[queue.index()].broker);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(hours: u64, secs: u64) -> SimTime {
        SimTime::ZERO + HOUR * hours + SimDuration::from_secs(secs)
    }

    #[test]
    fn hours_are_whole_hours_of_the_day() {
        assert_eq!(delete_hours("04"), Some(vec![4]));
        assert_eq!(delete_hours("04;16"), Some(vec![4, 16]));
        assert_eq!(delete_hours("24"), None);
        assert_eq!(delete_hours(""), None);
    }

    /// A run that starts at 22:00 has its 04:00 after six hours; looks fall 3 s behind each ten seconds.
    #[test]
    fn looks_wait_for_the_hour() {
        let phase = at(0, 3);
        assert_eq!(next_look(at(0, 0), phase, &[4], 0), Some(at(4, 3)));
        assert_eq!(next_look(at(0, 0), phase, &[4], 22), Some(at(6, 3)));
        assert_eq!(next_look(at(4, 3594), phase, &[4], 0), Some(at(28, 3)));
        assert_eq!(next_look(at(4, 100), phase, &[4], 0), Some(at(4, 103)));
        assert_eq!(next_look(at(5, 0), phase, &[4, 6], 0), Some(at(6, 3)));
    }
}
