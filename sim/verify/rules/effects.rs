//! Listeners that remember what they have done (I1).
//!
//! A shared store that neither forgets nor fails: marked before the work, nothing is done twice; marked after it, nothing
//! is taken for done that was not.

use super::Judge;
use crate::cluster::config::{Mark, StoreScope};
use crate::cluster::directory::Directory;
use crate::cluster::fact::Fact;
use crate::cluster::ids::GroupId;
use crate::kernel::time::SimTime;
use crate::observe::invariant::Invariant;
use std::collections::BTreeSet;

/// What was done.
#[derive(Debug, Default)]
pub struct Effects(BTreeSet<(GroupId, u64)>);

impl Judge<'_> {
    pub(super) fn effects(&mut self, now: SimTime, directory: &Directory, fact: &Fact) {
        let (group, identity, happened) = match *fact {
            Fact::EffectHappened { group, identity } => (group, identity, true),
            Fact::EffectSuppressed { group, identity } => (group, identity, false),
            _ => return,
        };
        let Some(store) = self.config.groups[group.index()].idempotent else {
            return;
        };
        let what = |text: &str| format!("group {}: {identity} {text}", directory.group(group).name);
        if !happened {
            let is_founded = store.mark == Mark::Before || self.effects.0.contains(&(group, identity));
            return self.asked.must(now, Invariant::I1, is_founded, || {
                what("is taken for done and was not")
            });
        }
        let first = self.effects.0.insert((group, identity));
        let forgets = store.capacity < u64::MAX || now.since(SimTime::ZERO) >= store.ttl;
        let sound = store.scope == StoreScope::Group && store.failure_probability == 0.0 && !forgets;
        let may_repeat = store.mark == Mark::After || !sound;
        self.asked.must(now, Invariant::I1, first || may_repeat, || {
            what("is done twice, and was marked before")
        });
    }
}
