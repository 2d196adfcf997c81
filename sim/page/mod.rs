//! `report.html`: one file, without network or server, on which one sees a run.
//!
//! Summary and verdict, a player of the run ([`recorder`], [`data`]), the charts with their values under the pointer and
//! one time cursor for all, tables that sort, the scenario. Everything is in the file: style, scripts, data. The same run
//! yields the same bytes.
//!
//! The page stays below [`BYTES`]: the recording is bounded, tables are cut, and charts are drawn as far as there is room;
//! what is left out is said.

pub mod data;
mod key_numbers;
pub mod recorder;
mod tables;

use crate::page::data::Playback;
use crate::report::charts::{Chart, text};
use crate::report::model::Report;
use askama::Template;
use key_numbers::KeyNumber;
use serde::Serialize;
use tables::Table;

/// Bytes of a page at most.
pub const BYTES: usize = 5 << 20;
/// Bytes of the scenario that are shown.
const SCENARIO: usize = 128 << 10;

const STYLE: &str = include_str!("assets/page.css");
/// In the order in which they need each other.
const SCRIPT: &[&str] = &[
    include_str!("assets/playback.js"),
    include_str!("assets/clock.js"),
    include_str!("assets/stage.js"),
    include_str!("assets/traffic.js"),
    include_str!("assets/player.js"),
    include_str!("assets/charts.js"),
    include_str!("assets/tables.js"),
    include_str!("assets/main.js"),
];

/// The page as its template sees it.
#[derive(Template)]
#[template(path = "report.html")]
struct Page<'a> {
    report: &'a Report,
    title: &'a str,
    numbers: Vec<KeyNumber>,
    passed: usize,
    seconds: String,
    charts: Vec<&'a Chart>,
    charts_omitted: usize,
    tables: Vec<Table>,
    scenario: String,
    scenario_cut: bool,
    playback: Json,
    panels: Json,
    style: &'static str,
    script: String,
}

/// A JSON text that may stand in a `script` element.
struct Json(String);

impl Json {
    /// Of `value`, in which no text can end the element.
    fn of(value: &impl Serialize) -> Self {
        let text = serde_json::to_string(value).expect("plain data");
        Self(text.replace('<', "\\u003c"))
    }
}

/// The page of a run. What does not fit into [`BYTES`] goes in turn: charts, rows of tables, the scenario, messages on
/// their way, moments.
///
/// # Panics
/// If the page is too big without all of that.
pub fn html(report: &Report, charts: &[Chart], playback: &Playback) -> String {
    let mut page = Page::new(report, charts, playback);
    let mut step = 0;
    loop {
        let html = page.render().expect("a template without errors of its own");
        if html.len() <= BYTES {
            return html;
        }
        if !page.charts.is_empty() {
            page.draw(charts, page.charts.len() * 3 / 4);
            continue;
        }
        step += 1;
        match step {
            1 => page.tables.iter_mut().for_each(|table| table.cut(100)),
            2 => (page.scenario, page.scenario_cut) = (String::new(), true),
            3 => page.playback = Json::of(&playback.without_messages()),
            4 => page.playback = Json::of(&playback.bare()),
            _ => panic!("a page of {} bytes with nothing in it", html.len()),
        }
    }
}

impl<'a> Page<'a> {
    fn new(report: &'a Report, charts: &'a [Chart], playback: &Playback) -> Self {
        let scenario = serde_json::to_string_pretty(&report.scenario).expect("plain data");
        let (scenario, scenario_cut) = cut(scenario);
        let mut page = Self {
            report,
            title: report.run.title.as_deref().unwrap_or(&report.run.name),
            numbers: key_numbers::of(report),
            passed: report.expect.iter().filter(|verdict| verdict.passed).count(),
            seconds: text::seconds(report.run.duration_seconds),
            charts: Vec::new(),
            charts_omitted: 0,
            tables: tables::all(report),
            scenario,
            scenario_cut,
            playback: Json::of(playback),
            panels: Json(String::new()),
            style: STYLE,
            script: SCRIPT.concat(),
        };
        page.draw(charts, charts.len());
        page
    }

    /// Shows so many of the charts.
    fn draw(&mut self, charts: &'a [Chart], shown: usize) {
        self.charts = charts.iter().take(shown).collect();
        self.charts_omitted = charts.len() - shown;
        self.panels = Json::of(&self.charts.iter().map(|chart| &chart.panels).collect::<Vec<_>>());
    }
}

/// The beginning of a text that is too long, up to the end of a line.
fn cut(text: String) -> (String, bool) {
    if text.len() <= SCENARIO {
        return (text, false);
    }
    let mut end = SCENARIO;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let end = text[..end].rfind('\n').unwrap_or(end);
    (text[..end].to_owned(), true)
}
