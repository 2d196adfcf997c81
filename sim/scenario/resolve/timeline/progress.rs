//! What operators do to the progress of groups: reset offsets, skip a backlog, send dead letters again.

use super::entry::Known;
use crate::cluster::broker::retry_dlq::DLQ_TOPIC_PREFIX;
use crate::cluster::config::{Action, OffsetTarget, RocketMqVersion};
use crate::cluster::ids::{GroupId, TopicId};
use crate::kernel::time::{SimDuration, SimTime};
use crate::scenario::locate::FieldPath;
use crate::scenario::resolve::Resolver;
use crate::scenario::schema::{Permission, TimelineBlock};
use crate::scenario::{defaults, suggest};

impl Resolver<'_> {
    /// The one thing that an entry about a group's progress does.
    pub(super) fn progress(
        &mut self,
        path: &FieldPath,
        block: &TimelineBlock,
        (key, target): (&str, &str),
        known: &Known<'_>,
    ) -> Option<Action> {
        let here = path.key(key);
        let span = self.inside(&here, 0, target.len());
        if key == "updateTopicPerm" {
            return self.permission(path, block, target, known);
        }
        let group = self.group(&here, span, target, known.groups)?;
        if key == "resendDlq" {
            let gap = block.rate.unwrap_or(defaults::rate()).gap();
            return Some(Action::ResendDlq { group, gap });
        }
        let topic = self.topic_of_group(path, block, key, group, known)?;
        let target = match key {
            "skipBacklog" => OffsetTarget::Latest,
            _ => self.offset_target(path, block)?,
        };
        let force = self.force(path, block);
        Some(Action::ResetOffset {
            group,
            topic,
            target,
            force,
        })
    }

    /// `topic`, which the group must subscribe to.
    fn topic_of_group(
        &mut self,
        path: &FieldPath,
        block: &TimelineBlock,
        key: &str,
        group: GroupId,
        known: &Known<'_>,
    ) -> Option<TopicId> {
        let group = &known.groups[group.index()];
        let topics = known.nameable.topics;
        let Some(name) = &block.topic else {
            if let [only] = group.subscribe[..] {
                return Some(only);
            }
            let names = group
                .subscribe
                .iter()
                .map(|topic| topics[topic.index()].name.as_str());
            let help = format!("topics of the group: {}", suggest::list(names, 20));
            let message = format!("`{key}` must say in which topic: the key \"topic\"");
            let problem = self.problem_of_entry(path, message);
            problem.label = format!("`{}` subscribes to several", group.name);
            problem.help.push(help);
            return None;
        };
        let here = path.key("topic");
        let topic = self.topic(&here, false, name, topics)?;
        if !group.subscribe.contains(&topic) {
            let message = format!("the group `{}` does not subscribe to `{name}`", group.name);
            self.problem(&here, message).label = "no offsets of it there".to_owned();
            return None;
        }
        Some(topic)
    }

    /// `to`: a word, or a time that has been.
    fn offset_target(&mut self, path: &FieldPath, block: &TimelineBlock) -> Option<OffsetTarget> {
        let Some(text) = &block.to else {
            let problem = self.problem_of_entry(path, "`resetOffset` must say where to: the key \"to\"");
            problem.label = "\"to\" is missing in this object".to_owned();
            problem
                .help
                .push("for example \"to\": \"2m30s\", \"earliest\" or \"latest\"".to_owned());
            return None;
        };
        let here = path.key("to");
        match text.as_str() {
            "earliest" => return Some(OffsetTarget::Earliest),
            "latest" => return Some(OffsetTarget::Latest),
            _ => {}
        }
        let Ok(time) = text.parse::<SimDuration>() else {
            let problem = self.problem(&here, format!("`{text}` is no place to go on from"));
            problem.label = "expected \"earliest\", \"latest\" or a time like \"2m30s\"".to_owned();
            return None;
        };
        if time > block.at {
            let message = format!("the offsets of {time} are not known at {}", block.at);
            let problem = self.problem(&here, message);
            problem.label = "after \"at\"".to_owned();
            problem
                .help
                .push("\"latest\" goes on with what comes from then on".to_owned());
        }
        Some(OffsetTarget::Time(SimTime::ZERO + time))
    }

    fn force(&mut self, path: &FieldPath, block: &TimelineBlock) -> bool {
        if block.force.is_some() && self.file.cluster.rocketmq != RocketMqVersion::V4_9 {
            let message = "brokers of RocketMQ 5.3 reset offsets whatever `force` says";
            let problem = self.problem(&path.key("force"), message);
            problem.label = "without effect".to_owned();
            problem
                .help
                .push("leave it out, or study \"rocketmq\": \"4.9\"".to_owned());
        }
        block.force.unwrap_or(true)
    }

    /// `updateTopicPerm` of a dead-letter topic.
    fn permission(
        &mut self,
        path: &FieldPath,
        block: &TimelineBlock,
        target: &str,
        known: &Known<'_>,
    ) -> Option<Action> {
        let here = path.key("updateTopicPerm");
        let Some(group) = target.strip_prefix(DLQ_TOPIC_PREFIX) else {
            let problem = self.problem(&here, format!("`{target}` is no dead-letter topic"));
            problem.label = format!("expected \"{DLQ_TOPIC_PREFIX}group\"");
            problem.help.push(
                "permissions of other topics are not modelled: to drain one from a broker, use \"updateTopic\""
                    .to_owned(),
            );
            return None;
        };
        let span = self.inside(&here, DLQ_TOPIC_PREFIX.len(), target.len());
        let group = self.group(&here, span, group, known.groups)?;
        let Some(perm) = block.perm else {
            let problem = self.problem_of_entry(
                path,
                "`updateTopicPerm` must say what is allowed: the key \"perm\"",
            );
            problem.label = "\"perm\" is missing in this object".to_owned();
            problem
                .help
                .push("\"perm\": \"readWrite\" or \"write\"".to_owned());
            return None;
        };
        let readable = perm == Permission::ReadWrite;
        Some(Action::SetDlqPermission { group, readable })
    }
}
