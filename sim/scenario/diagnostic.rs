//! Problems of a scenario: what, where, why, way out; all of them in one go.
//!
//! A problem carries byte spans; lines and columns are worked out when it is shown. At most
//! [`SHOWN`] problems are shown, in the order of the text, then a count of the rest.

use crate::scenario::locate::{LineColumn, line_column};
use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use serde_json::{Value, json};

/// Problems that are shown; the rest is only counted.
pub const SHOWN: usize = 20;

/// Problems that are collected; whoever finds more may drop them, as nobody reads so many.
pub const COLLECTED: usize = 1000;

/// Characters of one message or help, beyond which it is cut: a name in it may be megabytes long.
const LONGEST: usize = 400;

/// A piece of a source text, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span {
    /// Which text: a position in [`Sources`].
    pub source: usize,
    /// First byte.
    pub start: usize,
    /// First byte behind it.
    pub end: usize,
}

/// A text that can be pointed into: the file, or one argument of the command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// What a message calls it: the path of the file, or `--set`.
    pub name: String,
    /// Its content.
    pub text: String,
}

/// All texts that a scenario was made from; the file is the first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sources(pub Vec<Source>);

impl Sources {
    /// Takes one more text in; all of it as a span.
    pub(super) fn add(&mut self, source: Source) -> Span {
        self.0.push(source);
        let source = self.0.len() - 1;
        Span {
            source,
            start: 0,
            end: self.0[source].text.len(),
        }
    }
}

/// One problem.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// What is wrong, in one sentence without a full stop.
    pub message: String,
    /// The field concerned, like `groups.billing.consumers.count`.
    pub path: Option<String>,
    /// Where it stands.
    pub span: Option<Span>,
    /// A few words beside the caret.
    pub label: String,
    /// Other places that matter, each with a few words.
    pub related: Vec<(Span, String)>,
    /// Ways out.
    pub help: Vec<String>,
}

impl Diagnostic {
    /// A problem without a place.
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            path: None,
            span: None,
            label: String::new(),
            related: Vec::new(),
            help: Vec::new(),
        }
    }
    /// Says where it stands.
    pub fn at(mut self, span: Span) -> Self {
        self.span = Some(span);
        self
    }
    /// Says which field it is about.
    pub fn field(mut self, path: impl ToString) -> Self {
        self.path = Some(path.to_string());
        self
    }
    /// Puts a few words beside the caret.
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = label.into();
        self
    }
    /// Adds a way out.
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help.push(help.into());
        self
    }
    /// Points at another place that matters.
    pub fn related(mut self, span: Span, label: impl Into<String>) -> Self {
        self.related.push((span, label.into()));
        self
    }
}

/// The problems of one scenario, with the texts that they point into.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostics {
    sources: Sources,
    problems: Vec<Diagnostic>,
}

impl Diagnostics {
    /// Puts `problems` into the order of the text.
    pub fn new(sources: Sources, mut problems: Vec<Diagnostic>) -> Self {
        problems.sort_by_key(|p| p.span.map(|s| (s.source, s.start)));
        problems.dedup();
        for problem in &mut problems {
            let texts = [&mut problem.message, &mut problem.label].into_iter();
            texts
                .chain(&mut problem.help)
                .chain(&mut problem.path)
                .for_each(cut);
        }
        Self { sources, problems }
    }

    /// All of them, in the order of the text.
    pub fn problems(&self) -> &[Diagnostic] {
        &self.problems
    }

    /// The texts that they point into.
    pub fn sources(&self) -> &Sources {
        &self.sources
    }

    /// Text for people, at most `width` columns wide where an excerpt allows it, without a final line end.
    pub fn render(&self, color: bool, width: usize) -> String {
        let renderer = if color {
            Renderer::styled()
        } else {
            Renderer::plain()
        }
        .term_width(width);
        let mut parts: Vec<String> = Vec::new();
        for problem in self.problems.iter().take(SHOWN) {
            parts.push(renderer.render(&[self.group(problem)]));
        }
        let rest = self.problems.len().saturating_sub(SHOWN);
        if rest > 0 {
            let at_least = if self.problems.len() >= COLLECTED {
                "at least "
            } else {
                ""
            };
            parts.push(format!("… and {at_least}{rest} more problems"));
        }
        parts.join("\n\n")
    }

    fn group<'a>(&'a self, problem: &'a Diagnostic) -> Group<'a> {
        let mut group = Group::with_title(Level::ERROR.primary_title(problem.message.as_str()));
        if let Some(span) = problem.span {
            let mut marks = vec![(span, problem.label.as_str(), AnnotationKind::Primary)];
            marks.extend(
                problem
                    .related
                    .iter()
                    .map(|(span, label)| (*span, label.as_str(), AnnotationKind::Context)),
            );
            for excerpt in self.excerpts(&marks) {
                group = group.element(excerpt);
            }
        }
        for help in &problem.help {
            group = group.element(Level::HELP.message(help.as_str()));
        }
        group
    }

