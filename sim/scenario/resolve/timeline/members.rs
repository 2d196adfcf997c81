//! What the timeline does to members: they join, end, pause, go on, start anew.

use super::cast::{Phase, Role};
use super::entry::MemberDeed;
use super::{Play, Step, path_of};
use crate::cluster::config::{Action, ConsumerConfig, FailureConfig, ListenerConfig, Member, MessageModel};
use crate::cluster::ids::GroupId;
use crate::kernel::dist::Dist;
use crate::kernel::streams::Streams;
use crate::kernel::time::{SimDuration, SimTime};
use crate::scenario::diagnostic::Span;
use crate::scenario::locate::{self, FieldPath};
use crate::scenario::resolve::expressions::{Filters, refilter};
use crate::scenario::schema::{NextClientId, Shutdown};

impl Play<'_, '_> {
    /// An entry lets members join: they are numbered on at once and start in turn.
    pub(super) fn join(&mut self, at: SimTime, entry: usize, group: GroupId, filters: &Filters) {
        let block = self.block(entry);
        let (joining, every) = (block.joining(), block.every.unwrap_or(SimDuration::ZERO));
        let client_ids = block.client_ids.clone().unwrap_or_default();
        if !self.lives(entry, group, joining.into()) || !self.afford(entry, joining.into()) {
            return;
        }
        self.steps_before_end(entry, joining.into(), 1);
        for n in 0..joining {
            let start = at + every * u64::from(n);
            let config = &self.cast.groups[group.index()];
            // None if the file has too many members to look at any.
            let Some(mut first) = config.consumers.first().cloned() else {
                return;
            };
            refilter(&mut first.filters, filters);
            let name = format!("{}-{}", config.name, self.cast.members(group) + 1);
            let client_id = client_ids.get(n as usize).unwrap_or(&name).clone();
            self.cast.groups[group.index()].consumers.push(ConsumerConfig {
                name,
                client_id,
                start: None,
                ..first
            });
            let role = self.cast.add(group, start, entry, n);
            self.plan(start, true, entry, Step::Start(role));
        }
    }

    /// A life of a member starts, under the links of its host.
    pub(super) fn start(&mut self, at: SimTime, entry: usize, role: Role) {
        let member = self.cast.member(role);
        let config = &self.cast.groups[role.group.index()].consumers[member.consumer as usize];
        let by_timeline = config.start.is_none();
        let (life, id) = (config.life, config.client_id.clone());
        if life > 1 {
            self.inherit_links(at, entry, role);
        }
        if by_timeline {
            self.act(at, Action::Join(member));
        }
        if let Some(other) = self.cast.start(role).filter(|other| *other != role) {
            self.same_client_id(role, other, &id);
        }
    }

    /// Two members that run at the same time have one client id.
    fn same_client_id(&mut self, role: Role, first: Role, id: &str) {
        let group = self.cast.groups[role.group.index()].name.clone();
        let allowed = self.resolver.file.groups[group.as_str()].allow_duplicate_client_ids;
        if allowed || self.resolver.is_full() {
            return;
        }
        let (path, span) = self.origin(&group, role);
        let (_, first) = self.origin(&group, first);
        let problem = self.resolver.problem_at(
            &path,
            span,
            format!("two consumers of the group have the client id `{id}`"),
        );
        problem.label = "second one".to_owned();
        problem.related.push((first, "first one".to_owned()));
        problem.help.push(
            "RocketMQ would leave queues without an owner; if that is what you study, set \"allowDuplicateClientIds\": true in the group"
                .to_owned(),
        );
    }

    /// What gave a member its client id.
    fn origin(&self, group: &str, role: Role) -> (FieldPath, Span) {
        let root = self.resolver.root;
        let place = match self.cast.player(role).by {
            Some((entry, n)) if self.block(entry).client_ids.is_some() => {
                let path = path_of(entry).key("clientIds").index(n as usize);
                Some((path.clone(), locate::span_of(root, &path)))
            }
            Some((entry, _)) => Some(self.place(entry)),
            None => self.resolver.place_of_client_id(group, role.number),
        };
        place.unwrap_or_else(|| (FieldPath::default(), root.opening()))
    }

