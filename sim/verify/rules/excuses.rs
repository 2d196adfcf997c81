//! What excuses what, and for how long: the one place that knows which link, broker or client is in trouble, who was told
//! to go, what retention has removed, and whose offsets operators set.
//!
//! A trouble is one client's with one broker: their link, that broker, the client itself, or that one has given up the
//! other. It is felt for a while after its end: a pull has waited in vain for up to 31 s and is asked for again after
//! 1 s, and an envelope on a slow link comes as much later as the link was slow.

use super::bounds::GIVEN_UP_PULL;
use crate::cluster::config::{Action, ClusterConfig, Member, OffsetTarget};
use crate::cluster::directory::Directory;
use crate::cluster::fact::Fact;
use crate::cluster::ids::{BrokerId, ConsumerId, GroupId, QueueId, TopicId};
use crate::cluster::network::Server;
use crate::kernel::time::{SimDuration, SimTime};
use std::collections::BTreeMap;

/// The troubles of a link, a broker or a client.
#[derive(Clone, Copy, Debug, Default)]
struct Spell {
    /// Cut, down or stopped.
    cut: bool,
    slow: bool,
    /// When it was last in trouble.
    until: Option<SimTime>,
}

impl Spell {
    fn calm_since(&self) -> Option<SimTime> {
        (!self.cut && !self.slow).then(|| self.until.unwrap_or(SimTime::ZERO))
    }
}

/// See the module.
#[derive(Debug, Default)]
pub struct Excuses {
    links: BTreeMap<(ConsumerId, Server), Spell>,
    brokers: BTreeMap<BrokerId, Spell>,
    clients: BTreeMap<ConsumerId, Spell>,
    /// When a broker ended last.
    ended: BTreeMap<BrokerId, SimTime>,
    /// What is below was removed, and when that was last so.
    removed: BTreeMap<QueueId, (u64, SimTime)>,
    /// When the timeline first tells a client to shut down.
    leaves: BTreeMap<ConsumerId, SimTime>,
    /// Whose offsets operators set, in which topic, and whether back.
    resets: Vec<(GroupId, TopicId, bool)>,
    /// The number of the first client of each group, and of the client behind the last.
    first: Vec<u32>,
    /// A trouble is felt for so long after its end.
    aftermath: SimDuration,
}

impl Excuses {
    /// For one run of `config`.
    pub fn new(config: &ClusterConfig) -> Self {
        let mut first = vec![0];
        for group in &config.groups {
            first.push(first[first.len() - 1] + group.consumers.len() as u32);
        }
        let slow = |action: &Action| match action {
            Action::Slow { by, .. } => *by,
            _ => SimDuration::ZERO,
        };
        let slowest = config.timeline.iter().map(|entry| slow(&entry.action)).max();
        let (mut leaves, mut resets) = (BTreeMap::new(), Vec::new());
        for entry in &config.timeline {
            match entry.action {
                Action::Leave(Member { group, consumer }) => {
                    let consumer = ConsumerId(first[group.index()] + consumer);
                    leaves.entry(consumer).or_insert(entry.at);
                }
                Action::ResetOffset {
                    group, topic, target, ..
                } => resets.push((group, topic, target != OffsetTarget::Latest)),
                _ => {}
            }
        }
        Self {
            first,
            leaves,
            resets,
            aftermath: GIVEN_UP_PULL + slowest.unwrap_or_default() * 2,
            ..Self::default()
        }
    }

    /// Takes note of a fact.
    pub fn hear(&mut self, now: SimTime, fact: &Fact) {
        let spell = match *fact {
            Fact::LinkCut { consumer, server }
            | Fact::LinkHealed { consumer, server }
            | Fact::LinkSlowed { consumer, server, .. } => self.links.entry((consumer, server)).or_default(),
            Fact::MemberExpired { broker, consumer } | Fact::ConnectionLost { broker, consumer } => {
                self.links.entry((consumer, Server::Broker(broker))).or_default()
            }
            Fact::BrokerStopped { broker, .. } => {
                self.ended.insert(broker, now);
                self.brokers.entry(broker).or_default()
            }
            Fact::BrokerStarted { broker } => self.brokers.entry(broker).or_default(),
            Fact::ConsumerPaused { consumer } | Fact::ConsumerResumed { consumer } => {
                self.clients.entry(consumer).or_default()
            }
            Fact::Expired { queue, to, .. } => {
                self.removed.insert(queue, (to, now));
                return;
            }
            _ => return,
        };
        match *fact {
            Fact::LinkSlowed { slow, .. } => spell.slow = slow,
            Fact::LinkCut { .. } | Fact::BrokerStopped { .. } | Fact::ConsumerPaused { .. } => {
                spell.cut = true
            }
            Fact::LinkHealed { .. } | Fact::BrokerStarted { .. } | Fact::ConsumerResumed { .. } => {
                spell.cut = false;
            }
            _ => {}
        }
        // What happened at 0 has happened.
        spell.until = Some(now.max(SimTime::from_nanos(1)));
    }

