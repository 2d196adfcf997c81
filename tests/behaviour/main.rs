//! What the cluster does, seen from outside: scenarios in, facts out.

mod attributes;
mod broadcasting;
mod consume_timeout;
mod delivery;
mod determinism;
mod filters;
mod flow_control;
mod idempotent;
mod listener;
mod long_polling;
mod membership;
mod order;
mod order_locks;
mod partition;
mod query_message;
mod random;
mod retention;
mod retry;
mod send_back;
mod silence;
mod start_up;
mod strategies;
mod strategies_at_work;
mod subscriptions;
mod support;
mod topic_queues;
