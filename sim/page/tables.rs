//! The tables of a page: groups, consumers, queues, changes, brokers. Each cell has its text, and a number to sort by
//! where it has one.

use crate::report::charts::text as words_of;
use crate::report::charts::text::{grouped, number, percent};
use crate::report::model::{
    BrokerReport, ConsumerEnd, ConsumerReport, GroupReport, MemberChange, MemberChangeReport,
    QueueGroupReport, QueueReport, Report,
};

/// Rows of one table at most.
const ROWS: usize = 400;

/// One table.
pub struct Table {
    /// Unlike those of the other tables; letters only.
    pub id: &'static str,
    /// What it lists.
    pub title: &'static str,
    /// Heads of the columns, with what they mean.
    pub columns: Vec<Column>,
    /// The rows shown.
    pub rows: Vec<Vec<Cell>>,
    /// Rows that are not shown.
    pub omitted: usize,
}

impl Table {
    /// Shows so many rows at most.
    pub fn cut(&mut self, rows: usize) {
        self.omitted += self.rows.len().saturating_sub(rows);
        self.rows.truncate(rows);
    }
}

/// The head of a column.
pub struct Column {
    /// A word or two.
    pub name: &'static str,
    /// One line more.
    pub hint: &'static str,
    /// Numbers are aligned right.
    pub is_number: bool,
}

/// One cell.
pub struct Cell {
    /// What is read.
    pub text: String,
    /// What is sorted by; texts sort by themselves.
    pub sort: Option<f64>,
}

fn words(text: impl Into<String>) -> Cell {
    Cell {
        text: text.into(),
        sort: None,
    }
}

fn whole(n: u64) -> Cell {
    Cell {
        text: grouped(n),
        sort: Some(n as f64),
    }
}

/// A number that may not have been measured.
fn maybe(value: Option<f64>, text: impl Fn(f64) -> String) -> Cell {
    Cell {
        text: value.map_or_else(|| "–".to_owned(), text),
        sort: Some(value.unwrap_or(-1.0)),
    }
}

fn share(value: Option<f64>) -> Cell {
    maybe(value, |share| percent(share, 1.0))
}

fn seconds(value: Option<f64>) -> Cell {
    maybe(value, words_of::seconds)
}

/// A span where none is worth no ink.
fn time(value: f64) -> Cell {
    match value {
        0.0 => Cell {
            text: "–".to_owned(),
            sort: Some(0.0),
        },
        _ => seconds(Some(value)),
    }
}

/// One column and its cell for each row.
struct Spec<R> {
    column: Column,
    cell: fn(&R) -> Cell,
}

fn text<R>(name: &'static str, hint: &'static str, cell: fn(&R) -> Cell) -> Spec<R> {
    let is_number = false;
    Spec {
        column: Column {
            name,
            hint,
            is_number,
        },
        cell,
    }
}

fn figure<R>(name: &'static str, hint: &'static str, cell: fn(&R) -> Cell) -> Spec<R> {
    let is_number = true;
    Spec {
        column: Column {
            name,
            hint,
            is_number,
        },
        cell,
    }
}

fn built<R>(
    id: &'static str,
    title: &'static str,
    rows: impl Iterator<Item = R>,
    specs: Vec<Spec<R>>,
) -> Table {
    let mut rows = rows.map(|row| specs.iter().map(|spec| (spec.cell)(&row)).collect());
    let shown: Vec<Vec<Cell>> = rows.by_ref().take(ROWS).collect();
    Table {
        id,
        title,
        rows: shown,
        omitted: rows.count(),
        columns: specs.into_iter().map(|spec| spec.column).collect(),
    }
}

/// All tables that have rows.
pub fn all(report: &Report) -> Vec<Table> {
    let tables = [
        groups(report),
        consumers(report),
        queues(report),
        changes(report),
        brokers(report),
    ];
    tables
        .into_iter()
        .filter(|table| !table.rows.is_empty())
        .collect()
}

type Named<'r, T> = (&'r String, &'r T);

