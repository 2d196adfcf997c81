//! What a run writes beside its report, and who looks on for it.

use crate::observe::beside::Beside;
use std::path::PathBuf;

/// The observers that the arguments of one run ask for.
#[derive(Default)]
pub struct Extras {}

impl Extras {
    /// Those who look on beside the observation.
    pub fn others(&mut self) -> Vec<&mut dyn Beside> {
        Vec::new()
    }

    /// What they have to write, now that the run is over.
    pub fn files(self) -> Vec<(PathBuf, Vec<u8>)> {
        Vec::new()
    }
}
