//! Is the model true? Recordings of real clusters, rebuilt as scenarios and compared.
//!
//! Every `*.json` file of the folder is read: the bundled `field/`, or the one that `RMQSIM_FIELD_DIR` names. What
//! is judged and how closely is in `field/README.md`. Recordings of things that the model does not have are
//! reported as skipped, by name. The table goes to standard output whether or not all is well.

mod duplicates;
mod filters;
mod listeners;
mod orderly;
mod pause;
mod pulls;
mod rebalance;
mod rebuild;
mod retry;
mod scenario_file;

use serde_json::Value;
use std::fmt::{Debug, Display};
use std::io::Write;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

const OVERRIDE: &str = "RMQSIM_FIELD_DIR";

/// One recording.
struct Recording {
    id: String,
    is_4_9: bool,
    json: Value,
}

impl Recording {
    fn read(path: &Path) -> Self {
        let text = std::fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let json: Value = serde_json::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let text_of = |key: &str| json[key].as_str().unwrap_or_default().to_owned();
        Self {
            id: text_of("id"),
            is_4_9: text_of("rocketmq_version").starts_with("4.9"),
            json,
        }
    }

    fn setup(&self, key: &str) -> &Value {
        &self.json["setup"][key]
    }

    fn derived(&self, key: &str) -> &Value {
        &self.json["derived"][key]
    }

    fn timeline(&self, action: &str) -> Vec<&Value> {
        let is_it = |entry: &&Value| entry["action"] == action;
        list(&self.json["timeline"]).iter().filter(is_it).collect()
    }

    /// Observations `what` of `consumer`, in time order.
    fn seen<'a>(&'a self, what: &'a str, consumer: &'a str) -> impl Iterator<Item = &'a Value> {
        let is_it = move |entry: &&Value| entry["what"] == what && entry["consumer"] == consumer;
        list(&self.json["observations"]).iter().filter(is_it)
    }
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

#[track_caller]
fn number(value: &Value) -> u64 {
    value
        .as_u64()
        .unwrap_or_else(|| panic!("`{value}` is not a whole number"))
}

#[track_caller]
fn text(value: &Value) -> &str {
    value
        .as_str()
        .unwrap_or_else(|| panic!("`{value}` is not a text"))
}

/// What came of one recording.
#[derive(Default)]
struct Verdict {
    lines: Vec<(bool, String)>,
}

impl Verdict {
    /// `found` must be what was recorded.
    fn same<T: PartialEq + Debug>(&mut self, what: impl Display, recorded: T, found: T) {
        let agrees = recorded == found;
        let line = if agrees {
            format!("{what}: as recorded")
        } else {
            format!("{what}: recorded {recorded:?}, model {found:?}")
        };
        self.lines.push((agrees, line));
    }

    /// `found` must lie within `tolerance`, where the recording lies, too: `recorded` is for the reader.
    fn within<T: PartialOrd + Debug>(
        &mut self,
        what: impl Display,
        recorded: impl Debug,
        found: T,
        tolerance: RangeInclusive<T>,
    ) {
        let agrees = tolerance.contains(&found);
        let line = format!("{what}: recorded {recorded:?}, model {found:?}, allowed {tolerance:?}");
        self.lines.push((agrees, line));
    }
}

/// Judges a recording; `Err` tells why it cannot be expressed.
fn judge(recording: &Recording) -> Result<Verdict, &'static str> {
    let kind = recording.id.strip_prefix("v498-").unwrap_or(&recording.id);
    let begins = |start: &str| kind.starts_with(start);
    match kind {
        _ if begins("skew-") => Ok(rebalance::skew(recording)),
        _ if begins("rebalance-") => Ok(rebalance::steps(recording)),
        _ if begins("dup-") => Ok(duplicates::judge(recording)),
        _ if begins("retry-") => Ok(retry::judge(recording)),
        _ if begins("longpoll-") => Ok(pulls::long_polling(recording)),
        _ if begins("flow-") => Ok(pulls::flow_control(recording)),
        _ if begins("stuck-") => Ok(pulls::stuck(recording)),
        _ if begins("orderly-") => Ok(orderly::judge(recording)),
        _ if begins("broadcast-") => Ok(listeners::broadcast(recording)),
        _ if begins("batch-") => Ok(listeners::batch(recording)),
        _ if begins("consume-timeout") => Ok(listeners::consume_timeout(recording)),
        _ if begins("pause-") => Ok(pause::judge(recording)),
        _ if begins("broker-kill") => Err("brokers that fail"),
        _ if begins("tagfilter-") => Ok(filters::sparse(recording)),
        _ if begins("inconsistent-") => Ok(filters::inconsistent(recording)),
        _ if begins("startup-stall") => Err("a race of two heartbeats that was met by chance"),
        _ => Err("this kind of experiment"),
    }
}

fn bundled() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/truth/field")
}

/// What was seen at real clusters, the model shows as well.
#[test]
fn model_agrees_with_field_recordings() {
    let folder = std::env::var_os(OVERRIDE).map_or_else(bundled, PathBuf::from);
    let entries = std::fs::read_dir(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|e| e == "json"));
    paths.sort();
    assert!(!paths.is_empty(), "{} holds no recordings", folder.display());

    let (mut table, mut off, mut judged) = (String::new(), 0, 0);
    for path in paths {
        let recording = Recording::read(&path);
        match judge(&recording) {
            Ok(verdict) => {
                judged += 1;
                assert!(
                    !verdict.lines.is_empty(),
                    "{}: nothing was compared",
                    recording.id
                );
                let wrong = verdict.lines.iter().filter(|(agrees, _)| !agrees).count();
                off += wrong;
                table += &format!(
                    "{}: {} compared, {wrong} off\n",
                    recording.id,
                    verdict.lines.len()
                );
                for (agrees, line) in verdict.lines {
                    table += &format!("  {} {line}\n", if agrees { "  " } else { "≠ " });
                }
            }
            Err(missing) => {
                table += &format!("{}: skipped, the model does not have {missing}\n", recording.id)
            }
        }
    }
    // Written past the test harness, which would swallow what `print!` says of a test that passes.
    std::io::stdout()
        .write_all(table.as_bytes())
        .expect("standard output is open");
    assert!(off == 0, "{off} comparisons are off");
    assert!(judged > 0, "no recording could be judged");
}
