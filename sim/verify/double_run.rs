//! The same scenario twice in one process: does it do the same events at the same times in the same order, and say the same
//! of them?
//!
//! Equal trace digests say that the events are the same; if they differ, somebody wants to know where. The first run leaves
//! a digest of each block of events, the second one is compared block by block, and a third run tells what the first did in
//! the block where the second left it. So millions of events need little memory.

use crate::cluster::event::Event;
use crate::kernel::digest::TraceDigest;
use crate::kernel::time::SimTime;

/// Events of a block.
const BLOCK: u64 = 1 << 16;

/// Who hears of each event: when it ran, and its code.
pub type Listener<'a> = &'a mut dyn FnMut(SimTime, u64);

/// How two runs part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Parting {
    /// They do not do the same.
    Event {
        /// Number of the first event that differs, from 1. If a third run did as the second, it lies in the block of 65 536
        /// that begins here.
        number: u64,
        /// What the first run did then, found by running it again; `None` if it had ended, or did as the second this time.
        first: Option<(SimTime, Event)>,
        /// What the second run did then; `None` if it had ended.
        second: Option<(SimTime, Event)>,
    },
    /// They do the same, and report something else.
    Report {
        /// Number of the first line that differs, from 1.
        line: usize,
        /// What the first run has there; `None` behind its end.
        first: Option<String>,
        /// What the second run has there.
        second: Option<String>,
    },
}

/// What is kept of the first run.
#[derive(Debug, Default)]
pub struct Recording {
    blocks: Blocks,
}

impl Recording {
    /// One more event.
    pub fn add(&mut self, time: SimTime, code: u64) {
        self.blocks.add(time, code);
    }
}

/// The second run, beside the first.
#[derive(Debug)]
pub struct Rerun<'r> {
    first: &'r Recording,
    own: Blocks,
    /// Events of the block that is open, or of the one in which the runs part.
    block: Vec<(SimTime, u64)>,
    /// The block in which they part.
    parted: Option<u64>,
}

impl<'r> Rerun<'r> {
    /// Nothing has happened in it yet.
    pub fn of(first: &'r Recording) -> Self {
        Self {
            first,
            own: Blocks::default(),
            block: Vec::new(),
            parted: None,
        }
    }

    /// One more event.
    pub fn add(&mut self, time: SimTime, code: u64) {
        if self.parted.is_some() {
            return;
        }
        self.block.push((time, code));
        if self.own.add(time, code) {
            let at = self.own.digests.len() - 1;
            match self.first.blocks.digests.get(at) == self.own.digests.last() {
                true => self.block.clear(),
                false => self.parted = Some(at as u64),
            }
        }
    }

    /// Both runs are over, with these reports; the number of events if they were the same. `again` does the first run once
    /// more, if they are not.
    ///
    /// # Errors
    /// The first event that differs, or the first line of the reports.
    pub fn verdict(self, reports: [&str; 2], again: impl FnOnce(Listener<'_>)) -> Result<u64, Parting> {
        let (first, second) = (&self.first.blocks, &self.own);
        if self.parted.is_none() && first.events == second.events && first.rest() == second.rest() {
            return difference(reports).map_or(Ok(second.events), Err);
        }
        let before = self.parted.unwrap_or(second.events / BLOCK) * BLOCK;
        Err(parting(before, &events(again, before), &self.block))
    }
}

/// Digests of whole blocks, and of what has begun of the next.
#[derive(Debug, Default)]
struct Blocks {
    events: u64,
    digests: Vec<String>,
    open: TraceDigest,
}

impl Blocks {
    /// One more event; whether a block is full.
    fn add(&mut self, time: SimTime, code: u64) -> bool {
        self.events += 1;
        self.open.add(time, code);
        let full = self.events.is_multiple_of(BLOCK);
        if full {
            self.digests.push(std::mem::take(&mut self.open).finish());
        }
        full
    }

