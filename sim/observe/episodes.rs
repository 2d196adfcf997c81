//! Flow control as a user sees it: from when to when a client put pulls off, and because of what.
//!
//! A full cache puts each pull off by 50 ms, again and again; with every message that is finished a queue may be pulled
//! once and be full again. An episode of a client goes from the first pull that it puts off, of whatever queue, to the
//! last before a second without any.

use crate::cluster::fact::FlowControlCause;
use crate::kernel::time::{SimDuration, SimTime};

/// Episodes that are kept of each client; later ones are counted.
const KEPT: usize = 50;
/// Time without a pull put off that ends an episode.
pub const GAP: SimDuration = SimDuration::from_secs(1);

/// One episode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Episode {
    /// First pull put off.
    pub from: SimTime,
    /// Last pull put off.
    pub to: SimTime,
    /// Pulls put off by count, size, span.
    pub by: [u64; 3],
}

/// The episodes of one client.
#[derive(Clone, Debug, Default)]
pub struct Episodes {
    kept: Vec<Episode>,
    /// The present or last one.
    last: Option<Episode>,
    /// How many there were.
    pub count: u64,
    /// Their length in all, without the last.
    length: SimDuration,
}

impl Episodes {
    /// A pull is put off.
    pub fn put_off(&mut self, now: SimTime, by: FlowControlCause) {
        match &mut self.last {
            Some(last) if now.since(last.to) <= GAP => last.to = now,
            _ => {
                self.close();
                self.count += 1;
                self.last = Some(Episode {
                    from: now,
                    to: now,
                    by: [0; 3],
                });
            }
        }
        if let Some(last) = &mut self.last {
            last.by[by as usize] += 1;
        }
    }

    fn close(&mut self) {
        if let Some(last) = self.last.take() {
            self.length += last.to.since(last.from);
            if self.kept.len() < KEPT {
                self.kept.push(last);
            }
        }
    }

    /// The first of them, in order.
    pub fn all(&self) -> impl Iterator<Item = &Episode> {
        let last = self.last.iter().filter(|_| self.kept.len() < KEPT);
        self.kept.iter().chain(last)
    }

    /// How long they lasted in all.
    pub fn length(&self) -> SimDuration {
        let last = self
            .last
            .map_or(SimDuration::ZERO, |last| last.to.since(last.from));
        self.length + last
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::story::secs;

    /// Put off at 1, 2 and 2 s, then at 4 s: an episode of a second, and one of an instant.
    #[test]
    fn a_second_without_ends_an_episode() {
        let mut episodes = Episodes::default();
        for (at, by) in [
            (1, FlowControlCause::Count),
            (2, FlowControlCause::Span),
            (2, FlowControlCause::Count),
            (4, FlowControlCause::Size),
        ] {
            episodes.put_off(secs(at), by);
        }
        let all: Vec<Episode> = episodes.all().copied().collect();
        assert_eq!((all[0].from, all[0].to, all[0].by), (secs(1), secs(2), [2, 0, 1]));
        assert_eq!((all[1].from, all[1].to, all[1].by), (secs(4), secs(4), [0, 1, 0]));
        assert_eq!(
            (episodes.count, episodes.length()),
            (2, SimDuration::from_secs(1))
        );
    }

    /// However many there are, fifty are kept and all are counted.
    #[test]
    fn memory_is_bounded() {
        let mut episodes = Episodes::default();
        for n in 0..1000 {
            episodes.put_off(secs(2 * n), FlowControlCause::Count);
        }
        assert_eq!((episodes.all().count(), episodes.count), (KEPT, 1000));
    }
}
