//! From a draft to a plan: every combination of values is built from the tree of its file, and checked.

use crate::scenario::diagnostic::{Diagnostic, Sources};
use crate::scenario::json::Node;
use crate::scenario::overrides::Overrides;
use crate::scenario::shape::Shapes;
use crate::scenario::study::bounds::{self, Work};
use crate::scenario::study::draft::Draft;
use crate::scenario::study::grid::Grid;
use crate::scenario::study::plan::{Plan, Variant};
use crate::scenario::study::problems::Problems;
use crate::scenario::study::values::{self, Value};
use crate::scenario::study::vary::Varied;
use crate::scenario::{Scenario, defaults, estimate, limits, suggest};
use std::sync::Arc;

impl Draft<'_> {
    /// The plan, if every variant of it is sound.
    pub(super) fn plan(
        self,
        sources: &Arc<Sources>,
        shapes: &Shapes,
        overrides: &Overrides,
    ) -> Result<Plan, Vec<Diagnostic>> {
        let of_study = self.study.as_ref().and_then(|study| study.seeds);
        let seeds_given = self.wanted.seeds.or(of_study);
        let seeds = seeds_given.unwrap_or(defaults::SEEDS);
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
            seeds_given,
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

    /// Messages foreseen in a run of the first variant; of the file as it stands if that variant is not sound.
    fn messages_of_first(&self, builder: &Builder<'_>) -> Option<u128> {
        let first = || {
            let values = self.values(builder, 1).ok()?;
            let first: Vec<&Value> = values.iter().map(|values| &values[0]).collect();
            builder.build(&self.roots[0], &self.varied, &first).ok()
        };
        let scenario = first().or_else(|| builder.build(&self.roots[0], &[], &[]).ok())?;
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
        let (mut messages, mut parts, mut bytes) = (0_u128, 0, 0);
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
                        return Err(vec![work.too_large(bounds::parts(&scenario.config))]);
                    }
                    bytes += bounds::bytes(&self.roots[file], &chosen);
                    if bytes > limits::STUDY_BYTES {
                        return Err(vec![
                            work.too_long_texts(bounds::bytes(&self.roots[file], &chosen)),
                        ]);
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
            return Err(problems.told(grid, values));
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
