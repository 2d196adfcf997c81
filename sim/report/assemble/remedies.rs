//! What the timeline did about backlogs.

use super::View;
use crate::cluster::ids::GroupId;
use crate::observe::remedies::Patient;
use crate::report::model::{GuardReport, RemedyGroupReport, RemedyReport};

impl View<'_> {
    pub(super) fn remedies(&self) -> Vec<RemedyReport> {
        let told = self.observation.remedies.told().iter().enumerate();
        told.map(|(number, remedy)| {
            let is_for = |group: &GroupId| match remedy.patient {
                Patient::Group(patient) => patient == *group,
                Patient::Topic(topic) => self.directory.group(*group).topics.contains(&topic),
            };
            let of_group = |group: GroupId| {
                let mark = self.observation.lag.group(group).lag.marks()[number];
                let report = RemedyGroupReport {
                    lag: mark.value(),
                    drain_seconds: mark.drain().map(|drain| drain.as_secs_f64()),
                };
                (self.directory.group(group).name.clone(), report)
            };
            RemedyReport {
                at_seconds: remedy.at.as_secs_f64(),
                action: remedy.text.clone(),
                steps: remedy.steps.into(),
                groups: self.group_ids().filter(is_for).map(of_group).collect(),
            }
        })
        .collect()
    }

    pub(super) fn guard(&self, group: GroupId) -> GuardReport {
        let of = &self.observation.delivered[group.index()];
        let before = self.observation.warm_up.group(group);
        GuardReport {
            passed: of.passed,
            passed_per_second: self.per_second(of.passed - before.passed),
            waited: of.passed_late,
            waited_seconds: of.waited.as_secs_f64(),
            blocked: of.blocked,
        }
    }
}
