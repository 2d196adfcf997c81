//! Can the runner fail? A check that cannot is worth nothing, so each compared answer is spoilt once.

use crate::{OVERRIDE, bundled, runner};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// Every answer that is compared: file, list of cases, answer. `ops/x` is the answer x of a step.
const ANSWERS: &[(&str, &str, &str)] = &[
    ("alloc_edge", "cases", "r"),
    ("alloc_edge", "cases", "err"),
    ("alloc_grid", "cases", "r"),
    ("alloc_random", "cases", "r"),
    ("consistent_hash", "routers", "ring_size"),
    ("consistent_hash", "routers", "first_ring_hash"),
    ("consistent_hash", "routers", "route"),
    ("consistent_hash", "routers", "after_remove_0"),
    ("consistent_hash", "routers", "after_readd_0_with_3_then_2"),
    ("consistent_hash", "routers", "replicas_of_0"),
    ("consume_result", "concurrently", "send_back"),
    ("consume_result", "concurrently", "local_retry_after_ms"),
    ("consume_result", "concurrently", "offset_update"),
    ("consume_result", "concurrently", "cached_after"),
    ("consume_result", "concurrently", "reconsume_times_after"),
    ("consume_result", "orderly", "continue"),
    ("consume_result", "orderly", "offset_update"),
    ("consume_result", "orderly", "resume_after_ms"),
    ("consume_result", "orderly", "retry_sends"),
    ("consume_result", "orderly", "consuming_after"),
    ("consume_result", "orderly", "cached_after"),
    ("consume_result", "orderly", "reconsume_times_after"),
    ("consume_result", "orderly", "msg_count_after"),
    ("consume_result", "batch_split", "request_sizes"),
    ("delay", "level_tables", "ok"),
    ("delay", "level_tables", "max_level"),
    ("delay", "level_tables", "table_ms"),
    ("delay", "deliver", "deliver_offset_ms"),
    ("delay", "deliver", "queue_id"),
    ("delay", "send_back", "topic"),
    ("delay", "send_back", "stored_delay_level"),
    ("delay", "send_back", "stored_reconsume_times"),
    ("delay", "send_back", "scheduled"),
    ("delay", "send_back", "effective_level"),
    ("delay", "send_back", "schedule_queue_id"),
    ("delay", "send_back", "delay_ms"),
    ("delay", "send_back", "real_topic"),
    ("delay", "retry_topic_send", "topic"),
    ("delay", "retry_topic_send", "stored_delay_level"),
    ("delay", "retry_topic_send", "delay_ms"),
    ("lock_manager", "sequences", "ops/locked"),
    ("lock_manager", "sequences", "ops/ret"),
    ("offset_store", "sequences", "ops/read_memory"),
    ("process_queue", "sequences", "ops/ret"),
    ("process_queue", "sequences", "ops/st"),
    ("process_queue", "sequences", "ops/err"),
    ("process_queue", "sequences", "ops/sent_back"),
    ("producer", "round_robin", "steps"),
    ("producer", "fault", "ops/available"),
    ("producer", "fault", "ops/reachable"),
    ("producer", "fault", "ops/pick"),
    ("pull_flow", "decisions", "action"),
    ("pull_flow", "decisions", "previously_locked_after"),
    ("pull_flow", "decisions", "next_offset_after"),
    ("pull_flow", "callbacks", "actions"),
    ("pull_flow", "callbacks", "next_offset_after"),
    ("pull_flow", "callbacks", "dropped_after"),
    ("pull_from_where", "cases", "with_exception"),
    ("pull_from_where", "cases", "plain"),
    ("pull_from_where", "cases", "init_mode"),
    ("route", "cases", "publish"),
    ("route", "cases", "publish_order_topic"),
    ("route", "cases", "publish_ok"),
    ("route", "cases", "subscribe_sorted"),
    ("sort", "mq", "out"),
    ("sort", "cid", "out"),
    ("sort", "pairs", "cmp"),
    ("sort", "pairs", "eq"),
    ("sort", "strings", "to_string"),
    ("sort", "strings", "hash_code"),
    ("tags", "subscriptions", "sub"),
    ("tags", "subscriptions", "tags"),
    ("tags", "subscriptions", "codes"),
    ("tags", "subscriptions", "type"),
    ("tags", "subscriptions", "err"),
    ("tags", "build_with_type", "type"),
    ("tags", "build_with_type", "err"),
    ("tags", "match", "verdict"),
];

/// Each answer of each kind matters: change one, and exactly that case is reported.
#[test]
fn every_spoilt_answer_is_noticed() {
    for &(stem, section, answer) in ANSWERS {
        let mut file = read(stem);
        let cases = file[section].as_array_mut().expect("the list of cases");
        let spoilt = cases.iter_mut().find_map(|case| spoil_answer(case, answer));
        assert!(
            spoilt.is_some(),
            "{stem}.json: no case of `{section}` has `{answer}`"
        );
        let verdict = runner::judge_content(stem, &file);
        assert_eq!(verdict.failed(), 1, "{stem}.json: {section}, {answer}");
    }
}

