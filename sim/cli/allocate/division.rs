//! What one strategy gives to whom, before and after a change of consumers.

use super::topology::compact;
use crate::cli::columns::{lines, table};
use crate::cluster::consumer::allocate::{
    AllocateError, AllocateMessageQueueStrategy, Allocation, Beyond, Strategy,
};
use crate::cluster::ids::{ConsumerId, TopicId};
use crate::cluster::message_queue::MessageQueue;
use crate::observe::shares;
use crate::scenario::suggest;
use anyhow::anyhow;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The queues and who shares them.
pub struct Given<'a> {
    /// In order.
    pub queues: &'a [MessageQueue],
    /// In order.
    pub consumers: &'a [String],
    /// Those to compare with, in order.
    pub later: Option<&'a [String]>,
}

impl Given<'_> {
    /// Whether the consumers and queues that a strategy's settings name exist.
    ///
    /// # Errors
    /// The first that does not.
    pub fn check_names(&self, strategy: &Strategy) -> anyhow::Result<()> {
        let members = match strategy {
            Strategy::Config(lists) => lists.keys().collect(),
            Strategy::Weighted { weights } => weights.keys().collect(),
            _ => Vec::new(),
        };
        let known = || self.consumers.iter().chain(self.later.into_iter().flatten());
        for member in members {
            if !known().any(|id| id == member) {
                let hint = suggest::did_you_mean(member, known().map(String::as_str));
                return Err(anyhow!(
                    "{}: there is no consumer `{member}`{hint}",
                    strategy.name()
                ));
            }
        }
        let Strategy::Config(lists) = strategy else {
            return Ok(());
        };
        for label in lists.values().flatten() {
            let queue =
                MessageQueue::of_label(label).filter(|queue| self.queues.binary_search(queue).is_ok());
            if queue.is_none() {
                return Err(anyhow!(
                    "CONFIG: there is no queue `{label}`; the first one is `{}`",
                    label_of(&self.queues[0])
                ));
            }
        }
        Ok(())
    }

    fn ask(
        &self,
        built: &dyn AllocateMessageQueueStrategy<MessageQueue, String>,
        consumers: &[String],
        previous: &[(String, Vec<MessageQueue>)],
    ) -> Result<Shares, AllocateError> {
        let shares = built.allocate_all(&Allocation {
            beyond: Beyond {
                previous,
                ..Beyond::default()
            },
            ..Allocation::of_texts("group", None, self.queues, consumers)
        })?;
        Ok(Shares(consumers.iter().cloned().zip(shares).collect()))
    }
}

fn label_of(queue: &MessageQueue) -> String {
    format!("{} {}:{}", queue.topic, queue.broker_name, queue.queue_id)
}

/// The consumers in order, each with its queues.
struct Shares(Vec<(String, Vec<MessageQueue>)>);

impl Shares {
    fn owners(&self) -> BTreeMap<&MessageQueue, &str> {
        // From the back, so that the first of several owners is put in last.
        let shares = self.0.iter().rev();
        shares
            .flat_map(|(id, share)| share.iter().map(move |queue| (queue, id.as_str())))
            .collect()
    }

    fn idle(&self) -> usize {
        self.0.iter().filter(|(_, share)| share.is_empty()).count()
    }

    /// The largest share in means; `None` if nobody has anything.
    fn max_to_mean(&self) -> Option<f64> {
        let sizes = || self.0.iter().map(|(_, share)| share.len());
        let total: usize = sizes().sum();
        let max = sizes().max().unwrap_or(0);
        (total > 0).then(|| (max * self.0.len()) as f64 / total as f64)
    }

    fn as_json(&self) -> Value {
        let queue = |queue: &MessageQueue| json!({ "broker": queue.broker_name, "queueId": queue.queue_id });
        let share = |(id, share): &(String, Vec<MessageQueue>)| json!({ "consumer": id, "queues": share.iter().map(queue).collect::<Vec<_>>() });
        self.0.iter().map(share).collect()
    }
}

/// What a change of consumers comes to.
pub struct Change {
    after: Shares,
    moves: u64,
    least: u64,
}

/// What one strategy gives to whom.
pub struct Division {
    strategy: Strategy,
    queues: usize,
    result: Result<(Shares, Option<Change>), AllocateError>,
}

impl Division {
    /// Asks `strategy`, and once more for the later consumers; strategies with a memory are told the first answer.
    pub fn of(strategy: &Strategy, given: &Given<'_>) -> Self {
        let built = strategy.build(|name| vec![name.to_owned()]);
        let result = given.ask(&*built, given.consumers, &[]).and_then(|before| {
            let Some(later) = given.later else {
                return Ok((before, None));
            };
            let after = given.ask(&*built, later, &before.0)?;
            let change = Change::between(given.queues, &before, after);
            Ok((before, Some(change)))
        });
        Self {
            strategy: strategy.clone(),
            queues: given.queues.len(),
            result,
        }
    }

    /// Whether the strategy gave an answer.
    pub fn is_answered(&self) -> bool {
        self.result.is_ok()
    }