    /// One excerpt for marks that are at most six lines apart, else one for each.
    fn excerpts<'a>(
        &'a self,
        marks: &[(Span, &'a str, AnnotationKind)],
    ) -> Vec<Snippet<'a, annotate_snippets::Annotation<'a>>> {
        const NEAR: usize = 6;
        let mut excerpts: Vec<Excerpt<'a>> = Vec::new();
        for &(span, label, kind) in marks {
            let source = &self.sources.0[span.source];
            let (first, last) = lines_of(&source.text, span);
            let near = |e: &&mut Excerpt<'a>| {
                e.source == span.source && first <= e.last + NEAR && e.first <= last + NEAR
            };
            match excerpts.iter_mut().find(near) {
                Some(excerpt) => {
                    excerpt.first = excerpt.first.min(first);
                    excerpt.last = excerpt.last.max(last);
                    excerpt.marks.push((span, label, kind));
                }
                None => excerpts.push(Excerpt {
                    source: span.source,
                    first,
                    last,
                    marks: vec![(span, label, kind)],
                }),
            }
        }
        excerpts.into_iter().map(|e| e.snippet(&self.sources)).collect()
    }

    /// The same as data: a list of objects with `message`, `field`, `file`, `line`, `column`, `help`, `related`.
    pub fn to_json(&self) -> Value {
        let place = |span: Span| {
            let source = &self.sources.0[span.source];
            let LineColumn { line, column } = line_column(&source.text, span.start);
            json!({ "file": source.name, "line": line, "column": column })
        };
        let problems = self.problems.iter().map(|p| {
            let mut object = json!({ "message": p.message });
            if let Some(path) = &p.path {
                object["field"] = json!(path);
            }
            if let Some(span) = p.span {
                object["place"] = place(span);
            }
            if !p.label.is_empty() {
                object["label"] = json!(p.label);
            }
            if !p.help.is_empty() {
                object["help"] = json!(p.help);
            }
            if !p.related.is_empty() {
                let related = p.related.iter().map(|(span, label)| {
                    let mut place = place(*span);
                    place["label"] = json!(label);
                    place
                });
                object["related"] = related.collect();
            }
            object
        });
        problems.collect()
    }
}

impl std::fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.render(false, 100))
    }
}

impl std::error::Error for Diagnostics {}

/// Shortens `text` if it is very long.
fn cut(text: &mut String) {
    if let Some((end, _)) = text.char_indices().nth(LONGEST) {
        text.truncate(end);
        text.push('…');
    }
}

/// A run of lines of one source, with what is marked in it.
struct Excerpt<'a> {
    source: usize,
    /// Line numbers from 0, the last included.
    first: usize,
    last: usize,
    marks: Vec<(Span, &'a str, AnnotationKind)>,
}

impl<'a> Excerpt<'a> {
    fn snippet(self, sources: &'a Sources) -> Snippet<'a, annotate_snippets::Annotation<'a>> {
        let source = &sources.0[self.source];
        let start = line_start(&source.text, self.first);
        let end = line_start(&source.text, self.last + 1);
        let text = source.text[start..end].trim_end_matches(['\r', '\n']);
        let mut snippet = Snippet::source(text)
            .path(source.name.as_str())
            .line_start(self.first + 1);
        for (span, label, kind) in self.marks {
            // A span that reaches over the end of its line, or of the text, is cut there.
            let from = (span.start - start).min(text.len());
            let line_end = text[from..].find(['\r', '\n']).map_or(text.len(), |n| from + n);
            let to = (span.end - start).clamp(from, line_end);
            let mut annotation = kind.span(from..to);
            if !label.is_empty() {
                annotation = annotation.label(label);
            }
            snippet = snippet.annotation(annotation);
        }
        snippet
    }
}

/// The lines, counted from 0, on which a span starts; both are the same, as spans are cut at line ends.
fn lines_of(text: &str, span: Span) -> (usize, usize) {
    let line = line_column(text, span.start).line - 1;
    (line, line)
}

/// The byte at which line `line` (from 0) starts; the end of the text if there are fewer.
fn line_start(text: &str, line: usize) -> usize {
    if line == 0 {
        return 0;
    }
    let ends = text.bytes().enumerate().filter(|(_, b)| *b == b'\n');
    ends.map(|(i, _)| i + 1).nth(line - 1).unwrap_or(text.len())
}
