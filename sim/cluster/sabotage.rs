//! Faults of the simulator itself, made on purpose: a check that has never failed proves nothing.
//!
//! Not to be taken for faults of the cluster, which a scenario's timeline makes and which lose nothing in secret. Each
//! stands for a mistake that somebody could make here, and `tests/behaviour/planted.rs` shows who finds it.

use crate::cluster::Cluster;
use crate::cluster::consumer::process_queue::CachedMessage;
use crate::cluster::fact::Observer;
use std::fmt;
use std::str::FromStr;

/// A fault of the simulator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sabotage {
    /// The n-th message from now that reaches a client vanishes there, and nobody is told.
    LoseMessage(u64),
    /// Every tenth pull goes on at the last message that it has brought, not behind it.
    RepeatMessage,
    /// A pull commits all that was pulled, finished or not.
    CommitUnfinished,
    /// A queue that is given up in a round is not committed.
    ForgetLastCommit,
    /// A result counts although its queue was given up meanwhile.
    KeepDropped,
    /// A retry waits one level longer than it should.
    LevelTooHigh,
    /// One attempt more than `maxReconsumeTimes` allows.
    DeadTooLate,
    /// An orderly client gives a message up one attempt later than `maxReconsumeTimes` allows.
    DeadTooLateInOrder,
    /// An answer brings one message more than was asked for.
    AnswerTooLarge,
    /// A failed message is scheduled twice.
    RetryTwice,
    /// A dead letter is told of, but not stored.
    DeadLetterNotStored,
    /// A held pull is not woken by what it waits for.
    NotWoken,
    /// A pull is held until twice its time is up.
    HeldTooLong,
    /// Thresholds of the cache stop nobody.
    NoFlowControl,
    /// Locks are granted to whoever asks.
    LockForAll,
    /// Clients do not renew their locks.
    LockNotRenewed,
    /// The last queue of each share is left out.
    ShareTooSmall,
    /// A client sends no heartbeats but those of its start and of its rounds.
    NoHeartbeats,
    /// A filter takes one message in 64 for one that nobody wants.
    FilterTooMuch,
    /// A client's queue that was given up is never freed.
    LeakQueue,
    /// In every run but the first somebody else has drawn from the streams of arrivals: these are as lawful as others, but
    /// not the same.
    NotTheSameTwice,
}

/// A fault, and in which run of its scenario it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Planted {
    /// The fault.
    pub fault: Sabotage,
    /// Runs of one scenario that are to be compared have numbers, from 1.
    pub run: u32,
}

impl Planted {
    /// Whether this run is to differ from the first.
    pub(super) fn differs(self) -> bool {
        self.fault == Sabotage::NotTheSameTwice && self.run > 1
    }
}

/// In the first run.
impl From<Sabotage> for Planted {
    fn from(fault: Sabotage) -> Self {
        Self { fault, run: 1 }
    }
}

/// What is planted in a cluster, if anything is, and how far it has come.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Saboteur {
    planted: Option<Planted>,
    /// The message that is to be lost, counted from the next one that reaches a client; 0: it is lost.
    to_lose: u64,
    /// Pulls that have brought messages.
    pulls: u64,
}

impl From<Planted> for Saboteur {
    fn from(planted: Planted) -> Self {
        let to_lose = match planted.fault {
            Sabotage::LoseMessage(nth) => nth,
            _ => 0,
        };
        Self {
            planted: Some(planted),
            to_lose,
            pulls: 0,
        }
    }
}

impl Sabotage {
    /// All faults, with the numbers that they have if none are given.
    pub const ALL: [Self; 21] = [
        Self::LoseMessage(50),
        Self::RepeatMessage,
        Self::CommitUnfinished,
        Self::ForgetLastCommit,
        Self::KeepDropped,
        Self::LevelTooHigh,
        Self::DeadTooLate,
        Self::DeadTooLateInOrder,
        Self::AnswerTooLarge,
        Self::RetryTwice,
        Self::DeadLetterNotStored,
        Self::NotWoken,
        Self::HeldTooLong,
        Self::NoFlowControl,
        Self::LockForAll,
        Self::LockNotRenewed,
        Self::ShareTooSmall,
        Self::NoHeartbeats,
        Self::FilterTooMuch,
        Self::LeakQueue,
        Self::NotTheSameTwice,
    ];

