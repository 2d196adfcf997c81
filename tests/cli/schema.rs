//! The published schema: current, and in step with what the program accepts.

use crate::program::{here, root, run};
use serde_json::Value;
use std::path::{Path, PathBuf};

fn schema() -> Value {
    serde_json::from_str(&run(&root(), &["schema"]).stdout).unwrap()
}

/// All shipped scenario files.
fn shipped() -> Vec<PathBuf> {
    let mut files = Vec::new();
    for folder in ["scenarios", "scenarios/bench", "scenarios/studies"] {
        let entries = std::fs::read_dir(root().join(folder)).unwrap();
        files.extend(
            entries
                .map(|e| e.unwrap().path())
                .filter(|p| p.extension().is_some_and(|e| e == "json")),
        );
    }
    files.sort();
    files
}

/// Comments are no JSON: what a schema sees is the file as the program reads it, without places.
fn value(path: &Path) -> Value {
    let text = std::fs::read_to_string(path).unwrap();
    rmqsim::scenario::json::parse(&text, 0).unwrap().to_value()
}

#[test]
fn the_committed_schema_is_current() {
    let committed = root().join("schemas/scenario.schema.json");
    crate::program::compare(&committed, &run(&root(), &["schema"]).stdout).unwrap();
}

#[test]
fn shipped_scenarios_obey_the_schema_and_name_it() {
    let validator = jsonschema::validator_for(&schema()).unwrap();
    let files = shipped();
    assert!(files.len() >= 7);
    for path in files {
        let value = value(&path);
        if let Err(error) = validator.validate(&value) {
            panic!("{}: {error} at {}", path.display(), error.instance_path());
        }
        let named = value["$schema"]
            .as_str()
            .unwrap_or_else(|| panic!("{} names no $schema", path.display()));
        let target = path.parent().unwrap().join(named);
        assert!(
            target.exists(),
            "{}: $schema leads to {}",
            path.display(),
            target.display()
        );
        for key in ["title", "teaches", "try", "expect"] {
            assert!(!value[key].is_null(), "{} has no \"{key}\"", path.display());
        }
        assert_eq!(run(&root(), &["check", path.to_str().unwrap()]).code, 0);
    }
}

/// `docs/traces.md` links to it.
#[test]
fn the_committed_schema_of_traces_is_current() {
    let committed = root().join("schemas/trace.schema.json");
    crate::program::compare(&committed, &run(&root(), &["schema", "trace"]).stdout).unwrap();
}

/// What a study writes is what the published schema of it says, in an interrupted one too.
#[test]
fn comparisons_obey_their_schema() {
    let schema = run(&root(), &["schema", "comparison"]).stdout;
    crate::program::compare(&root().join("schemas/comparison.schema.json"), &schema).unwrap();
    let schema: Value = serde_json::from_str(&schema).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let mut checked = 0;
    for entry in std::fs::read_dir(root().join("reports/studies")).unwrap() {
        let path = entry.unwrap().path().join("comparison.json");
        // The largest are kept as digests.
        let Ok(text) = std::fs::read_to_string(&path) else {
            continue;
        };
        let mut comparison: Value = serde_json::from_str(&text).unwrap();
        if let Err(error) = validator.validate(&comparison) {
            panic!("{}: {error} at {}", path.display(), error.instance_path());
        }
        comparison["design"]["level"] = "high".into();
        assert!(!validator.is_valid(&comparison), "a text is no level");
        checked += 1;
    }
    assert!(checked >= 3, "only {checked}");
}

/// What the program refuses for its shape, an editor marks too. Beyond a schema are: keys given twice, and
/// whole numbers written with an exponent, which are whole to JSON Schema.
#[test]
fn the_schema_refuses_what_the_program_refuses() {
    let validator = jsonschema::validator_for(&schema()).unwrap();
    let beyond = ["shape-duplicate", "shape-exponent-for-count"];
    let mut checked = 0;
    for entry in std::fs::read_dir(here().join("bad")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let about_shape = name.starts_with("shape-") && name.ends_with(".json");
        if about_shape && !beyond.iter().any(|b| name.starts_with(b)) {
            assert!(!validator.is_valid(&value(&path)), "{name} is fine by the schema");
            checked += 1;
        }
    }
    assert!(checked >= 30, "only {checked}");
}