    /// Whether nothing was ever in trouble.
    pub fn never(&self) -> bool {
        self.links.is_empty() && self.brokers.is_empty() && self.clients.is_empty()
    }

    /// Since when all brokers have been up; `None` if one is not.
    pub fn brokers_calm_since(&self) -> Option<SimTime> {
        latest(self.brokers.values())
    }

    /// Since when a broker has been up; `None` if it is not.
    pub fn broker_calm_since(&self, broker: BrokerId) -> Option<SimTime> {
        latest(self.brokers.get(&broker))
    }

    /// Since when a client, this broker and the link between them have been as they should; `None` if they are not.
    pub fn calm_since(&self, consumer: ConsumerId, broker: BrokerId) -> Option<SimTime> {
        if self.never() {
            return Some(SimTime::ZERO);
        }
        let link = self.links.get(&(consumer, Server::Broker(broker)));
        let spells = link.into_iter().chain(self.brokers.get(&broker));
        latest(spells.chain(self.clients.get(&consumer)))
    }

    /// Since when a client, all of its links and all brokers have been as they should; `None` if one is not.
    pub fn client_calm_since(&self, consumer: ConsumerId) -> Option<SimTime> {
        if self.never() {
            return Some(SimTime::ZERO);
        }
        let first = (consumer, Server::Broker(BrokerId(0)));
        let last = (consumer, Server::NameServer(u32::MAX));
        let links = self.links.range(first..=last).map(|(_, link)| link);
        latest(
            links
                .chain(self.brokers.values())
                .chain(self.clients.get(&consumer)),
        )
    }

    /// Whether what goes wrong between the two now may be laid to a trouble that is or was.
    pub fn is_felt(&self, now: SimTime, consumer: ConsumerId, broker: BrokerId) -> bool {
        self.was_felt(now, consumer, broker)
    }

    /// The same of what went wrong at any time from `since` on.
    pub fn was_felt(&self, since: SimTime, consumer: ConsumerId, broker: BrokerId) -> bool {
        self.reaches(self.calm_since(consumer, broker), since)
    }

    /// The same of the client and any broker.
    pub fn was_felt_anywhere(&self, since: SimTime, consumer: ConsumerId) -> bool {
        self.reaches(self.client_calm_since(consumer), since)
    }

    /// The same of any member of the group, whichever it was.
    pub fn was_felt_by_group(&self, since: SimTime, group: GroupId, broker: BrokerId) -> bool {
        !self.never()
            && self
                .clients_of(group)
                .any(|consumer| self.was_felt(since, consumer, broker))
    }

    /// The same of any member of the group and any broker.
    pub fn was_felt_by_group_anywhere(&self, since: SimTime, group: GroupId) -> bool {
        let mut clients = self.clients_of(group);
        !self.never() && clients.any(|consumer| self.was_felt_anywhere(since, consumer))
    }

    fn reaches(&self, calm: Option<SimTime>, since: SimTime) -> bool {
        calm.is_none_or(|calm| calm > SimTime::ZERO && calm + self.aftermath >= since)
    }

    /// From when on a trouble that was over at `calm` is not felt any more.
    pub fn after(&self, calm: SimTime) -> SimTime {
        match calm {
            SimTime::ZERO => SimTime::ZERO,
            calm => calm + self.aftermath,
        }
    }

    /// When a client went on last.
    pub fn resumed(&self, consumer: ConsumerId) -> Option<SimTime> {
        self.clients.get(&consumer).filter(|spell| !spell.cut)?.until
    }

    /// When a broker ended last.
    pub fn ended(&self, broker: BrokerId) -> Option<SimTime> {
        self.ended.get(&broker).copied()
    }

    /// Whether a client was told to shut down: it renews nothing and rebalances no more, however long its last words take.
    pub fn is_leaving(&self, now: SimTime, consumer: ConsumerId) -> bool {
        self.leaves.get(&consumer).is_some_and(|at| *at <= now)
    }

    /// Whether operators set offsets of the group, sooner or later.
    pub fn is_reset(&self, group: GroupId) -> bool {
        self.resets.iter().any(|(of, ..)| *of == group)
    }

    /// Whether they send somebody back in the topic.
    pub fn is_rewound(&self, topic: TopicId) -> bool {
        self.resets.iter().any(|(_, of, back)| *of == topic && *back)
    }

    /// The offset below which retention has removed everything.
    pub fn removed_below(&self, queue: QueueId) -> u64 {
        self.removed.get(&queue).map_or(0, |(to, _)| *to)
    }

