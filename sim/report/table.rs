//! The terminal summary: what a run came to, at a glance, in at most 100 columns.
//!
//! One block a group, one table of its consumers, retries by attempt if there were any, then expectations and
//! warnings. Names are cut in the middle of nothing but their end; long lines break between their parts. Colours
//! are escape sequences; whoever prints takes them out where they are not wanted.

use crate::kernel::time::SimDuration;
use crate::report::charts::text::{count, grouped, number, percent};
use crate::report::model::{
    BalanceReport, ConsumerEnd, ConsumerReport, ExpectReport, GroupReport, LagReport, LatencyReport,
    RebalanceReport, Report, SkewReport, TopicPurpose, Warning, WarningLevel,
};
use comfy_table::{CellAlignment, ContentArrangement, Table, presets};

/// Columns of a line at most.
pub const WIDTH: usize = 100;
/// Columns of the words at the start of the lines of a group.
const LABEL: usize = 14;
/// Columns of a name at most.
const NAME: usize = 36;
/// Consumers listed for a group; the rest is counted.
const CONSUMERS: usize = 16;
/// Columns of a full bar.
const BAR: u64 = 12;

/// The summary of a report, with a line feed at the end.
pub fn summary(report: &Report, colour: bool) -> String {
    let mut page = Page {
        text: String::new(),
        colour,
    };
    page.header(report);
    for (name, group) in &report.groups {
        page.group(report, name, group);
    }
    page.expectations(&report.expect);
    page.warnings(&report.warnings);
    page.text
}

/// A text under construction.
struct Page {
    text: String,
    colour: bool,
}

/// Escape sequences.
const BOLD: &str = "\x1b[1m";
const DIM: &str = "\x1b[2m";
const GREEN: &str = "\x1b[32m";
const RED: &str = "\x1b[31m";
const YELLOW: &str = "\x1b[33m";

impl Page {
    fn paint(&self, style: &str, text: &str) -> String {
        if self.colour {
            format!("{style}{text}\x1b[0m")
        } else {
            text.to_owned()
        }
    }

    fn line(&mut self, line: &str) {
        // Thin spaces are for pictures: in a terminal a number should be found by searching for it.
        self.text.push_str(&line.replace('\u{2009}', " "));
        self.text.push('\n');
    }

    /// `label  part · part`, broken between parts where a line would be too long.
    fn parts(&mut self, label: &str, parts: &[String]) {
        self.joined(label, " · ", parts);
    }

    fn joined(&mut self, label: &str, separator: &str, parts: &[String]) {
        let mut line = format!("  {label:<width$}", width = LABEL - 2);
        let mut fresh = true;
        for part in parts.iter().filter(|part| !part.is_empty()) {
            if !fresh && columns(&line) + columns(separator) + columns(part) > WIDTH {
                self.line(&line);
                line = " ".repeat(LABEL);
                fresh = true;
            }
            if !fresh {
                line.push_str(separator);
            }
            line.push_str(part);
            fresh = false;
        }
        self.line(&line);
    }

    fn header(&mut self, report: &Report) {
        let run = &report.run;
        let title = run.title.as_deref().unwrap_or_default();
        let name = cut(&run.name, NAME);
        let room = WIDTH - columns(&name) - 3;
        let head = match title {
            "" => self.paint(BOLD, &name),
            _ => format!("{} — {}", self.paint(BOLD, &name), cut(title, room)),
        };
        self.line(&head);
        self.parts(
            "run",
            &[
                format!("{} of virtual time", span(run.duration_seconds)),
                count(run.messages, "message"),
                count(run.events, "event"),
                format!("seed {}", run.seed),
                format!(
                    "trace {}",
                    run.trace_digest.get(..12).unwrap_or(&run.trace_digest)
                ),
            ],
        );
        let topics = report
            .topics
            .iter()
            .filter(|(_, topic)| topic.purpose == TopicPurpose::User);
        let mut parts = vec![
            count(report.cluster.brokers.len() as u64, "broker"),
            count(report.producers.len() as u64, "producer"),
        ];
        let shown = 3;
        parts.extend(
            topics
                .clone()
                .take(shown)
                .map(|(name, topic)| format!("{}: {}", cut(name, NAME), count(topic.queues, "queue"))),
        );
        let more = topics.count().saturating_sub(shown) as u64;
        if more > 0 {
            parts.push(format!("{more} more topics"));
        }
        self.parts("cluster", &parts);
    }

