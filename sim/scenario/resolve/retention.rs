//! How long brokers keep messages: hours that are hours, and no message deleted while it waits for its retry.

use super::{Resolver, field};
use crate::cluster::broker::retention::delete_hours;
use crate::cluster::broker::schedule_message::DelayLevels;
use crate::cluster::config::Retention;

impl Resolver<'_> {
    pub(super) fn retention(&mut self) {
        let tuning = &self.file.cluster.tuning;
        if delete_hours(&tuning.delete_when).is_none() {
            let path = field!["cluster", "tuning", "deleteWhen"];
            let message = format!("`{}` does not name hours of the day", tuning.delete_when);
            let problem = self.problem(&path, message);
            problem.label = "hours from 00 to 23, separated by ;".to_owned();
            problem
                .help
                .push("\"04\" is four in the morning, \"04;16\" that and four in the afternoon".to_owned());
        }
        let Ok(levels) = DelayLevels::parse(&tuning.message_delay_level) else {
            return;
        };
        let longest = levels.all_millis().max().unwrap_or(0);
        let reserved = i64::from(tuning.file_reserved_time) * 3_600_000;
        if tuning.retention != Retention::None && longest >= reserved {
            let hours = tuning.file_reserved_time;
            let path = field!["cluster", "tuning", "fileReservedTime"];
            let message =
                format!("messages are kept for {hours} h, and a delay level lasts as long or longer");
            let problem = self.problem(&path, message);
            problem.label = "a message could be deleted while it waits for its retry".to_owned();
            problem.help.push(
                "keep messages longer, shorten \"messageDelayLevel\", or set \"retention\": \"none\""
                    .to_owned(),
            );
        }
    }
}
