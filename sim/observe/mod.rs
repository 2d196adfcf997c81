//! Folds facts into measures, one file each.
//!
//! [`Observation`](observation::Observation) is the observer of every run. It sees facts alone and keeps what it
//! needs in tables by dense id. Its memory follows the entities and the messages that are open, not those that
//! are done.

pub mod beside;
pub mod changed;
pub mod consumers;
pub mod delivery;
pub mod duplicates;
pub mod effects;
pub mod episodes;
pub mod filters;
pub mod histogram;
pub mod invariant;
pub mod lag;
pub mod latency;
pub mod ledger;
pub mod observation;
pub mod order;
pub mod ownership;
pub mod paces;
pub mod passed;
pub mod producers;
pub mod queries;
pub mod rebalance;
pub mod remedies;
pub mod requests;
pub mod retries;
pub mod series;
pub mod settled;
pub mod shares;
pub mod skew;
pub mod slots;
#[cfg(test)]
pub(crate) mod story;
pub mod warm_up;
pub mod windows;
