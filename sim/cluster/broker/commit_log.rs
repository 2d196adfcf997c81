//! The one append-only log of a broker: in which order records wait for dispatch, and where its files end.
//!
//! All topics of a broker share it. The dispatch thread sleeps 1 ms after each pass and then indexes whatever
//! has been appended, in log order. The log lies in files of `mappedFileSizeCommitLog` bytes; a record that no longer
//! fits is put into the next file, and the rest of the old one is filled up. Of a file that is full the log keeps how far
//! it has each queue, which is all that its deletion needs (`retention`). Left out: flushing.
//!
//! Source: `CommitLog`, `MappedFileQueue`, `DefaultMessageStore.ReputMessageService`.

use crate::cluster::ids::QueueId;
use crate::kernel::memory;
use crate::kernel::time::{SimDuration, SimTime};
use std::collections::VecDeque;

/// `END_FILE_MIN_BLANK_LENGTH`: what must be left in a file behind every record.
const END_FILE_MIN_BLANK_LENGTH: u64 = 8;

/// When the log begins a new file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileEnd {
    /// When this many bytes are full.
    Bytes(u64),
    /// When so much time has begun since the start of the run: a file holds what came in one such span.
    Span(SimDuration),
}

/// A file to which nothing is added any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogFile {
    /// When it was written to last; of a span its end.
    pub last_write: SimTime,
    /// One past the last record in it, for each queue that has any.
    pub ends: Vec<(QueueId, u64)>,
}

/// See the module.
#[derive(Debug)]
pub struct CommitLog {
    /// Queues of the records that wait for dispatch, in log order.
    undispatched: Vec<QueueId>,
    /// The same while the broker is down.
    aside: Vec<QueueId>,
    /// Bytes ever appended, the rests of full files included.
    end: u64,
    /// Where the newest file ends, if its size ends it.
    file_end: u64,
    /// When the newest file ends, if time ends it.
    file_closes: SimTime,
    rule: FileEnd,
    /// All files but the newest, oldest first.
    full: VecDeque<LogFile>,
}

impl CommitLog {
    /// An empty log.
    pub fn new(rule: FileEnd) -> Self {
        let (file_end, file_closes) = match rule {
            FileEnd::Bytes(size) => (size, SimTime::MAX),
            FileEnd::Span(_) => (u64::MAX, SimTime::ZERO),
        };
        Self {
            undispatched: Vec::new(),
            aside: Vec::new(),
            end: 0,
            file_end,
            file_closes,
            rule,
            full: VecDeque::new(),
        }
    }

    /// Whether a record of `size` bytes needs a new file: see [`Self::begin_file`].
    #[inline]
    pub fn is_full(&self, now: SimTime, size: u32) -> bool {
        self.end + u64::from(size) + END_FILE_MIN_BLANK_LENGTH > self.file_end || now >= self.file_closes
    }

    /// The newest file is full, with these ends of queues; the next begins.
    pub fn begin_file(&mut self, now: SimTime, ends: Vec<(QueueId, u64)>) {
        let last_write = match self.rule {
            FileEnd::Bytes(size) => {
                self.end = self.end.max(self.file_end);
                while self.file_end <= self.end {
                    self.file_end += size;
                }
                now
            }
            FileEnd::Span(span) => {
                let soon = now + SimDuration::from_nanos(1);
                let closes = soon.next_on_grid(SimTime::ZERO, span);
                std::mem::replace(&mut self.file_closes, closes)
            }
        };
        if !ends.is_empty() {
            self.full.push_back(LogFile { last_write, ends });
        }
    }

    /// Nothing came for so long that time has ended the newest file: it is full, and the next begins with the next record.
    pub fn end_idle_file(&mut self, ends: Vec<(QueueId, u64)>) {
        let last_write = std::mem::replace(&mut self.file_closes, SimTime::ZERO);
        if !ends.is_empty() {
            self.full.push_back(LogFile { last_write, ends });
        }
    }

    /// The oldest full file.
    pub fn oldest(&self) -> Option<&LogFile> {
        self.full.front()
    }

    /// Deletes the oldest full file.
    pub fn delete_oldest(&mut self) -> Option<LogFile> {
        self.full.pop_front()
    }

    /// When time ends the newest file; `None` if nothing is in it yet.
    pub fn closes(&self) -> Option<SimTime> {
        Some(self.file_closes).filter(|closes| *closes != SimTime::ZERO)
    }

