//! The plan of a study: every combination of values as a checked scenario, in order.

use crate::cluster::config::ClusterConfig;
use crate::scenario::diagnostic::{Diagnostic, Diagnostics, Source, Sources, Span};
use crate::scenario::json::{self, Kind, Node};
use crate::scenario::overrides::{self, Overrides};
use crate::scenario::schema::{Percent, StudyBlock};
use crate::scenario::shape::Shapes;
use crate::scenario::study::block::Study;
use crate::scenario::study::bounds::{self, Work};
use crate::scenario::study::label;
use crate::scenario::study::problems::{self, Problems};
use crate::scenario::study::values::{self, Value};
use crate::scenario::study::vary::{self, Varied};
use crate::scenario::{Scenario, defaults, estimate, limits, source, suggest};
use std::sync::Arc;

/// Path of the factor that stands for the file of a variant, where several are compared.
const FILE: &str = "file";

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

/// One field that varies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Factor {
    /// The field, like `groups.billing.strategy`; `file` where several files are compared.
    pub path: String,
    /// Its values in the order given, as short texts, each different.
    pub labels: Vec<String>,
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
    /// How narrow intervals are to be, as the study block says.
    pub until_ci: Option<Percent>,
    /// Paths through the report of what is compared, as the study block says; unread.
    pub metrics: Vec<(String, Span)>,
    /// Messages foreseen in all runs.
    pub messages: u128,
    sources: Arc<Sources>,
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

    /// The variants of a scenario that has been read already, by its study block; none if that varies nothing.
    ///
    /// # Errors
    /// As [`Plan::load`].
    pub fn of(scenario: &Scenario, overrides: &Overrides) -> Result<Option<Self>, Box<Diagnostics>> {
        match &scenario.study {
            Some(study) if study.varies => {
                let file = scenario.sources.0[scenario.source].clone();
                Self::read(vec![file], overrides, &Wanted::default()).map(Some)
            }
            Some(study) => match study.problems() {
                problems if problems.is_empty() => Ok(None),
                problems => Err(Box::new(scenario.diagnostics(problems))),
            },
            None => Ok(None),
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

    /// Problems that a later step finds, for example in the metrics.
    pub fn diagnostics(&self, problems: Vec<Diagnostic>) -> Diagnostics {
        Diagnostics::new((*self.sources).clone(), problems)
    }
}

/// A study whose parts have been read, but no variant built.
struct Draft<'a> {
    /// The trees of the files with what is set for all, without study blocks.
    roots: Vec<Node>,
    files: Vec<String>,
    varied: Vec<Varied>,
    study: Option<Study>,
    /// The baseline and whether it must exist.
    baseline: Option<(String, Option<Span>)>,
    wanted: &'a Wanted,
}

