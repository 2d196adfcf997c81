//! The same scenario twice in one process: does it do the same events at the same times in the same order?
//!
//! Equal trace digests say yes; if they differ, somebody wants to know where. The first run leaves a digest of each
//! block of events, the second one is compared block by block, and a third run tells what the first did in the block
//! where the second left it. So millions of events need little memory.

use crate::cluster::event::Event;
use crate::kernel::digest::TraceDigest;
use crate::kernel::time::SimTime;

/// Events of a block.
const BLOCK: u64 = 1 << 16;

/// Who hears of each event: when it ran, and its code.
pub type Listener<'a> = &'a mut dyn FnMut(SimTime, u64);

/// Where two runs part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parting {
    /// Number of the first event that differs, from 1. If a third run did as the second, it lies in the block of 65 536
    /// that begins here.
    pub number: u64,
    /// What the first run did then, found by running it again; `None` if it had ended, or did as the second this time.
    pub first: Option<(SimTime, Event)>,
    /// What the second run did then; `None` if it had ended.
    pub second: Option<(SimTime, Event)>,
}

/// Runs twice, and a third time if they differ. `run` must run the same thing every time and tell of each event; the
/// result is the number of events if both runs did the same.
///
/// # Errors
/// The first event that differs.
pub fn double_run(mut run: impl FnMut(Listener<'_>)) -> Result<u64, Parting> {
    let first = blocks(&mut run);
    let mut second = Blocks::default();
    let mut block = Vec::new();
    let mut parted = None;
    run(&mut |time, code| {
        if parted.is_some() {
            return;
        }
        block.push((time, code));
        if second.add(time, code) {
            let at = second.digests.len() - 1;
            match first.digests.get(at) == second.digests.last() {
                true => block.clear(),
                false => parted = Some(at as u64),
            }
        }
    });
    if parted.is_none() && first.events == second.events && first.rest() == second.rest() {
        return Ok(second.events);
    }
    let at = parted.unwrap_or(second.events / BLOCK);
    Err(parting(at * BLOCK, &events(&mut run, at * BLOCK), &block))
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

fn blocks(run: &mut impl FnMut(Listener<'_>)) -> Blocks {
    let mut blocks = Blocks::default();
    run(&mut |time, code| {
        blocks.add(time, code);
    });
    blocks
}

/// The events of one block, which begins behind `skipped` others.
fn events(run: &mut impl FnMut(Listener<'_>), skipped: u64) -> Vec<(SimTime, u64)> {
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
        true => Parting {
            number: before + 1,
            first: None,
            second: None,
        },
        false => Parting {
            number: before + same as u64 + 1,
            first: told(first),
            second: told(second),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::ids::ProducerId;

    fn event(number: u64) -> (SimTime, u64) {
        let producer = Event::Arrival(ProducerId(number as u32 % 7));
        (SimTime::from_nanos(number * 10), producer.code())
    }

    /// Runs of `events`; what `change` makes of the second.
    fn runs(events: u64, change: impl Fn(&mut Vec<(SimTime, u64)>)) -> Result<u64, Parting> {
        let mut count = 0;
        double_run(|listener| {
            count += 1;
            let mut all: Vec<(SimTime, u64)> = (1..=events).map(event).collect();
            if count == 2 {
                change(&mut all);
            }
            all.into_iter().for_each(|(time, code)| listener(time, code));
        })
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
            let found = runs(events, |all| all[number as usize - 1] = late).unwrap_err();
            let told = |(time, code): (SimTime, u64)| Some((time, Event::from_code(code)));
            assert_eq!(found.number, number);
            assert_eq!((found.first, found.second), (told(event(number)), told(late)));
        }
    }

    #[test]
    fn a_run_that_ends_early_or_late_has_parted() {
        for events in [10, BLOCK, BLOCK + 10] {
            let short = runs(events, |all| all.truncate(events as usize - 1)).unwrap_err();
            assert_eq!((short.number, short.second), (events, None));
            let long = runs(events, |all| all.push(event(events + 1))).unwrap_err();
            assert_eq!((long.number, long.first), (events + 1, None));
        }
    }

    /// Two events that change places are two differences; the first one is told.
    #[test]
    fn order_counts() {
        let found = runs(100, |all| all.swap(40, 41)).unwrap_err();
        assert_eq!(found.number, 41);
    }
}
