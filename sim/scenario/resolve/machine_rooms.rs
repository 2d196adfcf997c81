//! Which broker stands in which machine room.

use super::{Resolver, field};
use crate::cluster::config::BrokerConfig;
use crate::scenario::limits;
use crate::scenario::locate;

impl Resolver<'_> {
    /// Tells each broker its room, if the file knows it.
    pub(super) fn machine_rooms(&mut self, brokers: &mut [BrokerConfig]) {
        let file = self.file;
        let mut placed = vec![None; brokers.len()];
        for (room, names) in &file.cluster.machine_rooms {
            let path = field!["cluster", "machineRooms", room];
            self.plain_name(&path, "the name of a machine room", room, limits::NAME, true);
            for (i, name) in names.iter().enumerate() {
                let here = path.index(i);
                let Ok(at) = brokers.binary_search_by(|broker| broker.name.cmp(name)) else {
                    self.unknown_broker(&here, name, brokers);
                    continue;
                };
                let Some(first) = placed[at].replace(here.clone()) else {
                    brokers[at].machine_room.clone_from(room);
                    continue;
                };
                let first = locate::span_of(self.root, &first);
                let message = format!("the broker `{name}` stands in two places");
                let problem = self.problem(&here, message);
                problem.label = "placed again here".to_owned();
                problem.related.push((first, "first placed here".to_owned()));
            }
        }
    }
}
