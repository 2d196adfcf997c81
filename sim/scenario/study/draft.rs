//! The parts of a study as they were written: files, what is set for all of them, what varies, the study block.

use crate::scenario::diagnostic::{Diagnostic, Source, Sources, Span};
use crate::scenario::json::{self, Kind, Node};
use crate::scenario::overrides::{self, Overrides};
use crate::scenario::schema::StudyBlock;
use crate::scenario::shape::Shapes;
use crate::scenario::source;
use crate::scenario::study::block::Study;
use crate::scenario::study::label;
use crate::scenario::study::plan::Wanted;
use crate::scenario::study::vary::{self, Varied};

/// A study whose parts have been read, but no variant built.
pub(super) struct Draft<'a> {
    /// The trees of the files with what is set for all, without study blocks.
    pub(super) roots: Vec<Node>,
    pub(super) files: Vec<String>,
    pub(super) varied: Vec<Varied>,
    pub(super) study: Option<Study>,
    /// The baseline and whether it must exist.
    pub(super) baseline: Option<(String, Option<Span>)>,
    pub(super) wanted: &'a Wanted,
}

impl<'a> Draft<'a> {
    pub(super) fn read(
        sources: &mut Sources,
        shapes: &Shapes,
        overrides: &Overrides,
        wanted: &'a Wanted,
    ) -> Result<Self, Vec<Diagnostic>> {
        let (mut roots, mut problems) = (Vec::new(), Vec::new());
        for (i, source) in sources.0.iter().enumerate() {
            match json::parse(&source.text, i) {
                Ok(root) => roots.push(root),
                Err(found) => problems.extend(found),
            }
        }
        let files = label::unlike(sources.0.iter().map(|file| source::stem(&file.name)));
        let (sets, found) = overrides::read(&overrides.set, shapes, sources);
        problems.extend(found);
        let (mut varied, found) = vary::arguments(&wanted.vary, sources);
        problems.extend(found);
        let mut first = None;
        for (i, root) in roots.iter_mut().enumerate() {
            problems.extend(overrides::apply(&sets, root, shapes));
            match take_block(root, shapes) {
                Ok(block) if i == 0 => first = block,
                Ok(_) => {}
                Err(found) => problems.extend(found),
            }
        }
        let study = first.map(|block| {
            problems.extend(block.study.problems());
            if let (Some(vary), true) = (&block.vary, wanted.vary.is_empty()) {
                let (of_block, found) = vary::block(vary);
                varied = of_block;
                problems.extend(found);
            }
            block.study
        });
        problems.extend(vary::rules(&varied, &sets));
        let baseline = baseline(wanted, study.as_ref(), sources);
        if problems.is_empty() && varied.is_empty() && roots.len() == 1 {
            problems.push(nothing_varied(&roots[0]));
        }
        match problems.is_empty() {
            true => Ok(Self {
                roots,
                files,
                varied,
                study,
                baseline,
                wanted,
            }),
            false => Err(problems),
        }
    }
}

/// A study block and the fields that it varies, with their places.
struct Block {
    study: Study,
    vary: Option<Node>,
}

/// Takes the study block out of a document.
fn take_block(root: &mut Node, shapes: &Shapes) -> Result<Option<Block>, Vec<Diagnostic>> {
    let Some(node) = root.get("study") else {
        return Ok(None);
    };
    let problems = shapes.check_study(node);
    let block: Result<StudyBlock, _> = serde_json::from_value(node.to_value());
    let taken = match (problems.is_empty(), block) {
        (true, Ok(block)) => Ok(Some(Block {
            study: Study::read(&block, root),
            vary: node.get("vary").cloned(),
        })),
        (true, Err(error)) => {
            let message = format!("`study` cannot be read: {error}");
            Err(vec![Diagnostic::new(message).at(node.opening()).field("study")])
        }
        (false, _) => Err(problems),
    };
    if let Kind::Object(entries) = &mut root.kind {
        entries.retain(|entry| entry.key != "study");
    }
    taken
}

/// The baseline asked for, with its place if it must exist: that of the block means what the block varies.
fn baseline(wanted: &Wanted, study: Option<&Study>, sources: &mut Sources) -> Option<(String, Option<Span>)> {
    if let Some(text) = &wanted.baseline {
        let span = sources.add(Source {
            name: "--baseline".to_owned(),
            text: text.clone(),
        });
        return Some((text.clone(), Some(span)));
    }
    let (label, span) = study?.baseline.clone()?;
    Some((label, wanted.vary.is_empty().then_some(span)))
}

fn nothing_varied(root: &Node) -> Diagnostic {
    let groups = root.get("groups").map(|groups| &groups.kind);
    let group = match groups {
        Some(Kind::Object(groups)) => groups.first().map(|group| group.key.as_str()),
        _ => None,
    };
    let group = group.unwrap_or("billing");
    Diagnostic::new("nothing is varied, there is only one scenario to run")
        .help(format!(
            "for example --vary groups.{group}.strategy=AVG,AVG_BY_CIRCLE,X_STICKY"
        ))
        .help("or name a second scenario file to compare with, or write a \"study\" into this one")
}
