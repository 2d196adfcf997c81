//! One entry of the timeline: which action it is, what belongs to it, and whom it names.

use super::brokers::BrokerDeed;
use super::cast::Trouble;
use crate::cluster::config::{Action, BrokerConfig, FailureConfig, ForwardConfig, GroupConfig};
use crate::cluster::ids::{BrokerId, GroupId, TopicId};
use crate::cluster::network::Server;
use crate::cluster::producer::attributes::Key;
use crate::kernel::dist::Dist;
use crate::kernel::time::SimDuration;
use crate::scenario::diagnostic::Diagnostic;
use crate::scenario::locate::{self, FieldPath};
use crate::scenario::resolve::Resolver;
use crate::scenario::resolve::expressions::Filters;
use crate::scenario::resolve::listeners::Nameable;
use crate::scenario::resolve::targets::glob;
use crate::scenario::schema::{KeysBlock, NextClientId, ServersBlock, Shutdown, TimelineBlock};
use crate::scenario::{defaults, suggest};
use std::rc::Rc;

/// What an entry does, names resolved.
pub enum Deed<'f> {
    /// Members join, which ask for other messages than those before them.
    Join(GroupId, Filters),
    /// Something happens to members of a group: those that the text names.
    To(GroupId, &'f str, MemberDeed),
    /// The topic changes, on these brokers or on all that hold it.
    UpdateTopic(TopicId, Option<Vec<BrokerId>>),
    /// These happen to the cluster as a whole.
    Plain(Vec<Action>),
    /// Somebody looks for messages by key.
    Query(TopicId, Key),
    /// A broker ends, and starts again if it is to.
    Broker(BrokerId, BrokerDeed),
    /// One thing happens, once.
    Once(Action),
}

/// What happens to one member.
#[derive(Clone)]
pub enum MemberDeed {
    End(Shutdown),
    Pause(Option<SimDuration>),
    Resume,
    Subscribe(Filters),
    Restart {
        shutdown: Shutdown,
        down_for: SimDuration,
        client_id: NextClientId,
        times: u32,
        filters: Filters,
    },
    Links {
        trouble: Trouble,
        servers: Rc<[Server]>,
        lasting: Option<SimDuration>,
    },
    /// The listener takes another time, or fails otherwise.
    SetListener {
        service: Option<Dist>,
        failure: Option<FailureConfig>,
    },
    /// The listener has so many threads.
    SetThreads(u32),
    /// The listener sends its messages to another topic.
    Forward(ForwardConfig),
}

impl MemberDeed {
    /// How it fits into "cannot be … at".
    pub fn participle(&self) -> &'static str {
        match self {
            Self::End(_) => "ended",
            Self::Pause(_) => "paused",
            Self::Resume => "resumed",
            Self::Subscribe(_) => "subscribed anew",
            Self::Restart { .. } => "restarted",
            Self::Links {
                trouble: Trouble::Cut,
                ..
            } => "cut off",
            Self::Links { .. } => "slowed",
            Self::SetListener { .. } => "given another listener",
            Self::SetThreads(_) => "given other threads",
            Self::Forward(_) => "made a forwarder",
        }
    }

    /// Whether the process itself must do something, which it cannot while it is paused.
    pub fn needs_process(&self) -> bool {
        matches!(
            self,
            Self::End(Shutdown::Graceful)
                | Self::Subscribe(_)
                | Self::Restart {
                    shutdown: Shutdown::Graceful,
                    ..
                }
        )
    }

    /// Steps of the timeline for each target.
    pub fn steps(&self) -> u64 {
        match self {
            Self::End(_)
            | Self::Resume
            | Self::SetListener { .. }
            | Self::SetThreads(_)
            | Self::Forward(_) => 1,
            Self::Subscribe(filters) => filters.len() as u64,
            Self::Pause(lasting) => 1 + u64::from(lasting.is_some()),
            Self::Restart { times, .. } => 2 * u64::from(*times),
            Self::Links { servers, lasting, .. } => servers.len() as u64 * (1 + u64::from(lasting.is_some())),
        }
    }
}