impl<'a> Draft<'a> {
    fn read(
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

    fn plan(
        self,
        sources: &Arc<Sources>,
        shapes: &Shapes,
        overrides: &Overrides,
    ) -> Result<Plan, Vec<Diagnostic>> {
        let of_study = self.study.as_ref().and_then(|study| study.seeds);
        let seeds = self.wanted.seeds.or(of_study).unwrap_or(defaults::SEEDS);
        let work = Work {
            varied: &self.varied,
            files: self.roots.len(),
            seeds,
            max_runs: self.wanted.max_runs,
        };
        let builder = Builder {
            sources,
            shapes,
            overrides,
        };
        if let Some(problem) = work.too_many(|| self.messages_of_first(&builder)) {
            return Err(vec![problem]);
        }
        if work.variants() == 1 {
            return Err(vec![only_one(&self.varied)]);
        }
        let values = self.values(&builder, usize::MAX)?;
        let grid = Grid::new(&self.files, &self.varied, &values);
        let (variants, messages) = self.variants(&builder, &grid, &values, &work)?;
        let baseline = self.find_baseline(&grid).map_err(|problem| vec![*problem])?;
        Ok(Plan {
            factors: grid.factors,
            files: self.files,
            variants,
            baseline,
            seeds,
            until_ci: self.study.as_ref().and_then(|study| study.until_ci),
            metrics: self.study.map(|study| study.metrics).unwrap_or_default(),
            messages: messages.saturating_mul(seeds.into()),
            sources: Arc::clone(sources),
        })
    }

    /// At most `most` values of each field, tried in each file.
    fn values(&self, builder: &Builder<'_>, most: usize) -> Result<Vec<Vec<Value>>, Vec<Diagnostic>> {
        let (mut all, mut problems) = (Vec::new(), Vec::new());
        for varied in &self.varied {
            let text = &builder.sources.0[varied.span.source].text;
            match values::all(&varied.field, &varied.given, text, builder.shapes, most) {
                Ok(values) => all.push(values),
                Err(found) => problems.extend(found),
            }
        }
        if problems.is_empty() {
            for root in &self.roots {
                problems.extend(self.misplaced(root, builder.shapes, &all));
            }
        }
        match problems.is_empty() {
            true => Ok(all),
            false => Err(problems),
        }
    }

    /// Fields that `root` has no place for; with them whatever else is wrong with the paths.
    fn misplaced(&self, root: &Node, shapes: &Shapes, values: &[Vec<Value>]) -> Vec<Diagnostic> {
        let (mut root, mut problems) = (root.clone(), Vec::new());
        for (varied, values) in self.varied.iter().zip(values) {
            let put = varied.field.put(&mut root, shapes, values[0].node.clone());
            problems.extend(put.err().map(|problem| *problem));
        }
        if !problems.is_empty() {
            problems.extend(shapes.check(&root));
        }
        problems
    }

    /// Messages foreseen in a run of the first variant, if it is sound.
    fn messages_of_first(&self, builder: &Builder<'_>) -> Option<u128> {
        let values = self.values(builder, 1).ok()?;
        let first: Vec<&Value> = values.iter().map(|values| &values[0]).collect();
        let scenario = builder.build(&self.roots[0], &self.varied, &first).ok()?;
        Some(estimate::messages(&scenario.config))
    }

    /// Builds all variants; also how many messages one run of each makes.
    fn variants(
        &self,
        builder: &Builder<'_>,
        grid: &Grid,
        values: &[Vec<Value>],
        work: &Work<'_>,
    ) -> Result<(Vec<Variant>, u128), Vec<Diagnostic>> {
        let (mut variants, mut problems) = (Vec::new(), Problems::default());
        let (mut messages, mut parts) = (0_u128, 0);
        for (index, label) in grid.labels.iter().enumerate() {
            let cells = grid.cells(index);
            let (file, own) = if self.roots.len() > 1 {
                (cells[0], &cells[1..])
            } else {
                (0, &cells[..])
            };
            let chosen: Vec<&Value> = values
                .iter()
                .zip(own)
                .map(|(values, &cell)| &values[cell])
                .collect();
            match builder.build(&self.roots[file], &self.varied, &chosen) {
                Ok(scenario) => {
                    messages = messages.saturating_add(estimate::messages(&scenario.config));
                    parts += bounds::parts(&scenario.config);
                    if parts > limits::STUDY_PARTS {
                        return Err(vec![too_large(&scenario.config, grid.labels.len())]);
                    }
                    let set = chosen.iter().map(|value| value.set.clone()).collect();
                    let label = label.clone();
                    variants.push(Variant {
                        label,
                        cells,
                        set,
                        scenario,
                    });
                }
                Err(found) => problems.add(index, found),
            }
            if problems.is_full() {
                break;
            }
        }
        if !problems.is_empty() {
            let sharing = |span| grid.sharing(values, span);
            return Err(problems.told(&grid.labels, sharing));
        }
        match work.too_long(messages) {
            Some(problem) => Err(vec![problem]),
            None => Ok((variants, messages)),
        }
    }

    /// Which variant others are compared with; the first if nobody says.
    fn find_baseline(&self, grid: &Grid) -> Result<usize, Box<Diagnostic>> {
        let Some((wanted, must_exist)) = &self.baseline else {
            return Ok(0);
        };
        let spaced = |text: &str| text.split(',').map(str::trim).collect::<Vec<_>>().join(", ");
        let found = grid.labels.iter().position(|label| label == wanted);
        let found = found.or_else(|| {
            grid.labels
                .iter()
                .position(|label| spaced(label) == spaced(wanted))
        });
        match (found, must_exist) {
            (Some(found), _) => Ok(found),
            (None, None) => Ok(0),
            (None, Some(span)) => {
                let labels: Vec<String> = grid.labels.iter().map(|label| format!("`{label}`")).collect();
                let hint = suggest::did_you_mean(wanted, grid.labels.iter().map(String::as_str));
                let message = format!("there is no variant `{wanted}` to compare with{hint}");
                let problem = Diagnostic::new(message).at(*span).label("no such variant");
                Err(Box::new(problem.help(format!(
                    "the variants are {}",
                    suggest::list(labels.iter().map(String::as_str), 12)
                ))))
            }
        }
    }
}

/// What all variants are built with.
struct Builder<'a> {
    sources: &'a Arc<Sources>,
    shapes: &'a Shapes,
    overrides: &'a Overrides,
}

