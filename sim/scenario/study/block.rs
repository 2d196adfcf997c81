//! What the study block of a file says besides the fields that vary.

use crate::scenario::diagnostic::{Diagnostic, Span};
use crate::scenario::json::Node;
use crate::scenario::limits;
use crate::scenario::locate::{FieldPath, span_of};
use crate::scenario::schema::{BaselineBlock, Percent, StudyBlock};
use std::collections::BTreeMap;

/// The study block of a scenario, with places for messages about it.
#[derive(Clone, Debug)]
pub struct Study {
    /// Runs of each variant.
    pub seeds: Option<u32>,
    /// How narrow intervals are to be.
    pub until_ci: Option<Percent>,
    /// Paths through the report of what is compared, unread.
    pub metrics: Vec<(String, Span)>,
    /// Whether it varies anything; else `--vary` has to.
    pub varies: bool,
    /// Label of the variant that others are compared with.
    pub(super) baseline: Option<(String, Span)>,
}

impl Study {
    /// Reads `block`, which stands in the scenario `root`.
    pub(in crate::scenario) fn read(block: &StudyBlock, root: &Node) -> Self {
        let study = FieldPath::default().key("study");
        let metrics = block.metrics.iter().flatten().enumerate().map(|(i, text)| {
            let path = study.key("metrics").index(i);
            (text.clone(), span_of(root, &path))
        });
        let baseline = block.baseline.as_ref().map(|baseline| {
            let label = match baseline {
                BaselineBlock::Label(label) => label.clone(),
                BaselineBlock::Values(values) => values.join(", "),
            };
            (label, span_of(root, &study.key("baseline")))
        });
        Self {
            seeds: block.seeds,
            until_ci: block.until_ci,
            metrics: metrics.collect(),
            varies: block.vary.is_some(),
            baseline,
        }
    }

    /// What the shape does not say of it.
    pub(super) fn problems(&self) -> Vec<Diagnostic> {
        let mut problems = Vec::new();
        let mut seen: BTreeMap<&str, Span> = BTreeMap::new();
        for (i, (text, span)) in self.metrics.iter().enumerate() {
            let field = FieldPath::default().key("study").key("metrics").index(i);
            if text.len() > limits::EXPRESSION_BYTES {
                let message = format!("`{field}` is longer than {} bytes", limits::EXPRESSION_BYTES);
                problems.push(Diagnostic::new(message).at(*span).field(&field));
            }
            if let Some(first) = seen.insert(text, *span) {
                let problem = Diagnostic::new(format!("`{text}` is listed twice")).at(*span);
                problems.push(
                    problem
                        .field(&field)
                        .label("again here")
                        .related(first, "first here"),
                );
            }
        }
        problems
    }
}
