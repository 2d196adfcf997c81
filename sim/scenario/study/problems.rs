//! Problems of many variants: what all of them have is told once, what only some have says which.

use crate::scenario::diagnostic::{COLLECTED, Diagnostic, Span};
use crate::scenario::study::grid::Grid;
use crate::scenario::study::values::Value;
use crate::scenario::suggest;
use std::collections::{BTreeMap, BTreeSet};

/// Labels of variants that a message lists.
const LISTED: usize = 5;

/// The same without repetitions: what is wrong with an argument is so in every file.
pub(super) fn once(problems: Vec<Diagnostic>) -> Vec<Diagnostic> {
    let mut seen = BTreeSet::new();
    let first = problems
        .into_iter()
        .filter(|problem| seen.insert((problem.span, problem.message.clone())));
    first.collect()
}

/// What is wrong with the variants of a study, each problem once.
#[derive(Default)]
pub(super) struct Problems {
    found: BTreeMap<(Option<Span>, String), Found>,
}

struct Found {
    problem: Diagnostic,
    /// Which variants have it.
    variants: Vec<usize>,
}

impl Problems {
    /// What `variant` has.
    pub(super) fn add(&mut self, variant: usize, problems: Vec<Diagnostic>) {
        for problem in problems {
            let found = self.found.entry((problem.span, problem.message.clone()));
            let found = found.or_insert(Found {
                problem,
                variants: Vec::new(),
            });
            if found.variants.last() != Some(&variant) {
                found.variants.push(variant);
            }
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// Whether nobody would read more.
    pub(super) fn is_full(&self) -> bool {
        self.found.len() >= COLLECTED
    }

    /// All of them, with the variants of `grid` that have each where that is not plain.
    pub(super) fn told(self, grid: &Grid, values: &[Vec<Value>]) -> Vec<Diagnostic> {
        let all = grid.labels.len();
        let told = self.found.into_values().map(|Found { problem, variants }| {
            let of_place = problem.span.and_then(|span| grid.sharing(values, span));
            if variants.len() == all || of_place == Some(variants.len()) {
                return problem;
            }
            if let Some(value) = grid.common(&variants) {
                return problem.help(format!(
                    "in the {} of {all} variants with {value}",
                    variants.len()
                ));
            }
            let names = variants.iter().map(|&variant| &grid.labels[variant]);
            let names: Vec<String> = names.map(|name| format!("`{name}`")).collect();
            let listed = suggest::list(names.iter().map(String::as_str), LISTED);
            problem.help(match names.len() {
                1 => format!("in the variant {listed} only"),
                n => format!("in {n} of {all} variants: {listed}"),
            })
        });
        told.collect()
    }
}