    /// An entry reaches one of its targets.
    pub(super) fn hit(&mut self, at: SimTime, entry: usize, role: Role, deed: &MemberDeed) {
        if self.is_refused(at, entry, role, deed) {
            return;
        }
        let member = self.cast.member(role);
        match deed {
            MemberDeed::End(shutdown) => self.end(at, entry, role, *shutdown),
            MemberDeed::Pause(lasting) => {
                let until = lasting.map(|lasting| at + lasting);
                self.cast.player_mut(role).phase = Phase::Paused {
                    since: at,
                    until,
                    entry,
                };
                self.act(at, Action::Pause(member));
                if let Some(until) = until {
                    self.plan(until, false, entry, Step::GoOn(role, member));
                }
            }
            MemberDeed::Resume => {
                self.cast.player_mut(role).phase = Phase::Running;
                self.act(at, Action::Resume(member));
            }
            MemberDeed::Subscribe(filters) => {
                for &(topic, expression) in filters {
                    let config = &self.cast.groups[role.group.index()].consumers[member.consumer as usize];
                    if config.subscribe.as_ref().is_some_and(|own| !own.contains(&topic)) {
                        let message = format!("`{}` does not subscribe to this topic at all", config.name);
                        self.conflict(entry, message, None);
                        continue;
                    }
                    self.act(
                        at,
                        Action::Subscribe {
                            member,
                            topic,
                            expression,
                        },
                    );
                }
            }
            MemberDeed::Restart {
                shutdown,
                down_for,
                client_id,
                filters,
                ..
            } => {
                self.end(at, entry, role, *shutdown);
                self.next_life(at + *down_for, entry, role, (*client_id, filters));
            }
            MemberDeed::Links {
                trouble,
                servers,
                lasting,
            } => self.spoil(at, entry, role, (*trouble, servers, *lasting)),
            MemberDeed::SetListener { service, failure } => self.set_listener(at, role, service, failure),
            MemberDeed::SetThreads(threads) => {
                let threads = *threads;
                self.act(at, Action::SetThreads { member, threads });
            }
            MemberDeed::Forward(config) => {
                // Members that are alike come one after another.
                if self.forwards.last() != Some(config) {
                    self.forwards.push(config.clone());
                }
                let forward = self.forwards.len() as u32 - 1;
                self.act(at, Action::Forward { member, forward });
            }
        }
    }

    /// A member's listener behaves otherwise, in its later lives too.
    fn set_listener(
        &mut self,
        at: SimTime,
        role: Role,
        service: &Option<Dist>,
        failure: &Option<FailureConfig>,
    ) {
        let member = self.cast.member(role);
        let life = &self.cast.groups[role.group.index()].consumers[member.consumer as usize];
        let before = self.cast.player(role).listener;
        let before = before.map(|listener| &self.listeners[listener as usize]);
        let (old_service, old_failure) = match before {
            Some(before) => (&before.service, &before.failure),
            None => (&life.service, &life.failure),
        };
        let config = ListenerConfig {
            service: service.as_ref().unwrap_or(old_service).clone(),
            failure: failure.as_ref().unwrap_or(old_failure).clone(),
        };
        // Members that are alike come one after another.
        if self.listeners.last() != Some(&config) {
            self.listeners.push(config);
        }
        let listener = self.listeners.len() as u32 - 1;
        self.cast.player_mut(role).listener = Some(listener);
        self.act(at, Action::SetListener { member, listener });
    }

    fn end(&mut self, at: SimTime, entry: usize, role: Role, shutdown: Shutdown) {
        let member = self.cast.member(role);
        self.cast.end(role, at, entry);
        self.act(
            at,
            match shutdown {
                Shutdown::Graceful => Action::Leave(member),
                Shutdown::Kill => Action::Kill(member),
                Shutdown::Vanish => Action::Vanish(member),
            },
        );
    }

    /// The pause by `entry` is over, unless it ended the hard way.
    pub(super) fn go_on(&mut self, at: SimTime, entry: usize, role: Role, member: Member) {
        let is_this = |phase| matches!(phase, Phase::Paused { until, entry: by, .. } if by == entry && until == Some(at));
        if self.cast.member(role) == member && is_this(self.cast.player(role).phase) {
            self.cast.player_mut(role).phase = Phase::Running;
            self.act(at, Action::Resume(member));
        }
    }