    /// For programs.
    pub fn as_json(&self) -> Value {
        let mut answer = json!({ "strategy": self.strategy, "name": self.strategy.name() });
        match &self.result {
            Err(error) => answer["error"] = json!(error.exception()),
            Ok((shares, change)) => {
                answer["shares"] = shares.as_json();
                answer["max_to_mean"] = json!(shares.max_to_mean());
                answer["idle"] = json!(shares.idle());
                answer["without_owner"] = json!(self.queues - shares.owners().len());
                if let Some(change) = change {
                    answer["change"] = json!({
                        "shares": change.after.as_json(),
                        "max_to_mean": change.after.max_to_mean(),
                        "idle": change.after.idle(),
                        "moves": change.moves,
                        "moves_least": change.least,
                    });
                }
            }
        }
        answer
    }

    /// A block for each strategy, then how many queues the others give to somebody else than the first.
    pub fn tables(divisions: &[Self], width: usize) -> String {
        let mut blocks: Vec<String> = divisions.iter().map(|division| division.block(width)).collect();
        blocks.extend(Self::differences(divisions));
        blocks.join("\n\n")
    }

    fn block(&self, width: usize) -> String {
        let name = self.strategy.name();
        let (shares, _) = match &self.result {
            Ok(result) => result,
            Err(error) => return format!("{name}\nrefused: {error}"),
        };
        let mut table = table(width, &["CONSUMER", "QUEUES", "COUNT"], &[2]);
        for (id, share) in &shares.0 {
            table.add_row([id.clone(), compact(share), share.len().to_string()]);
        }
        let mut facts = vec![
            format!("max/mean {}", ratio(shares.max_to_mean())),
            format!("idle consumers {}", shares.idle()),
        ];
        let alone = self.queues - shares.owners().len();
        if alone > 0 {
            facts.push(format!("queues without an owner {alone}"));
        }
        format!("{name}\n{}\n{}", lines(&table), facts.join(" · "))
    }

    fn differences(divisions: &[Self]) -> Option<String> {
        let (first, others) = divisions.split_first()?;
        let (shares, _) = first.result.as_ref().ok()?;
        let owners = shares.owners();
        let mut lines = Vec::new();
        for other in others {
            let Ok((shares, _)) = &other.result else { continue };
            let theirs = shares.owners();
            let queues = owners
                .keys()
                .chain(theirs.keys().filter(|queue| !owners.contains_key(*queue)));
            let differing = queues
                .filter(|queue| owners.get(*queue) != theirs.get(*queue))
                .count();
            lines.push(format!(
                "{} gives {differing} of {} queues to another consumer than {}",
                other.strategy.name(),
                first.queues,
                first.strategy.name()
            ));
        }
        (!lines.is_empty()).then(|| lines.join("\n"))
    }
}

impl Change {
    fn between(queues: &[MessageQueue], before: &Shares, after: Shares) -> Self {
        let (old, new) = (before.owners(), after.owners());
        let moved = |queue: &&MessageQueue| {
            old.get(*queue)
                .is_some_and(|owner| new.get(*queue) != Some(owner))
        };
        let moves = queues.iter().filter(moved).count() as u64;
        // Numbers for the consumers: those that stay or come first, then all that are gone.
        let mut numbers: BTreeMap<&str, ConsumerId> = BTreeMap::new();
        for (id, _) in &after.0 {
            let next = ConsumerId(numbers.len() as u32);
            numbers.entry(id.as_str()).or_insert(next);
        }
        let mut shares = shares::Shares::default();
        numbers.values().for_each(|member| shares.join(*member));
        let gone = ConsumerId(numbers.len() as u32);
        for queue in queues {
            let owner = old.get(queue);
            let owner = owner.map(|owner| numbers.get(owner).copied().unwrap_or(gone));
            shares.enter(TopicId(0), owner);
        }
        let least = shares.distance();
        Self { after, moves, least }
    }

    /// One row for each strategy.
    pub fn table(divisions: &[Division], width: usize) -> String {
        let header = ["STRATEGY", "MOVES", "LEAST", "MAX/MEAN", "THEN", "IDLE", "THEN"];
        let mut table = table(width, &header, &[1, 2, 3, 4, 5, 6]);
        let mut refused = Vec::new();
        let mut title = String::new();
        for division in divisions {
            let name = division.strategy.name();
            match &division.result {
                Ok((before, Some(change))) => {
                    let (from, to) = (before.0.len(), change.after.0.len());
                    title = format!("{} queues, from {from} to {to} consumers", division.queues);
                    table.add_row([
                        name,
                        change.moves.to_string(),
                        change.least.to_string(),
                        ratio(before.max_to_mean()),
                        ratio(change.after.max_to_mean()),
                        before.idle().to_string(),
                        change.after.idle().to_string(),
                    ]);
                }
                Ok((_, None)) => {}
                Err(error) => refused.push(format!("{name}\nrefused: {error}")),
            }
        }
        let mut blocks = Vec::new();
        if !title.is_empty() {
            let note =
                "LEAST: the fewest moves from these shares to even ones, which differ by one queue at most";
            blocks.push(format!("{title}\n{}\n{note}", lines(&table)));
        }
        blocks.extend(refused);
        blocks.join("\n\n")
    }
}

fn ratio(value: Option<f64>) -> String {
    value.map_or("–".to_owned(), |value| format!("{value:.2}"))
}