    /// Notes an append; true if it is the first since the last dispatch.
    #[inline]
    pub fn append(&mut self, queue: QueueId, size: u32) -> bool {
        self.end += u64::from(size);
        self.undispatched.push(queue);
        self.undispatched.len() == 1
    }

    /// Notes the append of a record that waits for its time in `SCHEDULE_TOPIC_XXXX`: no pull will see it there.
    pub fn append_delayed(&mut self, size: u32) {
        self.end += u64::from(size);
    }

    /// Takes out everything that waits for dispatch. Give the emptied list back with [`Self::recycle`].
    pub fn take_undispatched(&mut self) -> Vec<QueueId> {
        std::mem::take(&mut self.undispatched)
    }

    /// Keeps the memory of a list that [`Self::take_undispatched`] gave.
    pub fn recycle(&mut self, mut list: Vec<QueueId>) {
        debug_assert!(
            self.undispatched.is_empty(),
            "nothing is appended while a pass runs"
        );
        list.clear();
        self.undispatched = list;
    }

    /// The broker is down: nothing is dispatched until it is up again.
    pub fn set_undispatched_aside(&mut self) {
        self.aside.append(&mut self.undispatched);
    }

    /// The broker is up again.
    pub fn take_undispatched_back(&mut self) {
        debug_assert!(
            self.undispatched.is_empty(),
            "nothing is appended while a broker is down"
        );
        self.undispatched.append(&mut self.aside);
    }

    /// Bytes ever appended.
    #[inline]
    pub fn end(&self) -> u64 {
        self.end
    }

    /// Bytes of one with so many full files, each with records of so many queues, to which so many are appended at once.
    pub fn held_for(files: u64, queues: u64, at_once: u64) -> u64 {
        let ends = memory::of_grown::<(QueueId, u64)>(queues);
        memory::of_grown::<LogFile>(files) + files.saturating_mul(ends) + memory::of_grown::<QueueId>(at_once)
    }

    /// Bytes that it holds.
    pub fn held(&self) -> u64 {
        let files = self
            .full
            .iter()
            .map(|file| memory::of_vec(&file.ends))
            .sum::<u64>();
        files
            + memory::of_deque(&self.full)
            + memory::of_vec(&self.undispatched)
            + memory::of_vec(&self.aside)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(secs: u64) -> SimTime {
        SimTime::ZERO + SimDuration::from_secs(secs)
    }

    /// Files of 100 bytes: 40 + 40 fit with the 8 that must be left, a third record does not.
    #[test]
    fn a_record_that_does_not_fit_begins_a_file() {
        let mut log = CommitLog::new(FileEnd::Bytes(100));
        assert!(!log.is_full(at(0), 40));
        log.append(QueueId(0), 40);
        assert!(!log.is_full(at(1), 52) && log.is_full(at(1), 53));
        log.append(QueueId(0), 40);
        log.begin_file(at(2), vec![(QueueId(0), 2)]);
        assert_eq!(log.end(), 100);
        assert_eq!(log.oldest().map(|file| file.last_write), Some(at(2)));
        // A record larger than a file has one to itself.
        log.append(QueueId(0), 250);
        log.begin_file(at(3), vec![(QueueId(0), 3)]);
        assert!(!log.is_full(at(3), 42) && log.is_full(at(3), 43));
    }

    /// What came from second 60 to 119 ends as one, at 120, whenever the next record comes.
    #[test]
    fn time_ends_files_too() {
        let mut log = CommitLog::new(FileEnd::Span(SimDuration::from_secs(60)));
        assert!(log.is_full(at(61), 1));
        log.begin_file(at(61), Vec::new());
        assert!(log.oldest().is_none());
        assert!(!log.is_full(at(119), 1) && log.is_full(at(120), 1));
        log.begin_file(at(500), vec![(QueueId(0), 7)]);
        assert_eq!(log.oldest().map(|file| file.last_write), Some(at(120)));
        assert_eq!(log.closes(), Some(at(540)));
        log.end_idle_file(vec![(QueueId(0), 8)]);
        assert_eq!(log.delete_oldest().map(|file| file.last_write), Some(at(120)));
        assert_eq!(log.delete_oldest().map(|file| file.last_write), Some(at(540)));
        assert!(log.closes().is_none() && log.is_full(at(541), 1));
    }
}
