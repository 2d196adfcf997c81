//! A run that ended before its time.

use crate::cluster::bounds::Stopped;
use crate::kernel::time::{SimDuration, SimTime};
use serde::{Deserialize, Serialize};

/// What stopped a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StopReason {
    /// `--max-events`.
    Events,
    /// `--max-memory`.
    Memory,
    /// Ctrl-C, or a signal that asks the program to end.
    Interrupted,
}

/// Why a run ended before its time, and how far it came.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StoppedReport {
    /// What stopped it.
    pub reason: StopReason,
    /// Virtual time that it reached.
    pub reached_seconds: f64,
    /// Virtual time at which it should have ended.
    pub planned_seconds: f64,
    /// The bound that it met, events.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_events: Option<u64>,
    /// The bound that it met.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_memory_bytes: Option<u64>,
    /// What the model held then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_bytes: Option<u64>,
}

impl StoppedReport {
    /// Of a run that reached `end` and should have lasted for `planned`.
    pub fn of(why: Stopped, end: SimTime, planned: SimDuration) -> Self {
        let blank = Self {
            reason: StopReason::Interrupted,
            reached_seconds: end.as_secs_f64(),
            planned_seconds: planned.as_secs_f64(),
            max_events: None,
            max_memory_bytes: None,
            memory_bytes: None,
        };
        match why {
            Stopped::Events { bound } => Self {
                reason: StopReason::Events,
                max_events: Some(bound),
                ..blank
            },
            Stopped::Memory { bound, held } => Self {
                reason: StopReason::Memory,
                max_memory_bytes: Some(bound),
                memory_bytes: Some(held),
                ..blank
            },
            Stopped::Interrupted => blank,
        }
    }
}