    /// Appends the next life of a member that has just ended, if it begins before the end of the run.
    fn next_life(
        &mut self,
        at: SimTime,
        entry: usize,
        role: Role,
        (next, filters): (NextClientId, &Filters),
    ) {
        if at.since(SimTime::ZERO) >= self.resolver.file.duration {
            return;
        }
        let last = self.cast.member(role).consumer as usize;
        let group = &mut self.cast.groups[role.group.index()];
        let is_broadcasting = group.message_model == MessageModel::Broadcasting;
        let consumers = &mut group.consumers;
        let mut life = consumers[last].clone();
        life.life += 1;
        life.start = None;
        refilter(&mut life.filters, filters);
        let consumer = consumers.len() as u32;
        let player = self.cast.player_mut(role);
        if let Some(listener) = player.listener.take() {
            let listener = &self.listeners[listener as usize];
            life.service = listener.service.clone();
            life.failure = listener.failure.clone();
        }
        let host = player.host.get_or_insert_with(|| life.client_id.clone());
        match next {
            NextClientId::Keep => {}
            // The instance name stays `DEFAULT` there, whatever the process.
            NextClientId::NewProcess if is_broadcasting => {}
            NextClientId::NewHost if is_broadcasting => {
                *host = new_host(self.resolver.file.seed.0, &life.name, life.life);
                life.client_id.clone_from(host);
                player.links.leave_host();
            }
            NextClientId::NewProcess => life.client_id = format!("{host}#{}", life.life),
            NextClientId::NewHost => {
                *host = new_host(self.resolver.file.seed.0, &life.name, life.life);
                life.client_id = format!("{host}#{}", life.life);
                player.links.leave_host();
            }
        }
        player.consumer = consumer;
        player.by = Some((entry, 0));
        player.phase = Phase::Waiting(at, Some(entry));
        self.cast.groups[role.group.index()].consumers.push(life);
        self.plan(at, false, entry, Step::Start(role));
    }

    /// Reports it if `deed` cannot happen to a member now.
    fn is_refused(&mut self, at: SimTime, entry: usize, role: Role, deed: &MemberDeed) -> bool {
        let time = |t: SimTime| t.since(SimTime::ZERO);
        let phase = self.cast.player(role).phase;
        let (why_not, other) = match (phase, deed) {
            (Phase::Waiting(start, by), _) => (
                format!("it starts at {}", time(start)),
                by.map(|by| (by, "starts it")),
            ),
            (Phase::Ended(end, by), _) => (format!("it ended at {}", time(end)), Some((by, "ends it"))),
            (Phase::Running, MemberDeed::Resume) => ("it is not paused".to_owned(), None),
            (Phase::Paused { since, entry, .. }, MemberDeed::Pause(_)) => (
                format!("it has been paused since {}", time(since)),
                Some((entry, "pauses it")),
            ),
            (
                Phase::Paused {
                    until: Some(until),
                    entry,
                    ..
                },
                MemberDeed::Resume,
            ) => (
                format!("it goes on by itself at {}", time(until)),
                Some((entry, "pauses it")),
            ),
            (Phase::Paused { since, entry, .. }, MemberDeed::Subscribe(_)) => (
                format!("it has been paused since {}, and does nothing", time(since)),
                Some((entry, "pauses it")),
            ),
            (Phase::Paused { since, entry, .. }, deed) if deed.needs_process() => (
                format!("it has been paused since {}, and cannot shut down", time(since)),
                Some((entry, "pauses it")),
            ),
            _ => return false,
        };
        let message = format!(
            "`{}` cannot be {} at {}: {why_not}",
            self.cast.name(role),
            deed.participle(),
            time(at)
        );
        if let Some(problem) = self.conflict(entry, message, other)
            && deed.needs_process()
            && matches!(phase, Phase::Paused { .. })
        {
            problem.help.push(match deed {
                MemberDeed::Subscribe(_) => "let it go on first with \"resume\"".to_owned(),
                _ => "kill it, or let it go on first with \"resume\"".to_owned(),
            });
        }
        true
    }
}

/// A client id prefix that sorts anywhere, as an address does, the same for the same seed.
fn new_host(seed: u64, name: &str, life: u32) -> String {
    let word = Streams::new(seed).salt(&format!("{name}#{life}"), "host");
    format!("{:08x}@{name}", (word >> 32) as u32)
}
