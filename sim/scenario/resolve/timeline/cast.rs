//! Who is there, while the timeline is played through.

use crate::cluster::config::{GroupConfig, Member};
use crate::cluster::ids::GroupId;
use crate::cluster::network::Server;
use crate::kernel::time::{SimDuration, SimTime};
use std::collections::BTreeMap;
use std::rc::Rc;

/// A member by its number, whichever of its lives it is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Role {
    pub group: GroupId,
    /// From 0.
    pub number: u32,
}

/// What a member is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Its next life starts then, by this entry of the timeline if by any.
    Waiting(SimTime, Option<usize>),
    Running,
    Paused {
        since: SimTime,
        /// When it goes on by itself.
        until: Option<SimTime>,
        /// By which entry of the timeline.
        entry: usize,
    },
    /// Since then, by this entry.
    Ended(SimTime, usize),
}

impl Phase {
    /// Whether its process exists, stopped or not.
    pub fn is_alive(self) -> bool {
        matches!(self, Self::Running | Self::Paused { .. })
    }
    /// Whether it waits for somebody to let it go on.
    pub fn is_stuck(self) -> bool {
        matches!(self, Self::Paused { until: None, .. })
    }
}

/// What is wrong with links.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    Cut,
    Slow(SimDuration),
}

/// Links of one host that one entry has put in trouble.
pub struct Faulty {
    pub trouble: Trouble,
    /// The other ends.
    pub servers: Rc<[Server]>,
    /// When it ends by itself.
    pub until: Option<SimTime>,
    /// Lives of the member that have had it, by position in the group.
    pub lives: Vec<u32>,
}

/// What is wrong with the links of a member's host, by entry of the timeline.
#[derive(Default)]
pub struct Links {
    pub cut: BTreeMap<usize, Faulty>,
    /// No two of them share a server.
    pub slow: BTreeMap<usize, Faulty>,
    /// What was wrong on hosts that it has left, and ends later.
    pub left: BTreeMap<usize, Faulty>,
}

impl Links {
    /// The member moves to another host.
    pub fn leave_host(&mut self) {
        self.left.append(&mut self.cut);
        self.left.append(&mut self.slow);
    }
    /// What is wrong where it is.
    pub fn here_mut(&mut self) -> impl Iterator<Item = &mut Faulty> {
        self.cut.values_mut().chain(self.slow.values_mut())
    }
    /// Takes out what `entry` put in.
    pub fn take(&mut self, entry: usize) -> Option<Faulty> {
        [&mut self.cut, &mut self.slow, &mut self.left]
            .into_iter()
            .find_map(|faulty| faulty.remove(&entry))
    }
}

/// A member: its latest life and its host.
pub struct Player {
    /// Position of its latest life in the group.
    pub consumer: u32,
    pub phase: Phase,
    /// The entry that started its latest life, if any, and as which one of those that join.
    pub by: Option<(usize, u32)>,
    /// Client id without the number of the life; known from the first restart on.
    pub host: Option<String>,
    /// What its listener has become in this life, among those of the timeline.
    pub listener: Option<u32>,
    pub links: Links,
}

impl Player {
    fn new(consumer: u32, phase: Phase) -> Self {
        Self {
            consumer,
            phase,
            by: None,
            host: None,
            listener: None,
            links: Links::default(),
        }
    }
}

/// All members.
pub struct Cast<'g> {
    pub groups: &'g mut [GroupConfig],
    /// Of each group, by number.
    players: Vec<Vec<Player>>,
    /// Of each group, who runs under a client id; the latest if there are several.
    ids: Vec<BTreeMap<String, Role>>,
    /// Lives of all members of all groups, those to come included.
    pub total: u64,
}

impl<'g> Cast<'g> {
    pub fn new(groups: &'g mut [GroupConfig]) -> Self {
        let waiting = |start: Option<SimTime>| Phase::Waiting(start.unwrap_or(SimTime::ZERO), None);
        let players_of = |g: &GroupConfig| {
            let consumers = (0..).zip(&g.consumers);
            consumers.map(|(i, c)| Player::new(i, waiting(c.start))).collect()
        };
        let players: Vec<Vec<Player>> = groups.iter().map(players_of).collect();
        Self {
            ids: vec![BTreeMap::new(); groups.len()],
            total: players.iter().map(|players| players.len() as u64).sum(),
            groups,
            players,
        }
    }

    /// How many members a group has had so far.
    pub fn members(&self, group: GroupId) -> u32 {
        self.players[group.index()].len() as u32
    }
    pub fn player(&self, role: Role) -> &Player {
        &self.players[role.group.index()][role.number as usize]
    }
    pub fn player_mut(&mut self, role: Role) -> &mut Player {
        &mut self.players[role.group.index()][role.number as usize]
    }
    /// All members of a group, by number.
    pub fn roles(&self, group: GroupId) -> impl Iterator<Item = Role> + use<> {
        (0..self.members(group)).map(move |number| Role { group, number })
    }
    /// The latest life of a member.
    pub fn member(&self, role: Role) -> Member {
        Member {
            group: role.group,
            consumer: self.player(role).consumer,
        }
    }
    /// What a member is called.
    pub fn name(&self, role: Role) -> &str {
        let consumer = self.player(role).consumer as usize;
        &self.groups[role.group.index()].consumers[consumer].name
    }
    fn client_id(&self, role: Role) -> &str {
        let consumer = self.player(role).consumer as usize;
        &self.groups[role.group.index()].consumers[consumer].client_id
    }

    /// Adds a member to `group`, whose configuration was appended last, and which starts at `at` as the `n`-th of
    /// `entry`.
    pub fn add(&mut self, group: GroupId, at: SimTime, entry: usize, n: u32) -> Role {
        let number = self.members(group);
        let consumer = self.groups[group.index()].consumers.len() as u32 - 1;
        let mut player = Player::new(consumer, Phase::Waiting(at, Some(entry)));
        player.by = Some((entry, n));
        self.players[group.index()].push(player);
        Role { group, number }
    }

    /// A member starts. Gives who else runs under its client id, if anybody does.
    pub fn start(&mut self, role: Role) -> Option<Role> {
        self.player_mut(role).phase = Phase::Running;
        let id = self.client_id(role).to_owned();
        self.ids[role.group.index()].insert(id, role)
    }

    /// A member ends.
    pub fn end(&mut self, role: Role, at: SimTime, entry: usize) {
        let id = self.client_id(role).to_owned();
        let ids = &mut self.ids[role.group.index()];
        if ids.get(&id) == Some(&role) {
            ids.remove(&id);
        }
        self.player_mut(role).phase = Phase::Ended(at, entry);
    }
}
