//! What a run writes beside its report, and who looks on for it.

use crate::cluster::config::ClusterConfig;
use crate::observe::beside::Beside;
use crate::page;
use crate::page::recorder::Recorder;
use crate::report::Report;
use crate::report::charts::Chart;
use std::path::{Path, PathBuf};

/// The observers that the arguments of one run ask for.
#[derive(Default)]
pub struct Extras {
    /// Records what the page plays back, if a page is wanted.
    recorder: Option<Recorder>,
}

impl Extras {
    /// Also a page.
    pub fn with_page(mut self, config: &ClusterConfig) -> Self {
        self.recorder = Some(Recorder::new(config));
        self
    }

    /// Those who look on beside the observation.
    pub fn others(&mut self) -> Vec<&mut dyn Beside> {
        let recorder = self.recorder.as_mut().map(|recorder| recorder as &mut dyn Beside);
        recorder.into_iter().collect()
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
}