fn groups(report: &Report) -> Table {
    type Row<'r> = Named<'r, GroupReport>;
    built(
        "groups",
        "Groups",
        report.groups.iter(),
        vec![
            text("group", "", |row: &Row<'_>| words(row.0)),
            figure("consumers", "that ever started", |row| whole(row.1.members)),
            figure("stored", "records in its topics", |row| whole(row.1.produced)),
            figure("succeeded", "records finished with success", |row| {
                whole(row.1.succeeded)
            }),
            figure("per s", "successes per second", |row| {
                maybe(Some(row.1.succeeded_per_second), number)
            }),
            figure("lag", "max offset − committed offset at the end", |row| {
                whole(row.1.lag.last)
            }),
            figure("lag max", "the highest lag", |row| whole(row.1.lag.max)),
            figure("p50", "median time from send to success", |row| {
                seconds(row.1.latency.success.p50_seconds)
            }),
            figure("p99", "99th percentile of it", |row| {
                seconds(row.1.latency.success.p99_seconds)
            }),
            figure("retries", "copies scheduled", |row| {
                whole(row.1.retries.scheduled)
            }),
            figure("dead", "dead letters", |row| whole(row.1.dead)),
            figure("lost", "messages that no listener will finish", |row| {
                whole(row.1.lost)
            }),
            figure("duplicates", "deliveries of records delivered before", |row| {
                whole(row.1.duplicates.total)
            }),
            figure("busy", "thread time spent in listeners", |row| {
                share(row.1.utilisation)
            }),
        ],
    )
}

fn consumers(report: &Report) -> Table {
    type Row<'r> = Named<'r, ConsumerReport>;
    built(
        "consumers",
        "Consumers",
        report.consumers.iter(),
        vec![
            text(
                "consumer",
                "the second life of a member has #2",
                |row: &Row<'_>| words(row.0),
            ),
            text("group", "", |row| words(&row.1.group)),
            figure("threads", "listener threads", |row| whole(row.1.threads)),
            figure("from", "start of the process", |row| {
                seconds(row.1.started_seconds)
            }),
            figure("to", "its end, if it ended", |row| seconds(row.1.stopped_seconds)),
            text("end", "how it ended", |row| words(row.1.end.map_or("", ended))),
            figure("queues", "mean number held while alive", |row| {
                maybe(Some(row.1.queues_mean), number)
            }),
            figure("deliveries", "", |row| whole(row.1.deliveries)),
            figure("share", "of the deliveries of its group", |row| {
                share(Some(row.1.share))
            }),
            figure("failed", "results RECONSUME_LATER", |row| whole(row.1.failed)),
            figure("discarded", "results thrown away", |row| whole(row.1.discarded)),
            figure("busy", "of its thread time", |row| share(row.1.busy_ratio)),
            figure("cache max", "most messages in its process queues", |row| {
                whole(row.1.cached_all_max)
            }),
            figure("put off", "times in which its pulls were put off", |row| {
                whole(row.1.flow_control.episodes)
            }),
            figure("paused", "time that its process stood still", |row| {
                time(row.1.paused_seconds)
            }),
        ],
    )
}

/// How a consumer ended, in words.
fn ended(end: ConsumerEnd) -> &'static str {
    match end {
        ConsumerEnd::Graceful => "shut down",
        ConsumerEnd::Killed => "killed",
        ConsumerEnd::Vanished => "vanished",
        ConsumerEnd::StartFailed => "could not start",
    }
}

fn queues(report: &Report) -> Table {
    struct Row<'r> {
        label: &'r String,
        queue: &'r QueueReport,
        group: &'r String,
        of: &'r QueueGroupReport,
    }
    let rows = report.queues.iter().flat_map(|(label, queue)| {
        let groups = queue.groups.iter();
        groups.map(move |(group, of)| Row {
            label,
            queue,
            group,
            of,
        })
    });
    built(
        "queues",
        "Queues",
        rows,
        vec![
            text("queue", "topic, broker and queueId", |row: &Row<'_>| {
                words(row.label)
            }),
            text("group", "who reads it", |row| words(row.group)),
            text("owner", "at the end", |row| {
                words(row.of.owner.clone().unwrap_or_default())
            }),
            figure("max offset", "one past its last record", |row| {
                whole(row.queue.max_offset)
            }),
            figure("committed", "committed offset at the end", |row| {
                maybe(row.of.committed.map(|n| n as f64), |n| grouped(n as u64))
            }),
            figure("lag", "max offset − committed offset at the end", |row| {
                whole(row.of.lag.last)
            }),
            figure("lag max", "the highest lag", |row| whole(row.of.lag.max)),
            figure("deliveries", "", |row| whole(row.of.deliveries)),
            figure("duplicates", "of these, records delivered before", |row| {
                whole(row.of.duplicates)
            }),
            figure("no owner", "time without one, after its first", |row| {
                time(row.of.unowned_seconds)
            }),
            figure("two owners", "time with two or more", |row| {
                time(row.of.overlap_seconds)
            }),
            figure(
                "blocked",
                "time behind a failed head, of an ordered queue",
                |row| time(row.of.blocked_seconds),
            ),
        ],
    )
}

