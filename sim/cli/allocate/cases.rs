//! Questions from a file in the form of the golden vectors, with or without answers to compare.
//!
//! Whole groups (`cid_sets`, each case with the shares of all clients of one of them), or single calls (each case
//! with the share of one client). Where no resolver is given, a machine room is the text before the first `-`.

use super::topology::compact;
use super::{SCHEMA_VERSION, unknown};
use crate::cli::args::Format;
use crate::cli::columns::{lines, table};
use crate::cli::terminal::Terminal;
use crate::cli::{Exit, Failure};
use crate::cluster::consumer::allocate::by_config::AllocateMessageQueueByConfig;
use crate::cluster::consumer::allocate::consistent_hash::AllocateMessageQueueConsistentHash;
use crate::cluster::consumer::allocate::machine_room::AllocateMessageQueueByMachineRoom;
use crate::cluster::consumer::allocate::{AllocateError, AllocateMessageQueueStrategy, Allocation, Strategy};
use crate::cluster::message_queue::MessageQueue;
use crate::scenario::estimate::grouped;
use anyhow::{Context, anyhow};
use serde::Deserialize;
use serde_json::{Value, json};
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// Bytes of a file at most.
const FILE_BYTES: u64 = 64 << 20;

/// Client ids and queues of all cases together, in questions and answers: a second of work, and answers that fit into
/// memory.
const PARTS: usize = 2_000_000;

type Built = Box<dyn AllocateMessageQueueStrategy<MessageQueue, String>>;
type Triple = (String, String, i32);

/// A file of cases.
#[derive(Deserialize)]
struct Cases {
    /// Client ids of groups; without them each case is a single call.
    cid_sets: Option<Vec<Vec<String>>>,
    cases: Vec<Value>,
}

/// What makes a strategy.
#[derive(Deserialize)]
struct Settings {
    s: String,
    v: Option<i64>,
    inner: Option<String>,
    idcs: Option<Vec<String>>,
    config: Option<Vec<Triple>>,
}

/// A question about a whole group.
#[derive(Deserialize)]
struct GroupCase {
    #[serde(default)]
    g: String,
    t: String,
    b: Vec<String>,
    q: Vec<i32>,
    c: usize,
    r: Option<Vec<Vec<(usize, i32)>>>,
    err: Option<String>,
}

impl Settings {
    /// What a client counts for: how often it is placed on a ring, or the list that each one gets; else 1.
    fn parts_of_client(&self) -> usize {
        let virtual_nodes = || {
            self.v
                .unwrap_or(AllocateMessageQueueConsistentHash::VIRTUAL_NODES.into())
        };
        let count = match self.s.as_str() {
            "CONSISTENT_HASH" => usize::try_from(virtual_nodes()).unwrap_or(0),
            "CONFIG" => self.config.as_ref().map_or(0, Vec::len),
            _ => 1,
        };
        count.max(1)
    }
}

impl GroupCase {
    fn clients<'a>(&self, cid_sets: &'a [Vec<String>]) -> anyhow::Result<&'a [String]> {
        let clients = cid_sets.get(self.c);
        clients
            .map(Vec::as_slice)
            .ok_or_else(|| anyhow!("`c` is {}, but there are {} cid_sets", self.c, cid_sets.len()))
    }

    /// How many queues it is about.
    fn queues(&self) -> anyhow::Result<usize> {
        let total: i64 = self.q.iter().map(|queues| i64::from(*queues).max(0)).sum();
        match total > 100_000 {
            true => Err(anyhow!("`q` asks for {total} queues, more than 100000")),
            false => Ok(total as usize),
        }
    }
}

/// A question of one client.
#[derive(Deserialize)]
struct SingleCase {
    mq: Option<Vec<Triple>>,
    c: Option<Vec<String>>,
    cur: Option<String>,
    r: Option<Vec<Triple>>,
    err: Option<String>,
}

impl SingleCase {
    fn clients(&self) -> usize {
        self.c.as_ref().map_or(0, Vec::len)
    }
}