/// Cases that are lists: the last field of the first is an answer.
#[test]
fn spoilt_rows_and_fields_are_noticed() {
    let rows = [
        ("producer", "not_available_duration"),
        ("producer", "select_by_hash"),
        ("consistent_hash", "hash"),
        ("tags", "tags_codes"),
        ("tags", "hash"),
    ];
    for (stem, section) in rows {
        let mut file = read(stem);
        spoil(&mut file[section][0]);
        assert_eq!(
            runner::judge_content(stem, &file).failed(),
            1,
            "{stem}.json: {section}"
        );
    }
    let mut defaults = read("defaults");
    spoil(&mut defaults["DefaultMQPushConsumer"]["pullBatchSize"]);
    spoil(&mut defaults["constants"]["ProcessQueue"]["PULL_MAX_IDLE_TIME"]);
    assert_eq!(runner::judge_content("defaults", &defaults).failed(), 2);
}

/// The whole way: a folder named by the environment is run instead of the bundled one, a spoilt vector in it makes
/// the test fail, and the report shows input, expected and found.
#[test]
fn folder_named_by_the_environment_is_judged() {
    let folder = fresh_folder("override");
    let mut file = read("offset_store");
    fs::write(folder.join("mine.json"), file.to_string()).expect("the folder is writable");
    let fine = run_with(&folder);
    assert!(fine.status.success(), "{}", text(&fine));
    assert!(text(&fine).contains("mine.json"), "{}", text(&fine));
    assert!(!text(&fine).contains("offset_store.json"), "{}", text(&fine));

    spoil(&mut file["sequences"][0]["ops"][0]["read_memory"]);
    fs::write(folder.join("mine.json"), file.to_string()).expect("the folder is writable");
    let spoilt = run_with(&folder);
    assert!(!spoilt.status.success());
    for word in ["differs: mine.json: sequences[0]", "input", "expected", "found"] {
        assert!(text(&spoilt).contains(word), "no `{word}` in\n{}", text(&spoilt));
    }
}

/// What nobody can judge is named; what cannot be read fails.
#[test]
fn strange_files_are_named() {
    let folder = fresh_folder("strange");
    fs::write(folder.join("weather.json"), r#"{"meta": {}, "rain": [1, 2]}"#)
        .expect("the folder is writable");
    let verdict = runner::judge(&folder).expect("there is a file");
    assert!(verdict.is_clean());
    assert!(
        verdict.to_string().contains("skipped: weather.json: "),
        "{verdict}"
    );

    fs::write(folder.join("broken.json"), "{").expect("the folder is writable");
    fs::write(folder.join("route.json"), r#"{"cases": []}"#).expect("the folder is writable");
    let verdict = runner::judge(&folder).expect("there are files");
    assert_eq!(verdict.failed(), 2);
    assert!(
        verdict.to_string().contains("unreadable: broken.json: "),
        "{verdict}"
    );
    assert!(verdict.to_string().contains("empty: route.json: "), "{verdict}");
}

/// Nothing to run is an error, not a success.
#[test]
fn empty_or_missing_folder_is_an_error() {
    let folder = fresh_folder("empty");
    assert!(runner::judge(&folder).is_err());
    assert!(!run_with(&folder).status.success());
    assert!(runner::judge(&folder.join("missing")).is_err());
    assert!(!run_with(&folder.join("missing")).status.success());
}

/// Strategies that the model lacks are counted by name, and the others still run.
#[test]
fn unknown_strategies_are_counted_by_name() {
    let mut file = read("alloc_grid");
    file["cases"][0]["s"] = "MY_OWN".into();
    let verdict = runner::judge_content("alloc_grid", &file);
    assert_eq!(verdict.failed(), 0);
    assert!(
        verdict.details("f").contains("skipped: f: 1 × MY_OWN: "),
        "{}",
        verdict.details("f")
    );
}

fn read(stem: &str) -> Value {
    let bytes = fs::read(bundled().join(format!("{stem}.json"))).expect("a bundled file");
    serde_json::from_slice(&bytes).expect("a bundled file is JSON")
}

/// Spoils the first such answer of `case`; `None` if it has none.
fn spoil_answer(case: &mut Value, answer: &str) -> Option<()> {
    if let Some(of_step) = answer.strip_prefix("ops/") {
        return case
            .get_mut("ops")?
            .as_array_mut()?
            .iter_mut()
            .find_map(|step| spoil_answer(step, of_step));
    }
    let content = case.get_mut(answer).filter(|content| !content.is_null())?;
    spoil(content);
    Some(())
}

/// Makes another value of it, of the same type where possible.
fn spoil(value: &mut Value) {
    match value {
        Value::Null => *value = 0.into(),
        Value::Bool(truth) => *truth = !*truth,
        Value::Number(number) => *value = number.as_i64().map_or(0, |number| number.wrapping_add(1)).into(),
        Value::String(text) => text.push('?'),
        Value::Array(list) => match list.last_mut() {
            Some(last) => spoil(last),
            None => list.push(0.into()),
        },
        Value::Object(fields) => match fields.values_mut().next() {
            Some(first) => spoil(first),
            None => drop(fields.insert("1".to_owned(), 0.into())),
        },
    }
}

fn fresh_folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("truth-{name}"));
    if folder.exists() {
        fs::remove_dir_all(&folder).expect("the folder is ours");
    }
    fs::create_dir_all(&folder).expect("the build folder is writable");
    folder
}

/// Runs this very test program on `folder`.
fn run_with(folder: &Path) -> Output {
    let program = std::env::current_exe().expect("a running program has a path");
    Command::new(program)
        .args(["--exact", "model_agrees_with_rocketmq"])
        .env(OVERRIDE, folder)
        .output()
        .expect("the test program starts")
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}
