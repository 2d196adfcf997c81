//! The same clusters in trouble: clients vanish, stop and go on, lose links and get them back, come a second time,
//! subscribe to something else or share a client id; topics change their queues.
//!
//! All trouble begins in the minute of unrest. What ends, ends before the rest, which is long enough for every
//! time-out of client and broker (120 s without a heartbeat, a scan, a heartbeat, a round) to run its course.

use crate::random::cases::{self, Chooser, UNREST, at, ms, some_of};
use rmqsim::cluster::config::{
    Action, ClusterConfig, GroupConfig, Member, RocketMqVersion, TimelineEntry, TopicQueues,
};
use rmqsim::cluster::ids::{BrokerId, GroupId, TopicId};
use rmqsim::cluster::network::Server;
use rmqsim::kernel::streams::Streams;

/// The longest fault that ends.
const LONGEST: u64 = 200_000;
/// 120 s + 10 s until the silent are given up, 20 s until others notice, 31 s for a pull, 30 s for a route, 30 s
/// for a heartbeat, and the retries of messages on top.
const REST: u64 = 300_000;

/// A random cluster in trouble.
pub fn case(number: u64, version: RocketMqVersion) -> ClusterConfig {
    let mut config = cases::case(number, version);
    let mut c = Chooser(Streams::new(number).stream("case", "faults"));
    config.duration = ms(UNREST + LONGEST + REST);
    config.name_servers = c.pick(&[1, 1, 2]);
    let topics = config.topics.len() as u32;
    for group in &mut config.groups {
        mistakes(&mut c, group, topics);
    }
    let mut faults = Faults {
        c,
        entries: config.timeline.clone(),
    };
    let members = config.groups.iter().enumerate().flat_map(|(g, group)| {
        (0..group.consumers.len() as u32).map(move |consumer| Member {
            group: GroupId(g as u32),
            consumer,
        })
    });
    // Most clusters have a fault or two, some have nothing else.
    let rounds = faults.c.pick(&[1, 1, 1, 3]);
    for member in members.collect::<Vec<_>>().repeat(rounds) {
        faults.of_member(&config, member);
    }
    faults.topic_updates(&config);
    for g in 0..config.groups.len() {
        faults.second_lives(&mut config.groups[g], GroupId(g as u32));
    }
    faults.entries.sort_by_key(|entry| entry.at);
    config.timeline = faults.entries;
    config
}

/// Settings that operators get wrong, each in few groups.
fn mistakes(c: &mut Chooser, group: &mut GroupConfig, topics: u32) {
    let members = group.consumers.len() as u64;
    if members > 1 && c.percent(10) {
        let (copy, of) = (c.below(members) as usize, c.below(members) as usize);
        group.consumers[copy].client_id = group.consumers[of].client_id.clone();
    }
    if members > 0 && c.percent(10) {
        let member = c.below(members) as usize;
        let own = some_of(c, topics).into_iter().map(TopicId);
        let own: Vec<TopicId> = own.filter(|topic| group.subscribe.contains(topic)).collect();
        group.consumers[member].subscribe = (!own.is_empty()).then_some(own);
    }
}

struct Faults {
    c: Chooser,
    entries: Vec<TimelineEntry>,
}

impl Faults {
    fn add(&mut self, millis: u64, action: Action) {
        self.entries.push(TimelineEntry {
            at: at(millis),
            action,
        });
    }

    /// A time in the minute of unrest. Whole seconds are likely, so that faults meet timers.
    fn begin(&mut self) -> u64 {
        if self.c.percent(50) {
            1000 * self.c.below(UNREST / 1000)
        } else {
            self.c.below(UNREST)
        }
    }

    fn of_member(&mut self, config: &ClusterConfig, member: Member) {
        if self.c.percent(10) {
            let time = self.begin();
            self.add(time, Action::Vanish(member));
        }
        if self.c.percent(20) {
            self.pause(member);
        }
        if self.c.percent(25) {
            self.cut(config, member);
        }
        if self.c.percent(10) {
            self.slow(config, member);
        }
    }

