//! What a run writes beside its report, and who looks on for it.

use crate::cli::args::RunArgs;
use crate::cli::trace::{Ended, Traces};
use crate::observe::beside::Beside;
use crate::page;
use crate::page::recorder::Recorder;
use crate::report::Report;
use crate::report::charts::Chart;
use crate::scenario::Scenario;
use crate::trace::Ending;
use std::path::{Path, PathBuf};

/// The observers that the arguments of one run ask for.
pub struct Extras {
    /// Records what the page plays back, if a page is wanted.
    recorder: Option<Recorder>,
    traces: Traces,
}

impl Extras {
    /// Those that `args` ask for, for a run of `scenario`, ready to write; of a page only if it has a `folder`.
    pub fn new(
        args: &RunArgs,
        name: &str,
        scenario: &Scenario,
        folder: Option<&Path>,
    ) -> anyhow::Result<Self> {
        let with_page = folder.is_some() && !args.no_page;
        Ok(Self {
            recorder: with_page.then(|| Recorder::new(&scenario.config)),
            traces: Traces::begin(&args.traces, name, scenario)?,
        })
    }

    /// Those who look on beside the observation.
    pub fn others(&mut self) -> Vec<&mut dyn Beside> {
        let recorder = self.recorder.as_mut().map(|recorder| recorder as &mut dyn Beside);
        recorder.into_iter().chain(self.traces.others()).collect()
    }

    /// What they have to write into `folder`, now that the run is over.
    pub fn files(&self, folder: Option<&Path>, report: &Report, charts: &[Chart]) -> Vec<(PathBuf, Vec<u8>)> {
        let playback = self.recorder.as_ref().and_then(Recorder::playback);
        let page = folder.zip(playback).map(|(folder, playback)| {
            let html = page::html(report, charts, playback);
            (folder.join("report.html"), html.into_bytes())
        });
        page.into_iter().collect()
    }

    /// Completes what they have written while the run went on.
    pub fn end(self, report: &Report) -> Ended {
        self.traces.end(&Ending::of(report))
    }
}
