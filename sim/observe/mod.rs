//! Folds facts into measures: the account, lag, latency, skew, rebalances, retries, duplicates, requests.

pub mod invariant;
pub mod lag;
pub mod latency;
pub mod ledger;
pub mod settled;
pub mod skew;
pub mod slots;
#[cfg(test)]
pub(crate) mod story;