    fn group(&mut self, report: &Report, name: &str, group: &GroupReport) {
        self.line("");
        let topics = cut(&group.topics.join(", "), NAME);
        let head = format!(
            "{} — {} of {topics}",
            self.paint(BOLD, &cut(name, NAME)),
            count(group.members, "consumer")
        );
        self.line(&head);
        let balance = &report.balance[name];
        self.parts(
            "consumed",
            &[
                format!("{} of {}", grouped(group.succeeded), grouped(group.produced)),
                format!("{}/s", number(group.succeeded_per_second)),
                format!("{} waiting", grouped(balance.waiting)),
                format!("{} in flight", grouped(balance.in_flight)),
            ],
        );
        self.parts("lag", &lag(&group.lag));
        self.parts("latency", &latency(&group.latency.success));
        self.parts(
            "failures",
            &[
                count(group.retries.scheduled, "retry").replace("retrys", "retries"),
                match balance.awaiting_retry {
                    0 => String::new(),
                    n => format!("{} still to come", grouped(n)),
                },
                format!("{} dead", grouped(group.dead)),
                format!("{} lost", grouped(group.lost)),
            ],
        );
        self.parts("duplicates", &duplicates(group));
        self.parts("skew", &skew(group));
        self.parts("rebalance", &rebalance(&report.rebalance[name]));
        let account = self.account(balance);
        self.joined("balance", " + ", &account);
        self.consumers(report, name);
        self.retries(group);
    }

    fn account(&self, balance: &BalanceReport) -> Vec<String> {
        let mark = self.mark(balance.balanced);
        let places = [
            (balance.succeeded, "succeeded"),
            (balance.waiting, "waiting"),
            (balance.in_flight, "in flight"),
            (balance.awaiting_retry, "for retry"),
            (balance.dead, "dead"),
            (balance.expired, "expired"),
            (balance.lost, "lost"),
        ];
        let mut named: Vec<String> = places
            .iter()
            .filter(|(n, what)| *n > 0 || *what == "succeeded")
            .map(|(n, what)| format!("{} {what}", grouped(*n)))
            .collect();
        let sign = if balance.balanced { "=" } else { "≠" };
        let stored = format!("{mark} {} stored", grouped(balance.produced));
        if balance.extra_copies == 0 {
            named[0] = format!("{stored} {sign} {}", named[0]);
        } else {
            named[0] = format!(
                "{} extra copies {sign} {}",
                grouped(balance.extra_copies),
                named[0]
            );
            named.insert(0, stored);
        }
        named
    }

    fn mark(&self, good: bool) -> String {
        if good {
            self.paint(GREEN, "✓")
        } else {
            self.paint(RED, "✗")
        }
    }

    fn consumers(&mut self, report: &Report, group: &str) {
        let members: Vec<(&String, &ConsumerReport)> = (report.consumers.iter())
            .filter(|(_, consumer)| consumer.group == group && consumer.started_seconds.is_some())
            .collect();
        if members.is_empty() {
            return;
        }
        let most = members
            .iter()
            .map(|(_, consumer)| consumer.deliveries)
            .max()
            .unwrap_or(0);
        let mut table = table(
            &["consumer", "queues", "messages", "share", "", "busy", ""],
            &[1, 2, 4, 5],
        );
        for (key, consumer) in members.iter().take(CONSUMERS) {
            table.add_row([
                cut(key, 24),
                consumer.queues_final.to_string(),
                grouped(consumer.deliveries),
                bar(consumer.deliveries, most),
                tenths(consumer.share),
                consumer.busy_ratio.map_or("–".to_owned(), tenths),
                match (consumer.end, consumer.stopped_seconds) {
                    (Some(ConsumerEnd::Killed), Some(at)) => format!("killed at {}", span(at)),
                    (Some(ConsumerEnd::Graceful), Some(at)) => format!("left at {}", span(at)),
                    _ if consumer.queues_final == 0 => "idle".to_owned(),
                    _ => String::new(),
                },
            ]);
        }
        self.table(&table);
        let more = members.len().saturating_sub(CONSUMERS);
        if more > 0 {
            self.line(&format!("  … and {} more", grouped(more as u64)));
        }
    }

