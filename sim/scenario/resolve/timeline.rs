//! The timeline: wildcards to members, steps to instants, and whether each member is there to be hit.

use super::groups::member;
use super::{Resolver, field};
use crate::cluster::config::{Action, GroupConfig, TimelineEntry};
use crate::cluster::ids::GroupId;
use crate::kernel::time::{SimDuration, SimTime};
use crate::scenario::diagnostic::Span;
use crate::scenario::estimate::grouped;
use crate::scenario::json::{Kind, Node};
use crate::scenario::locate::{self, FieldPath};
use crate::scenario::schema::TimelineBlock;
use crate::scenario::{limits, suggest};

/// When a member starts and ends, as far as the timeline has been read.
#[derive(Clone, Copy)]
struct Life {
    start: SimTime,
    end: Option<SimTime>,
}

impl Life {
    fn at(self, now: SimTime) -> bool {
        self.start <= now && self.end.is_none_or(|end| now < end)
    }
}

#[derive(Clone, Copy)]
enum Verb {
    Kill,
    Leave,
}

impl Verb {
    fn action(self, group: GroupId, consumer: u32) -> Action {
        match self {
            Self::Kill => Action::Kill { group, consumer },
            Self::Leave => Action::Leave { group, consumer },
        }
    }
}

impl Resolver<'_> {
    /// Expands the timeline; members that join are appended to their groups.
    pub(super) fn timeline(&mut self, groups: &mut [GroupConfig]) -> Vec<TimelineEntry> {
        let mut order: Vec<usize> = (0..self.file.timeline.len()).collect();
        order.sort_by_key(|i| self.file.timeline[*i].at);
        let mut lives: Vec<Vec<Life>> = groups
            .iter()
            .map(|g| {
                g.consumers
                    .iter()
                    .map(|c| Life {
                        start: c.start.unwrap_or(SimTime::ZERO),
                        end: None,
                    })
                    .collect()
            })
            .collect();
        let mut entries: Vec<TimelineEntry> = Vec::new();
        for i in order {
            let block = &self.file.timeline[i];
            let path = field!["timeline"].index(i);
            let Some((key, target)) = self.single_action(&path, block) else {
                continue;
            };
            self.before_end(&path.key("at"), block.at, "this happens");
            let made = match key {
                "join" => self.join(&path, block, target, groups, &mut lives),
                "kill" => self.end(&path, block, Verb::Kill, target, groups, &mut lives),
                _ => self.end(&path, block, Verb::Leave, target, groups, &mut lives),
            };
            if self.too_long(&path, entries.len() + made.len()) {
                return entries;
            }
            if let (Some(last), Some(every)) = (made.last(), block.every) {
                let last = last.at.since(SimTime::ZERO);
                if last >= self.file.duration && block.at < self.file.duration {
                    let message = format!(
                        "{} targets, one every {every} from {} on: the last at {last}, but the run ends at {}",
                        made.len(),
                        block.at,
                        self.file.duration
                    );
                    self.problem(&path.key("every"), message).label = "reaches beyond the end".to_owned();
                }
            }
            entries.extend(made);
        }
        entries.sort_by_key(|e| e.at);
        entries
    }

    fn too_long(&mut self, path: &FieldPath, entries: usize) -> bool {
        let too_long = entries as u64 > limits::TIMELINE;
        if too_long {
            let bound = grouped(limits::TIMELINE.into());
            self.problem(
                path,
                format!("the timeline has more than {bound} entries once wildcards are expanded"),
            )
            .label = "too many".to_owned();
        }
        too_long
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

    fn problem_of_entry(
        &mut self,
        path: &FieldPath,
        message: impl Into<String>,
    ) -> &mut crate::scenario::diagnostic::Diagnostic {
        let span = locate::nearest_node(self.root, path).0.opening();
        self.problem_at(path, span, message)
    }

    fn join(
        &mut self,
        path: &FieldPath,
        block: &TimelineBlock,
        target: &str,
        groups: &mut [GroupConfig],
        lives: &mut [Vec<Life>],
    ) -> Vec<TimelineEntry> {
        let here = path.key("join");
        let span = self.inside(&here, 0, target.len());
        let Some(id) = self.group(&here, span, target, groups) else {
            return Vec::new();
        };
        let group = &mut groups[id.index()];
        let consumers = &self.file.groups[group.name.as_str()].consumers;
        let Some(template) = consumers.blocks().first() else {
            return Vec::new();
        };
        let mut made = Vec::new();
        let joining = block.count.unwrap_or(1);
        if group.consumers.len() as u64 + u64::from(joining) > limits::CONSUMERS {
            self.bound(
                &path.key("count"),
                u64::from(joining),
                limits::CONSUMERS,
                "consumers",
            );
            return made;
        }
        for n in 0..joining {
            let consumer = group.consumers.len() as u32;
            let at = SimTime::ZERO + block.at + block.every.unwrap_or(SimDuration::ZERO) * u64::from(n);
            group
                .consumers
                .push(member(&group.name, consumer, template, 0, None));
            lives[id.index()].push(Life { start: at, end: None });
            made.push(TimelineEntry {
                at,
                action: Action::Join { group: id, consumer },
            });
        }
        made
    }

    fn end(
        &mut self,
        path: &FieldPath,
        block: &TimelineBlock,
        verb: Verb,
        target: &str,
        groups: &[GroupConfig],
        lives: &mut [Vec<Life>],
    ) -> Vec<TimelineEntry> {
        let here = path.key(match verb {
            Verb::Kill => "kill",
            Verb::Leave => "leave",
        });
        let Some((group_text, member_text)) = target.split_once('/') else {
            let whole = self.inside(&here, 0, target.len());
            if self.group(&here, whole, target, groups).is_some() {
                let problem = self.problem(&here, format!("`{target}` names a group, not its members"));
                problem.label = "which members?".to_owned();
                problem.help.push(format!(
                    "write \"{target}/1\" for the first, \"{target}/*\" for all"
                ));
            }
            return Vec::new();
        };
        let span = self.inside(&here, 0, group_text.len());
        let Some(id) = self.group(&here, span, group_text, groups) else {
            return Vec::new();
        };
        let span = self.inside(&here, group_text.len() + 1, target.len());
        let now = SimTime::ZERO + block.at;
        let lives = &mut lives[id.index()];
        let targets = self.members(&here, span, &groups[id.index()], lives, member_text, now);
        let mut made = Vec::new();
        for (n, consumer) in targets.into_iter().enumerate() {
            let at = now + block.every.unwrap_or(SimDuration::ZERO) * n as u64;
            let life = &mut lives[consumer as usize];
            if !life.at(at) {
                let name = groups[id.index()].consumers[consumer as usize].name.clone();
                let state = match life.end {
                    Some(end) if end <= at => format!("it ended at {}", end.since(SimTime::ZERO)),
                    _ => format!("it starts at {}", life.start.since(SimTime::ZERO)),
                };
                let problem = self.problem_at(
                    &here,
                    span,
                    format!("`{name}` is not running at {}: {state}", at.since(SimTime::ZERO)),
                );
                problem.label = "not running then".to_owned();
                continue;
            }
            life.end = Some(at);
            made.push(TimelineEntry {
                at,
                action: verb.action(id, consumer),
            });
        }
        made
    }

    /// The group called `name`; reports it if there is none.
    fn group(&mut self, path: &FieldPath, span: Span, name: &str, groups: &[GroupConfig]) -> Option<GroupId> {
        if let Ok(index) = groups.binary_search_by(|g| g.name.as_str().cmp(name)) {
            return Some(GroupId(index as u32));
        }
        let known: Vec<&str> = groups.iter().map(|g| g.name.as_str()).collect();
        let message = format!("unknown consumer group `{name}`{}", self.hint(name, &known));
        let problem = self.problem_at(path, span, message);
        problem.label = "not declared under \"groups\"".to_owned();
        problem.help.push(match groups.is_empty() {
            true => "the scenario declares no group".to_owned(),
            false => format!("declared groups: {}", suggest::list(known, 20)),
        });
        None
    }

    /// The members that `text` names: a number from 1, a name, or a pattern over those that run at `now`.
    fn members(
        &mut self,
        path: &FieldPath,
        span: Span,
        group: &GroupConfig,
        lives: &[Life],
        text: &str,
        now: SimTime,
    ) -> Vec<u32> {
        let count = group.consumers.len();
        if text.contains(['*', '?']) {
            let matching = |i: &u32| {
                let name = &group.consumers[*i as usize].name;
                let number = (i + 1).to_string();
                glob(text, name) || glob(text, &number)
            };
            let found: Vec<u32> = (0..count as u32)
                .filter(matching)
                .filter(|i| lives[*i as usize].at(now))
                .collect();
            if found.is_empty() {
                let problem = self.problem_at(
                    path,
                    span,
                    format!(
                        "no consumer of `{}` that runs at {} matches `{text}`",
                        group.name,
                        now.since(SimTime::ZERO)
                    ),
                );
                problem.label = "matches nothing".to_owned();
            }
            return found;
        }
        let by_number = text
            .parse::<u32>()
            .ok()
            .filter(|n| *n >= 1 && *n as usize <= count)
            .map(|n| n - 1);
        let by_name = || {
            group
                .consumers
                .iter()
                .position(|c| c.name == text)
                .map(|i| i as u32)
        };
        if let Some(found) = by_number.or_else(by_name) {
            return vec![found];
        }
        let names: Vec<&str> = group.consumers.iter().map(|c| c.name.as_str()).collect();
        let message = format!(
            "the group `{}` has no consumer `{text}`{}",
            group.name,
            self.hint(text, &names)
        );
        let help = format!("its consumers up to then: {}", suggest::list(names, 12));
        let problem = self.problem_at(path, span, message);
        problem.label = match text.parse::<u64>() {
            Ok(0) => "members count from 1".to_owned(),
            Ok(_) => format!("there are {count}"),
            Err(_) => "no such member".to_owned(),
        };
        problem.help.push(help);
        Vec::new()
    }

    /// Bytes `start` to `end` of the text at `path`; all of it if it was written with escapes.
    fn inside(&self, path: &FieldPath, start: usize, end: usize) -> Span {
        let node = locate::nearest_node(self.root, path).0;
        let Node {
            span,
            kind: Kind::Text(text),
        } = node
        else {
            return node.span;
        };
        let quotes = match span.end - span.start - text.len().min(span.end - span.start) {
            2 => 1,
            0 => 0, // a bare text of the command line
            _ => return *span,
        };
        Span {
            source: span.source,
            start: span.start + quotes + start,
            end: span.start + quotes + end.min(text.len()),
        }
    }
}

/// Whether `text` matches `pattern`, in which `*` stands for any text and `?` for one character.
fn glob(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    let (mut p, mut t) = (0, 0);
    // Where to take up again if what follows the last star did not match: one character later.
    let mut retry: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some('*') => {
                retry = Some((p + 1, t));
                p += 1;
            }
            Some(c) if *c == '?' || *c == text[t] => {
                p += 1;
                t += 1;
            }
            _ => match retry {
                Some((after_star, from)) => {
                    retry = Some((after_star, from + 1));
                    p = after_star;
                    t = from + 1;
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_in_a_shell() {
        for (pattern, text, expected) in [
            ("*", "", true),
            ("*", "abc", true),
            ("a*c", "abbc", true),
            ("a*c", "abcd", false),
            ("?", "", false),
            ("billing-?", "billing-12", false),
            ("*-1*2", "x-1-12", true),
            ("**", "a", true),
            ("a", "a", true),
        ] {
            assert_eq!(glob(pattern, text), expected, "{pattern} {text}");
        }
    }
}
