//! The shipped studies: their part of the gallery, and their comparisons for the tests of what they teach.

use crate::index::Told;
use rmqsim::cluster::bounds::Bounds;
use rmqsim::compare::{Seeds, Study, compare};
use rmqsim::report::charts;
use rmqsim::report::comparison::model::{Comparison, EstimateReport, Luck, MetricReport, WarmupRule};
use rmqsim::report::comparison::{markdown, metric};
use rmqsim::report::expect::{self, Expectation};
use rmqsim::report::json;
use rmqsim::scenario::study::{Plan, Wanted};
use rmqsim::scenario::{Overrides, Scenario, shipped};
use std::collections::BTreeMap;
use std::sync::OnceLock;
use std::sync::atomic::AtomicBool;

/// The comparison of study `name`; made once, on two threads.
pub fn comparison(name: &str) -> &'static Comparison {
    static ALL: OnceLock<BTreeMap<&str, Comparison>> = OnceLock::new();
    let all = ALL.get_or_init(|| {
        let made = shipped::studies().map(|name| (name, made(name, &[], Luck::Common, 2)));
        made.collect()
    });
    &all[name]
}

/// The comparison of study `name`, with other fields varied than it says if `vary` names some.
pub fn made(name: &str, vary: &[&str], luck: Luck, threads: usize) -> Comparison {
    let study = study(name, vary, luck);
    compare(&study, threads, &AtomicBool::new(false), &|_| {})
}

/// What `rmqsim compare NAME` makes of the file.
fn study(name: &str, vary: &[&str], luck: Luck) -> Study {
    let wanted = Wanted {
        vary: vary.iter().map(|text| (*text).to_owned()).collect(),
        ..Wanted::default()
    };
    let plan = Plan::load(&[name.to_owned()], &Overrides::default(), &wanted)
        .unwrap_or_else(|problems| panic!("{problems}"));
    let shapes: Vec<_> = (plan.variants.iter())
        .map(|variant| expect::shape(&variant.scenario.config))
        .collect();
    let expectations = plan.variants.iter().zip(&shapes).map(|(variant, shape)| {
        let texts = variant.scenario.expect.iter();
        let read = texts.map(|(text, _)| Expectation::parse(text, shape));
        read.collect::<Result<_, _>>()
            .unwrap_or_else(|e| panic!("{name}: {e}"))
    });
    let metrics: Vec<String> = plan.metrics.iter().map(|(path, _)| path.clone()).collect();
    Study {
        name: name.to_owned(),
        set: Vec::new(),
        until: None,
        expectations: expectations.collect(),
        metrics: metric::metrics(&metrics, &shapes).unwrap_or_else(|(_, e)| panic!("{name}: {e}")),
        by_default: false,
        seeds: Seeds::Fixed(plan.seeds.into()),
        luck,
        level: 0.95,
        bounds: Bounds::default(),
        warmup: WarmupRule::Scenario,
        plan,
    }
}

/// The metric with this path.
pub fn metric<'c>(comparison: &'c Comparison, path: &str) -> &'c MetricReport {
    let found = comparison.metrics.iter().find(|metric| metric.path == path);
    found.unwrap_or_else(|| panic!("{} does not measure {path}", comparison.run.name))
}

/// The estimates of a metric by label.
pub fn estimates<'c>(comparison: &'c Comparison, path: &str) -> BTreeMap<&'c str, &'c EstimateReport> {
    let of = metric(comparison, path).estimates.iter();
    of.map(|estimate| (estimate.variant.as_str(), estimate)).collect()
}

/// The estimate for the variant `label`.
#[track_caller]
pub fn mean(comparison: &Comparison, path: &str, label: &str) -> f64 {
    let estimates = estimates(comparison, path);
    let found = estimates.get(label).and_then(|estimate| estimate.mean);
    found.unwrap_or_else(|| panic!("no {path} of `{label}`, only of {:?}", estimates.keys()))
}

/// Adds the studies to the files, digests and index of the gallery. Data larger than `largest` is only digested.
pub fn add(
    files: &mut BTreeMap<String, String>,
    digests: &mut String,
    told: &mut BTreeMap<String, Told>,
    largest: usize,
) {
    for name in shipped::studies() {
        let comparison = comparison(name);
        let scenario = Scenario::load(name, &Overrides::default());
        let teaches = scenario
            .unwrap_or_else(|problems| panic!("{problems}"))
            .file
            .teaches;
        let folder = format!("studies/{name}");
        let bytes = json::canonical(comparison);
        let digest = blake3::hash(bytes.as_bytes()).to_hex();
        digests.push_str(&format!("{digest}  {folder}/comparison.json\n"));
        if bytes.len() <= largest {
            files.insert(format!("{folder}/comparison.json"), bytes);
        }
        let of_study = Told {
            title: comparison.run.title.clone(),
            teaches,
            more: Vec::new(),
        };
        told.insert(name.to_owned(), of_study);
        let mut charts_of_page = Vec::new();
        for chart in charts::comparison::draw_all(comparison) {
            files.insert(format!("{folder}/{}", chart.file_name), chart.svg);
            charts_of_page.push((chart.title, chart.file_name));
        }
        files.insert(
            format!("{folder}/comparison.md"),
            markdown::page(comparison, &charts_of_page),
        );
    }
}