/// Every action with the keys that may stand beside it and `at`.
const ACTIONS: [(&str, &[&str]); 22] = [
    ("join", &["count", "clientIds", "every", "subscription"]),
    ("leave", &["every"]),
    ("kill", &["every"]),
    ("vanish", &["every"]),
    ("pause", &["every", "for"]),
    ("resume", &["every"]),
    (
        "restart",
        &[
            "every",
            "times",
            "downFor",
            "shutdown",
            "clientId",
            "subscription",
        ],
    ),
    ("partition", &["every", "from", "for"]),
    ("slow", &["every", "from", "by", "for"]),
    ("setListener", &["every", "service", "failure"]),
    ("setThreads", &["every", "threads"]),
    ("forward", &["every", "to", "service"]),
    ("setMaxReconsumeTimes", &["maxReconsumeTimes"]),
    ("setRate", &["rate"]),
    ("busy", &["for", "answer"]),
    ("updateTopic", &["readQueueNums", "writeQueueNums", "brokers"]),
    ("subscribe", &["every", "subscription"]),
    ("queryMessage", &["key", "maxNum"]),
    ("resetOffset", &["topic", "to", "force"]),
    ("skipBacklog", &["topic"]),
    ("resendDlq", &["rate"]),
    ("updateTopicPerm", &["perm"]),
];

/// The greatest delay of a slow link: most requests give up after 3 s, so more would be a cut by another name.
const SLOWEST: SimDuration = SimDuration::from_secs(5);
/// The least: what is shorter belongs to `network.latency`.
const LEAST_SLOW: SimDuration = SimDuration::from_millis(1);

/// The actions of an entry, as (key, target).
pub fn actions(block: &TimelineBlock) -> impl Iterator<Item = (&'static str, &str)> {
    let targets = [
        &block.join,
        &block.leave,
        &block.kill,
        &block.vanish,
        &block.pause,
        &block.resume,
        &block.restart,
        &block.partition,
        &block.slow,
        &block.set_listener,
        &block.set_threads,
        &block.forward,
        &block.set_max_reconsume_times,
        &block.set_rate,
        &block.busy,
        &block.update_topic,
        &block.subscribe,
        &block.query_message,
        &block.reset_offset,
        &block.skip_backlog,
        &block.resend_dlq,
        &block.update_topic_perm,
    ];
    let named = ACTIONS.iter().zip(targets);
    named.filter_map(|((key, _), target)| Some((*key, target.as_deref()?)))
}

/// The keys of an entry that are neither `at` nor an action.
fn options(block: &TimelineBlock) -> impl Iterator<Item = &'static str> {
    [
        ("count", block.count.is_some()),
        ("clientIds", block.client_ids.is_some()),
        ("every", block.every.is_some()),
        ("for", block.lasting.is_some()),
        ("from", block.from.is_some()),
        ("by", block.by.is_some()),
        ("downFor", block.down_for.is_some()),
        ("shutdown", block.shutdown.is_some()),
        ("clientId", block.client_id.is_some()),
        ("times", block.times.is_some()),
        ("subscription", block.subscription.is_some()),
        ("key", block.key.is_some()),
        ("maxNum", block.max_num.is_some()),
        ("service", block.service.is_some()),
        ("failure", block.failure.is_some()),
        ("answer", block.answer.is_some()),
        ("threads", block.threads.is_some()),
        ("to", block.to.is_some()),
        ("rate", block.rate.is_some()),
        ("maxReconsumeTimes", block.max_reconsume_times.is_some()),
        ("readQueueNums", block.read_queue_nums.is_some()),
        ("writeQueueNums", block.write_queue_nums.is_some()),
        ("brokers", block.brokers.is_some()),
        ("topic", block.topic.is_some()),
        ("force", block.force.is_some()),
        ("perm", block.perm.is_some()),
    ]
    .into_iter()
    .filter_map(|(key, given)| given.then_some(key))
}

