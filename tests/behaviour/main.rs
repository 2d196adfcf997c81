//! What the cluster does, seen from outside: scenarios in, facts out.

mod determinism;
mod flow_control;
mod long_polling;
mod membership;
mod random;
mod retry;
mod start_up;
mod strategies;
mod strategies_at_work;
mod support;