fn changes(report: &Report) -> Table {
    type Row<'r> = Named<'r, MemberChangeReport>;
    let rows = report.rebalance.iter().flat_map(|(group, rebalance)| {
        let changes = rebalance.changes.iter();
        changes.map(move |change| (group, change))
    });
    built(
        "changes",
        "Changes and what they cost",
        rows,
        vec![
            figure("at", "", |row: &Row<'_>| seconds(Some(row.1.at_seconds))),
            text("group", "", |row| words(row.0)),
            text("what", "", |row| words(changed(row.1))),
            figure("members", "living ones after it", |row| whole(row.1.members)),
            figure(
                "moves",
                "queues that went from one consumer to another until the next change",
                |row| whole(row.1.moves),
            ),
            figure("needed", "fewest moves to even shares", |row| {
                whole(row.1.moves_least)
            }),
            figure("first reaction", "of another consumer", |row| {
                seconds(row.1.detected_seconds)
            }),
            figure("stable", "time to the last change of owners", |row| {
                time(row.1.stable_seconds)
            }),
            figure("no owner", "queue-time without one", |row| {
                time(row.1.unowned_seconds)
            }),
            figure("duplicates", "from queues that it moved", |row| {
                whole(row.1.duplicates)
            }),
        ],
    )
}

/// Who did what.
fn changed(change: &MemberChangeReport) -> String {
    let what = match change.change {
        MemberChange::Started => "started",
        MemberChange::Graceful => "shut down",
        MemberChange::Killed => "was killed",
        MemberChange::Vanished => "lost its host",
        MemberChange::StartFailed => "could not start",
        MemberChange::Paused => "stood still",
        MemberChange::Resumed => "went on",
        MemberChange::CutOff => "was cut off",
        MemberChange::Reconnected => "could be reached again",
        MemberChange::Slowed => "got slow",
        MemberChange::FastAgain => "was fast again",
        MemberChange::QueuesChanged => "has other queues",
    };
    let who = match (&change.consumer, &change.topic, &change.broker) {
        (Some(consumer), ..) => consumer.clone(),
        (None, Some(topic), Some(broker)) => format!("{topic} on {broker}"),
        _ => String::new(),
    };
    format!("{who} {what}")
}

fn brokers(report: &Report) -> Table {
    type Row<'r> = Named<'r, BrokerReport>;
    built(
        "brokers",
        "Brokers",
        report.cluster.brokers.iter(),
        vec![
            text("broker", "", |row: &Row<'_>| words(row.0)),
            figure("stored", "messages of producers", |row| whole(row.1.stored)),
            figure("sent", "messages in its answers", |row| whole(row.1.sent)),
            figure("requests", "of all kinds", |row| whole(row.1.requests.total)),
            figure("pulls", "", |row| whole(row.1.requests.pull)),
            figure("per pull", "mean messages in an answer that had some", |row| {
                maybe(row.1.pulls.messages_mean, number)
            }),
            figure("held", "pulls held for want of messages", |row| {
                whole(row.1.holds.held)
            }),
            figure("woken", "holds that ended with messages", |row| {
                whole(row.1.holds.woken)
            }),
            figure("ran out", "holds that did not", |row| whole(row.1.holds.expired)),
            figure("heartbeats", "", |row| whole(row.1.requests.heartbeat)),
            figure("gave up", "clients that were silent for too long", |row| {
                whole(row.1.members_expired)
            }),
            figure("down", "time without a process", |row| time(row.1.down_seconds)),
        ],
    )
}
