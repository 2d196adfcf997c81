//! When clients and brokers lived, stood still or could not be reached.

use crate::cluster::fact::{Fact, StopKind};
use crate::cluster::ids::ConsumerId;
use crate::kernel::time::SimTime;
use serde::Serialize;

/// What a client or broker is from an instant on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Its process runs.
    Up,
    /// Its process stands still.
    Paused,
    /// It is cut off from a server.
    Cut,
    /// It has shut down.
    Graceful,
    /// It was killed.
    Killed,
    /// Its host is gone.
    Vanished,
    /// It could not start.
    StartFailed,
}

/// Changes of state at most, of one client or broker.
const CHANGES: usize = 400;

/// One client or broker through the run.
#[derive(Clone, Debug, Default)]
pub struct Life {
    /// Since when it is what.
    pub states: Vec<(SimTime, State)>,
    cuts: u32,
}

impl Life {
    fn is(&mut self, now: SimTime, state: State) {
        if self.states.len() < CHANGES && self.states.last().is_none_or(|last| last.1 != state) {
            self.states.push((now, state));
        }
    }

    fn is_alive(&self) -> bool {
        let last = self.states.last().map(|last| last.1);
        matches!(last, Some(State::Up | State::Paused | State::Cut))
    }

    /// A link breaks or mends.
    fn link(&mut self, now: SimTime, is_cut: bool) {
        match is_cut {
            true => self.cuts += 1,
            false => self.cuts = self.cuts.saturating_sub(1),
        }
        if self.is_alive() {
            self.is(now, if self.cuts > 0 { State::Cut } else { State::Up });
        }
    }
}

/// All of them, by id.
#[derive(Debug, Default)]
pub struct Cast {
    /// By consumer.
    pub consumers: Vec<Life>,
    /// By broker.
    pub brokers: Vec<Life>,
}

fn of(lives: &mut Vec<Life>, index: usize) -> &mut Life {
    if lives.len() <= index {
        lives.resize_with(index + 1, Life::default);
    }
    &mut lives[index]
}

impl Cast {
    /// Takes a fact in.
    pub fn observe(&mut self, now: SimTime, fact: &Fact) {
        match *fact {
            Fact::BrokerStopped { broker, crash } => {
                let state = if crash { State::Killed } else { State::Graceful };
                of(&mut self.brokers, broker.index()).is(now, state);
            }
            Fact::BrokerStarted { broker } => of(&mut self.brokers, broker.index()).is(now, State::Up),
            Fact::ConsumerStarted { consumer } | Fact::ConsumerResumed { consumer } => {
                let life = self.consumer(consumer);
                let state = if life.cuts > 0 { State::Cut } else { State::Up };
                life.is(now, state);
            }
            Fact::ConsumerPaused { consumer } => self.consumer(consumer).is(now, State::Paused),
            Fact::LinkCut { consumer, .. } => self.consumer(consumer).link(now, true),
            Fact::LinkHealed { consumer, .. } => self.consumer(consumer).link(now, false),
            Fact::ConsumerStopped { consumer, how } => {
                let state = match how {
                    StopKind::Graceful => State::Graceful,
                    StopKind::Killed => State::Killed,
                    StopKind::Vanished => State::Vanished,
                    StopKind::StartFailed => State::StartFailed,
                };
                self.consumer(consumer).is(now, state);
            }
            _ => {}
        }
    }

    fn consumer(&mut self, consumer: ConsumerId) -> &mut Life {
        of(&mut self.consumers, consumer.index())
    }
}