    fn retries(&mut self, group: &GroupReport) {
        if group.retries.by_attempt.len() < 2 {
            return;
        }
        let mut table = table(
            &[
                "retry",
                "level",
                "asked",
                "waited",
                "delivered",
                "succeeded",
                "failed",
            ],
            &[0, 1, 2, 3, 4, 5, 6],
        );
        for attempt in &group.retries.by_attempt {
            let optional = |seconds: Option<f64>| seconds.map_or("–".to_owned(), span);
            table.add_row([
                match attempt.attempt {
                    0 => "original".to_owned(),
                    n => n.to_string(),
                },
                attempt.level.map_or("–".to_owned(), |level| level.to_string()),
                optional(attempt.delay_asked_seconds),
                optional(attempt.delay_waited_mean_seconds),
                grouped(attempt.delivered),
                grouped(attempt.succeeded),
                grouped(attempt.failed),
            ]);
        }
        self.table(&table);
    }

    fn table(&mut self, table: &Table) {
        self.line("");
        for (row, line) in table.lines().enumerate() {
            let line = format!("  {}", line.trim_end());
            let line = if row == 0 { self.paint(DIM, &line) } else { line };
            self.line(&line);
        }
    }

    fn expectations(&mut self, verdicts: &[ExpectReport]) {
        if verdicts.is_empty() {
            return;
        }
        self.line("");
        let head = self.paint(BOLD, "expected");
        self.line(&head);
        for verdict in verdicts {
            let actual = verdict
                .actual
                .map_or("no value".to_owned(), |actual| format!("is {}", exact(actual)));
            let room = WIDTH - 8 - columns(&actual);
            let line = format!(
                "  {} {}  ({actual})",
                self.mark(verdict.passed),
                cut(&verdict.text, room)
            );
            self.line(&line);
        }
    }

    fn warnings(&mut self, warnings: &[Warning]) {
        let mut warnings = warnings
            .iter()
            .filter(|warning| warning.level == WarningLevel::Warning)
            .peekable();
        if warnings.peek().is_some() {
            self.line("");
        }
        for warning in warnings {
            let head = self.paint(YELLOW, "warning");
            for (row, line) in wrapped(&warning.text, WIDTH - 9).into_iter().enumerate() {
                let line = if row == 0 {
                    format!("{head}: {line}")
                } else {
                    format!("         {line}")
                };
                self.line(&line);
            }
        }
    }
}

fn lag(lag: &LagReport) -> Vec<String> {
    let peak = match (lag.max_at_seconds, lag.drain_seconds) {
        (None, _) => String::new(),
        (Some(at), None) => format!(" at {}", span(at)),
        (Some(at), Some(drain)) => format!(" at {}, drained in {}", span(at), span(drain)),
    };
    vec![
        format!("{} at the end", grouped(lag.last)),
        format!("mean {}", number(lag.mean)),
        format!("max {}{peak}", grouped(lag.max)),
    ]
}

fn latency(latency: &LatencyReport) -> Vec<String> {
    let quantile = |name: &str, seconds: Option<f64>| seconds.map(|s| format!("{name} {}", span(s)));
    let parts: Vec<String> = [
        quantile("p50", latency.p50_seconds),
        quantile("p90", latency.p90_seconds),
        quantile("p99", latency.p99_seconds),
        quantile("max", latency.max_seconds),
    ]
    .into_iter()
    .flatten()
    .collect();
    match parts.is_empty() {
        true => vec!["nothing was consumed".to_owned()],
        false => parts
            .into_iter()
            .chain(["from send to success".to_owned()])
            .collect(),
    }
}

fn duplicates(group: &GroupReport) -> Vec<String> {
    let causes = &group.duplicates.by_cause;
    let named = [
        (causes.killed, "after a kill"),
        (causes.graceful, "after a shutdown"),
        (causes.rebalance, "after a rebalance"),
        (causes.overlap, "while two held a queue"),
        (causes.other, "else"),
    ];
    let first = match group.duplicates.total {
        0 => "none".to_owned(),
        n => format!("{} ({})", grouped(n), percent(group.duplicates.ratio, 1.0)),
    };
    let causes = named
        .iter()
        .filter(|(n, _)| *n > 0)
        .map(|(n, what)| format!("{} {what}", grouped(*n)));
    std::iter::once(first).chain(causes).collect()
}

fn skew(group: &GroupReport) -> Vec<String> {
    let describe = |skew: &SkewReport| format!("max/mean {:.2}, Gini {:.2}", skew.max_over_mean, skew.gini);
    let of = |what: &str, skew: &Option<SkewReport>| match skew {
        Some(skew) => format!("{what} {}", describe(skew)),
        None => String::new(),
    };
    let idle = match group.skew.idle_consumers {
        0 => String::new(),
        n => format!("{} idle", count(n, "consumer")),
    };
    let parts = vec![
        of("consumers", &group.skew.consumer_messages),
        of("queues", &group.skew.queue_messages),
        idle,
    ];
    match parts.iter().all(String::is_empty) {
        true => vec!["nothing to share".to_owned()],
        false => parts,
    }
}