/// Who asks, and what it gets.
type Share = (Option<String>, Vec<MessageQueue>);

/// A question with its answer.
#[derive(Debug)]
pub struct Answered {
    strategy: String,
    found: Result<Vec<Share>, String>,
    /// The answer that stands in the file.
    expected: Option<Result<Vec<Vec<MessageQueue>>, String>>,
}

impl Answered {
    /// Whether it is what the file says, if that says anything.
    fn agrees(&self) -> Option<bool> {
        let expected = self.expected.as_ref()?;
        Some(match (&self.found, expected) {
            (Ok(found), Ok(expected)) => found.iter().map(|(_, share)| share).eq(expected),
            (Err(found), Err(expected)) => found == expected,
            _ => false,
        })
    }
}

/// Answers all questions of a file; exit code 1 if an answer in it differs.
pub fn run(path: &Path, format: Format, terminal: &Terminal) -> Result<Exit, Failure> {
    let answers = answers(&read(path)?).with_context(|| name(path))?;
    let count = |verdict| {
        answers
            .iter()
            .filter(|answered| answered.agrees() == verdict)
            .count()
    };
    let (agree, differ) = (count(Some(true)), count(Some(false)));
    match format {
        Format::Json => {
            let numbered = answers.iter().enumerate();
            let cases: Vec<Value> = numbered
                .map(|(number, answered)| as_json(number, answered))
                .collect();
            let answer = json!({
                "schemaVersion": SCHEMA_VERSION,
                "cases": cases,
                "agree": agree,
                "differ": differ,
                "without_answer": count(None),
            });
            terminal.print(&format!("{answer:#}"))?;
        }
        Format::Table => {
            for (number, answered) in answers.iter().enumerate() {
                if !terminal.is_quiet() || answered.agrees() == Some(false) {
                    terminal.print(&block(number, answered, terminal.width()))?;
                }
            }
            let total = answers.len();
            let summary = format!(
                "{total} cases: {agree} agree, {differ} differ, {} without an answer",
                count(None)
            );
            terminal.print(&summary)?;
        }
    }
    Ok(if differ == 0 { Exit::Fine } else { Exit::Found })
}

/// The answers to all questions in the text of a file.
///
/// # Errors
/// The first question that makes no sense.
pub fn answers(text: &[u8]) -> anyhow::Result<Vec<Answered>> {
    let file: Cases = serde_json::from_slice(text).context("it holds no cases")?;
    let (mut answers, mut parts) = (Vec::new(), 0);
    for (number, case) in file.cases.iter().enumerate() {
        let answered = answer(case, file.cid_sets.as_deref(), &mut parts);
        answers.push(answered.with_context(|| format!("case {number}"))?);
    }
    Ok(answers)
}

fn name(path: &Path) -> String {
    match path.to_str() {
        Some("-") => "standard input".to_owned(),
        _ => path.display().to_string(),
    }
}

fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    let source: Box<dyn Read> = match path.to_str() {
        Some("-") => Box::new(std::io::stdin()),
        _ => Box::new(File::open(path).with_context(|| format!("cannot read `{}`", name(path)))?),
    };
    let mut bytes = Vec::new();
    let read = source.take(FILE_BYTES + 1).read_to_end(&mut bytes);
    read.with_context(|| format!("cannot read `{}`", name(path)))?;
    if bytes.len() as u64 > FILE_BYTES {
        return Err(anyhow!("{} is larger than {} MiB", name(path), FILE_BYTES >> 20));
    }
    Ok(bytes)
}

