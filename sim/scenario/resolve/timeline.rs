//! The timeline: wildcards to members, steps to instants, and whether each member is there to be hit.

use super::groups::member;
use super::{Resolver, field};
use crate::cluster::config::{Action, GroupConfig, Member, TimelineEntry};
use crate::kernel::time::{SimDuration, SimTime};
use crate::scenario::diagnostic::Diagnostic;
use crate::scenario::limits;
use crate::scenario::locate::{self, FieldPath};
use crate::scenario::schema::TimelineBlock;

/// When a member starts and ends, as far as the timeline has been read.
#[derive(Clone, Copy)]
pub(super) struct Life {
    start: SimTime,
    end: Option<SimTime>,
}

impl Life {
    /// Whether it runs at `now`.
    pub(super) fn at(self, now: SimTime) -> bool {
        self.start <= now && self.end.is_none_or(|end| now < end)
    }
}

/// Who is there, while the timeline is read.
pub(super) struct Cast<'g> {
    pub(super) groups: &'g mut [GroupConfig],
    /// Of each group, of each member.
    pub(super) lives: Vec<Vec<Life>>,
    /// Members of all groups.
    total: u64,
    /// Members compared with patterns so far.
    pub(super) looked_at: u64,
}

impl<'g> Cast<'g> {
    fn new(groups: &'g mut [GroupConfig]) -> Self {
        let life = |start: Option<SimTime>| Life {
            start: start.unwrap_or(SimTime::ZERO),
            end: None,
        };
        let lives_of = |g: &GroupConfig| g.consumers.iter().map(|c| life(c.start)).collect();
        let lives: Vec<Vec<Life>> = groups.iter().map(lives_of).collect();
        let total = lives.iter().map(|lives| lives.len() as u64).sum();
        Self {
            groups,
            lives,
            total,
            looked_at: 0,
        }
    }
}

