//! Which names RocketMQ accepts.
//!
//! Source: `TopicValidator`, `Validators`, `DefaultMQPushConsumerImpl.checkConfig`.

use super::Resolver;
use crate::scenario::limits;
use crate::scenario::locate::FieldPath;

/// Topics that the broker makes for itself.
const SYSTEM_TOPICS: [&str; 12] = [
    "TBW102",
    "SCHEDULE_TOPIC_XXXX",
    "BenchmarkTest",
    "RMQ_SYS_TRANS_HALF_TOPIC",
    "RMQ_SYS_TRACE_TOPIC",
    "RMQ_SYS_TRANS_OP_HALF_TOPIC",
    "TRANS_CHECK_MAX_TIME_TOPIC",
    "SELF_TEST_TOPIC",
    "OFFSET_MOVED_EVENT",
    "CHECKPOINT_TOPIC",
    "rmq_sys_wheel_timer",
    "rmq_sys_SYNC_BROKER_MEMBER",
];

impl Resolver<'_> {
    /// Checks a topic's name.
    pub(super) fn topic_name(&mut self, path: &FieldPath, name: &str) {
        let reserved = ["%RETRY%", "%DLQ%", "rmq_sys_"]
            .into_iter()
            .find(|prefix| name.starts_with(prefix));
        if let Some(prefix) = reserved {
            let problem = self.name_problem(path, format!("the topic name `{name}` is reserved by RocketMQ"));
            problem.label = format!("`{prefix}…` belongs to the system");
            problem
                .help
                .push("retry and dead-letter topics come into being by themselves".to_owned());
        } else if SYSTEM_TOPICS.contains(&name) {
            self.name_problem(path, format!("the topic name `{name}` is reserved by RocketMQ"))
                .label = "a system topic".to_owned();
        } else {
            self.plain_name(path, "a topic name", name, limits::TOPIC_NAME, true);
        }
    }

    /// Checks a group's name.
    pub(super) fn group_name(&mut self, path: &FieldPath, name: &str) {
        if name == "DEFAULT_CONSUMER" {
            let problem =
                self.name_problem(path, "the group name `DEFAULT_CONSUMER` is reserved by RocketMQ");
            problem.label = "start() refuses it".to_owned();
        } else {
            self.plain_name(path, "a group name", name, limits::GROUP_NAME, true);
        }
    }

    /// Checks a broker's name: as other names, but one `@` may stand behind a machine room (`hz@broker-a`).
    pub(super) fn broker_name(&mut self, path: &FieldPath, name: &str) {
        match name.split_once('@') {
            Some((room, rest)) if !room.is_empty() && !rest.is_empty() => {
                self.plain_name(
                    path,
                    "a broker name",
                    &format!("{room}{rest}"),
                    limits::NAME - 1,
                    false,
                );
            }
            _ => self.plain_name(path, "a broker name", name, limits::NAME, false),
        }
    }

    /// Checks that `name` is 1 to `max` letters, digits, `_`, `-`. `is_key`: whether to point at the key.
    pub(super) fn plain_name(&mut self, path: &FieldPath, what: &str, name: &str, max: usize, is_key: bool) {
        let allowed = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        let length = name.chars().count();
        let (message, label) = if name.is_empty() {
            (format!("{what} must not be empty"), "empty".to_owned())
        } else if length > max {
            (
                format!("{what} has at most {max} characters, this one has {length}"),
                "too long".to_owned(),
            )
        } else if let Some(bad) = name.chars().find(|c| !allowed(*c)) {
            (
                format!("{what} cannot contain {bad:?}"),
                "only letters, digits, _ and - are allowed".to_owned(),
            )
        } else {
            return;
        };
        let problem = if is_key {
            self.name_problem(path, message)
        } else {
            self.problem(path, message)
        };
        problem.label = label;
    }
}
