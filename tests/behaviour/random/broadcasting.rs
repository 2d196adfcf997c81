//! The same clusters in trouble with broadcasting groups: each reader that lives at the end has been given all that was
//! stored since it came, or passed it by; nothing is retried, and nothing is left of the dead.

use crate::random::cases::{Chooser, ms};
use crate::random::faults;
use rmqsim::cluster::config::{ClusterConfig, LocalOffsetStore, MessageModel, RocketMqVersion};
use rmqsim::kernel::streams::Streams;

pub fn case(number: u64, version: RocketMqVersion) -> ClusterConfig {
    let mut config = faults::case(number, version);
    let mut c = Chooser(Streams::new(number).stream("case", "broadcasting"));
    for group in &mut config.groups {
        group.message_model = MessageModel::Broadcasting;
        group.local_offset_store = c.pick(&[LocalOffsetStore::Kept, LocalOffsetStore::Lost]);
    }
    config.sample_interval = ms(5_000);
    config
}