/// The strategy that a case names, or what its constructor throws.
fn built(settings: Settings) -> anyhow::Result<Result<Built, AllocateError>> {
    let by_word = |word: &str| -> anyhow::Result<Built> {
        let strategy = Strategy::of_word(word).ok_or_else(|| anyhow!(unknown(word)))?;
        Ok(strategy.build(|name: &str| vec![name.to_owned()]))
    };
    Ok(match settings.s.as_str() {
        "CONSISTENT_HASH" => {
            let usual = AllocateMessageQueueConsistentHash::VIRTUAL_NODES;
            let count = settings.v.unwrap_or(usual.into());
            if count > 100_000 {
                return Err(anyhow!("`v` is at most 100000, but is {count}"));
            }
            AllocateMessageQueueConsistentHash::of_count(count).map(|ring| Box::new(ring) as Built)
        }
        "MACHINE_ROOM" => Ok(Box::new(AllocateMessageQueueByMachineRoom::new(settings.idcs))),
        "MACHINE_ROOM_NEARBY" => {
            let inner = settings
                .inner
                .ok_or_else(|| anyhow!("MACHINE_ROOM_NEARBY needs `inner`"))?;
            Ok(by_word(&format!("MACHINE_ROOM_NEARBY-{inner}"))?)
        }
        "CONFIG" => Ok(Box::new(AllocateMessageQueueByConfig::new(
            settings.config.map(named),
        ))),
        word => Ok(by_word(word)?),
    })
}

fn named(list: Vec<Triple>) -> Vec<MessageQueue> {
    list.into_iter()
        .map(|(topic, broker, id)| MessageQueue::new(topic, broker, id))
        .collect()
}

/// Counts `more` client ids and queues in.
fn count_in(parts: &mut usize, more: usize) -> anyhow::Result<()> {
    *parts = parts.saturating_add(more);
    match *parts > PARTS {
        true => Err(anyhow!(
            "up to here the cases have more than {} clients and queues together; ask fewer at once",
            grouped(PARTS as u128)
        )),
        false => Ok(()),
    }
}

fn answer(case: &Value, cid_sets: Option<&[Vec<String>]>, parts: &mut usize) -> anyhow::Result<Answered> {
    let settings = Settings::deserialize(case)?;
    let strategy = settings.s.clone();
    let each = settings.parts_of_client();
    let built = match built(settings)? {
        Ok(built) => built,
        Err(error) => {
            let err = case.get("err").and_then(Value::as_str);
            return Ok(Answered {
                strategy,
                found: Err(error.exception()),
                expected: err.map(|err| Err(err.to_owned())),
            });
        }
    };
    match cid_sets {
        Some(cid_sets) => {
            let group = GroupCase::deserialize(case)?;
            let clients = group.clients(cid_sets)?;
            count_in(parts, clients.len().saturating_mul(each))?;
            count_in(parts, group.queues()?)?;
            whole_group(strategy, &built, group, clients)
        }
        None => {
            let single_case = SingleCase::deserialize(case)?;
            count_in(parts, single_case.clients().saturating_mul(each))?;
            single(strategy, &built, single_case, case)
        }
    }
}

fn whole_group(
    strategy: String,
    built: &Built,
    case: GroupCase,
    clients: &[String],
) -> anyhow::Result<Answered> {
    if case.b.len() != case.q.len() {
        return Err(anyhow!(
            "{} brokers in `b`, but {} numbers in `q`",
            case.b.len(),
            case.q.len()
        ));
    }
    let queue = |broker: usize, id| MessageQueue::new(case.t.as_str(), case.b[broker].as_str(), id);
    let all: Vec<MessageQueue> = (0..case.b.len())
        .flat_map(|broker| (0..case.q[broker]).map(move |id| queue(broker, id)))
        .collect();
    if let Some((broker, _)) = case
        .r
        .iter()
        .flatten()
        .flatten()
        .find(|(broker, _)| *broker >= case.b.len())
    {
        return Err(anyhow!("`r` names broker {broker}, but `b` has {}", case.b.len()));
    }
    let share = |share: &Vec<(usize, i32)>| share.iter().map(|&(broker, id)| queue(broker, id)).collect();
    let shares = case.r.as_ref().map(|shares| shares.iter().map(share).collect());
    let found = built.allocate_all(&Allocation::of_texts(&case.g, None, &all, clients));
    Ok(Answered {
        strategy,
        found: match found {
            Ok(found) => Ok(clients.iter().cloned().map(Some).zip(found).collect()),
            Err(error) => Err(error.exception()),
        },
        expected: case.err.map_or(shares.map(Ok), |err| Some(Err(err))),
    })
}