fn rebalance(rebalance: &RebalanceReport) -> Vec<String> {
    let some = |seconds: f64, what: &str| match seconds > 0.0 {
        true => format!("{what} {}", span(seconds)),
        false => String::new(),
    };
    vec![
        format!(
            "{} of {} changed owners",
            grouped(rebalance.rounds_with_change),
            count(rebalance.rounds, "round")
        ),
        format!(
            "{}, {} needed",
            count(rebalance.moves, "move"),
            grouped(rebalance.moves_least)
        ),
        rebalance.stable_max_seconds.map_or(String::new(), |seconds| {
            format!("stable within {}", span(seconds))
        }),
        some(rebalance.unowned_seconds, "queues unowned"),
        some(rebalance.overlap_seconds, "owned twice"),
    ]
}

/// A table without lines; columns in `right` are aligned to the right.
fn table(header: &[&str], right: &[usize]) -> Table {
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Disabled)
        .set_header(header.to_vec());
    for (index, column) in table.column_iter_mut().enumerate() {
        column.set_padding((0, 2));
        if right.contains(&index) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

/// A share as per cent with one decimal, so that a column of them lines up.
fn tenths(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}

/// A bar as long as `value` is to `most`, in eighths of a column.
fn bar(value: u64, most: u64) -> String {
    if most == 0 {
        return String::new();
    }
    let eighths = (u128::from(value) * u128::from(BAR * 8) / u128::from(most)) as usize;
    let rest = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"][eighths % 8];
    format!("{}{rest}", "█".repeat(eighths / 8))
}

fn span(seconds: f64) -> String {
    crate::report::charts::text::span(SimDuration::from_secs_f64(seconds))
}

/// A measured value next to what was expected of it: as exact as the comparison.
fn exact(value: f64) -> String {
    if (0.0..1e15).contains(&value) && value.fract() == 0.0 {
        return grouped(value as u64);
    }
    value.to_string()
}

/// Columns that a text takes: two for each wide character, none for escape sequences.
fn columns(text: &str) -> usize {
    let mut columns = 0;
    let mut in_escape = false;
    for c in text.chars() {
        match c {
            '\x1b' => in_escape = true,
            'm' if in_escape => in_escape = false,
            _ if in_escape => {}
            '\u{1100}'..='\u{115f}' | '\u{2e80}'..='\u{a4cf}' | '\u{ac00}'..='\u{d7a3}' => columns += 2,
            '\u{f900}'..='\u{faff}' | '\u{fe30}'..='\u{fe6f}' | '\u{ff00}'..='\u{ff60}' => columns += 2,
            '\u{1f300}'..='\u{1faff}' | '\u{20000}'..='\u{3fffd}' => columns += 2,
            _ => columns += 1,
        }
    }
    columns
}

/// As much of `text` as fits; `…` stands for the rest. Control characters become spaces.
fn cut(text: &str, room: usize) -> String {
    let text: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    if columns(&text) <= room {
        return text;
    }
    let mut short = String::new();
    for c in text.chars() {
        if columns(&short) + columns(c.encode_utf8(&mut [0; 4])) + 1 > room {
            break;
        }
        short.push(c);
    }
    short.push('…');
    short
}

/// Lines of at most `room` columns, broken between words.
pub fn wrapped(text: &str, room: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let word = cut(word, room);
        let line = lines.last_mut().expect("there is always a line");
        if !line.is_empty() && columns(line) + 1 + columns(&word) > room {
            lines.push(word);
        } else {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(&word);
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::assemble::crash_report;
    use crate::report::expect::{Expectation, measured};

    fn judged(texts: &[&str]) -> Report {
        let mut report = crash_report();
        let shape = measured(&report);
        let expectations: Vec<Expectation> = (texts.iter())
            .map(|text| Expectation::parse(text, &shape).unwrap())
            .collect();
        report.judge(&expectations);
        report
    }

    #[test]
    fn the_summary_reads_at_a_glance() {
        let report = judged(&["groups.billing.lost == 0", "groups.billing.duplicates.ratio < 1%"]);
        assert_eq!(summary(&report, false), GLANCE);
    }

    /// Lag: six messages at 1 … 6 s, all but two committed at 8 s, those and a copy of 13.105 s at 15 s, one more at
    /// 29.99 s: (27 + 14 + 1.895 + 0.01) ÷ 30 = 1.43. Skew of 7 and 3: 7 ÷ 5; |7 − 3| × 2 ÷ (2 × 4 × 5).
    const GLANCE: &str = "\
crash — A consumer is killed
  run         30 s of virtual time · 7 messages · 64 events · seed 7 · trace 0123456789ab
  cluster     1 broker · 1 producer · orders: 2 queues

billing — 2 consumers of orders
  consumed    5 of 7 · 0.17/s · 0 waiting · 1 in flight
  lag         1 at the end · mean 1.43 · max 6 at 6 s, drained in 9 s
  latency     p50 55 ms · p90 55 ms · p99 55 ms · max 55 ms · from send to success
  failures    1 retry · 1 dead · 0 lost
  duplicates  2 (25 %) · 2 after a kill
  skew        consumers max/mean 1.40, Gini 0.20 · queues max/mean 1.11, Gini 0.06
  rebalance   3 of 3 rounds changed owners · 1 move, 1 needed · stable within 200 ms
              queues unowned 200 ms
  balance     ✓ 7 stored = 5 succeeded + 1 in flight + 1 dead

  consumer   queues  messages  share                  busy
  billing-1       2         7  ████████████  70.0 %  0.5 %
  billing-2       0         3  █████▏        30.0 %  0.8 %  killed at 10 s

     retry  level  asked  waited  delivered  succeeded  failed
  original      –      –       –          7          5       1
         1      3   10 s  10.1 s          1          0       1

expected
  ✓ groups.billing.lost == 0  (is 0)
  ✗ groups.billing.duplicates.ratio < 1%  (is 0.25)
";

    #[test]
    fn colours_are_paint_only() {
        let report = judged(&["groups.billing.lost == 0"]);
        let painted = summary(&report, true);
        let mut plain = painted.clone();
        for style in [BOLD, DIM, GREEN, RED, YELLOW, "\x1b[0m"] {
            plain = plain.replace(style, "");
        }
        assert_ne!(painted, plain);
        assert_eq!(plain, summary(&report, false));
    }

    /// The longest names that RocketMQ allows, wide characters, huge numbers, many members.
    #[test]
    fn no_line_is_longer_than_100_columns() {
        let mut report = judged(&["groups.billing.lost == 0"]);
        report.run.name = "n".repeat(80);
        report.run.title = Some("每个队列同一时间只属于一个消费者".repeat(5));
        report.run.seed = u64::MAX.to_string();
        (report.run.events, report.run.messages) = (u64::MAX, u64::MAX);
        let long = "g".repeat(120);
        let (mut group, mut consumer) = (
            report.groups["billing"].clone(),
            report.consumers["billing-1"].clone(),
        );
        for n in [
            &mut group.produced,
            &mut group.succeeded,
            &mut group.deliveries,
            &mut group.lag.last,
            &mut group.lag.max,
            &mut group.duplicates.total,
            &mut group.duplicates.by_cause.killed,
            &mut group.duplicates.by_cause.overlap,
        ] {
            *n = 123_456_789_012_345;
        }
        group.topics = vec!["t".repeat(127); 3];
        let topic = report.topics["orders"].clone();
        for n in 0..5 {
            report
                .topics
                .insert(format!("{}{n}", "t".repeat(126)), topic.clone());
        }
        report.groups.insert(long.clone(), group);
        let mut balance = report.balance["billing"].clone();
        for n in [
            &mut balance.produced,
            &mut balance.succeeded,
            &mut balance.waiting,
            &mut balance.in_flight,
            &mut balance.awaiting_retry,
            &mut balance.dead,
            &mut balance.lost,
            &mut balance.extra_copies,
        ] {
            *n = 123_456_789_012_345;
        }
        report.balance.insert(long.clone(), balance);
        report
            .rebalance
            .insert(long.clone(), report.rebalance["billing"].clone());
        consumer.group = long.clone();
        consumer.deliveries = 12_345_678_901;
        consumer.end = Some(ConsumerEnd::Graceful);
        consumer.stopped_seconds = Some(1e8);
        for n in 0..40 {
            report.consumers.insert(format!("{long}-{n}"), consumer.clone());
        }
        report.expect[0].text = "x".repeat(300);
        report.expect[0].actual = Some(1.0 / 3.0);
        report.warnings.push(Warning {
            level: WarningLevel::Warning,
            id: "test".into(),
            text: format!("{long} {}", "word ".repeat(60)),
        });
        let text = summary(&report, true);
        for line in text.lines() {
            assert!(columns(line) <= WIDTH, "{} columns: {line}", columns(line));
        }
        assert!(text.contains("… and 24 more"));
    }
}
