//! What a study compares, read before anything runs.

use crate::report::comparison::metric::{self, Metric};
use crate::report::expect;
use crate::scenario::study::Plan;
use crate::scenario::{Diagnostic, Diagnostics, Source, Sources, Span};
use serde_json::Value;

/// The metrics of the study block; the usual ones if it names none.
///
/// # Errors
/// All that a variant's report does not have, each with its place.
pub fn of_study(plan: &Plan) -> Result<Vec<Metric>, Box<Diagnostics>> {
    let paths: Vec<String> = plan.metrics.iter().map(|(path, _)| path.clone()).collect();
    read(&paths, &shapes(plan)).map_err(|wrong| {
        let problem = |(at, text): (usize, String)| {
            let problem = Diagnostic::new(text).at(plan.metrics[at].1);
            problem.field(format!("study.metrics[{at}]"))
        };
        Box::new(plan.diagnostics(wrong.into_iter().map(problem).collect()))
    })
}

/// The metrics that the command line names.
///
/// # Errors
/// As [`of_study`].
pub fn of_arguments(paths: &[String], plan: &Plan) -> Result<Vec<Metric>, Box<Diagnostics>> {
    read(paths, &shapes(plan)).map_err(|wrong| {
        let source = |path: &String| Source {
            name: "--metric".to_owned(),
            text: path.clone(),
        };
        let problem = |(source, text): (usize, String)| {
            let end = paths[source].len();
            Diagnostic::new(text).at(Span {
                source,
                start: 0,
                end,
            })
        };
        let sources = Sources(paths.iter().map(source).collect());
        Box::new(Diagnostics::new(
            sources,
            wrong.into_iter().map(problem).collect(),
        ))
    })
}

/// The metrics at `paths`, or what is wrong with each path that leads nowhere.
fn read(paths: &[String], shapes: &[Value]) -> Result<Vec<Metric>, Vec<(usize, String)>> {
    let each = paths.iter().enumerate();
    let wrong = each.filter_map(|(at, path)| {
        let error = metric::metrics(std::slice::from_ref(path), shapes).err();
        error.map(|(_, error)| (at, error.to_string()))
    });
    let wrong: Vec<(usize, String)> = wrong.collect();
    match wrong.is_empty() {
        true => metric::metrics(paths, shapes).map_err(|(at, error)| vec![(at, error.to_string())]),
        false => Err(wrong),
    }
}

/// The shapes of the variants' reports, each once: most variants have the same.
fn shapes(plan: &Plan) -> Vec<Value> {
    let mut shapes = Vec::new();
    for variant in &plan.variants {
        let shape = expect::shape(&variant.scenario.config);
        if !shapes.contains(&shape) {
            shapes.push(shape);
        }
    }
    shapes
}