fn single(strategy: String, built: &Built, case: SingleCase, raw: &Value) -> anyhow::Result<Answered> {
    // To RocketMQ a list that is null and one that is empty are the same.
    let (queues, clients) = (named(case.mq.unwrap_or_default()), case.c.unwrap_or_default());
    let found = built.allocate(&Allocation::of_texts(
        "group",
        case.cur.as_ref(),
        &queues,
        &clients,
    ));
    let has_answer = raw.get("r").is_some();
    let share = has_answer.then(|| Ok(vec![named(case.r.unwrap_or_default())]));
    Ok(Answered {
        strategy,
        found: match found {
            Ok(found) => Ok(vec![(case.cur, found)]),
            Err(error) => Err(error.exception()),
        },
        expected: case.err.map_or(share, |err| Some(Err(err))),
    })
}

/// A case for programs.
pub fn as_json(number: usize, answered: &Answered) -> Value {
    let triple = |queue: &MessageQueue| json!([queue.topic, queue.broker_name, queue.queue_id]);
    let triples = |share: &Vec<MessageQueue>| share.iter().map(triple).collect::<Vec<_>>();
    let mut case = json!({ "case": number, "strategy": answered.strategy });
    match &answered.found {
        Ok(shares) => {
            let share = |(id, share): &Share| json!({ "consumer": id, "queues": triples(share) });
            case["shares"] = shares.iter().map(share).collect();
        }
        Err(error) => case["error"] = json!(error),
    }
    if let Some(agrees) = answered.agrees() {
        case["agrees"] = json!(agrees);
    }
    if answered.agrees() == Some(false) {
        case["expected"] = match &answered.expected {
            Some(Ok(shares)) => json!(shares.iter().map(triples).collect::<Vec<_>>()),
            Some(Err(error)) => json!(error),
            None => Value::Null,
        };
    }
    case
}

/// A case for people.
pub fn block(number: usize, answered: &Answered, width: usize) -> String {
    let verdict = match answered.agrees() {
        Some(true) => ": agrees",
        Some(false) => ": differs",
        None => "",
    };
    let title = format!("case {number}, {}{verdict}", answered.strategy);
    let expected = answered
        .expected
        .as_ref()
        .filter(|_| answered.agrees() == Some(false));
    let shares = match &answered.found {
        Ok(shares) => shares,
        Err(error) => {
            let expected = expected.map(|expected| format!("\nexpected: {}", in_words(expected)));
            return format!("{title}\nrefused: {error}{}\n", expected.unwrap_or_default());
        }
    };
    let mut table = table(width, &["CONSUMER", "QUEUES", "COUNT", "EXPECTED"], &[2]);
    for (at, (id, share)) in shares.iter().enumerate() {
        let id = id.clone().unwrap_or_default();
        let wanted = match expected {
            Some(Ok(wanted)) => wanted
                .get(at)
                .filter(|wanted| *wanted != share)
                .map(|wanted| compact(wanted)),
            _ => None,
        };
        table.add_row([
            id,
            compact(share),
            share.len().to_string(),
            wanted.unwrap_or_default(),
        ]);
    }
    if let Some(Ok(_)) = expected {
        return format!("{title}\n{}\n", lines(&table));
    }
    if let Some(column) = table.column_mut(3) {
        column.set_constraint(comfy_table::ColumnConstraint::Hidden);
    }
    let error = match expected {
        Some(Err(error)) => format!("\nexpected: {error}"),
        _ => String::new(),
    };
    format!("{title}\n{}{error}\n", lines(&table))
}

fn in_words(expected: &Result<Vec<Vec<MessageQueue>>, String>) -> String {
    match expected {
        Ok(shares) => {
            let shares: Vec<String> = shares.iter().map(|share| compact(share)).collect();
            shares.join(" / ")
        }
        Err(error) => error.clone(),
    }
}