    /// Digest of the block that is not full.
    fn rest(&self) -> String {
        self.open.finish()
    }
}

/// The events of one block, which begins behind `skipped` others.
fn events(run: impl FnOnce(Listener<'_>), skipped: u64) -> Vec<(SimTime, u64)> {
    let (mut count, mut block) = (0, Vec::new());
    run(&mut |time, code| {
        if (skipped..skipped + BLOCK).contains(&count) {
            block.push((time, code));
        }
        count += 1;
    });
    block
}

fn parting(before: u64, first: &[(SimTime, u64)], second: &[(SimTime, u64)]) -> Parting {
    let same = first.iter().zip(second).take_while(|(a, b)| a == b).count();
    let told = |events: &[(SimTime, u64)]| {
        let (time, code) = events.get(same)?;
        Some((*time, Event::from_code(*code)))
    };
    match first == second {
        true => Parting::Event {
            number: before + 1,
            first: None,
            second: None,
        },
        false => Parting::Event {
            number: before + same as u64 + 1,
            first: told(first),
            second: told(second),
        },
    }
}

/// Where two reports part.
fn difference([first, second]: [&str; 2]) -> Option<Parting> {
    if first == second {
        return None;
    }
    let same = first.lines().zip(second.lines()).take_while(|(a, b)| a == b);
    let same = same.count();
    let line = |text: &str| text.lines().nth(same).map(|line| line.trim().to_owned());
    Some(Parting::Report {
        line: same + 1,
        first: line(first),
        second: line(second),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::ids::ProducerId;

    fn event(number: u64) -> (SimTime, u64) {
        let producer = Event::Arrival(ProducerId(number as u32 % 7));
        (SimTime::from_nanos(number * 10), producer.code())
    }

    /// Runs of `events`, whose reports are empty; what `change` makes of the second.
    fn runs(events: u64, change: impl Fn(&mut Vec<(SimTime, u64)>)) -> Result<u64, Parting> {
        let mut all: Vec<(SimTime, u64)> = (1..=events).map(event).collect();
        let mut first = Recording::default();
        all.iter().for_each(|(time, code)| first.add(*time, *code));
        let again = all.clone();
        change(&mut all);
        let mut second = Rerun::of(&first);
        all.into_iter().for_each(|(time, code)| second.add(time, code));
        second.verdict(["", ""], |listener| {
            again.into_iter().for_each(|(time, code)| listener(time, code));
        })
    }

    /// What a run did, if it did anything.
    type Done = Option<(SimTime, Event)>;

    /// The number of the first event that differs, and what both runs did then.
    fn parts(events: u64, change: impl Fn(&mut Vec<(SimTime, u64)>)) -> (u64, Done, Done) {
        match runs(events, change) {
            Err(Parting::Event {
                number,
                first,
                second,
            }) => (number, first, second),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn equal_runs_are_counted() {
        for events in [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK] {
            assert_eq!(runs(events, |_| {}), Ok(events));
        }
    }

    /// In the first block, at the seams, in the last one.
    #[test]
    fn the_first_event_that_differs_is_found() {
        let events = 2 * BLOCK + 500;
        for number in [1, 2, BLOCK, BLOCK + 1, 2 * BLOCK, 2 * BLOCK + 1, events] {
            let late = (SimTime::from_nanos(number * 10 + 1), event(number).1);
            let found = parts(events, |all| all[number as usize - 1] = late);
            let told = |(time, code): (SimTime, u64)| Some((time, Event::from_code(code)));
            assert_eq!(found, (number, told(event(number)), told(late)));
        }
    }

    #[test]
    fn a_run_that_ends_early_or_late_has_parted() {
        for events in [10, BLOCK, BLOCK + 10] {
            let (number, _, second) = parts(events, |all| all.truncate(events as usize - 1));
            assert_eq!((number, second), (events, None));
            let (number, first, _) = parts(events, |all| all.push(event(events + 1)));
            assert_eq!((number, first), (events + 1, None));
        }
    }

    /// Two events that change places are two differences; the first one is told.
    #[test]
    fn order_counts() {
        assert_eq!(parts(100, |all| all.swap(40, 41)).0, 41);
    }

    /// The same events, and another word about them: the first line that differs is told, one that is missing too.
    #[test]
    fn reports_that_differ_are_found() {
        let (first, mut count) = (Recording::default(), 0);
        let mut verdict = |reports| {
            let again = |_: Listener<'_>| count += 1;
            Rerun::of(&first).verdict(reports, again)
        };
        let report = "{\n  \"lost\": 0,\n  \"dead\": 1\n}\n";
        assert_eq!(verdict([report, report]), Ok(0));
        let told = |line, first: &str, second: Option<&str>| {
            Err(Parting::Report {
                line,
                first: Some(first.to_owned()),
                second: second.map(str::to_owned),
            })
        };
        let other = report.replace("dead\": 1", "dead\": 2");
        assert_eq!(
            verdict([report, &other]),
            told(3, "\"dead\": 1", Some("\"dead\": 2"))
        );
        assert_eq!(verdict([report, "{\n"]), told(2, "\"lost\": 0,", None));
        assert_eq!(count, 0);
    }
}
