//! Rebalances: what changed in a group, and what came of it.

use serde::{Deserialize, Serialize};

/// How a group shared its queues out.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RebalanceReport {
    /// Rounds of all clients (a count of rounds).
    pub rounds: u64,
    /// Rounds by what woke them.
    pub rounds_by_trigger: TriggersReport,
    /// Rounds that changed something.
    pub rounds_with_change: u64,
    /// Queues that went from one consumer to another (a count of queues). The first owner is no move.
    pub moves: u64,
    /// Fewest moves that lead to even shares after all changes of members and queues: what each added to the
    /// distance from even shares, topic by topic.
    pub moves_least: u64,
    /// When every queue that consumers are given had had an owner; `null` if one has had none.
    pub all_owned_seconds: Option<f64>,
    /// Queue-time without an owner before the first; this and the following of subscribed topics only.
    pub unclaimed_seconds: f64,
    /// Queue-time with one owner or more.
    pub owned_seconds: f64,
    /// Of `owned_seconds`: every owner was a stopped process, so nobody worked on the queue.
    pub paused_seconds: f64,
    /// Of `owned_seconds`: two owners or more.
    pub overlap_seconds: f64,
    /// Queue-time without an owner after the first.
    pub unowned_seconds: f64,
    /// Longest such time of one queue.
    pub unowned_max_seconds: f64,
    /// Queue-time beyond `readQueueNums`, held or not: nobody is given such a queue.
    pub stranded_seconds: f64,
    /// Queues beyond `readQueueNums` at the end (a count of queues).
    pub stranded_queues: u64,
    /// Records in them that no listener has seen.
    pub stranded_messages: u64,
    /// Longest time from a change to the first change of owners by a consumer to which nothing had happened;
    /// `null` if no change led to one.
    pub detected_max_seconds: Option<f64>,
    /// Longest time from a change to the last change of owners that followed before the next change; `null` if
    /// nothing ever changed.
    pub stable_max_seconds: Option<f64>,
    /// Deliveries of records seen before, from queues that some change moved last.
    pub duplicates: u64,
    /// Members that a broker gave up as silent; two brokers that give one up count twice.
    pub members_expired: u64,
    /// Messages in the caches of consumers that gave a queue up, unfinished.
    pub released_unfinished: u64,
    /// Changes by kind.
    pub changes_by_kind: ChangesReport,
    /// Each change and what came of it.
    pub changes: Vec<MemberChangeReport>,
    /// Every round that changed something.
    pub events: Vec<RebalanceEventReport>,
    /// Connections that clients lost.
    pub disconnects: Vec<DisconnectReport>,
    /// Changes, events and lost connections beyond the first 10 000 of each, counted but not listed.
    pub events_omitted: u64,
    /// Who held which queue when, retry queues included, in order of the start.
    pub ownership: Vec<OwnershipReport>,
    /// Intervals beyond the first 100 000, counted but not listed.
    pub ownership_omitted: u64,
}

/// Rebalance rounds by what woke them; counts of rounds.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TriggersReport {
    /// The client's own start.
    pub start: u64,
    /// A broker said that members changed.
    pub notification: u64,
    /// The period.
    pub period: u64,
    /// A second after a round that did not reach its aim.
    pub unbalanced: u64,
    /// A broker was connected to anew.
    pub reconnect: u64,
    /// A broker had called an offset illegal.
    pub offset_illegal: u64,
}

/// Changes by kind; counts of changes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ChangesReport {
    /// A member started.
    pub started: u64,
    /// It shut down.
    pub graceful: u64,
    /// It was killed.
    pub killed: u64,
    /// Its host was lost.
    pub vanished: u64,
    /// Its start failed.
    pub start_failed: u64,
    /// Its process stopped for a while.
    pub paused: u64,
    /// It went on.
    pub resumed: u64,
    /// It was cut off from a server; until then it reached all.
    pub cut_off: u64,
    /// It reached all servers again.
    pub reconnected: u64,
    /// A link of it got slow; until then none was.
    pub slowed: u64,
    /// None was slow any more.
    pub fast_again: u64,
    /// Consumers were given other queues of a topic on a broker.
    pub queues_changed: u64,
}

/// What happened to a member, or to the queues that members are given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MemberChange {
    /// It started.
    Started,
    /// It shut down.
    Graceful,
    /// It was killed.
    Killed,
    /// Its host was lost.
    Vanished,
    /// Its start failed.
    StartFailed,
    /// Its process stopped for a while; it stays a member.
    Paused,
    /// It went on.
    Resumed,
    /// It was cut off from a server; until then it reached all. It stays a member.
    CutOff,
    /// It reached all servers again.
    Reconnected,
    /// A link of it got slow; until then none was. It stays a member.
    Slowed,
    /// None was slow any more.
    FastAgain,
    /// Consumers were given other queues of a topic on a broker.
    QueuesChanged,
}

/// A change of members or of queues.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MemberChangeReport {
    /// When.
    pub at_seconds: f64,
    /// Who; `null` if the queues changed.
    pub consumer: Option<String>,
    /// Whose queues changed; `null` if a member did.
    pub topic: Option<String>,
    /// On which broker; `null` if a member changed.
    pub broker: Option<String>,
    /// What.
    pub change: MemberChange,
    /// Living members after it, stopped ones too (a count of consumers).
    pub members: u64,
    /// Moves until the next change.
    pub moves: u64,
    /// Fewest moves that could have led to even shares, from the owners at that instant. Of changes at one
    /// instant the last one has it.
    pub moves_least: u64,
    /// Time to the first change of owners by a consumer to which nothing had happened; `null` if there was none
    /// before the next change.
    pub detected_seconds: Option<f64>,
    /// Time to the last change of owners before the next change; 0 if none followed.
    pub stable_seconds: f64,
    /// Queue-time without an owner until the next change, subscribed topics only.
    pub unowned_seconds: f64,
    /// Deliveries of records seen before, from queues that this change moved last, whenever they came.
    pub duplicates: u64,
}

/// A client lost its connection to a broker.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DisconnectReport {
    /// When.
    pub at_seconds: f64,
    /// Who.
    pub consumer: String,
    /// To which broker.
    pub broker: String,
}

/// What woke a rebalance round.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trigger {
    /// The client's own start.
    Start,
    /// A broker said that members changed.
    Notification,
    /// The period.
    Period,
    /// A second after a round that did not reach its aim.
    Unbalanced,
    /// A broker was connected to anew.
    Reconnect,
    /// A broker had called an offset illegal.
    OffsetIllegal,
}

/// A rebalance round that changed something.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RebalanceEventReport {
    /// When it ended.
    pub at_seconds: f64,
    /// Who ran it.
    pub consumer: String,
    /// What woke it.
    pub trigger: Trigger,
    /// Queues taken (a count of queues).
    pub added: u64,
    /// Queues given up.
    pub removed: u64,
    /// Whether the client counted itself as balanced.
    pub balanced: bool,
}

/// One consumer holds one queue for a while.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OwnershipReport {
    /// Label of the queue.
    pub queue: String,
    /// Key of the consumer in `consumers`.
    pub consumer: String,
    /// From when.
    pub from_seconds: f64,
    /// To when; the end of the run if it still holds it.
    pub to_seconds: f64,
}