impl Resolver<'_> {
    /// Expands the timeline; members that join are appended to their groups.
    pub(super) fn timeline(&mut self, groups: &mut [GroupConfig]) -> Vec<TimelineEntry> {
        let mut order: Vec<usize> = (0..self.file.timeline.len()).collect();
        order.sort_by_key(|i| self.file.timeline[*i].at);
        let mut cast = Cast::new(groups);
        let mut entries: Vec<TimelineEntry> = Vec::new();
        for i in order {
            let block = &self.file.timeline[i];
            let path = field!["timeline"].index(i);
            let Some((key, target)) = self.single_action(&path, block) else {
                continue;
            };
            self.before_end(&path.key("at"), block.at, "this happens");
            let made = match key {
                "join" => self.join(&path.key(key), block, target, &mut cast),
                _ => self.end(&path.key(key), block, target, &mut cast),
            };
            self.steps_before_end(&path, block, &made);
            entries.extend(made);
        }
        entries.sort_by_key(|e| e.at);
        entries
    }

    /// Reports an `every` that leads beyond the end of the run.
    fn steps_before_end(&mut self, path: &FieldPath, block: &TimelineBlock, made: &[TimelineEntry]) {
        let (Some(last), Some(every)) = (made.last(), block.every) else {
            return;
        };
        let (last, end) = (last.at.since(SimTime::ZERO), self.file.duration);
        if last >= end && block.at < end {
            let message = format!(
                "{} targets, one every {every} from {} on: the last at {last}, but the run ends at {end}",
                made.len(),
                block.at
            );
            self.problem(&path.key("every"), message).label = "reaches beyond the end".to_owned();
        }
    }

    /// The one action of an entry.
    fn single_action<'b>(
        &mut self,
        path: &FieldPath,
        block: &'b TimelineBlock,
    ) -> Option<(&'static str, &'b str)> {
        let all = [
            ("kill", &block.kill),
            ("leave", &block.leave),
            ("join", &block.join),
        ];
        let given: Vec<(&'static str, &'b str)> = all
            .iter()
            .filter_map(|(key, value)| Some((*key, value.as_deref()?)))
            .collect();
        match given.as_slice() {
            [] => {
                let problem = self.problem_of_entry(path, "this entry of the timeline does nothing");
                problem.label = "needs \"kill\", \"leave\" or \"join\"".to_owned();
                problem
                    .help
                    .push("for example { \"at\": \"3m\", \"kill\": \"billing/2\" }".to_owned());
                None
            }
            [(key, target)] => {
                if let (Some(_), false) = (block.count, *key == "join") {
                    let problem = self.problem(
                        &path.key("count"),
                        format!("\"count\" belongs to \"join\", not to \"{key}\""),
                    );
                    problem.label = "without effect".to_owned();
                    problem
                        .help
                        .push("name several members with a wildcard: \"billing/*\"".to_owned());
                }
                Some((key, target))
            }
            [(first, _), (second, _), ..] => {
                let problem = self.problem_of_entry(
                    path,
                    format!("this entry of the timeline has both \"{first}\" and \"{second}\""),
                );
                problem.label = "one action each".to_owned();
                problem
                    .help
                    .push("write two entries with the same \"at\"; they happen in file order".to_owned());
                None
            }
        }
    }

    fn problem_of_entry(&mut self, path: &FieldPath, message: impl Into<String>) -> &mut Diagnostic {
        let span = locate::nearest_node(self.root, path).0.opening();
        self.problem_at(path, span, message)
    }

    fn join(
        &mut self,
        path: &FieldPath,
        block: &TimelineBlock,
        target: &str,
        cast: &mut Cast<'_>,
    ) -> Vec<TimelineEntry> {
        let span = self.inside(path, 0, target.len());
        let Some(id) = self.group(path, span, target, cast.groups) else {
            return Vec::new();
        };
        let group = &mut cast.groups[id.index()];
        let joining = block.count.unwrap_or(1);
        if self.bound(
            path,
            cast.total + u64::from(joining),
            limits::CONSUMERS,
            "consumers",
        ) {
            return Vec::new();
        }
        cast.total += u64::from(joining);
        let blocks = self.file.groups[group.name.as_str()].consumers.blocks();
        let Some(template) = blocks.first() else {
            return Vec::new();
        };
        let mut made = Vec::new();
        for n in 0..joining {
            let consumer = group.consumers.len() as u32;
            let at = SimTime::ZERO + block.at + block.every.unwrap_or(SimDuration::ZERO) * u64::from(n);
            group
                .consumers
                .push(member(&group.name, consumer, template, 0, None));
            cast.lives[id.index()].push(Life { start: at, end: None });
            made.push(TimelineEntry {
                at,
                action: Action::Join(Member { group: id, consumer }),
            });
        }
        made
    }

    /// `kill` and `leave`: whichever key `path` ends with.
    fn end(
        &mut self,
        path: &FieldPath,
        block: &TimelineBlock,
        target: &str,
        cast: &mut Cast<'_>,
    ) -> Vec<TimelineEntry> {
        let Some((group_text, member_text)) = target.split_once('/') else {
            self.group_without_member(path, target, cast.groups);
            return Vec::new();
        };
        let span = self.inside(path, 0, group_text.len());
        let Some(group) = self.group(path, span, group_text, cast.groups) else {
            return Vec::new();
        };
        let span = self.inside(path, group_text.len() + 1, target.len());
        let now = SimTime::ZERO + block.at;
        let mut made = Vec::new();
        let targets = self.members(path, span, cast, group, member_text, now);
        for (n, consumer) in targets.into_iter().enumerate() {
            let at = now + block.every.unwrap_or(SimDuration::ZERO) * n as u64;
            let life = &mut cast.lives[group.index()][consumer as usize];
            if let Some(why_not) = cannot_end(*life, at) {
                let name = &cast.groups[group.index()].consumers[consumer as usize].name;
                let message = format!(
                    "`{name}` cannot be ended at {}: {why_not}",
                    at.since(SimTime::ZERO)
                );
                self.problem_at(path, span, message).label = "not then".to_owned();
                continue;
            }
            life.end = Some(at);
            made.push(TimelineEntry {
                at,
                action: ending(block, Member { group, consumer }),
            });
        }
        made
    }

    fn group_without_member(&mut self, path: &FieldPath, target: &str, groups: &[GroupConfig]) {
        let whole = self.inside(path, 0, target.len());
        if self.group(path, whole, target, groups).is_some() {
            let problem = self.problem(path, format!("`{target}` names a group, not its members"));
            problem.label = "which members?".to_owned();
            problem.help.push(format!(
                "write \"{target}/1\" for the first, \"{target}/*\" for all"
            ));
        }
    }
}

/// The action of an entry that ends members.
fn ending(block: &TimelineBlock, member: Member) -> Action {
    match block.kill {
        Some(_) => Action::Kill(member),
        None => Action::Leave(member),
    }
}

/// Why a member with this life cannot be ended at `at`.
fn cannot_end(life: Life, at: SimTime) -> Option<String> {
    let time = |t: SimTime| t.since(SimTime::ZERO);
    match life.end {
        Some(end) if end <= at => Some(format!("it ended at {}", time(end))),
        // An earlier entry with "every" reaches beyond this one.
        Some(end) => Some(format!("another entry ends it at {}", time(end))),
        None if life.start > at => Some(format!("it starts at {}", time(life.start))),
        None => None,
    }
}
