//! What the timeline does to links: members are cut off from servers, or slowed.
//!
//! Links are those of a host: a new process there finds them as they are, a new host has its own.

use super::cast::{Faulty, Role, Trouble};
use super::{Play, Step};
use crate::cluster::config::{Action, Member};
use crate::cluster::network::Server;
use crate::kernel::time::{SimDuration, SimTime};
use std::rc::Rc;

impl Trouble {
    fn begin(self, member: Member, server: Server) -> Action {
        match self {
            Self::Cut => Action::Cut { member, server },
            Self::Slow(by) => Action::Slow { member, server, by },
        }
    }
    fn end(self, member: Member, server: Server) -> Action {
        match self {
            Self::Cut => Action::Heal { member, server },
            Self::Slow(_) => Action::Slow {
                member,
                server,
                by: SimDuration::ZERO,
            },
        }
    }
}

impl Play<'_, '_> {
    /// The links of a member go bad.
    pub(super) fn spoil(
        &mut self,
        at: SimTime,
        entry: usize,
        role: Role,
        (trouble, servers, lasting): (Trouble, &Rc<[Server]>, Option<SimDuration>),
    ) {
        if self.is_slow_already(at, entry, role, trouble, servers) {
            return;
        }
        let member = self.cast.member(role);
        for server in servers.iter() {
            self.act(at, trouble.begin(member, *server));
        }
        let until = lasting.map(|lasting| at + lasting);
        self.cast.player_mut(role).faulty.push(Faulty {
            entry,
            trouble,
            servers: Rc::clone(servers),
            until,
            lives: vec![member.consumer],
            left: false,
        });
        if let Some(until) = until {
            self.plan(until, false, entry, Step::Mend(role));
        }
    }

    /// Two delays of one link do not add up: the file must say which it means.
    fn is_slow_already(
        &mut self,
        at: SimTime,
        entry: usize,
        role: Role,
        trouble: Trouble,
        servers: &[Server],
    ) -> bool {
        let is_slow = |f: &&Faulty| {
            let shared = || f.servers.iter().any(|server| servers.contains(server));
            !f.left && matches!(f.trouble, Trouble::Slow(_)) && shared()
        };
        let before = self.cast.player(role).faulty.iter().find(is_slow);
        let Some((by, until)) = before
            .filter(|_| trouble != Trouble::Cut)
            .map(|f| (f.entry, f.until))
        else {
            return false;
        };
        let until = match until {
            Some(until) => format!("until {}", until.since(SimTime::ZERO)),
            None => "to the end of the run".to_owned(),
        };
        let message = format!(
            "`{}` cannot be slowed at {}: another entry slows the same link {until}",
            self.cast.name(role),
            at.since(SimTime::ZERO),
        );
        if let Some(problem) = self.conflict(entry, message, Some((by, "slows it"))) {
            problem
                .help
                .push("let one end with \"for\" before the other begins, or name other servers".to_owned());
        }
        true
    }

    /// A new life starts on a host whose links are bad.
    pub(super) fn inherit_links(&mut self, at: SimTime, entry: usize, role: Role) {
        let member = self.cast.member(role);
        let inherited = self.cast.player(role).faulty.iter().filter(|f| !f.left);
        let inherited: Vec<(Trouble, Rc<[Server]>, bool)> = inherited
            .map(|f| (f.trouble, Rc::clone(&f.servers), f.until.is_some()))
            .collect();
        for (trouble, servers, ends) in inherited {
            if !self.afford(entry, servers.len() as u64 * (1 + u64::from(ends))) {
                return;
            }
            for server in servers.iter() {
                self.act(at, trouble.begin(member, *server));
            }
        }
        let faulty = self.cast.player_mut(role).faulty.iter_mut();
        for f in faulty.filter(|f| !f.left) {
            f.lives.push(member.consumer);
        }
    }

    /// What `entry` did to the links of a member is over.
    pub(super) fn mend(&mut self, at: SimTime, entry: usize, role: Role) {
        let faulty = &mut self.cast.player_mut(role).faulty;
        let is_over = |f: &Faulty| f.entry == entry && f.until == Some(at);
        let Some(over) = faulty.iter().position(is_over) else {
            return;
        };
        let over = faulty.remove(over);
        for consumer in over.lives {
            let member = Member {
                group: role.group,
                consumer,
            };
            for server in over.servers.iter() {
                self.act(at, over.trouble.end(member, *server));
            }
        }
    }
}
