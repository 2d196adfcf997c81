//! All combinations of some values: their order, their names.

use crate::scenario::diagnostic::Span;
use crate::scenario::study::label;
use crate::scenario::study::values::Value;
use crate::scenario::study::vary::Varied;
use crate::scenario::suggest;
use std::collections::BTreeSet;

/// Path of the factor that stands for the file of a variant, where several are compared.
const FILE: &str = "file";

/// One field that varies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Factor {
    /// The field, like `groups.billing.strategy`; `file` where several files are compared.
    pub path: String,
    /// Its values in the order given, as short texts, each different.
    pub labels: Vec<String>,
}

/// All combinations of the values of some factors, the last changing fastest.
pub(super) struct Grid {
    pub(super) factors: Vec<Factor>,
    /// Names of the combinations, in order.
    pub(super) labels: Vec<String>,
}

impl Grid {
    pub(super) fn new(files: &[String], varied: &[Varied], values: &[Vec<Value>]) -> Self {
        let file = (files.len() > 1).then(|| Factor {
            path: FILE.to_owned(),
            labels: files.to_vec(),
        });
        let of_fields = varied.iter().zip(values).map(|(varied, values)| Factor {
            path: varied.field.path.to_string(),
            labels: label::unlike(values.iter().map(|value| value.label.clone())),
        });
        let mut grid = Self::of(file.into_iter().chain(of_fields).collect(), Vec::new());
        let name = |index| {
            let cells = grid.cells(index);
            let parts = grid.factors.iter().zip(cells);
            let parts: Vec<&str> = parts.map(|(factor, cell)| factor.labels[cell].as_str()).collect();
            label::joined(&parts)
        };
        grid.labels = label::unlike((0..grid.len()).map(name));
        grid
    }

    /// The combinations of `factors`, called `labels`.
    pub(super) fn of(factors: Vec<Factor>, labels: Vec<String>) -> Self {
        Self { factors, labels }
    }

    fn len(&self) -> usize {
        self.factors.iter().map(|factor| factor.labels.len()).product()
    }

    /// Which value of each factor combination `index` has.
    pub(super) fn cells(&self, mut index: usize) -> Vec<usize> {
        let mut cells = vec![0; self.factors.len()];
        for (cell, factor) in cells.iter_mut().zip(&self.factors).rev() {
            *cell = index % factor.labels.len();
            index /= factor.labels.len();
        }
        cells
    }

    /// How many combinations have the value that stands at `span`, or one of them if it is a range.
    pub(super) fn sharing(&self, values: &[Vec<Value>], span: Span) -> Option<usize> {
        let holds = |value: &Value| {
            let own = value.span;
            own.source == span.source && own.start <= span.start && span.end <= own.end
        };
        let of_fields = self.factors.iter().filter(|factor| factor.path != FILE);
        let mut counts = of_fields.zip(values).map(|(factor, values)| {
            let with = values.iter().filter(|value| holds(value)).count();
            with * self.len() / factor.labels.len()
        });
        counts.find(|count| *count > 0)
    }

    /// What tells `variants` from all others, if that is the value of one of several factors.
    pub(super) fn common(&self, variants: &[usize]) -> Option<String> {
        let several = self.factors.len() > 1;
        let mut common = self.factors.iter().enumerate().filter_map(|(at, factor)| {
            let values: BTreeSet<usize> = variants.iter().map(|&variant| self.cells(variant)[at]).collect();
            let with = values.len() * self.len() / factor.labels.len();
            let names: Vec<&str> = values.iter().map(|&cell| factor.labels[cell].as_str()).collect();
            (with == variants.len()).then(|| format!("{} = {}", factor.path, suggest::list(names, 5)))
        });
        common.next().filter(|_| several)
    }
}
