//! What is varied: fields with their values, from `--vary` or from the study block, and which fields may be.

use crate::scenario::diagnostic::{Diagnostic, Source, Sources, Span};
use crate::scenario::field::{Field, Origin};
use crate::scenario::json::{Kind, Node};
use crate::scenario::limits;
use crate::scenario::overrides::Assignment;
use crate::scenario::study::values::{self, Form, Given, Range};

/// A field and its values.
#[derive(Clone, Debug)]
pub(super) struct Varied {
    pub(super) field: Field,
    pub(super) given: Vec<Given>,
    /// Where all the values stand.
    pub(super) span: Span,
}

impl Varied {
    /// How many values it has.
    pub(super) fn count(&self) -> u128 {
        self.given.iter().map(Given::count).fold(0, u128::saturating_add)
    }
}

/// Fields that no run measures anything of.
const UNMEASURED: [&str; 7] = ["$schema", "version", "title", "teaches", "try", "expect", "study"];

/// Reads the arguments of `--vary`; each becomes a source.
pub(super) fn arguments(vary: &[String], sources: &mut Sources) -> (Vec<Varied>, Vec<Diagnostic>) {
    let (mut varied, mut problems) = (Vec::new(), Vec::new());
    for argument in vary {
        let whole = sources.add(Source {
            name: "--vary".to_owned(),
            text: argument.clone(),
        });
        match one(argument, whole) {
            Ok(one) => varied.push(one),
            Err(found) => problems.extend(found),
        }
    }
    (varied, problems)
}

fn one(argument: &str, whole: Span) -> Result<Varied, Vec<Diagnostic>> {
    let example = "for example --vary groups.billing.strategy=AVG,AVG_BY_CIRCLE,X_STICKY";
    let Some(equals) = argument.find('=') else {
        let problem = Diagnostic::new("what is varied is written path=value,value,…").at(whole);
        return Err(vec![problem.label("there is no `=`").help(example)]);
    };
    let (path, span) = (
        Span { end: equals, ..whole },
        Span {
            start: equals + 1,
            ..whole
        },
    );
    let field = Field::parse(&argument[..equals], path, Origin::Vary).map_err(|problem| vec![*problem])?;
    let given = values::split(argument, span)?;
    if given.is_empty() {
        let problem = Diagnostic::new(format!(
            "`{}` has no values, there is nothing to compare",
            field.path
        ));
        return Err(vec![
            problem.at(whole).label("no value behind the `=`").help(example),
        ]);
    }
    Ok(Varied { field, given, span })
}

/// Reads `vary`, an object of the study block of a file.
pub(super) fn block(vary: &Node) -> (Vec<Varied>, Vec<Diagnostic>) {
    let (mut varied, mut problems) = (Vec::new(), Vec::new());
    let Kind::Object(entries) = &vary.kind else {
        return (varied, problems);
    };
    for entry in entries {
        // Without the quotes.
        let path = Span {
            start: entry.key_span.start + 1,
            end: entry.key_span.end - 1,
            ..entry.key_span
        };
        let read = Field::parse(&entry.key, path, Origin::Study).and_then(|field| {
            Ok(Varied {
                given: of_block(&field, &entry.value)?,
                span: entry.value.span,
                field,
            })
        });
        match read {
            Ok(one) => varied.push(one),
            Err(problem) => problems.push(*problem),
        }
    }
    (varied, problems)
}

fn of_block(field: &Field, value: &Node) -> Result<Vec<Given>, Box<Diagnostic>> {
    let given = |form: Form, node: &Node| Given {
        form,
        span: node.span,
    };
    match &value.kind {
        Kind::Array(items) => {
            let one = |item: &Node| given(Form::Node(item.clone()), item);
            Ok(items.iter().map(one).collect())
        }
        Kind::Text(text) => match Range::read(text) {
            Some(Ok(range)) => Ok(vec![given(Form::Range(range), value)]),
            other => {
                let (message, help) = other.and_then(Result::err).unwrap_or_else(|| {
                    let message = format!(
                        "the values of `{}` are a list, or a range like \"1..16\"",
                        field.path
                    );
                    (message, format!("write {}", values::as_list(text)))
                });
                let problem = Diagnostic::new(message).at(value.span).label("not a range");
                Err(Box::new(problem.help(help)))
            }
        },
        // The shape has been checked.
        _ => Ok(Vec::new()),
    }
}

/// What is wrong with the choice of fields.
pub(super) fn rules(varied: &[Varied], sets: &[Assignment]) -> Vec<Diagnostic> {
    if let Some(one) = varied.get(limits::FACTORS) {
        let message = format!("at most {} fields can be varied at once", limits::FACTORS);
        let problem = Diagnostic::new(message)
            .at(one.field.span)
            .label(format!("{} are", varied.len()));
        return vec![problem.help("study them one after the other")];
    }
    let mut problems = Vec::new();
    for (i, one) in varied.iter().enumerate() {
        let field = &one.field;
        let at = |message: String, label: &str| Diagnostic::new(message).at(field.span).label(label);
        if field.top() == "seed" {
            let message = "the seed is not varied: every variant meets the same seeds".to_owned();
            let problem = at(message, "no field of a study");
            problems.push(problem.help("--seeds 20 runs each variant with 20 of them"));
        } else if UNMEASURED.contains(&field.top()) {
            let message = format!("`{}` changes nothing that is measured", field.path);
            problems.push(
                at(message, "no field of a study")
                    .help("vary the cluster, its load, its groups or the timeline"),
            );
        }
        for other in &varied[..i] {
            problems.extend(collision(field, &other.field));
        }
        for set in sets.iter().filter(|set| field.holds(&set.field)) {
            let message = format!("`{}` is set, and varied with `{}`", set.field.path, field.path);
            problems.push(
                at(message, "varied here")
                    .related(set.field.span, "set here")
                    .help("leave one of them out"),
            );
        }
    }
    problems
}

/// Two fields of which one is the other, or a part of it.
fn collision(field: &Field, other: &Field) -> Option<Diagnostic> {
    let (message, help) = if field.path == other.path {
        let message = format!("`{}` is varied twice", field.path);
        (message, "give all its values in one list")
    } else if field.holds(other) || other.holds(field) {
        let (whole, part) = if field.holds(other) {
            (field, other)
        } else {
            (other, field)
        };
        let message = format!(
            "`{}` is a part of `{}`, they cannot both vary",
            part.path, whole.path
        );
        (message, "vary the whole, each value with another part")
    } else {
        return None;
    };
    let problem = Diagnostic::new(message).at(field.span).label("varied here");
    Some(problem.related(other.span, "and here").help(help))
}
