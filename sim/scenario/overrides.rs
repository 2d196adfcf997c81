//! Changes from the command line, made in the document before it is checked.
//!
//! A changed value points at the argument that brought it, so that a problem shows the argument and not the
//! file.

use crate::kernel::time::SimDuration;
use crate::scenario::diagnostic::{Diagnostic, Source, Sources, Span};
use crate::scenario::json::{self, Entry, Kind, Node};
use crate::scenario::locate::{FieldPath, Step};
use crate::scenario::shape::{Child, Shapes};
use crate::scenario::suggest;

/// What the command line changes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Overrides {
    /// Another seed.
    pub seed: Option<u64>,
    /// An earlier end; events before it are the same as without.
    pub until: Option<SimDuration>,
    /// `path=value`; the value is JSON, or a text that needs no quotes.
    pub set: Vec<String>,
    /// Lifts the bound on messages foreseen, [`limits::MESSAGES`](super::limits::MESSAGES).
    pub max_messages: Option<u64>,
}

/// Makes the changes of `set` in `root`; each argument becomes a source.
pub fn apply(root: &mut Node, set: &[String], shapes: &Shapes, sources: &mut Sources) -> Vec<Diagnostic> {
    let mut problems = Vec::new();
    let mut done: Vec<(FieldPath, Span)> = Vec::new();
    for argument in set {
        let source = sources.0.len();
        sources.0.push(Source {
            name: "--set".to_owned(),
            text: argument.clone(),
        });
        let assignment = match Assignment::parse(argument, source) {
            Ok(assignment) => assignment,
            Err(problem) => {
                problems.push(*problem);
                continue;
            }
        };
        if let Some((_, first)) = done.iter().find(|(path, _)| *path == assignment.path) {
            problems.push(
                Diagnostic::new(format!("`{}` is set twice", assignment.path))
                    .at(assignment.path_span())
                    .label("set again here")
                    .related(*first, "first set here"),
            );
            continue;
        }
        done.push((assignment.path.clone(), assignment.path_span()));
        if let Err(problem) = assignment.apply(root, shapes) {
            problems.push(*problem);
        }
    }
    problems
}

/// One `path=value`.
struct Assignment<'a> {
    argument: &'a str,
    source: usize,
    path: FieldPath,
    /// Where each step stands in the argument.
    steps: Vec<Span>,
    /// First byte of the value.
    value_at: usize,
}

impl<'a> Assignment<'a> {
    fn parse(argument: &'a str, source: usize) -> Result<Self, Box<Diagnostic>> {
        let whole = Span {
            source,
            start: 0,
            end: argument.len(),
        };
        let wrong = |message: &str, label: &str| {
            let problem = Diagnostic::new(message).at(whole).label(label);
            Box::new(problem.help("for example --set groups.billing.consumers.count=8"))
        };
        let Some(equals) = argument.find('=') else {
            return Err(wrong("an override is written path=value", "there is no `=`"));
        };
        let (mut path, mut steps, mut at) = (FieldPath::default(), Vec::new(), 0);
        for part in argument[..equals].split('.') {
            let (name, indices) = part
                .split_once('[')
                .map_or((part, ""), |(name, rest)| (name, rest));
            let span = Span {
                source,
                start: at,
                end: at + part.len(),
            };
            if name.is_empty() {
                return Err(wrong(
                    "the path of an override has an empty step",
                    "before the `=`",
                ));
            }
            path.0.push(Step::Key(name.to_owned()));
            steps.push(span);
            for index in indices.split('[').filter(|i| !i.is_empty()) {
                let Some(index) = index.strip_suffix(']').and_then(|i| i.parse().ok()) else {
                    return Err(wrong("an index in a path is written [0], [1], …", "not an index"));
                };
                path.0.push(Step::Index(index));
                steps.push(span);
            }
            at += part.len() + 1;
        }
        Ok(Self {
            argument,
            source,
            path,
            steps,
            value_at: equals + 1,
        })
    }

    fn path_span(&self) -> Span {
        Span {
            source: self.source,
            start: 0,
            end: self.value_at - 1,
        }
    }

