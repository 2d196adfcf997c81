//! `comparison.md`: a comparison as a page for a pull request, in GitHub's markdown.
//!
//! What it comes to stands first, in sentences; then the numbers, the charts, and how they came about. What only a
//! doubter needs is folded. Nothing in it tells when or on which machine it was written.

mod escape;
mod tables;

use super::model::Comparison;
use super::reading::{self, Form};
use super::reproduce;
use super::sentences;
use crate::report::charts::text::count;
use escape::{code, commands, number, text};

/// Items of a list at most; the rest is counted.
const ITEMS: usize = 40;

/// The page; `charts` are titles and the names of files that lie beside it.
pub fn page(comparison: &Comparison, charts: &[(String, String)]) -> String {
    let form = Form::of(comparison);
    let mut out = String::new();
    out.push_str(&summary(comparison));
    if !comparison.metrics.is_empty() {
        out.push_str("## Results\n\n");
        out.push_str(&tables::results(comparison, &form));
        out.push_str("How to read it:\n\n");
        out.push_str(&list(&sentences::legend(comparison, &form)));
    }
    if !charts.is_empty() {
        out.push_str("## Charts\n\n");
        for (title, file) in charts {
            out.push_str(&format!("![{}]({file})\n\n", text(title)));
        }
    }
    out.push_str("## How it was compared\n\n");
    out.push_str(&list(&design(comparison)));
    let folded = [
        ("To do it again", Some(again(comparison))),
        ("Every difference in full", tables::in_full(comparison)),
        ("Always 0", always_zero(comparison)),
    ];
    for (title, content) in folded {
        if let Some(content) = content {
            out.push_str(&format!(
                "<details><summary>{title}</summary>\n\n{}\n\n</details>\n\n",
                content.trim_end()
            ));
        }
    }
    // One line feed at the end, no thin spaces: a number should be found by searching for it.
    format!("{}\n", out.trim_end().replace('\u{2009}', "\u{a0}"))
}

/// Title, one paragraph, and what each metric comes to.
fn summary(comparison: &Comparison) -> String {
    let run = &comparison.run;
    let title = if run.title.is_empty() {
        &run.name
    } else {
        &run.title
    };
    let mut out = format!("# {}\n\n", text(title));
    if !run.complete {
        out.push_str(
            "> **Interrupted** before all runs were done: everything below is about those that were.\n\n",
        );
    }
    out.push_str(&format!(
        "{}; the baseline is **{}**.\n\n",
        number_words(&sentences::runs(comparison)),
        text(&reading::named(&comparison.design.baseline))
    ));
    let verdicts = comparison.metrics.iter().filter_map(|metric| {
        let verdict = sentences::verdict(metric);
        let told = format!("**{}**: {}", text(&metric.title), text(&verdict.join("; ")));
        (!verdict.is_empty()).then_some(told)
    });
    out.push_str(&items(&verdicts.collect::<Vec<_>>()));
    out.push_str(&section("Trade-offs", &comparison.trade_offs));
    let failed = sentences::failed(&comparison.variants);
    let failed = failed
        .iter()
        .map(|one| format!("✗ {}: {}", code(one.text), text(&one.held)));
    let failed: Vec<String> = failed.collect();
    if !failed.is_empty() {
        out.push_str(&format!(
            "**Expected, but not so in every run:**\n\n{}",
            items(&failed)
        ));
    } else if sentences::expectations(&comparison.variants) > 0 {
        let asked = count(sentences::expectations(&comparison.variants), "expectation");
        out.push_str(&format!("✓ {asked} held in every run.\n\n"));
    }
    out.push_str(&section("Warnings", &sentences::warnings(comparison)));
    out
}

/// How the numbers came about.
fn design(comparison: &Comparison) -> Vec<String> {
    let design = &comparison.design;
    let mut lines: Vec<String> = Vec::new();
    for factor in &design.factors {
        lines.push(format!(
            "varied: {} = {}",
            factor.path,
            sentences::listed(&factor.values)
        ));
    }
    let [messages, events] = sentences::size(comparison);
    lines.push(format!("{}; {messages}, {events}", sentences::runs(comparison)));
    lines.push(format!("baseline: {}", reading::named(&design.baseline)));
    lines.push(format!("luck: {}", sentences::luck(comparison).join("; ")));
    lines.push(format!(
        "{} compared with the baseline, corrected together by Holm's rule",
        count(design.comparisons, "number")
    ));
    lines.extend(sentences::warmup(comparison).map(|text| format!("warm-up: {text}")));
    lines.extend(sentences::stopping(comparison).map(|text| format!("stopping: {text}")));
    let run = &comparison.run;
    lines.push(format!(
        "rmqsim {}, results {}, trace {}",
        run.engine_version,
        run.results_version,
        run.trace_digest.get(..12).unwrap_or(&run.trace_digest)
    ));
    lines
}

/// The commands that give the same again.
fn again(comparison: &Comparison) -> String {
    let alone = reproduce::each(comparison);
    let mut out = format!(
        "The whole study:\n\n{}",
        commands(&[reproduce::whole(comparison)])
    );
    if !alone.is_empty() {
        out.push_str("\nOne run of each variant:\n\n");
        out.push_str(&commands(&alone[..alone.len().min(ITEMS)]));
    }
    if alone.len() > ITEMS {
        out.push_str(&format!("\n… and so on for {} more.\n", alone.len() - ITEMS));
    }
    out
}

fn always_zero(comparison: &Comparison) -> Option<String> {
    let paths: Vec<String> = comparison.quiet.iter().map(|path| code(path)).collect();
    (!paths.is_empty()).then(|| items(&paths))
}

fn section(title: &str, sentences: &[String]) -> String {
    match sentences.is_empty() {
        true => String::new(),
        false => format!("**{title}:**\n\n{}", list(sentences)),
    }
}

/// Plain texts as a list.
fn list(texts: &[String]) -> String {
    items(&texts.iter().map(|plain| text(plain)).collect::<Vec<_>>())
}

/// Texts that are markdown already as a list.
fn items(texts: &[String]) -> String {
    if texts.is_empty() {
        return String::new();
    }
    let shown = texts.iter().take(ITEMS).map(|item| format!("- {item}\n"));
    let mut out: String = shown.collect();
    if texts.len() > ITEMS {
        out.push_str(&format!(
            "- … and {} more, in `comparison.json`\n",
            texts.len() - ITEMS
        ));
    }
    out.push('\n');
    out
}

/// A sentence that begins with a number.
fn number_words(sentence: &str) -> String {
    text(sentence).replace('\u{2009}', &number(" "))
}

#[cfg(test)]
mod tests;
