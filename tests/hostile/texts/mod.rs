//! What must hold whatever a text says, one file for each kind of text. The fuzz targets take these files as they are.

pub mod cases;
pub mod expect;
pub mod run;
pub mod scenario;
pub mod set;
pub mod sql92;
pub mod tags;
pub mod topology;
pub mod units;
pub mod vary;
