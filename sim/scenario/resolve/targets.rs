//! Whom the timeline means: groups by name, members by number, name or pattern.

use super::Resolver;
use super::timeline::{Cast, Phase, Role};
use crate::cluster::config::GroupConfig;
use crate::cluster::ids::GroupId;
use crate::kernel::time::SimTime;
use crate::scenario::diagnostic::Span;
use crate::scenario::json::{Kind, Node};
use crate::scenario::locate::{self, FieldPath};
use crate::scenario::{limits, suggest};

impl Resolver<'_> {
    /// The group called `name`; reports it if there is none.
    pub(super) fn group(
        &mut self,
        path: &FieldPath,
        span: Span,
        name: &str,
        groups: &[GroupConfig],
    ) -> Option<GroupId> {
        if let Ok(index) = groups.binary_search_by(|g| g.name.as_str().cmp(name)) {
            return Some(GroupId(index as u32));
        }
        if self.is_full() {
            return None;
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

    /// The members of `group` that `text` names: a number from 1, a name, or a pattern over those that are `wanted`.
    pub(super) fn members(
        &mut self,
        path: &FieldPath,
        span: Span,
        cast: &Cast<'_>,
        group: GroupId,
        text: &str,
        wanted: &Wanted,
    ) -> Vec<Role> {
        if text.contains(['*', '?']) {
            return self.matching(path, span, cast, group, text, wanted);
        }
        let group_name = &cast.groups[group.index()].name;
        let count = cast.members(group);
        let number = text
            .strip_prefix(group_name)
            .and_then(|rest| rest.strip_prefix('-'))
            .unwrap_or(text);
        let index = number.parse::<u32>().ok().and_then(|n| n.checked_sub(1));
        // `007` is a number, but not the name of anybody.
        let named = |i: &u32| *i < count && (i + 1).to_string() == number;
        if let Some(number) = index.filter(named) {
            return vec![Role { group, number }];
        }
        if self.is_full() {
            return Vec::new();
        }
        let names: Vec<&str> = cast.roles(group).map(|role| cast.name(role)).collect();
        let hint = self.hint(text, &names);
        let message = format!("the group `{group_name}` has no consumer `{text}`{hint}");
        let problem = self.problem_at(path, span, message);
        problem.label = match text.parse::<u64>() {
            Ok(0) => "members count from 1".to_owned(),
            Ok(_) => format!("there are {count} by then"),
            Err(_) => "no such member".to_owned(),
        };
        problem
            .help
            .push(format!("its consumers up to then: {}", suggest::list(names, 12)));
        Vec::new()
    }

    fn matching(
        &mut self,
        path: &FieldPath,
        span: Span,
        cast: &Cast<'_>,
        group: GroupId,
        pattern: &str,
        wanted: &Wanted,
    ) -> Vec<Role> {
        if !self.look_at(path, span, cast.members(group).into()) {
            return Vec::new();
        }
        let matches = |role: &Role| {
            (wanted.phase)(cast.player(*role).phase)
                && (glob(pattern, cast.name(*role)) || glob(pattern, &(role.number + 1).to_string()))
        };
        let found: Vec<Role> = cast.roles(group).filter(matches).collect();
        if found.is_empty() {
            let message = format!(
                "no consumer of `{}` that {} at {} matches `{pattern}`",
                cast.groups[group.index()].name,
                wanted.words,
                wanted.at.since(SimTime::ZERO),
            );
            self.problem_at(path, span, message).label = "matches nothing".to_owned();
        }
        found
    }

    /// Whether so many more names may be compared with a wildcard; the first that may not are reported.
    pub(super) fn look_at(&mut self, path: &FieldPath, span: Span, names: u64) -> bool {
        let before = self.looked_at;
        self.looked_at = before.saturating_add(names);
        let is_within = self.looked_at <= limits::LOOKED_AT;
        if before <= limits::LOOKED_AT && !is_within {
            let message = "the wildcards of the timeline take too long to expand";
            self.problem_at(path, span, message).label = "one too many".to_owned();
        }
        is_within
    }

    /// Bytes `start` to `end` of the text at `path`; all of it if it was written with escapes.
    pub(super) fn inside(&self, path: &FieldPath, start: usize, end: usize) -> Span {
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

/// Whom a pattern may match.
pub(super) struct Wanted {
    pub(super) phase: fn(Phase) -> bool,
    /// The same after "a consumer that".
    pub(super) words: &'static str,
    /// When.
    pub(super) at: SimTime,
}

/// Whether `text` matches `pattern`, in which `*` stands for any text and `?` for one character.
pub(super) fn glob(pattern: &str, text: &str) -> bool {
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