    fn pause(&mut self, member: Member) {
        let begin = self.begin();
        self.add(begin, Action::Pause(member));
        let long = self.c.pick(&[
            100, 1000, 5000, 20_000, 32_000, 70_000, 110_000, 125_000, 150_000, LONGEST,
        ]);
        if self.c.percent(85) {
            self.add(begin + long, Action::Resume(member));
        }
    }

    fn servers(&mut self, config: &ClusterConfig) -> Vec<Server> {
        let brokers = (0..config.brokers.len() as u32).map(|b| Server::Broker(BrokerId(b)));
        let name_servers = (0..config.name_servers).map(Server::NameServer);
        let all: Vec<Server> = brokers.chain(name_servers).collect();
        match self.c.below(4) {
            0 => all,
            1 => all[..config.brokers.len()].to_vec(),
            _ => {
                let some = some_of(&mut self.c, all.len() as u32);
                some.into_iter().map(|at| all[at as usize]).collect()
            }
        }
    }

    /// Cuts some links. They are healed, one by one or all at once, or never; then the client dies too.
    fn cut(&mut self, config: &ClusterConfig, member: Member) {
        let begin = self.begin();
        let long = |c: &mut Chooser| {
            c.pick(&[
                100, 1000, 2500, 3500, 8000, 20_000, 33_000, 60_000, 100_000, 125_000, 150_000,
            ])
        };
        let (all, heals) = (long(&mut self.c), self.c.percent(85));
        let together = self.c.percent(60);
        for server in self.servers(config) {
            self.add(begin, Action::Cut { member, server });
            if heals {
                let length = if together { all } else { long(&mut self.c) };
                self.add(begin + length, Action::Heal { member, server });
            }
        }
        if !heals {
            let time = self.c.within(begin, UNREST);
            let end = self.c.pick(&[Action::Kill(member), Action::Vanish(member)]);
            self.add(time, end);
            // It may have started after that.
            self.add(UNREST, Action::Kill(member));
        }
    }

    fn slow(&mut self, config: &ClusterConfig, member: Member) {
        let begin = self.begin();
        let by = ms(self.c.pick(&[1, 100, 700, 1400, 1600, 2900, 5000]));
        let long = self.c.pick(&[1000, 10_000, 40_000, 140_000]);
        for server in self.servers(config) {
            self.add(begin, Action::Slow { member, server, by });
            let by = ms(0);
            self.add(begin + long, Action::Slow { member, server, by });
        }
    }

    /// Topics grow and shrink, for readers and writers together or one after the other; a broker may be new to them.
    fn topic_updates(&mut self, config: &ClusterConfig) {
        let most = if config
            .topics
            .iter()
            .all(|t| t.placement.iter().all(|(_, n)| n.write <= 2))
        {
            2
        } else {
            6
        };
        for topic in 0..config.topics.len() as u32 {
            for _ in 0..self.c.pick(&[0, 0, 0, 1, 1, 2, 3]) {
                let (time, topic) = (self.begin(), TopicId(topic));
                let broker = BrokerId(self.c.below(config.brokers.len() as u64) as u32);
                let least = u64::from(!self.c.percent(15));
                let numbers = TopicQueues {
                    read: self.c.within(least, most) as u32,
                    write: self.c.within(least, most) as u32,
                };
                self.add(
                    time,
                    Action::UpdateTopic {
                        topic,
                        broker,
                        numbers,
                    },
                );
            }
        }
    }

    /// Who was there once comes back, under the same client id or another, with links of its own.
    fn second_lives(&mut self, group: &mut GroupConfig, id: GroupId) {
        for at in 0..group.consumers.len() {
            if !self.c.percent(20) {
                continue;
            }
            let mut second = group.consumers[at].clone();
            (second.life, second.start) = (2, None);
            if self.c.percent(50) {
                second.client_id.push_str("#2");
            }
            group.consumers.push(second);
            let (time, consumer) = (self.begin(), group.consumers.len() as u32 - 1);
            self.add(time, Action::Join(Member { group: id, consumer }));
        }
    }
}
