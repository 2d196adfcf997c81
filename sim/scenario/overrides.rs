//! Changes from the command line, made in the document before it is checked.

use crate::kernel::time::SimDuration;
use crate::scenario::diagnostic::{Diagnostic, Source, Sources, Span};
use crate::scenario::field::{self, Field, Origin};
use crate::scenario::json::Node;
use crate::scenario::shape::Shapes;

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
    /// The run stops after so many events, which lifts the bound on those foreseen, [`limits::EVENTS`](super::limits::EVENTS).
    pub max_events: Option<u64>,
}

/// One `--set path=value`.
pub(super) struct Assignment {
    pub(super) field: Field,
    value: Node,
}

/// Reads the arguments of `--set`; each becomes a source.
pub(super) fn read(
    set: &[String],
    shapes: &Shapes,
    sources: &mut Sources,
) -> (Vec<Assignment>, Vec<Diagnostic>) {
    let (mut assignments, mut problems) = (Vec::<Assignment>::new(), Vec::new());
    for argument in set {
        let whole = sources.add(Source {
            name: "--set".to_owned(),
            text: argument.clone(),
        });
        match Assignment::parse(argument, whole, shapes) {
            Ok(new) => match assignments.iter().find(|old| old.field.path == new.field.path) {
                Some(old) => problems.push(
                    Diagnostic::new(format!("`{}` is set twice", new.field.path))
                        .at(new.field.span)
                        .label("set again here")
                        .related(old.field.span, "first set here"),
                ),
                None => assignments.push(new),
            },
            Err(problem) => problems.push(*problem),
        }
    }
    (assignments, problems)
}

/// Makes the changes in `root`.
pub(super) fn apply(assignments: &[Assignment], root: &mut Node, shapes: &Shapes) -> Vec<Diagnostic> {
    let changes = assignments
        .iter()
        .map(|one| one.field.put(root, shapes, one.value.clone()));
    changes.filter_map(Result::err).map(|problem| *problem).collect()
}

impl Assignment {
    fn parse(argument: &str, whole: Span, shapes: &Shapes) -> Result<Self, Box<Diagnostic>> {
        let Some(equals) = argument.find('=') else {
            return Err(Box::new(
                Diagnostic::new("an override is written path=value")
                    .at(whole)
                    .label("there is no `=`")
                    .help("for example --set groups.billing.consumers.count=8"),
            ));
        };
        let path = Span { end: equals, ..whole };
        let field = Field::parse(&argument[..equals], path, Origin::Set)?;
        let behind = Span {
            start: equals + 1,
            ..whole
        };
        let value = field::value(argument, behind, field.wants_text(shapes))?;
        Ok(Self { field, value })
    }
}
