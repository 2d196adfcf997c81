//! What brokers did: requests by kind, answers to pulls, holds.

use crate::cluster::fact::{PullResult, RequestKind};
use crate::kernel::time::{SimDuration, SimTime};

/// One broker.
#[derive(Clone, Debug, Default)]
pub struct Requests {
    by_kind: [u64; RequestKind::ALL.len()],
    /// Pulls answered with messages.
    pub found: u64,
    /// Pulls answered without.
    pub not_found: u64,
    /// Pulls answered with "go on": nothing matched in what was looked at.
    pub no_match: u64,
    /// Pulls told to go on at another offset.
    pub offset_moved: u64,
    /// Envelopes with messages sent unasked.
    pub pushes: u64,
    /// Messages in answers and pushes.
    pub messages: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Pulls held.
    pub held: u64,
    /// Holds that ended with messages.
    pub woken: u64,
    /// Holds that ran out, or found nothing that matched at the sweep.
    pub expired: u64,
    /// Clients that it gave up because they had been silent for too long.
    pub members_expired: u64,
    /// How often the process ended.
    pub stops: u64,
    /// Since when it is down.
    down_since: Option<SimTime>,
    /// How long it was down, until the last start.
    down: SimDuration,
    /// Sum of all answered holds, nanoseconds.
    pub hold_sum: u128,
    /// The longest.
    pub hold_max: SimDuration,
}

impl Requests {
    /// A request arrived.
    #[inline(always)]
    pub fn request(&mut self, kind: RequestKind) {
        self.by_kind[kind as usize] += 1;
    }

    /// A pull is answered.
    #[inline(always)]
    pub fn answered(&mut self, result: PullResult, messages: u32, bytes: u64, held: SimDuration) {
        match result {
            PullResult::Found => self.found += 1,
            PullResult::NotFound => self.not_found += 1,
            PullResult::NoMatched => self.no_match += 1,
            PullResult::OffsetMoved => self.offset_moved += 1,
        }
        self.messages += u64::from(messages);
        self.bytes += bytes;
        if held.is_zero() {
            return;
        }
        self.hold_sum += u128::from(held.as_nanos());
        self.hold_max = self.hold_max.max(held);
        match result {
            PullResult::Found => self.woken += 1,
            // The sweep found messages that nobody wanted: the hold ends as if its time were up.
            PullResult::NotFound | PullResult::NoMatched | PullResult::OffsetMoved => self.expired += 1,
        }
    }

    /// Messages are sent unasked.
    pub fn pushed(&mut self, messages: u32, bytes: u64) {
        self.pushes += 1;
        self.messages += u64::from(messages);
        self.bytes += bytes;
    }

    /// The process ends.
    pub fn stops(&mut self, now: SimTime) {
        self.stops += 1;
        self.down_since = Some(now);
    }

    /// The process starts again.
    pub fn starts(&mut self, now: SimTime) {
        let down = self.down_since.take().map(|since| now.since(since));
        self.down += down.unwrap_or(SimDuration::ZERO);
    }

    /// How long it was down by `end`.
    pub fn down(&self, end: SimTime) -> SimDuration {
        let down = self.down_since.map(|since| end.since(since));
        self.down + down.unwrap_or(SimDuration::ZERO)
    }

    /// Requests of one kind.
    pub fn of(&self, kind: RequestKind) -> u64 {
        self.by_kind[kind as usize]
    }

    /// Requests of all kinds.
    pub fn total(&self) -> u64 {
        self.by_kind.iter().sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `ALL` is in order of declaration, so that a kind is its own position.
    #[test]
    fn every_kind_is_counted_apart() {
        let mut requests = Requests::default();
        for (n, kind) in RequestKind::ALL.into_iter().enumerate() {
            for _ in 0..=n {
                requests.request(kind);
            }
        }
        for (n, kind) in RequestKind::ALL.into_iter().enumerate() {
            assert_eq!(requests.of(kind), n as u64 + 1);
        }
        let kinds = RequestKind::ALL.len() as u64;
        assert_eq!(requests.total(), kinds * (kinds + 1) / 2);
    }

    #[test]
    fn a_hold_is_woken_or_runs_out() {
        let mut requests = Requests::default();
        requests.answered(PullResult::Found, 3, 300, SimDuration::ZERO);
        requests.answered(PullResult::Found, 1, 100, SimDuration::from_secs(4));
        requests.answered(PullResult::NotFound, 0, 0, SimDuration::from_secs(18));
        assert_eq!((requests.found, requests.not_found), (2, 1));
        assert_eq!((requests.woken, requests.expired, requests.messages), (1, 1, 4));
        assert_eq!(requests.hold_sum, 22_000_000_000);
        assert_eq!(requests.hold_max, SimDuration::from_secs(18));
    }
}
