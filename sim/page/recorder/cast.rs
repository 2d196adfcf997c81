//! When clients and brokers lived, stood still or could not be reached.

use crate::cluster::fact::{Fact, StopKind};
use crate::cluster::ids::ConsumerId;
use crate::cluster::network::Server;
use crate::kernel::time::SimTime;
use serde::Serialize;
use std::collections::BTreeSet;

/// What a client or broker is from an instant on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Its process runs.
    Up,
    /// Its process stands still.
    Paused,
    /// It is cut off from servers.
    Cut,
    /// Its links to servers are slow.
    Slow,
    /// Its links change so often that it is no longer told how.
    Flapping,
    /// It has shut down.
    Graceful,
    /// It was killed.
    Killed,
    /// Its host is gone.
    Vanished,
    /// It could not start.
    StartFailed,
}

impl State {
    /// Whether it is about links alone.
    fn is_of_links(self) -> bool {
        matches!(self, Self::Up | Self::Cut | Self::Slow | Self::Flapping)
    }
}

/// Changes at most of one client; from then on changes of its links are no longer told.
const CHANGES: usize = 400;

/// One client or broker through the run.
#[derive(Clone, Debug, Default)]
pub struct Life {
    /// Since when it is what; cut off from which servers, or slow to which.
    pub states: Vec<(SimTime, State, Vec<Server>)>,
    is_running: bool,
    is_paused: bool,
    cut: BTreeSet<Server>,
    slow: BTreeSet<Server>,
    /// Changes of links that are not told.
    pub untold: u64,
}

impl Life {
    fn starts(&mut self, now: SimTime) {
        self.is_running = true;
        self.is_paused = false;
        self.look(now);
    }

    fn ends(&mut self, now: SimTime, state: State) {
        self.is_running = false;
        self.states.push((now, state, Vec::new()));
    }

    fn pauses(&mut self, now: SimTime, is_paused: bool) {
        self.is_paused = is_paused;
        self.look(now);
    }

    /// Puts down what a running process is now, if that is something else than before.
    fn look(&mut self, now: SimTime) {
        if !self.is_running {
            return;
        }
        let (state, servers) = match (self.is_paused, self.cut.is_empty(), self.slow.is_empty()) {
            (true, ..) => (State::Paused, &BTreeSet::new()),
            (false, false, _) => (State::Cut, &self.cut),
            (false, true, false) => (State::Slow, &self.slow),
            (false, true, true) => (State::Up, &BTreeSet::new()),
        };
        let servers: Vec<Server> = servers.iter().copied().collect();
        let last = self.states.last().map(|(_, state, servers)| (*state, servers));
        if last == Some((state, &servers)) {
            return;
        }
        let was_of_links = last.is_none_or(|(last, _)| last.is_of_links());
        if self.states.len() >= CHANGES && was_of_links && state.is_of_links() {
            self.untold += 1;
            if last.is_none_or(|(last, _)| last != State::Flapping) {
                self.states.push((now, State::Flapping, Vec::new()));
            }
            return;
        }
        self.states.push((now, state, servers));
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
                of(&mut self.brokers, broker.index()).ends(now, state);
            }
            Fact::BrokerStarted { broker } => of(&mut self.brokers, broker.index()).starts(now),
            Fact::ConsumerStarted { consumer } => self.consumer(consumer).starts(now),
            Fact::ConsumerPaused { consumer } => self.consumer(consumer).pauses(now, true),
            Fact::ConsumerResumed { consumer } => self.consumer(consumer).pauses(now, false),
            Fact::LinkCut { consumer, server } => {
                let life = self.consumer(consumer);
                life.cut.insert(server);
                life.look(now);
            }
            Fact::LinkHealed { consumer, server } => {
                let life = self.consumer(consumer);
                life.cut.remove(&server);
                life.look(now);
            }
            Fact::LinkSlowed {
                consumer,
                server,
                slow,
            } => {
                let life = self.consumer(consumer);
                match slow {
                    true => life.slow.insert(server),
                    false => life.slow.remove(&server),
                };
                life.look(now);
            }
            Fact::ConsumerStopped { consumer, how } => {
                let state = match how {
                    StopKind::Graceful => State::Graceful,
                    StopKind::Killed => State::Killed,
                    StopKind::Vanished => State::Vanished,
                    StopKind::StartFailed => State::StartFailed,
                };
                self.consumer(consumer).ends(now, state);
            }
            _ => {}
        }
    }

    fn consumer(&mut self, consumer: ConsumerId) -> &mut Life {
        of(&mut self.consumers, consumer.index())
    }

    /// Changes of links that are not told.
    pub fn untold(&self) -> u64 {
        self.consumers.iter().map(|life| life.untold).sum()
    }

    /// Bytes that it holds.
    pub fn held(&self) -> u64 {
        let lives = self.consumers.iter().chain(&self.brokers);
        let states: usize = lives.map(|life| life.states.len() + 2).sum();
        (states * size_of::<(SimTime, State, Vec<Server>)>()) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::ids::BrokerId;

    const WHO: ConsumerId = ConsumerId(0);
    const BROKER: Server = Server::Broker(BrokerId(1));

    fn secs(n: u64) -> SimTime {
        SimTime::from_nanos(n * 1_000_000_000)
    }

    fn states(facts: &[(u64, Fact)]) -> Vec<(u64, State)> {
        let mut cast = Cast::default();
        for (at, fact) in facts {
            cast.observe(secs(*at), fact);
        }
        let states = cast.consumers[0].states.iter();
        states
            .map(|(at, state, _)| (at.as_nanos() / 1_000_000_000, *state))
            .collect()
    }

    const CUT: Fact = Fact::LinkCut {
        consumer: WHO,
        server: BROKER,
    };
    const HEALED: Fact = Fact::LinkHealed {
        consumer: WHO,
        server: BROKER,
    };
    const KILLED: Fact = Fact::ConsumerStopped {
        consumer: WHO,
        how: StopKind::Killed,
    };

    /// A link that breaks and mends does not wake a process that stands still.
    #[test]
    fn a_stopped_process_stays_stopped() {
        let found = states(&[
            (0, Fact::ConsumerStarted { consumer: WHO }),
            (10, Fact::ConsumerPaused { consumer: WHO }),
            (15, CUT),
            (20, HEALED),
            (30, CUT),
            (50, Fact::ConsumerResumed { consumer: WHO }),
            (60, HEALED),
        ]);
        let expected = [
            (0, State::Up),
            (10, State::Paused),
            (50, State::Cut),
            (60, State::Up),
        ];
        assert_eq!(found, expected);
    }

    /// However often links change, the end of a life is told, and so is a pause.
    #[test]
    fn a_flapping_link_hides_no_death() {
        let mut facts = vec![(0, Fact::ConsumerStarted { consumer: WHO })];
        for n in 1..1_000 {
            facts.push((n, if n % 2 == 1 { CUT } else { HEALED }));
        }
        facts.push((1_000, Fact::ConsumerPaused { consumer: WHO }));
        facts.push((1_001, KILLED));
        let found = states(&facts);
        assert_eq!(found.len(), CHANGES + 3);
        let last = &found[CHANGES..];
        assert_eq!(last[0].1, State::Flapping);
        assert_eq!(last[1..], [(1_000, State::Paused), (1_001, State::Killed)]);
    }

    #[test]
    fn a_link_that_is_cut_before_the_start_counts_at_the_start() {
        let found = states(&[(0, CUT), (5, Fact::ConsumerStarted { consumer: WHO })]);
        assert_eq!(found, [(5, State::Cut)]);
    }
}
