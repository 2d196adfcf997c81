//! Recordings that are not as they should be: what is judged all the same, and what fails, with its name.

use crate::field::failures;
use crate::field::proof::{Folder, fails_at, passes, read, variant};
use serde_json::json;
use std::fs;

/// Without a scenario beside it, a recording of a known kind is rebuilt, whatever it is called.
#[test]
fn a_recording_without_scenario_is_rebuilt() {
    let folder = Folder::new("rebuilt");
    let mut recording = read("stuck-one-message.json");
    let judged = folder.judge(&recording);
    passes(&judged);
    assert!(judged.scenarios.is_empty());
    recording["derived"]["delivered_distinct"] = 2999.into();
    fails_at(&folder.judge(&recording), "delivered beside a call that hangs");
}

/// What nobody understands is named and fails, and the others are judged all the same.
#[test]
fn strange_files_are_named() {
    let folder = Folder::new("strange");
    folder.write("list.json", &json!([1, 2]));
    fs::write(folder.file("broken.json"), "{").expect("a file can be written");
    folder.write(
        "new-kind.json",
        &json!({ "setup": {}, "derived": { "weight_kg": 3 } }),
    );
    folder.write("lacks.json", &json!({ "setup": {}, "derived": { "t_stop": 3 } }));
    folder.write("no-scenario.json", &read("flow-default.json"));
    folder.write("no-scenario.scenario.json", &json!({ "title": 3 }));
    let mut odd = read("flow-default.json");
    odd["setup"]["backlog"] = "much".into();
    folder.write("odd.json", &odd);
    folder.write("stall.json", &read("startup-stall-subscription-not-latest.json"));
    let mut recording = read("skew-avg.json");
    recording["derived"]["weight_kg"] = 3.into();
    folder.write("skew.json", &recording);
    let judged = folder.judge_all();
    let why = |id: &str| {
        let of = judged
            .iter()
            .find(|judged| judged.recording.id == id)
            .expect("it is listed");
        of.verdict.unjudged.join("; ")
    };
    assert!(
        why("list").contains("not the shape of a recording"),
        "{}",
        why("list")
    );
    assert!(why("broken").contains("cannot be read"), "{}", why("broken"));
    assert!(why("new-kind").contains("weight_kg"), "{}", why("new-kind"));
    assert!(
        why("lacks").contains("lacks `derived/map_before`"),
        "{}",
        why("lacks")
    );
    assert!(why("no-scenario").contains("title"), "{}", why("no-scenario"));
    let named: Vec<String> = failures(&judged);
    let fails = |id: &str| {
        named
            .iter()
            .any(|failure| failure.starts_with(&format!("{id}: ")))
    };
    for id in ["list", "broken", "new-kind", "lacks", "no-scenario", "odd"] {
        assert!(fails(id), "{id} does not fail: {named:?}");
    }
    assert!(
        !fails("stall"),
        "what is known to be out of reach is left out: {named:?}"
    );
    let skew = judged
        .iter()
        .find(|judged| judged.recording.id == "skew")
        .expect("it is listed");
    passes(skew);
    assert_eq!(skew.unread, ["weight_kg"]);
}

/// A recording of no known kind with a scenario is held against what any recording may say.
#[test]
fn an_unknown_kind_with_a_scenario_is_judged_by_its_account() {
    let folder = Folder::new("account");
    folder.write("elsewhere.scenario.json", &variant("skew-avg.scenario.json", 8));
    let recording = json!({
        "setup": { "brokers": ["a"], "topic": "parcels" },
        "timeline": [], "observations": [],
        "derived": { "sent": 1200, "distinct_consumed": 1200, "duplicates": 0, "mood": "fair" },
    });
    let judged = folder.judge(&recording);
    passes(&judged);
    assert_eq!(judged.unread, ["mood"]);
    let mut altered = recording;
    altered["derived"]["distinct_consumed"] = 1199.into();
    fails_at(&folder.judge(&altered), "messages that nobody got");
}
