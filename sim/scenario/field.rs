//! A field named by a path, and how a value is put there: one way for `--set`, `--vary` and the study block.
//!
//! Path and value know where they were written, so that a problem shows the argument and not the file.

use crate::scenario::diagnostic::{Diagnostic, Span};
use crate::scenario::json::{self, Entry, Kind, Node};
use crate::scenario::locate::{FieldPath, Step};
use crate::scenario::shape::{Child, Shapes};
use crate::scenario::suggest;
use serde_json::Value;

/// Where a path was written; it decides how the way out is worded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// `--set path=value`
    Set,
    /// `--vary path=a,b,c`
    Vary,
    /// A key of `study.vary`.
    Study,
}

impl Origin {
    fn example(self) -> &'static str {
        match self {
            Self::Set => "for example --set groups.billing.consumers.count=8",
            Self::Vary => "for example --vary groups.billing.consumers.count=1,2,4",
            Self::Study => "for example \"groups.billing.consumers.count\": [1, 2, 4]",
        }
    }

    /// How to give `path` an object with `key` in it.
    fn as_a_whole(self, path: &FieldPath, key: &str) -> String {
        match self {
            Self::Set => format!("set it as a whole: --set '{path}={{ \"{key}\": … }}'"),
            Self::Vary => {
                format!("vary it as a whole: --vary '{path}={{ \"{key}\": … }},{{ \"{key}\": … }}'")
            }
            Self::Study => format!("vary it as a whole: \"{path}\": [{{ \"{key}\": … }}]"),
        }
    }
}

/// A field that somebody named.
#[derive(Clone, Debug)]
pub(super) struct Field {
    pub(super) path: FieldPath,
    /// Where the path stands.
    pub(super) span: Span,
    /// Where each step of it stands.
    steps: Vec<Span>,
    origin: Origin,
}

impl Field {
    /// Reads the path `text`, which stands at `span`.
    pub(super) fn parse(text: &str, span: Span, origin: Origin) -> Result<Self, Box<Diagnostic>> {
        let wrong = |message: &str, label: &str, span: Span| {
            let problem = Diagnostic::new(message).at(span).label(label);
            Box::new(problem.help(origin.example()))
        };
        // With escapes in the text its bytes have no places of their own.
        let exact = span.end - span.start == text.len();
        let (mut path, mut steps, mut at) = (FieldPath::default(), Vec::new(), span.start);
        for part in text.split('.') {
            let (name, indices) = part
                .split_once('[')
                .map_or((part, ""), |(name, rest)| (name, rest));
            let place = match exact {
                true => Span {
                    start: at,
                    end: at + part.len(),
                    ..span
                },
                false => span,
            };
            if name.is_empty() {
                return Err(wrong("the path of a field has an empty step", "this path", span));
            }
            path.0.push(Step::Key(name.to_owned()));
            steps.push(place);
            for index in indices.split('[').filter(|i| !i.is_empty()) {
                let Some(index) = index.strip_suffix(']').and_then(|i| i.parse().ok()) else {
                    let message = "an index in a path is written [0], [1], …";
                    return Err(wrong(message, "not an index", place));
                };
                path.0.push(Step::Index(index));
                steps.push(place);
            }
            at += part.len() + 1;
        }
        Ok(Self {
            path,
            span,
            steps,
            origin,
        })
    }

    /// The name at the top of the path.
    pub(super) fn top(&self) -> &str {
        match self.path.0.first() {
            Some(Step::Key(key)) => key,
            _ => "",
        }
    }

    /// Whether this is `other` or holds it.
    pub(super) fn holds(&self, other: &Self) -> bool {
        other.path.0.starts_with(&self.path.0)
    }

    /// Whether the field takes texts, but neither numbers nor quantities.
    pub(super) fn wants_text(&self, shapes: &Shapes) -> bool {
        let mut schema = shapes.root();
        for step in &self.path.0 {
            schema = below(shapes, schema, step).0;
        }
        shapes.forms(schema).wants_text()
    }