    /// What the command line calls it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::LoseMessage(_) => "lose-message",
            Self::RepeatMessage => "repeat-message",
            Self::CommitUnfinished => "commit-unfinished",
            Self::ForgetLastCommit => "forget-last-commit",
            Self::KeepDropped => "keep-dropped",
            Self::LevelTooHigh => "level-too-high",
            Self::DeadTooLate => "dead-too-late",
            Self::DeadTooLateInOrder => "dead-too-late-in-order",
            Self::AnswerTooLarge => "answer-too-large",
            Self::RetryTwice => "retry-twice",
            Self::DeadLetterNotStored => "dead-letter-not-stored",
            Self::NotWoken => "not-woken",
            Self::HeldTooLong => "held-too-long",
            Self::NoFlowControl => "no-flow-control",
            Self::LockForAll => "lock-for-all",
            Self::LockNotRenewed => "lock-not-renewed",
            Self::ShareTooSmall => "share-too-small",
            Self::NoHeartbeats => "no-heartbeats",
            Self::FilterTooMuch => "filter-too-much",
            Self::LeakQueue => "leak-queue",
            Self::NotTheSameTwice => "not-the-same-twice",
        }
    }
}

impl Saboteur {
    /// Whether this fault is planted.
    pub(super) fn is(&self, fault: Sabotage) -> bool {
        self.planted.is_some_and(|planted| planted.fault == fault)
    }

    /// Messages of one pull have reached a client, which goes on at `next`.
    #[inline]
    pub(super) fn messages_arrive(&mut self, messages: &mut Vec<CachedMessage>, next: &mut u64) {
        match self.planted.map(|planted| planted.fault) {
            // The only message of an answer stays: an answer without messages would be another fault.
            Some(Sabotage::LoseMessage(_)) => {
                let (nth, here) = (self.to_lose, messages.len() as u64);
                if (1..=here).contains(&nth) && here > 1 {
                    messages.remove(nth as usize - 1);
                    self.to_lose = 0;
                } else if nth > 0 {
                    self.to_lose = nth.saturating_sub(here).max(1);
                }
            }
            Some(Sabotage::RepeatMessage) => {
                self.pulls += 1;
                if self.pulls.is_multiple_of(10)
                    && let Some(last) = messages.last()
                {
                    *next = last.offset;
                }
            }
            _ => {}
        }
    }
}

impl<O: Observer> Cluster<O> {
    /// Whether this run has a fault. Asked where little happens, or where something goes wrong anyway.
    pub(super) fn is_sabotaged(&self, fault: Sabotage) -> bool {
        self.saboteur.is(fault)
    }
}

/// Their names. Not in line: where their number is known, joining them keeps the optimiser busy for five minutes.
#[inline(never)]
fn list(faults: &[Sabotage]) -> String {
    let names: Vec<&str> = faults.iter().map(|fault| fault.name()).collect();
    names.join(", ")
}

/// `NAME`, or `NAME:N` for those with a number.
impl FromStr for Sabotage {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, number) = match text.split_once(':') {
            Some((name, number)) => (name, Some(number)),
            None => (text, None),
        };
        let fault = Self::ALL.into_iter().find(|fault| fault.name() == name);
        let fault = fault.ok_or_else(|| format!("there is no such fault; there are {}", list(&Self::ALL)))?;
        match (fault, number.map(str::parse)) {
            (fault, None) => Ok(fault),
            (Self::LoseMessage(_), Some(Ok(nth @ 1..))) => Ok(Self::LoseMessage(nth)),
            (Self::LoseMessage(_), Some(_)) => Err("messages are counted from 1".to_owned()),
            (fault, Some(_)) => Err(format!("{} has no number", fault.name())),
        }
    }
}

impl fmt::Display for Sabotage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LoseMessage(nth) => write!(f, "{}:{nth}", self.name()),
            _ => f.write_str(self.name()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_are_named_one_by_one() {
        for fault in Sabotage::ALL {
            assert_eq!(fault.to_string().parse(), Ok(fault));
        }
        assert_eq!("lose-message:7".parse(), Ok(Sabotage::LoseMessage(7)));
        for wrong in ["", "lose-message:0", "lose-message:x", "not-woken:1"] {
            assert!(wrong.parse::<Sabotage>().is_err(), "{wrong}");
        }
    }
}