impl Builder<'_> {
    /// The scenario in `root` with `chosen` in place of what it says of the fields that vary.
    fn build(&self, root: &Node, varied: &[Varied], chosen: &[&Value]) -> Result<Scenario, Vec<Diagnostic>> {
        let mut root = root.clone();
        for (varied, value) in varied.iter().zip(chosen) {
            let put = varied.field.put(&mut root, self.shapes, value.node.clone());
            put.map_err(|problem| vec![*problem])?;
        }
        let problems = self.shapes.check(&root);
        match problems.is_empty() {
            true => Scenario::of(&root, self.sources, self.overrides),
            false => Err(problems),
        }
    }
}

/// All combinations of the values of some factors, the last changing fastest.
struct Grid {
    factors: Vec<Factor>,
    /// Names of the combinations, in order.
    labels: Vec<String>,
    /// Whether the first factor is the file.
    several_files: bool,
}

impl Grid {
    fn new(files: &[String], varied: &[Varied], values: &[Vec<Value>]) -> Self {
        let several_files = files.len() > 1;
        let file = several_files.then(|| Factor {
            path: FILE.to_owned(),
            labels: files.to_vec(),
        });
        let of_fields = varied.iter().zip(values).map(|(varied, values)| Factor {
            path: varied.field.path.to_string(),
            labels: label::unlike(values.iter().map(|value| value.label.clone())),
        });
        let mut grid = Self {
            factors: file.into_iter().chain(of_fields).collect(),
            labels: Vec::new(),
            several_files,
        };
        let name = |index| {
            let cells = grid.cells(index);
            let parts = grid.factors.iter().zip(cells);
            let parts: Vec<&str> = parts.map(|(factor, cell)| factor.labels[cell].as_str()).collect();
            label::joined(&parts)
        };
        grid.labels = label::unlike((0..grid.len()).map(name));
        grid
    }

    fn len(&self) -> usize {
        self.factors.iter().map(|factor| factor.labels.len()).product()
    }

    /// Which value of each factor combination `index` has.
    fn cells(&self, mut index: usize) -> Vec<usize> {
        let mut cells = vec![0; self.factors.len()];
        for (cell, factor) in cells.iter_mut().zip(&self.factors).rev() {
            *cell = index % factor.labels.len();
            index /= factor.labels.len();
        }
        cells
    }

    /// How many combinations have the value that stands at `span`, or one of them if it is a range.
    fn sharing(&self, values: &[Vec<Value>], span: Span) -> Option<usize> {
        let holds = |value: &Value| {
            let own = value.span;
            own.source == span.source && own.start <= span.start && span.end <= own.end
        };
        let of_fields = self.factors.iter().skip(usize::from(self.several_files));
        let mut counts = of_fields.zip(values).map(|(factor, values)| {
            let with = values.iter().filter(|value| holds(value)).count();
            with * self.len() / factor.labels.len()
        });
        counts.find(|count| *count > 0)
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

fn only_one(varied: &[Varied]) -> Diagnostic {
    let problem = Diagnostic::new("there is only one variant, nothing to compare it with");
    let Some(first) = varied.first() else {
        return problem;
    };
    let path = &first.field.path;
    problem
        .at(first.span)
        .field(path)
        .label("one value")
        .help("give it several values; or set it with --set, and vary another field")
}

fn too_large(config: &ClusterConfig, variants: usize) -> Diagnostic {
    let count = |n: u64| estimate::grouped(n.into());
    Diagnostic::new(format!(
        "the study is too large: {} variants, one of which has {} producers, consumers, queues and timeline steps",
        count(variants as u64),
        count(bounds::parts(config))
    ))
    .help(format!(
        "all variants together may have {}: study fewer at once",
        count(limits::STUDY_PARTS)
    ))
}
