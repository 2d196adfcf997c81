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
        let links = &mut self.cast.player_mut(role).links;
        let faulty = match trouble {
            Trouble::Cut => &mut links.cut,
            Trouble::Slow(_) => &mut links.slow,
        };
        faulty.insert(
            entry,
            Faulty {
                trouble,
                servers: Rc::clone(servers),
                until,
                lives: vec![member.consumer],
            },
        );
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
        if trouble == Trouble::Cut {
            return false;
        }
        let shares = |f: &Faulty| f.servers.iter().any(|server| servers.contains(server));
        let mut slow = self.cast.player(role).links.slow.iter();
        let before = slow.find(|(_, f)| shares(f)).map(|(by, f)| (*by, f.until));
        let Some((by, until)) = before else {
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
        let inherited: Vec<(Trouble, Rc<[Server]>, bool)> = self
            .cast
            .player_mut(role)
            .links
            .here_mut()
            .map(|f| {
                f.lives.push(member.consumer);
                (f.trouble, Rc::clone(&f.servers), f.until.is_some())
            })
            .collect();
        for (trouble, servers, ends) in inherited {
            if !self.afford(entry, servers.len() as u64 * (1 + u64::from(ends))) {
                return;
            }
            for server in servers.iter() {
                self.act(at, trouble.begin(member, *server));
            }
        }
    }

    /// What `entry` did to the links of a member is over.
    pub(super) fn mend(&mut self, at: SimTime, entry: usize, role: Role) {
        let Some(over) = self.cast.player_mut(role).links.take(entry) else {
            return;
        };
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
