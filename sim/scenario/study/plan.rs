//! The plan of a study: every combination of values as a checked scenario, in order.

use crate::scenario::diagnostic::{Diagnostic, Diagnostics, Source, Sources, Span};
use crate::scenario::overrides::Overrides;
use crate::scenario::schema::Percent;
use crate::scenario::shape::Shapes;
use crate::scenario::study::draft::Draft;
use crate::scenario::study::grid::{Factor, Grid};
use crate::scenario::study::problems::{self, Problems};
use crate::scenario::{Scenario, source};
use std::sync::Arc;

/// What the command line wants compared; it goes before what the study block says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// `path=value,value,…`; any replaces all that the study block varies.
    pub vary: Vec<String>,
    /// Label of the variant that others are compared with.
    pub baseline: Option<String>,
    /// Runs of each variant.
    pub seeds: Option<u32>,
    /// Lifts the bounds on variants and messages to so many runs.
    pub max_runs: Option<u64>,
}

/// One scenario of a study.
#[derive(Clone, Debug)]
pub struct Variant {
    /// Its name: the labels of its values in the order of the factors; at most 40 columns, unique.
    pub label: String,
    /// Which value of each factor it has.
    pub cells: Vec<usize>,
    /// What `--set` needs, besides what was set for all, to run it alone.
    pub set: Vec<String>,
    /// What runs.
    pub scenario: Scenario,
}

/// What a study runs.
#[derive(Clone, Debug)]
pub struct Plan {
    /// What varies, in the order given; if several files are compared, the first factor is the file.
    pub factors: Vec<Factor>,
    /// Names of the files for people, each different.
    pub files: Vec<String>,
    /// All combinations; the last factor changes fastest.
    pub variants: Vec<Variant>,
    /// Which variant others are compared with.
    pub baseline: usize,
    /// Runs of each variant.
    pub seeds: u32,
    /// The same if anybody has said so: with `until_ci`, runs at most.
    pub seeds_given: Option<u32>,
    /// How narrow intervals are to be, as the study block says.
    pub until_ci: Option<Percent>,
    /// Paths through the report of what is compared, as the study block says; unread.
    pub metrics: Vec<(String, Span)>,
    /// Messages foreseen in all runs.
    pub messages: u128,
    pub(super) sources: Arc<Sources>,
}

impl Plan {
    /// Reads the scenarios that `files` stand for, as [`Scenario::load`] does, and makes the variants of them. Of several
    /// files the study block of the first counts.
    ///
    /// # Errors
    /// All that is wrong with any variant; what all of them have is told once.
    pub fn load(files: &[String], overrides: &Overrides, wanted: &Wanted) -> Result<Self, Box<Diagnostics>> {
        for (i, file) in files.iter().enumerate() {
            if files[..i].contains(file) {
                let problem = Diagnostic::new(format!("`{file}` is given twice"))
                    .help("to see what luck alone does, compare --vary values that should not differ");
                return Err(Box::new(Diagnostics::new(Sources::default(), vec![problem])));
            }
        }
        let read = files.iter().map(|file| source::read(file));
        Self::read(read.collect::<Result<_, _>>()?, overrides, wanted)
    }

    /// The variants of a scenario that has been read already; none if neither `wanted` nor its study block varies anything.
    ///
    /// # Errors
    /// As [`Plan::load`].
    pub fn of(
        scenario: &Scenario,
        overrides: &Overrides,
        wanted: &Wanted,
    ) -> Result<Option<Self>, Box<Diagnostics>> {
        let study = scenario.study.as_ref();
        if !wanted.vary.is_empty() || study.is_some_and(|study| study.varies) {
            let file = scenario.sources.0[scenario.source].clone();
            return Self::read(vec![file], overrides, wanted).map(Some);
        }
        match study.map_or_else(Vec::new, |study| study.problems()) {
            problems if problems.is_empty() => Ok(None),
            problems => Err(Box::new(scenario.diagnostics(problems))),
        }
    }

    /// Reads scenarios from texts; messages call each as its source.
    ///
    /// # Errors
    /// As [`Plan::load`].
    pub fn read(
        files: Vec<Source>,
        overrides: &Overrides,
        wanted: &Wanted,
    ) -> Result<Self, Box<Diagnostics>> {
        let mut sources = Sources(files);
        let shapes = Shapes::new();
        let draft = Draft::read(&mut sources, &shapes, overrides, wanted);
        let sources = Arc::new(sources);
        let plan = draft.and_then(|draft| draft.plan(&sources, &shapes, overrides));
        plan.map_err(|problems| Box::new(Diagnostics::new((*sources).clone(), problems::once(problems))))
    }

    /// Problems that a later step finds in some variants, by position; each is told once.
    pub fn diagnostics_of(&self, found: impl IntoIterator<Item = (usize, Vec<Diagnostic>)>) -> Diagnostics {
        let mut problems = Problems::default();
        for (variant, of_variant) in found {
            problems.add(variant, of_variant);
        }
        let labels = self.variants.iter().map(|variant| variant.label.clone());
        let grid = Grid::of(self.factors.clone(), labels.collect());
        self.diagnostics(problems.told(&grid, &[]))
    }

    /// Problems that a later step finds, for example in the metrics.
    pub fn diagnostics(&self, problems: Vec<Diagnostic>) -> Diagnostics {
        Diagnostics::new((*self.sources).clone(), problems)
    }
}
