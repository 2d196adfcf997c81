//! What the timeline does to links and processes, as the rules need to know it.

use rmqsim::cluster::config::{Action, ClusterConfig, Member};
use rmqsim::cluster::ids::{BrokerId, ConsumerId};
use rmqsim::cluster::network::Server;
use rmqsim::kernel::time::SimTime;
use std::collections::BTreeMap;

#[derive(Clone, Copy, Debug, Default)]
struct Link {
    cuts: u32,
    slow: bool,
    /// When it was last in trouble.
    until: Option<SimTime>,
}

/// Which links are in trouble, and since when the others are not.
pub struct Trouble<'a> {
    config: &'a ClusterConfig,
    next: usize,
    links: BTreeMap<(ConsumerId, Server), Link>,
}

impl<'a> Trouble<'a> {
    pub fn new(config: &'a ClusterConfig) -> Self {
        Self {
            config,
            next: 0,
            links: BTreeMap::new(),
        }
    }

    fn consumer(&self, member: Member) -> ConsumerId {
        let before = &self.config.groups[..member.group.index()];
        let before: usize = before.iter().map(|group| group.consumers.len()).sum();
        ConsumerId(before as u32 + member.consumer)
    }

    /// Takes note of what the timeline does up to `now`.
    pub fn advance(&mut self, now: SimTime) {
        while let Some(entry) = self
            .config
            .timeline
            .get(self.next)
            .filter(|entry| entry.at <= now)
        {
            self.next += 1;
            let (member, server) = match entry.action {
                Action::Cut { member, server }
                | Action::Heal { member, server }
                | Action::Slow { member, server, .. } => (member, server),
                _ => continue,
            };
            let key = (self.consumer(member), server);
            let link = self.links.entry(key).or_default();
            match entry.action {
                Action::Cut { .. } => link.cuts += 1,
                Action::Heal { .. } => link.cuts -= 1,
                Action::Slow { by, .. } => link.slow = !by.is_zero(),
                _ => unreachable!(),
            }
            link.until = Some(entry.at);
        }
    }

    /// Whether any link is ever in trouble.
    pub fn is_expected(&self) -> bool {
        let is_link = |action: &Action| matches!(action, Action::Cut { .. } | Action::Slow { .. });
        self.config.timeline.iter().any(|entry| is_link(&entry.action))
    }

    fn since(of: &Link) -> Option<SimTime> {
        (of.cuts == 0 && !of.slow).then(|| of.until.unwrap_or(SimTime::ZERO))
    }

    /// Since when the link to this broker has been as it should; `None` if it is not.
    pub fn link_calm_since(&self, consumer: ConsumerId, broker: BrokerId) -> Option<SimTime> {
        let link = self.links.get(&(consumer, Server::Broker(broker)));
        link.map_or(Some(SimTime::ZERO), Self::since)
    }

    /// Since when all links of a client have been as they should; `None` if one is not.
    pub fn calm_since(&self, consumer: ConsumerId) -> Option<SimTime> {
        let links = self.links.iter().filter(|((who, _), _)| *who == consumer);
        links
            .map(|(_, link)| Self::since(link))
            .try_fold(SimTime::ZERO, |latest, since| Some(latest.max(since?)))
    }
}