/// `"a", "b" or "c"`.
fn either(keys: &[&str]) -> String {
    match keys {
        [] => String::new(),
        [one] => format!("\"{one}\""),
        [first @ .., last] => format!("\"{}\" or \"{last}\"", first.join("\", \"")),
    }
}

/// What entries may name.
pub struct Known<'k> {
    pub groups: &'k [GroupConfig],
    pub nameable: Nameable<'k>,
    /// Brokers and name servers as the timeline calls them.
    pub servers: Vec<(String, Server)>,
}

/// What the timeline calls brokers and so many name servers.
pub fn servers(brokers: &[BrokerConfig], name_servers: u32) -> Vec<(String, Server)> {
    let brokers = (0..).zip(brokers);
    let brokers = brokers.map(|(i, b)| (b.name.clone(), Server::Broker(BrokerId(i))));
    let name = |n: u32| match name_servers {
        1 => "nameserver".to_owned(),
        _ => format!("nameserver-{}", n + 1),
    };
    let name_servers = (0..name_servers).map(|n| (name(n), Server::NameServer(n)));
    brokers.chain(name_servers).collect()
}

impl<'a> Resolver<'a> {
    /// What the entry at `path` does; `None` if it cannot happen.
    pub fn deed(
        &mut self,
        path: &FieldPath,
        block: &'a TimelineBlock,
        known: &Known<'_>,
    ) -> Option<Deed<'a>> {
        let (key, target) = self.single_action(path, block)?;
        self.before_end(&path.key("at"), block.at, "this happens");
        self.options_fit(path, block, key);
        let here = path.key(key);
        match key {
            "join" => {
                let span = self.inside(&here, 0, target.len());
                let group = self.group(&here, span, target, known.groups)?;
                self.client_id_count(path, block.client_ids.as_ref(), block.joining());
                let filters = self.filters_of_entry(path, block, group, known);
                Some(Deed::Join(group, filters))
            }
            "queryMessage" => {
                let topic = self.topic(&here, false, target, known.nameable.topics)?;
                self.key_of(path, block, target)
                    .map(|key| Deed::Query(topic, key))
            }
            "updateTopic" => {
                let topic = self.topic(&here, false, target, known.nameable.topics)?;
                let Some(names) = &block.brokers else {
                    return Some(Deed::UpdateTopic(topic, None));
                };
                let brokers = self.brokers_of(path, names, known.nameable.brokers);
                let all_known = brokers.len() == names.len();
                all_known.then_some(Deed::UpdateTopic(topic, Some(brokers)))
            }
            "resetOffset" | "skipBacklog" | "resendDlq" | "updateTopicPerm" => {
                self.progress(path, block, (key, target), known).map(Deed::Once)
            }
            "busy" => self.busy(path, block, target, known),
            "setMaxReconsumeTimes" | "setRate" => self.plain_deed(path, block, (key, target), known),
            _ => {
                let Some((group, members)) = target.split_once('/') else {
                    return self.no_member(path, block, (key, target), known);
                };
                let mut deed = self.member_deed(path, block, key, known)?;
                let span = self.inside(&here, 0, group.len());
                let group = self.group(&here, span, group, known.groups)?;
                if let MemberDeed::Subscribe(filters) | MemberDeed::Restart { filters, .. } = &mut deed {
                    *filters = self.filters_of_entry(path, block, group, known);
                }
                Some(Deed::To(group, members, deed))
            }
        }
    }

    fn member_deed(
        &mut self,
        path: &FieldPath,
        block: &TimelineBlock,
        key: &str,
        known: &Known<'_>,
    ) -> Option<MemberDeed> {
        Some(match key {
            "leave" => MemberDeed::End(Shutdown::Graceful),
            "kill" => MemberDeed::End(Shutdown::Kill),
            "vanish" => MemberDeed::End(Shutdown::Vanish),
            "pause" => MemberDeed::Pause(self.lasting(path, block)),
            "resume" => MemberDeed::Resume,
            "restart" => self.restart(path, block),
            "subscribe" => self.subscribe_anew(path, block),
            "setListener" => self.other_listener(path, block, known.nameable),
            "setThreads" | "forward" => return self.remedy_of_member(path, block, key, known),
            _ => MemberDeed::Links {
                trouble: match key {
                    "partition" => Trouble::Cut,
                    _ => Trouble::Slow(self.slower_by(path, block)),
                },
                servers: self.other_ends(path, block, key, &known.servers),
                lasting: self.lasting(path, block),
            },
        })
    }

    /// The one action of an entry.
    fn single_action(
        &mut self,
        path: &FieldPath,
        block: &'a TimelineBlock,
    ) -> Option<(&'static str, &'a str)> {
        let mut given = actions(block);
        match (given.next(), given.next()) {
            (None, _) => {
                let problem = self.problem_of_entry(path, "this entry of the timeline does nothing");
                problem.label = "no action in it".to_owned();
                let all: Vec<&str> = ACTIONS.iter().map(|(key, _)| *key).collect();
                problem.help.push(format!("actions: {}", all.join(", ")));
                problem
                    .help
                    .push("for example { \"at\": \"3m\", \"kill\": \"billing/2\" }".to_owned());
                None
            }
            (Some(action), None) => Some(action),
            (Some((first, _)), Some((second, _))) => {
                let problem = self.problem_of_entry(
                    path,
                    format!("this entry of the timeline has both \"{first}\" and \"{second}\""),
                );
                problem.label = "one action each".to_owned();
                problem
                    .help
                    .push("write two entries with the same \"at\"; they happen in file order".to_owned());
                None
            }
        }
    }

    pub(super) fn problem_of_entry(
        &mut self,
        path: &FieldPath,
        message: impl Into<String>,
    ) -> &mut Diagnostic {
        let span = locate::nearest_node(self.root, path).0.opening();
        self.problem_at(path, span, message)
    }

    /// Reports keys that have no meaning beside the action `key`.
    fn options_fit(&mut self, path: &FieldPath, block: &TimelineBlock, key: &str) {
        let fits = |option: &str, action: &(&str, &[&str])| action.1.contains(&option);
        for option in options(block) {
            let owners: Vec<&str> = ACTIONS.iter().filter(|a| fits(option, a)).map(|a| a.0).collect();
            if owners.contains(&key) {
                continue;
            }
            let message = format!("\"{option}\" belongs to {}, not to \"{key}\"", either(&owners));
            let problem = self.problem(&path.key(option), message);
            problem.label = "without effect".to_owned();
            match option {
                "count" => problem
                    .help
                    .push("name several members with a wildcard: \"billing/*\"".to_owned()),
                "downFor" => problem
                    .help
                    .push("\"restart\" ends members and starts them again".to_owned()),
                _ => {}
            }
        }
    }

    /// `for`.
    pub(super) fn lasting(&mut self, path: &FieldPath, block: &TimelineBlock) -> Option<SimDuration> {
        if block.lasting.is_some_and(SimDuration::is_zero) {
            let problem = self.problem(&path.key("for"), "`for` must be greater than 0");
            problem.label = "ends as it begins".to_owned();
            problem
                .help
                .push("leave it out to let it last to the end of the run".to_owned());
        }
        block.lasting
    }

    /// `by`.
    fn slower_by(&mut self, path: &FieldPath, block: &TimelineBlock) -> SimDuration {
        let Some(by) = block.by else {
            let problem = self.problem_of_entry(path, "`slow` must say by how much: the key \"by\"");
            problem.label = "\"by\" is missing in this object".to_owned();
            problem.help.push("for example \"by\": \"200ms\"".to_owned());
            return LEAST_SLOW;
        };
        if !(LEAST_SLOW..=SLOWEST).contains(&by) {
            let message = format!("`by` must be between {LEAST_SLOW} and {SLOWEST}, but is {by}");
            let problem = self.problem(&path.key("by"), message);
            problem.label = "out of range".to_owned();
            if by > SLOWEST {
                problem
                    .help
                    .push("to let nothing pass use \"partition\"".to_owned());
            }
        }
        by
    }

    /// `service` and `failure` of `setListener`.
    fn other_listener(&mut self, path: &FieldPath, block: &TimelineBlock, known: Nameable<'_>) -> MemberDeed {
        if block.service.is_none() && block.failure.is_none() {
            let message = "`setListener` must say what changes: the keys \"service\" and \"failure\"";
            let problem = self.problem_of_entry(path, message);
            problem.label = "neither is in this object".to_owned();
            problem.help.push("for example \"service\": \"200ms\"".to_owned());
        }
        if let Some(service) = &block.service {
            self.dist(&path.key("service"), service);
        }
        let failure = block.failure.as_ref();
        MemberDeed::SetListener {
            service: block.service.clone(),
            failure: failure.map(|failure| self.failure(&path.key("failure"), failure, known)),
        }
    }

    fn restart(&mut self, path: &FieldPath, block: &TimelineBlock) -> MemberDeed {
        let mut times = block.times.unwrap_or(1);
        if times > 1 && block.every.is_none_or(SimDuration::is_zero) {
            let problem = self.problem(&path.key("times"), "\"times\" needs \"every\"");
            problem.label = "at which distance?".to_owned();
            problem
                .help
                .push("for example \"every\": \"30s\", the time between one restart and the next".to_owned());
            times = 1;
        }
        MemberDeed::Restart {
            shutdown: block.shutdown.unwrap_or_default(),
            down_for: block.down_for.unwrap_or(defaults::DOWN_FOR),
            client_id: block.client_id.unwrap_or_default(),
            times,
            filters: Filters::new(),
        }
    }

    /// The key that a query looks for, which some producer of the topic may use.
    fn key_of(&mut self, path: &FieldPath, block: &TimelineBlock, topic: &str) -> Option<Key> {
        let Some(text) = &block.key else {
            let message = "`queryMessage` must say what to look for: the key \"key\"";
            let problem = self.problem_of_entry(path, message);
            problem.label = "\"key\" is missing in this object".to_owned();
            problem.help.push("for example \"key\": \"k42\"".to_owned());
            return None;
        };
        let only_topic = self.file.cluster.topics.len() == 1;
        let producers = self
            .file
            .producers
            .values()
            .filter(|producer| match &producer.topic {
                Some(named) => named == topic,
                None => only_topic,
            });
        let keys = producers.filter_map(|producer| producer.keys.as_ref().map(KeysBlock::count));
        let most = keys.max();
        let key = Key::of_text(text);
        if key.is_some_and(|key| most.is_some_and(|most| key.0 <= most)) {
            return key;
        }
        let problem = self.problem(
            &path.key("key"),
            format!("no message of `{topic}` has the key `{text}`"),
        );
        problem.label = "no producer makes it".to_owned();
        problem.help.push(match most {
            Some(most) => format!("its producers make the keys k1 to k{most}"),
            None => "give a producer of it keys, for example \"keys\": 1000".to_owned(),
        });
        None
    }

    fn subscribe_anew(&mut self, path: &FieldPath, block: &TimelineBlock) -> MemberDeed {
        if block.subscription.is_none() {
            let message = "`subscribe` must say to what: the key \"subscription\"";
            let problem = self.problem_of_entry(path, message);
            problem.label = "\"subscription\" is missing in this object".to_owned();
            problem
                .help
                .push("for example \"subscription\": { \"orders\": \"TagB\" }".to_owned());
        }
        MemberDeed::Subscribe(Filters::new())
    }

    /// `subscription`.
    fn filters_of_entry(
        &mut self,
        path: &FieldPath,
        block: &TimelineBlock,
        group: GroupId,
        known: &Known<'_>,
    ) -> Filters {
        let group = &known.groups[group.index()];
        block
            .subscription
            .as_ref()
            .map_or_else(Filters::new, |subscription| {
                self.new_subscription(
                    &path.key("subscription"),
                    subscription,
                    group,
                    known.nameable.topics,
                )
            })
    }

    /// The servers that `from` names, brokers first.
    fn other_ends(
        &mut self,
        path: &FieldPath,
        block: &TimelineBlock,
        key: &str,
        servers: &[(String, Server)],
    ) -> Rc<[Server]> {
        if block.from.is_none() && key == "partition" {
            let problem = self.problem_of_entry(path, "`partition` must say from whom: the key \"from\"");
            problem.label = "\"from\" is missing in this object".to_owned();
            problem.help.push(
                "for example \"from\": \"broker-a\"; \"brokers\" are all brokers, \"*\" name servers too"
                    .to_owned(),
            );
            return Rc::new([]);
        }
        let all = ["*".to_owned()];
        let names = block.from.as_ref().map_or(&all[..], ServersBlock::names);
        let mut meant = vec![false; servers.len()];
        let here = path.key("from");
        for (i, name) in names.iter().enumerate() {
            let here = match block.from {
                Some(ServersBlock::Several(_)) => here.index(i),
                _ => here.clone(),
            };
            self.mark_servers(&here, name, servers, &mut meant);
        }
        let ends = servers.iter().zip(meant).filter(|(_, meant)| *meant);
        ends.map(|((_, server), _)| *server).collect()
    }

    /// Marks in `meant` which of `servers` the text `name` stands for.
    fn mark_servers(
        &mut self,
        path: &FieldPath,
        name: &str,
        servers: &[(String, Server)],
        meant: &mut [bool],
    ) {
        let span = locate::span_of(self.root, path);
        if !self.look_at(path, span, servers.len() as u64) {
            return;
        }
        let is_pattern = name.contains(['*', '?']);
        let is_meant = |(known, server): &(String, Server)| match name {
            "brokers" => matches!(server, Server::Broker(_)),
            "nameservers" => matches!(server, Server::NameServer(_)),
            _ if is_pattern => glob(name, known),
            // The only name server may be called by its number too.
            "nameserver-1" => *server == Server::NameServer(0),
            _ => name == known,
        };
        let mut found = false;
        for (server, meant) in servers.iter().zip(meant) {
            let this = is_meant(server);
            *meant |= this;
            found |= this;
        }
        if found || self.is_full() {
            return;
        }
        let known: Vec<&str> = servers.iter().map(|(name, _)| name.as_str()).collect();
        let message = match is_pattern {
            true => format!("no server matches `{name}`"),
            false => format!("unknown server `{name}`{}", self.hint(name, &known)),
        };
        let problem = self.problem_at(path, span, message);
        problem.label = "neither a broker nor a name server".to_owned();
        problem.help.push(format!(
            "servers: {}; \"brokers\", \"nameservers\" or \"*\" stand for several",
            suggest::list(known, 20)
        ));
    }

    /// A target that is no member: a broker, or a mistake that is reported.
    fn no_member(
        &mut self,
        path: &FieldPath,
        block: &TimelineBlock,
        (key, target): (&str, &str),
        known: &Known<'_>,
    ) -> Option<Deed<'a>> {
        let server = known.servers.iter().find(|(name, _)| name == target);
        if let Some(&(_, Server::Broker(broker))) = server
            && matches!(key, "leave" | "kill" | "restart")
        {
            return Some(Deed::Broker(broker, self.broker_deed(path, block, key)));
        }
        let here = path.key(key);
        if let Some((_, server)) = server {
            self.no_such_fault(&here, *server, target);
            return None;
        }
        let whole = self.inside(&here, 0, target.len());
        if self.group(&here, whole, target, known.groups).is_some() {
            let problem = self.problem(&here, format!("`{target}` names a group, not its members"));
            problem.label = "which members?".to_owned();
            problem.help.push(format!(
                "write \"{target}/1\" for the first, \"{target}/*\" for all"
            ));
        }
        None
    }
}