    /// When retention last removed something of a queue that `reads` picks.
    pub fn last_removal(&self, reads: impl Fn(QueueId) -> bool) -> Option<SimTime> {
        let removed = self.removed.iter().filter(|(queue, _)| reads(**queue));
        removed.map(|(_, (_, at))| *at).max()
    }

    /// The clients of a group, started or not.
    pub fn clients_of(&self, group: GroupId) -> impl Iterator<Item = ConsumerId> + use<> {
        (self.first[group.index()]..self.first[group.index() + 1]).map(ConsumerId)
    }

    /// Which member of its group a client is.
    pub fn member(&self, directory: &Directory, consumer: ConsumerId) -> usize {
        consumer.index() - self.first[directory.consumer(consumer).group.index()] as usize
    }
}

fn latest<'s>(spells: impl IntoIterator<Item = &'s Spell>) -> Option<SimTime> {
    let mut spells = spells.into_iter();
    spells.try_fold(SimTime::ZERO, |latest, spell| {
        Some(latest.max(spell.calm_since()?))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANN: ConsumerId = ConsumerId(0);
    const BOB: ConsumerId = ConsumerId(1);
    const HERE: BrokerId = BrokerId(1);

    fn at(seconds: u64) -> SimTime {
        SimTime::ZERO + SimDuration::from_secs(seconds)
    }

    fn excuses() -> Excuses {
        Excuses {
            first: vec![0, 1, 2],
            aftermath: GIVEN_UP_PULL,
            ..Excuses::default()
        }
    }

    #[test]
    fn a_trouble_is_felt_until_half_a_minute_after_its_end() {
        let mut of = excuses();
        let (consumer, server) = (ANN, Server::Broker(HERE));
        assert!(of.never() && !of.is_felt(at(9), ANN, HERE));
        of.hear(at(10), &Fact::LinkCut { consumer, server });
        let calm = (of.client_calm_since(ANN), of.client_calm_since(BOB));
        assert_eq!(calm, (None, Some(at(0))));
        of.hear(at(20), &Fact::LinkHealed { consumer, server });
        assert!(of.is_felt(at(52), ANN, HERE) && !of.is_felt(at(53), ANN, HERE));
        assert_eq!(of.after(at(20)), at(52));
    }

    /// It is felt by those two alone, and by the group of the one.
    #[test]
    fn a_trouble_is_between_two() {
        let mut of = excuses();
        let (consumer, server) = (ANN, Server::Broker(HERE));
        of.hear(at(0), &Fact::LinkCut { consumer, server });
        of.hear(at(0), &Fact::LinkHealed { consumer, server });
        assert!(of.is_felt(at(20), ANN, HERE), "also what happened at 0");
        assert!(!of.is_felt(at(20), ANN, BrokerId(0)) && !of.is_felt(at(20), BOB, HERE));
        assert!(of.was_felt_anywhere(at(20), ANN) && !of.was_felt_anywhere(at(20), BOB));
        assert!(of.was_felt_by_group(at(20), GroupId(0), HERE));
        assert!(!of.was_felt_by_group(at(20), GroupId(0), BrokerId(0)));
        assert!(!of.was_felt_by_group_anywhere(at(20), GroupId(1)));
    }

    #[test]
    fn a_broker_that_is_down_troubles_all_and_a_client_that_is_stopped_itself() {
        let mut of = excuses();
        of.hear(
            at(60),
            &Fact::BrokerStopped {
                broker: HERE,
                crash: true,
            },
        );
        assert_eq!((of.client_calm_since(BOB), of.brokers_calm_since()), (None, None));
        of.hear(at(70), &Fact::BrokerStarted { broker: HERE });
        assert_eq!(
            (of.calm_since(ANN, HERE), of.ended(HERE)),
            (Some(at(70)), Some(at(60)))
        );
        of.hear(at(80), &Fact::ConsumerPaused { consumer: ANN });
        assert_eq!((of.calm_since(ANN, HERE), of.resumed(ANN)), (None, None));
        of.hear(at(90), &Fact::ConsumerResumed { consumer: ANN });
        assert_eq!(
            (of.calm_since(ANN, HERE), of.resumed(ANN)),
            (Some(at(90)), Some(at(90)))
        );
        assert_eq!(of.calm_since(BOB, BrokerId(0)), Some(at(0)));
    }

    #[test]
    fn retention_excuses_what_it_has_removed() {
        let mut of = excuses();
        let (queue, from, to) = (QueueId(3), 0, 70);
        of.hear(at(5), &Fact::Expired { queue, from, to });
        assert_eq!((of.removed_below(queue), of.removed_below(QueueId(2))), (70, 0));
        assert_eq!(of.last_removal(|of| of == queue), Some(at(5)));
        assert_eq!(of.last_removal(|of| of != queue), None);
    }
}