    /// Puts `value` there; what lies on the way and is missing comes into being.
    pub(super) fn put(&self, root: &mut Node, shapes: &Shapes, value: Node) -> Result<(), Box<Diagnostic>> {
        let mut node = root;
        let mut schema = shapes.root();
        for (i, step) in self.path.0.iter().enumerate() {
            let span = self.steps[i];
            let (found, is_list) = (node.found(), matches!(node.kind, Kind::Array(_)));
            let (child, is_map) = below(shapes, schema, step);
            match (step, &mut node.kind) {
                (Step::Index(index), Kind::Array(items)) => {
                    let len = items.len();
                    let Some(item) = items.get_mut(*index) else {
                        return Err(self.no_element(i, len, *index));
                    };
                    node = item;
                }
                (Step::Key(key), Kind::Object(entries)) => {
                    let at = match entries.iter().position(|e| e.key == *key) {
                        Some(at) => at,
                        None if is_map && i + 1 < self.path.0.len() => {
                            return Err(self.no_name(i, key, entries));
                        }
                        None => {
                            entries.push(Entry {
                                key: key.clone(),
                                key_span: span,
                                value: Node {
                                    span,
                                    kind: Kind::Object(Vec::new()),
                                },
                            });
                            entries.len() - 1
                        }
                    };
                    node = &mut entries[at].value;
                }
                (Step::Index(_), _) => {
                    let message = format!("`{}` is no list but {found}", self.before(i));
                    let problem = Diagnostic::new(message).at(span);
                    return Err(Box::new(problem.label("an index needs a list")));
                }
                (Step::Key(key), _) => return Err(self.no_object(i, key, &found, is_list)),
            }
            schema = child;
        }
        *node = value;
        Ok(())
    }

    /// The path up to step `i`.
    fn before(&self, i: usize) -> FieldPath {
        FieldPath(self.path.0[..i].to_vec())
    }

    fn no_element(&self, i: usize, len: usize, index: usize) -> Box<Diagnostic> {
        let here = self.before(i);
        let message = format!("`{here}` has {len} elements, there is no element {index}");
        Box::new(Diagnostic::new(message).at(self.steps[i]).label("counted from 0"))
    }

    fn no_name(&self, i: usize, key: &str, entries: &[Entry]) -> Box<Diagnostic> {
        let here = self.before(i);
        let names: Vec<&str> = entries.iter().map(|e| e.key.as_str()).collect();
        let hint = suggest::did_you_mean(key, names.iter().copied());
        Box::new(
            Diagnostic::new(format!("there is no `{key}` under `{here}`{hint}"))
                .at(self.steps[i])
                .label("not in the scenario")
                .help(format!("`{here}` has: {}", suggest::list(names, 20))),
        )
    }

    fn no_object(&self, i: usize, key: &str, found: &str, is_list: bool) -> Box<Diagnostic> {
        let here = self.before(i);
        let help = match is_list {
            true => format!("name an element first: {here}[0].{key}"),
            false => self.origin.as_a_whole(&here, key),
        };
        let message = format!("`{here}` is no object but {found}, it has no key `{key}`");
        let problem = Diagnostic::new(message).at(self.steps[i]);
        Box::new(problem.label("a key needs an object").help(help))
    }
}

/// What the schema says one step further down, and whether that is an entry of a map.
fn below<'s>(shapes: &'s Shapes, schema: &'s Value, step: &Step) -> (&'s Value, bool) {
    let forms = shapes.forms(schema);
    match step {
        Step::Index(_) => (forms.items().unwrap_or(&Value::Null), false),
        Step::Key(key) => match forms.child(key) {
            Child::Property(child) => (child, false),
            Child::MapEntry(child) => (child, true),
            Child::Unknown => (&Value::Null, false),
        },
    }
}

/// The value that `argument` holds at `span`: JSON if it reads as such and the field does not want a text, else a
/// bare text.
pub(super) fn value(argument: &str, span: Span, wants_text: bool) -> Result<Node, Box<Diagnostic>> {
    let text = &argument[span.start..span.end];
    // Blanks in place of what stands before keep the places of the value right.
    let padded = " ".repeat(span.start) + text;
    let bare = || Node {
        span,
        kind: Kind::Text(text.to_owned()),
    };
    match json::parse(&padded, span.source) {
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
