//! The rules of the house that the compiler does not know.

use std::fs;
use std::path::{Path, PathBuf};

/// Layers from the bottom up. A layer may name those below it and itself.
const LAYERS: [(&str, &[&str]); 14] = [
    ("kernel", &[]),
    ("cluster", &["kernel"]),
    ("scenario", &["kernel", "cluster"]),
    ("observe", &["kernel", "cluster"]),
    ("study", &["kernel", "cluster", "scenario", "observe"]),
    ("verify", &["kernel", "cluster", "scenario", "observe", "study"]),
    (
        "report",
        &["kernel", "cluster", "scenario", "observe", "study", "verify"],
    ),
    ("forecast", &["kernel", "cluster", "observe", "report"]),
    ("explain", &["kernel", "cluster", "observe", "report"]),
    ("diff", &["kernel", "report"]),
    (
        "compare",
        &[
            "kernel", "cluster", "scenario", "observe", "study", "report", "simulate",
        ],
    ),
    ("page", &["kernel", "cluster", "observe", "report", "explain"]),
    ("trace", &["kernel", "cluster", "observe", "report", "explain"]),
    (
        "cli",
        &[
            "kernel", "cluster", "scenario", "observe", "study", "verify", "report", "simulate", "compare",
            "forecast", "explain", "diff", "page", "trace",
        ],
    ),
];

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let entries = fs::read_dir(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    for entry in entries {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(sources(&path));
        } else if path.extension().is_some_and(|e| e == "rs") {
            files.push(path);
        }
    }
    files.sort();
    files
}

/// The part of a line before a comment.
fn code(line: &str) -> &str {
    line.split("//").next().unwrap_or_default()
}

/// The layers that a line of code names, by `crate::layer`.
fn named(line: &str) -> impl Iterator<Item = &str> {
    code(line).split("crate::").skip(1).map(|rest| {
        let end = rest
            .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
            .unwrap_or(rest.len());
        &rest[..end]
    })
}

/// What is wrong in one file of `layer`.
fn offences(layer: &str, below: &[&str], name: &str, text: &str) -> Vec<String> {
    let known = |word: &str| LAYERS.iter().any(|(layer, _)| *layer == word);
    let mut found = Vec::new();
    for (at, line) in text.lines().enumerate() {
        for word in named(line) {
            if known(word) && word != layer && !below.contains(&word) {
                found.push(format!("{name}:{}: {layer} must not know {word}", at + 1));
            }
        }
        if code(line).contains("super::super") {
            found.push(format!(
                "{name}:{}: name things from crate:: instead of super::super",
                at + 1
            ));
        }
    }
    found
}

#[test]
fn dependencies_point_one_way() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    for (layer, below) in LAYERS {
        let folder = root.join("sim").join(layer);
        if !folder.exists() {
            continue;
        }
        for file in sources(&folder) {
            let name = file.strip_prefix(root).unwrap().display().to_string();
            found.extend(offences(layer, below, &name, &fs::read_to_string(&file).unwrap()));
        }
    }
    assert!(found.is_empty(), "\n{}", found.join("\n"));
}

/// The check itself can fail.
#[test]
fn a_look_upwards_is_found() {
    let text = "use crate::cluster::ids::QueueId;\n// crate::cli is only a comment\nuse super::super::x;\n";
    assert_eq!(
        offences("kernel", &[], "sim/kernel/dist.rs", text),
        [
            "sim/kernel/dist.rs:1: kernel must not know cluster",
            "sim/kernel/dist.rs:3: name things from crate:: instead of super::super",
        ]
    );
}

/// Every folder of `sim` is a layer that the rule above knows.
#[test]
fn every_folder_is_a_known_layer() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("sim");
    for entry in fs::read_dir(root).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            assert!(
                LAYERS.iter().any(|(layer, _)| *layer == name),
                "sim/{name} is in no layer"
            );
        }
    }
}
