//! Metrics by the names of RocketMQ 5, as OpenMetrics text with virtual timestamps (`--metrics FILE`).
//!
//! What a broker of 5.3 tells at its Prometheus port is noted at every sample of the run; the grid widens as that of the
//! report does, so that a run of any length yields a file of bounded size. The text is written at the end, since all
//! points of one metric must stand together. `docs/traces.md` lists what is there and what is left out.
//!
//! Source: `BrokerMetricsManager`, `BrokerMetricsConstant`, `ConsumerLagCalculator`, the exporter of OpenTelemetry 1.29,
//! which puts the unit behind the name.

mod broker;
mod families;
mod grid;
mod text;

use super::out::Out;
use super::{Ending, Trace};
use crate::cluster::directory::Directory;
use crate::cluster::fact::Fact;
use crate::kernel::time::SimTime;
use crate::observe::beside::Beside;
use crate::observe::observation::Observation;
use broker::Brokers;
use grid::Grid;
use std::io::{self, Write};

/// Notes metrics and writes them.
#[derive(Debug)]
pub struct OpenMetrics<W: Write> {
    out: Out<W>,
    brokers: Brokers,
    grid: Grid,
}

impl<W: Write> OpenMetrics<W> {
    /// Metrics of a run.
    pub fn new(to: W) -> Self {
        Self {
            out: Out::new(to),
            brokers: Brokers::default(),
            grid: Grid::default(),
        }
    }

    fn row(&mut self, now: SimTime, directory: &Directory, observation: &Observation) {
        self.grid.begin(now);
        let grid = &mut self.grid;
        self.brokers.tell(now, directory, observation, |metric, value| {
            grid.put(metric, value)
        });
    }
}

impl<W: Write> Beside for OpenMetrics<W> {
    fn observe(&mut self, now: SimTime, directory: &Directory, fact: &Fact, observation: &Observation) {
        self.brokers.fact(now, directory, fact, observation);
    }

    fn sample(&mut self, now: SimTime, directory: &Directory, observation: &Observation) {
        self.brokers.forget_finished(directory, observation);
        if self.grid.sampled() {
            self.row(now, directory, observation);
        }
    }

    fn finish(&mut self, end: SimTime, directory: &Directory, observation: &Observation) {
        if self.grid.last() != Some(end) {
            self.row(end, directory, observation);
        }
        let out = &mut self.out;
        text::write(&self.grid, directory, |text| out.text(text));
    }

    fn held(&self) -> u64 {
        self.brokers.held() + self.grid.held()
    }
}

impl<W: Write> Trace<W> for OpenMetrics<W> {
    fn end(self: Box<Self>, _: &Ending) -> (W, io::Result<()>) {
        self.out.finish()
    }
}
