//! What the timeline does to brokers: they end, and start again.

use super::Play;
use super::Step;
use crate::cluster::config::Action;
use crate::cluster::ids::BrokerId;
use crate::cluster::network::Server;
use crate::kernel::time::{SimDuration, SimTime};
use crate::scenario::defaults;
use crate::scenario::locate::FieldPath;
use crate::scenario::resolve::Resolver;
use crate::scenario::schema::{NextClientId, Shutdown, TimelineBlock};

/// How a broker ends, and whether it comes back.
#[derive(Clone, Copy)]
pub struct BrokerDeed {
    crash: bool,
    /// How long it is down; `None`: to the end of the run.
    down_for: Option<SimDuration>,
    times: u32,
}

impl Resolver<'_> {
    /// `leave`, `kill` or `restart` of a broker.
    pub(super) fn broker_deed(&mut self, path: &FieldPath, block: &TimelineBlock, key: &str) -> BrokerDeed {
        let shutdown = block.shutdown.unwrap_or_default();
        if shutdown == Shutdown::Vanish {
            let problem = self.problem(
                &path.key("shutdown"),
                "a broker's host cannot be lost in this version",
            );
            problem.label = "only \"graceful\" and \"kill\"".to_owned();
            problem
                .help
                .push("to let it fall silent cut all members off from it with \"partition\"".to_owned());
        }
        if block.client_id.is_some_and(|id| id != NextClientId::default()) {
            let problem = self.problem(&path.key("clientId"), "brokers have no client id");
            problem.label = "without effect".to_owned();
        }
        let restarts = key == "restart";
        let down_for = block.down_for.unwrap_or(defaults::DOWN_FOR);
        let times = block.times.unwrap_or(1);
        match block.every {
            Some(_) if times == 1 => {
                let problem = self.problem(&path.key("every"), "one broker is ended once");
                problem.label = "without effect".to_owned();
                problem
                    .help
                    .push("write an entry for each broker, or add \"times\"".to_owned());
            }
            None if times > 1 => {
                let problem = self.problem(&path.key("times"), "\"times\" needs \"every\"");
                problem.label = "at which distance?".to_owned();
            }
            Some(every) if every <= down_for => {
                let message = format!("a restart every {every}, but the broker is down for {down_for}");
                let problem = self.problem(&path.key("every"), message);
                problem.label = "too soon".to_owned();
                problem
                    .help
                    .push("raise \"every\" or lower \"downFor\"".to_owned());
            }
            _ => {}
        }
        BrokerDeed {
            crash: key == "kill" || restarts && shutdown == Shutdown::Kill,
            down_for: restarts.then_some(down_for),
            times: if block.every.is_some() { times } else { 1 },
        }
    }

    /// Reports an action that cannot happen to a server.
    pub(super) fn no_such_fault(&mut self, path: &FieldPath, server: Server, name: &str) {
        let (message, can) = match server {
            Server::Broker(_) => (
                format!("`{name}` is a broker, and this happens to members only"),
                "brokers can be ended: \"kill\", \"leave\" or \"restart\"",
            ),
            Server::NameServer(_) => (
                format!("`{name}` is a name server, and name servers always run"),
                "brokers can be ended, and members",
            ),
        };
        let problem = self.problem(path, message);
        problem.label = "not to it".to_owned();
        problem.help.push(can.to_owned());
        problem.help.push(format!(
            "to cut members off from it: \"partition\": \"group/*\", \"from\": \"{name}\""
        ));
    }
}

impl Play<'_, '_> {
    /// An entry ends a broker, once or several times.
    pub(super) fn plan_broker(&mut self, at: SimTime, entry: usize, broker: BrokerId, deed: BrokerDeed) {
        if !self.afford(entry, 2 * u64::from(deed.times)) {
            return;
        }
        let every = self.block(entry).every.unwrap_or(SimDuration::ZERO);
        for round in 0..u64::from(deed.times) {
            let at = at + every * round;
            self.plan(at, true, entry, Step::BrokerEnds(broker, deed.crash));
            if let Some(down_for) = deed.down_for {
                self.plan(at + down_for, false, entry, Step::BrokerStarts(broker));
            }
        }
    }

    pub(super) fn broker_ends(&mut self, at: SimTime, entry: usize, broker: BrokerId, crash: bool) {
        if let Some(&by) = self.brokers_down.get(&broker) {
            let message = format!("the broker is down already at {}", at.since(SimTime::ZERO));
            if let Some(problem) = self.conflict(entry, message, Some((by, "ends it"))) {
                problem.help.push("\"restart\" brings a broker back".to_owned());
            }
            return;
        }
        self.brokers_down.insert(broker, entry);
        self.act(at, Action::StopBroker { broker, crash });
    }

    pub(super) fn broker_starts(&mut self, at: SimTime, entry: usize, broker: BrokerId) {
        // Another entry may have found it down; that is reported.
        if self.brokers_down.get(&broker) == Some(&entry) {
            self.brokers_down.remove(&broker);
            self.act(at, Action::StartBroker(broker));
        }
    }
}
