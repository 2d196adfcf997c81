//! One scenario: under all rules, then once more to see what it meets, and whether both runs do the same.

use super::coverage::{Coverage, Met};
use crate::cluster::Cluster;
use crate::cluster::config::ClusterConfig;
use crate::cluster::sabotage::{Planted, Sabotage};
use crate::verify::check::{Broken, caught, check};

/// What a broken promise of equal runs is called: it has no number among the invariants, which hold in one run.
pub const DETERMINISM: &str = "determinism";

/// A clean run.
#[derive(Clone, Debug)]
pub struct Trial {
    /// Events of one run.
    pub events: u64,
    /// What it met.
    pub met: Met,
    /// How often each rule was asked, by invariant.
    pub asked: Vec<u64>,
}

/// Tries a cluster. Whoever watches must not touch: the run that looks at the rules and the run that looks at what is met
/// have the same events.
///
/// # Errors
/// The first rule that does not hold.
pub fn trial(config: &ClusterConfig, sabotage: Option<Sabotage>) -> Result<Trial, Broken> {
    let seen = check(config, sabotage)?;
    let done = caught(|| {
        let mut cluster = Cluster::new(config.clone(), Coverage::new(config));
        if let Some(sabotage) = sabotage {
            cluster = cluster.sabotaged(Planted {
                fault: sabotage,
                run: 2,
            });
        }
        cluster.run(|_, _| {})
    })?;
    if (done.events, &done.trace_digest) != (seen.events, &seen.trace_digest) {
        return Err(Broken {
            id: DETERMINISM.to_owned(),
            at: None,
            what: format!(
                "two runs differ: {} events with the digest {}, {} with {}",
                seen.events, seen.trace_digest, done.events, done.trace_digest
            ),
        });
    }
    Ok(Trial {
        events: done.events,
        met: done.observer.finish(),
        asked: seen.asked,
    })
}
