//! Effects of listeners that remember what they have done.

use serde::{Deserialize, Serialize};

/// Effects against deliveries; all 0 where nobody counts them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct EffectsReport {
    /// Whether its listeners remember what they have done.
    pub idempotent: bool,
    /// Effects of listeners: messages that a listener got through, whatever became of the result.
    pub happened: u64,
    /// Of these, effects of what had had its effect before.
    pub doubled: u64,
    /// Deliveries that were answered with success and without work, because the store knew them.
    pub suppressed: u64,
    /// Messages (or keys) that were suppressed and never had an effect.
    pub lost: u64,
}
