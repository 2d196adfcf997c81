//! The numbers as tables of a pull request.

use super::escape::{code, number, text};
use crate::report::charts::text::count;
use crate::report::comparison::figures::{NOTHING, effect, factor, probability, relative};
use crate::report::comparison::model::{Comparison, MetricReport};
use crate::report::comparison::reading::{self, Axes, Form};

/// Rows before a table is folded, and at most.
const ROWS: (usize, usize) = (40, 300);

/// The results in the form that suits the study.
pub(super) fn results(comparison: &Comparison, form: &Form) -> String {
    match form {
        Form::Long => (comparison.metrics.iter())
            .map(|metric| format!("{}\n{}\n", heading(metric, ""), long(comparison, metric)))
            .collect(),
        Form::Compact => folded_if_long(comparison.variants.len(), compact(comparison)),
        Form::Grid(axes) => (comparison.metrics.iter())
            .map(|metric| {
                let unit = reading::scale(metric).name();
                format!("{}\n{}", heading(metric, unit), grids(comparison, axes, metric))
            })
            .collect(),
    }
}

/// Title, path and direction of a metric, and the unit of its numbers where they do not have it themselves.
fn heading(metric: &MetricReport, unit: &str) -> String {
    let unit = match unit {
        "" => String::new(),
        unit => format!(", in {unit}"),
    };
    format!(
        "### {}\n\n{}, {}{unit}.\n",
        text(&metric.title),
        code(&metric.path),
        reading::direction(metric)
    )
}

fn folded_if_long(rows: usize, table: String) -> String {
    let more = match rows.saturating_sub(ROWS.1) {
        0 => String::new(),
        more => format!("\n… and {more} more, in `comparison.json`.\n"),
    };
    match rows > ROWS.0 {
        true => format!(
            "<details><summary>{}</summary>\n\n{table}{more}\n</details>\n\n",
            count(rows as u64, "variant")
        ),
        false => format!("{table}\n"),
    }
}

/// One metric: a row a variant, differences in full.
fn long(comparison: &Comparison, metric: &MetricReport) -> String {
    let baseline = reading::baseline(comparison);
    let scale = reading::scale(metric);
    let heads = ["variant", "estimate", "", "difference", "relative", "p", "effect"];
    let mut table = head(&heads.map(str::to_owned), "lrlrrrr");
    for (at, estimate) in metric.estimates.iter().enumerate().take(ROWS.1) {
        let mut row = vec![
            text(&reading::named(&estimate.variant)),
            number(&reading::estimate(metric, scale, Some(at)).to_string()),
        ];
        row.extend(match reading::difference(metric, at, baseline) {
            None => vec!["• baseline".to_owned()],
            Some(found) => {
                let mark = reading::Mark::of(found.finding, metric.better);
                let gap = found
                    .mean
                    .map(|mean| scale.difference(mean, found.half_width).to_string());
                let share = found
                    .relative
                    .map(|share| relative(share, found.relative_half_width));
                vec![
                    format!("{} {}", mark.sign, mark.word),
                    or_dash(gap),
                    or_dash(share),
                    or_dash(found.p_adjusted.map(probability)).replace('<', "&lt;"),
                    or_dash(found.effect.map(effect)),
                ]
            }
        });
        row.resize(heads.len(), String::new());
        table.push_str(&line(&row));
    }
    table
}

/// All metrics: a row a variant.
fn compact(comparison: &Comparison) -> String {
    let titles = comparison.metrics.iter().map(|metric| {
        let title = text(&reading::with_unit(metric));
        match metric.better {
            Some(_) => format!("{title}<br>{}", reading::direction(metric)),
            None => title,
        }
    });
    let heads: Vec<String> = std::iter::once("variant".to_owned()).chain(titles).collect();
    let mut table = head(&heads, &format!("l{}", "r".repeat(comparison.metrics.len())));
    for (at, variant) in comparison.variants.iter().enumerate().take(ROWS.1) {
        let mut row = vec![text(&reading::named(&variant.label))];
        row.extend((comparison.metrics.iter()).map(|metric| cell(comparison, metric, Some(at))));
        table.push_str(&line(&row));
    }
    table
}

