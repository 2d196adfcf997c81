//! The gallery: what each shipped scenario and study yields, committed under `reports/` and regenerated here byte for byte.
//!
//! `UPDATE=1 cargo test --test gallery` renews it. Then read the diff and look at the pictures: every change of a
//! result is either meant or a bug.

#[path = "gallery/index.rs"]
mod index;
#[path = "gallery/lessons.rs"]
mod lessons;
#[path = "gallery/strategies.rs"]
mod strategies;
#[path = "gallery/studies.rs"]
mod studies;

use index::Told;
use rmqsim::Onlookers;
use rmqsim::cluster::bounds::Bounds;
use rmqsim::page::{self, recorder::Recorder};
use rmqsim::report::expect::{self, Expectation};
use rmqsim::report::{charts, json, table};
use rmqsim::scenario::{Overrides, Scenario, shipped};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// A larger `report.json` or `comparison.json` is committed as its digest in `reports/DIGESTS`, as every `report.html` is.
const LARGEST_REPORT: usize = 256 * 1024;

fn reports() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("reports")
}

/// All files of the gallery by path below `reports/`.
fn gallery() -> BTreeMap<String, String> {
    let mut files = BTreeMap::new();
    let mut digests = String::new();
    let mut told = BTreeMap::new();
    for name in shipped::names() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("scenarios")
            .join(format!("{name}.json"));
        let text = fs::read_to_string(&path).unwrap();
        let scenario = Scenario::from_text(name, &text, &Overrides::default())
            .unwrap_or_else(|problems| panic!("{}", problems.render(false, 100)));
        let mut recorder = Recorder::new(&scenario.config);
        let onlookers = Onlookers {
            watch: None,
            others: vec![&mut recorder],
        };
        let bounds = Bounds::default();
        let mut report = rmqsim::simulate_before(onlookers, name, &scenario, None, &bounds, |_, _| {});
        let shape = expect::shape(&scenario.config);
        let expectations: Vec<Expectation> = scenario
            .expect
            .iter()
            .map(|(text, _)| {
                Expectation::parse(text, &shape).unwrap_or_else(|e| panic!("{name}: {text}: {e}"))
            })
            .collect();
        assert!(
            report.judge(&expectations),
            "{name}: an expectation failed: {:#?}",
            report.expect
        );
        let bytes = json::canonical(&report);
        digests.push_str(&format!(
            "{}  {name}/report.json\n",
            blake3::hash(bytes.as_bytes()).to_hex()
        ));
        if bytes.len() <= LARGEST_REPORT {
            files.insert(format!("{name}/report.json"), bytes);
        }
        files.insert(format!("{name}/summary.txt"), table::summary(&report, false));
        let mut more = vec![("summary", "summary.txt".to_owned())];
        if name == strategies::SCENARIO {
            more.push((
                "the same deploy under every strategy",
                strategies::FILE.to_owned(),
            ));
            files.insert(format!("{name}/{}", strategies::FILE), strategies::file());
        }
        let of_scenario = Told {
            title: scenario.file.title.clone(),
            teaches: scenario.file.teaches.clone(),
            more,
        };
        let charts = charts::draw_all(&report);
        let playback = recorder.playback().expect("the run is over");
        let html = page::html(&report, &charts, playback);
        digests.push_str(&format!(
            "{}  {name}/report.html\n",
            blake3::hash(html.as_bytes()).to_hex()
        ));
        let page = index::page_of(name, &of_scenario, &scenario.file.try_next, &charts);
        files.insert(format!("{name}/README.md"), page);
        told.insert(name.to_owned(), of_scenario);
        for chart in charts {
            files.insert(format!("{name}/{}", chart.file_name), chart.svg);
        }
    }
    studies::add(&mut files, &mut digests, &mut told, LARGEST_REPORT);
    files.insert("DIGESTS".to_owned(), digests);
    files.insert("README.md".to_owned(), index::page(&told, &files));
    files
}

/// Files below `folder`, as paths relative to it.
fn committed(folder: &Path, prefix: &str, files: &mut BTreeMap<String, PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        let name = format!("{prefix}{}", path.file_name().unwrap().to_string_lossy());
        if path.is_dir() {
            committed(&path, &format!("{name}/"), files);
        } else {
            files.insert(name, path);
        }
    }
}

/// Every shipped scenario and study yields the committed bytes, meets its expectations, and nothing else lies in `reports/`.
#[test]
fn shipped_scenarios_yield_the_gallery() {
    let expected = gallery();
    let mut found = BTreeMap::new();
    committed(&reports(), "", &mut found);
    if std::env::var_os("UPDATE").is_some() {
        for (name, path) in &found {
            if !expected.contains_key(name) {
                fs::remove_file(path).unwrap();
            }
        }
        for (name, text) in &expected {
            let path = reports().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        return;
    }
    let names: Vec<&String> = found.keys().collect();
    assert_eq!(
        names,
        expected.keys().collect::<Vec<_>>(),
        "files in reports/; renew with UPDATE=1"
    );
    let differing: Vec<&String> = expected
        .iter()
        .filter(|(name, text)| fs::read(&found[*name]).unwrap() != text.as_bytes())
        .map(|(name, _)| name)
        .collect();
    assert!(
        differing.is_empty(),
        "these differ; renew with UPDATE=1 and read the diff: {differing:#?}"
    );
}
