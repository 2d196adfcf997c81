//! Which links and brokers are in trouble, and since when the others are not.
//!
//! What a trouble leaves behind is felt for a while: a pull has waited in vain for up to 31 s.

use crate::cluster::fact::Fact;
use crate::cluster::ids::{BrokerId, ConsumerId};
use crate::cluster::network::Server;
use crate::kernel::time::{SimDuration, SimTime};
use std::collections::BTreeMap;

/// A trouble is felt for so long after its end.
pub const AFTERMATH: SimDuration = SimDuration::from_secs(32);

/// A link or a broker.
#[derive(Clone, Copy, Debug, Default)]
struct State {
    /// Cut, or down.
    cut: bool,
    slow: bool,
    /// When it was last in trouble.
    until: Option<SimTime>,
}

impl State {
    fn calm_since(&self) -> Option<SimTime> {
        (!self.cut && !self.slow).then(|| self.until.unwrap_or(SimTime::ZERO))
    }
}

/// See the module.
#[derive(Debug, Default)]
pub struct Calm {
    links: BTreeMap<(ConsumerId, Server), State>,
    brokers: BTreeMap<BrokerId, State>,
    /// A link was in trouble.
    pub links_seen: bool,
    /// A broker has ended.
    pub brokers_seen: bool,
}

impl Calm {
    /// Takes note of a fact.
    pub fn hear(&mut self, now: SimTime, fact: &Fact) {
        let state = match *fact {
            Fact::LinkCut { consumer, server }
            | Fact::LinkHealed { consumer, server }
            | Fact::LinkSlowed { consumer, server, .. } => {
                self.links_seen = true;
                self.links.entry((consumer, server)).or_default()
            }
            Fact::BrokerStopped { broker, .. } | Fact::BrokerStarted { broker } => {
                self.brokers_seen = true;
                self.brokers.entry(broker).or_default()
            }
            _ => return,
        };
        match *fact {
            Fact::LinkSlowed { slow, .. } => state.slow = slow,
            _ => state.cut = matches!(fact, Fact::LinkCut { .. } | Fact::BrokerStopped { .. }),
        }
        state.until = Some(now);
    }

    /// Whether anything was ever in trouble.
    pub fn seen(&self) -> bool {
        self.links_seen || self.brokers_seen
    }

    /// Since when all brokers have been up; `None` if one is not.
    pub fn brokers_since(&self) -> Option<SimTime> {
        latest(self.brokers.values())
    }

    /// Since when this broker and the link to it have been as they should; `None` if they are not.
    pub fn link_since(&self, consumer: ConsumerId, broker: BrokerId) -> Option<SimTime> {
        let link = self.links.get(&(consumer, Server::Broker(broker)));
        latest(link.into_iter().chain(self.brokers.get(&broker)))
    }

    /// Since when all brokers and all links of a client have been as they should; `None` if one is not.
    pub fn client_since(&self, consumer: ConsumerId) -> Option<SimTime> {
        let first = (consumer, Server::Broker(BrokerId(0)));
        let last = (consumer, Server::NameServer(u32::MAX));
        let links = self.links.range(first..=last).map(|(_, link)| link);
        latest(links.chain(self.brokers.values()))
    }

    /// Whether what goes wrong between the two may be laid to a trouble that is or was.
    pub fn is_felt(&self, now: SimTime, consumer: ConsumerId, broker: BrokerId) -> bool {
        let since = self.link_since(consumer, broker);
        since.is_none_or(|since| since > SimTime::ZERO && now.since(since) <= AFTERMATH)
    }
}

fn latest<'s>(mut states: impl Iterator<Item = &'s State>) -> Option<SimTime> {
    states.try_fold(SimTime::ZERO, |latest, state| {
        Some(latest.max(state.calm_since()?))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> SimTime {
        SimTime::ZERO + SimDuration::from_secs(seconds)
    }

    #[test]
    fn a_trouble_is_felt_until_half_a_minute_after_its_end() {
        let (ann, bob) = (ConsumerId(0), ConsumerId(1));
        let (broker, server) = (BrokerId(1), Server::Broker(BrokerId(1)));
        let mut calm = Calm::default();
        assert!(!calm.is_felt(at(9), ann, broker) && !calm.seen());
        calm.hear(
            at(10),
            &Fact::LinkCut {
                consumer: ann,
                server,
            },
        );
        assert_eq!(
            (calm.client_since(ann), calm.client_since(bob)),
            (None, Some(at(0)))
        );
        calm.hear(
            at(20),
            &Fact::LinkHealed {
                consumer: ann,
                server,
            },
        );
        assert!(calm.is_felt(at(52), ann, broker) && !calm.is_felt(at(53), ann, broker));
        assert!(!calm.is_felt(at(20), ann, BrokerId(0)) && !calm.is_felt(at(20), bob, broker));
        calm.hear(at(60), &Fact::BrokerStopped { broker, crash: true });
        assert_eq!((calm.client_since(bob), calm.brokers_since()), (None, None));
        calm.hear(at(70), &Fact::BrokerStarted { broker });
        assert_eq!(
            (calm.client_since(ann), calm.link_since(bob, broker)),
            (Some(at(70)), Some(at(70)))
        );
    }
}