/// One metric as a grid, or one for each combination of further factors.
fn grids(comparison: &Comparison, axes: &Axes, metric: &MetricReport) -> String {
    let factors = &comparison.design.factors;
    let (down, right) = (&factors[axes.rows].values, &factors[axes.columns].values);
    let (rows, columns) = (down.len().min(ROWS.0), right.len().min(ROWS.0));
    let mut out = String::new();
    for rest in axes.combinations(comparison) {
        if !rest.is_empty() {
            out.push_str(&format!("{}\n\n", text(&axes.told(comparison, &rest))));
        }
        let mut heads = vec![text(&axes.corner(comparison))];
        heads.extend(right[..columns].iter().map(|value| text(&reading::named(value))));
        out.push_str(&head(&heads, &format!("l{}", "r".repeat(columns))));
        for (row, value) in down[..rows].iter().enumerate() {
            let mut cells = vec![text(&reading::named(value))];
            let at = |column| axes.at(comparison, row, column, &rest);
            cells.extend((0..columns).map(|column| cell(comparison, metric, at(column))));
            out.push_str(&line(&cells));
        }
        out.push('\n');
    }
    if (rows, columns) != (down.len(), right.len()) {
        out.push_str(&format!(
            "The first {rows} of {} rows and {columns} of {} columns; all are in `comparison.json`.\n\n",
            down.len(),
            right.len()
        ));
    }
    out
}

/// An estimate and how it stands to the baseline, as a sign.
fn cell(comparison: &Comparison, metric: &MetricReport, at: Option<usize>) -> String {
    let scale = reading::scale(metric).without_name();
    let figure = reading::estimate(metric, scale, at).to_string();
    let mark = at.map(|at| reading::mark(metric, at, reading::baseline(comparison)));
    let sign = match mark {
        Some(Some(mark)) => mark.sign,
        Some(None) => "•",
        None => "",
    };
    number(format!("{figure} {sign}").trim_end())
}

/// Everything known of each difference, for who wants to check; `None` if there is none.
pub(super) fn in_full(comparison: &Comparison) -> Option<String> {
    let heads = [
        "metric",
        "variant",
        "runs",
        "smallest … largest run",
        "difference",
        "p alone",
        "p corrected",
        "effect",
        "correlation",
        "variance saved",
    ];
    let mut table = head(&heads.map(str::to_owned), "llrrrrrrrr");
    let baseline = reading::baseline(comparison);
    let all = comparison.metrics.iter().flat_map(|metric| {
        (metric.estimates.iter().enumerate()).map(move |(at, estimate)| (metric, at, estimate))
    });
    let mut rows = 0;
    for (metric, at, estimate) in all {
        let Some(found) = reading::difference(metric, at, baseline) else {
            continue;
        };
        rows += 1;
        if rows > ROWS.1 {
            continue;
        }
        let scale = reading::scale(metric);
        let range = estimate.min.zip(estimate.max);
        let range = range.map(|(min, max)| format!("{} … {}", scale.value(min), scale.value(max)));
        let gap = found
            .mean
            .map(|mean| scale.difference(mean, found.half_width).to_string());
        let chance = |p: Option<f64>| or_dash(p.map(probability)).replace('<', "&lt;");
        table.push_str(&line(&[
            text(&metric.title),
            text(&reading::named(&estimate.variant)),
            found.runs.to_string(),
            or_dash(range),
            or_dash(gap),
            chance(found.p),
            chance(found.p_adjusted),
            or_dash(found.effect.map(effect)),
            or_dash(found.correlation.map(effect)),
            or_dash(found.variance_reduction.map(factor)),
        ]));
    }
    if rows > ROWS.1 {
        table.push_str(&format!(
            "\nThe first {} of {rows}; all are in `comparison.json`.\n",
            ROWS.1
        ));
    }
    (rows > 0).then_some(table)
}

fn or_dash(text: Option<String>) -> String {
    text.map_or(NOTHING.to_owned(), |text| number(&text))
}

/// Header and rule; `l` and `r` say where a column is aligned.
fn head(heads: &[String], align: &str) -> String {
    let rule: Vec<String> = (align.chars())
        .map(|c| if c == 'r' { "---:" } else { "---" }.to_owned())
        .collect();
    format!("{}{}", line(heads), line(&rule))
}

fn line(cells: &[String]) -> String {
    format!("| {} |\n", cells.join(" | "))
}