    /// The value: JSON if it reads as such and the field does not want a text, else a bare text.
    fn value(&self, wants_text: bool) -> Result<Node, Box<Diagnostic>> {
        let text = &self.argument[self.value_at..];
        let span = Span {
            source: self.source,
            start: self.value_at,
            end: self.argument.len(),
        };
        // Blanks in place of the path keep the places of the value right.
        let padded = " ".repeat(self.value_at) + text;
        let bare = || Node {
            span,
            kind: Kind::Text(text.to_owned()),
        };
        match json::parse(&padded, self.source) {
            Ok(node) => match node.kind {
                Kind::Number(_) | Kind::Bool(_) | Kind::Null if wants_text => Ok(bare()),
                _ => Ok(node),
            },
            Err(mut problems) if text.trim_start().starts_with(['{', '[', '"']) => {
                Err(Box::new(problems.remove(0)))
            }
            Err(_) => Ok(bare()),
        }
    }

    fn apply(&self, root: &mut Node, shapes: &Shapes) -> Result<(), Box<Diagnostic>> {
        let mut node = root;
        let mut schema = shapes.root();
        for (i, step) in self.path.0.iter().enumerate() {
            let last = i + 1 == self.path.0.len();
            let here = FieldPath(self.path.0[..i].to_vec());
            let span = self.steps[i];
            let forms = shapes.forms(schema);
            let found = node.found();
            let is_list = matches!(node.kind, Kind::Array(_));
            match (step, &mut node.kind) {
                (Step::Index(index), Kind::Array(items)) => {
                    let len = items.len();
                    let Some(item) = items.get_mut(*index) else {
                        return Err(Box::new(
                            Diagnostic::new(format!(
                                "`{here}` has {len} elements, there is no element {index}"
                            ))
                            .at(span)
                            .label("counted from 0"),
                        ));
                    };
                    schema = forms.items().unwrap_or(&serde_json::Value::Null);
                    node = item;
                }
                (Step::Key(key), Kind::Object(entries)) => {
                    let is_map = match forms.child(key) {
                        Child::Property(child) => {
                            schema = child;
                            false
                        }
                        Child::MapEntry(child) => {
                            schema = child;
                            true
                        }
                        Child::Unknown => {
                            schema = &serde_json::Value::Null;
                            false
                        }
                    };
                    let at = match entries.iter().position(|e| e.key == *key) {
                        Some(at) => at,
                        None if is_map && !last => {
                            let names: Vec<&str> = entries.iter().map(|e| e.key.as_str()).collect();
                            let hint = suggest::did_you_mean(key, names.iter().copied());
                            return Err(Box::new(
                                Diagnostic::new(format!("there is no `{key}` under `{here}`{hint}"))
                                    .at(span)
                                    .label("not in the scenario")
                                    .help(format!("`{here}` has: {}", suggest::list(names, 20))),
                            ));
                        }
                        None => {
                            let value = Node {
                                span,
                                kind: Kind::Object(Vec::new()),
                            };
                            entries.push(Entry {
                                key: key.clone(),
                                key_span: span,
                                value,
                            });
                            entries.len() - 1
                        }
                    };
                    node = &mut entries[at].value;
                }
                (Step::Index(_), _) => {
                    return Err(Box::new(
                        Diagnostic::new(format!("`{here}` is no list but {found}"))
                            .at(span)
                            .label("an index needs a list"),
                    ));
                }
                (Step::Key(key), _) => {
                    let help = if is_list {
                        format!("name an element first: {here}[0].{key}")
                    } else {
                        format!("set it as a whole: --set '{here}={{ \"{key}\": … }}'")
                    };
                    return Err(Box::new(
                        Diagnostic::new(format!(
                            "`{here}` is no object but {found}, it has no key `{key}`"
                        ))
                        .at(span)
                        .label("a key needs an object")
                        .help(help),
                    ));
                }
            }
        }
        *node = self.value(shapes.forms(schema).wants_text())?;
        Ok(())
    }
}
