//! `rmqsim run` from outside: what it prints, writes and returns.

#[cfg(feature = "png")]
use crate::program::{command, finish};
use crate::program::{root, run, scratch};
use serde_json::Value;
use std::fs;
use std::path::Path;

/// Names of all files below `folder`, sorted.
fn files(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.push(path.strip_prefix(folder).unwrap().display().to_string());
            }
        }
    }
    found.sort();
    found
}

/// The summary goes to stdout and names the folder and the files that it speaks of.
#[test]
fn a_run_prints_and_names_what_it_wrote() {
    let folder = scratch("run-writes");
    let outcome = run(&folder, &["run", "quickstart", "--until", "20s"]);
    assert_eq!((outcome.code, outcome.stderr.as_str()), (0, ""));
    assert!(
        outcome
            .stdout
            .contains("\nwrote in rmqsim-out/quickstart\n  report.json, ")
    );
    let written = files(&folder);
    assert_eq!(written.len(), 14, "{written:?}");
    for file in written {
        let name = file.strip_prefix("rmqsim-out/quickstart/").unwrap();
        assert!(outcome.stdout.contains(name), "{name}");
    }
    for line in outcome.stdout.lines() {
        assert!(line.chars().count() <= 100, "{line}");
    }
}

/// Same scenario and seed, same bytes: again, from another folder, under another file name of the same stem.
#[test]
fn the_report_depends_on_scenario_and_seed_alone() {
    let (here, there) = (scratch("run-here"), scratch("run-there"));
    fs::copy(
        root().join("scenarios/consumer-crash.json"),
        there.join("consumer-crash.json"),
    )
    .unwrap();
    let shipped = ["run", "consumer-crash", "--until", "150s", "--out", "out"];
    let copied = ["run", "./consumer-crash.json", "--until", "150s", "--out", "out"];
    run(&here, &shipped);
    run(&there, &copied);
    let read = |folder: &Path, file: &str| fs::read_to_string(folder.join("out").join(file)).unwrap();
    assert_eq!(files(&here.join("out")).len(), 14);
    for file in files(&here.join("out")) {
        assert_eq!(read(&here, &file), read(&there, &file), "{file}");
    }
    let digest = |text: &str| {
        let report: Value = serde_json::from_str(text).unwrap();
        report["run"]["traceDigest"].as_str().unwrap().to_owned()
    };
    let before = read(&here, "report.json");
    run(&here, &[&shipped[..], &["--seed", "8"]].concat());
    assert_ne!(digest(&before), digest(&read(&here, "report.json")));
}

#[test]
fn an_expectation_that_does_not_hold_gives_exit_code_1() {
    let folder = scratch("run-expects");
    let set = r#"expect=["groups.billing.lag.final < 0", "groups.billing.lost == 0"]"#;
    let outcome = run(&folder, &["run", "quickstart", "--until", "20s", "--set", set]);
    assert_eq!(outcome.code, 1);
    assert!(outcome.stdout.contains("  ✗ groups.billing.lag.final < 0  (is "));
    assert!(outcome.stdout.contains("  ✓ groups.billing.lost == 0  (is 0)"));
}

/// Known before the run: nothing is simulated, nothing written.
#[test]
fn an_expectation_that_nobody_can_answer_is_bad_input() {
    let folder = scratch("run-unknown-metric");
    let set = r#"expect=["groups.biling.lag.final < 10"]"#;
    for command in ["run", "check"] {
        let outcome = run(&folder, &[command, "quickstart", "--set", set]);
        assert_eq!((outcome.code, outcome.stdout.as_str()), (2, ""));
        assert!(
            outcome
                .stderr
                .contains("did you mean `groups.billing.lag.final`?"),
            "{}",
            outcome.stderr
        );
        assert!(files(&folder).is_empty());
    }
}

#[test]
fn a_folder_that_cannot_be_written_to_is_found_before_the_run() {
    let folder = scratch("run-unwritable");
    fs::write(folder.join("file"), "in the way").unwrap();
    fs::create_dir_all(folder.join("taken/report.json")).unwrap();
    for out in ["file", "file/below", "taken"] {
        let outcome = run(&folder, &["run", "quickstart", "--out", out]);
        assert_eq!((outcome.code, outcome.stdout.as_str()), (2, ""), "{out}");
        assert!(
            outcome
                .stderr
                .starts_with(&format!("error: cannot write to {out}; ")),
            "{}",
            outcome.stderr
        );
        assert_eq!(files(&folder), ["file"]);
    }
}

/// For programs: the report on stdout, no folder unless one is named, and then the same bytes in it.
#[test]
fn json_goes_to_stdout() {
    let folder = scratch("run-json");
    let arguments = ["run", "quickstart", "--until", "20s", "--format", "json"];
    let outcome = run(&folder, &arguments);
    assert_eq!((outcome.code, outcome.stderr.as_str()), (0, ""));
    let report: Value = serde_json::from_str(&outcome.stdout).unwrap();
    assert_eq!(report["schemaVersion"], 1);
    assert_eq!(report["run"]["duration_seconds"], 20.0);
    assert!(files(&folder).is_empty());
    let again = run(
        &folder,
        &[&arguments[..], &["--out", "out", "--charts", "none"]].concat(),
    );
    assert_eq!(again.stdout, outcome.stdout);
    assert_eq!(files(&folder), ["out/report.html", "out/report.json"]);
    assert_eq!(
        fs::read_to_string(folder.join("out/report.json")).unwrap(),
        outcome.stdout
    );
}

/// Each chart has its PNG, of the same bytes in every process, also where there are no fonts to be found.
#[test]
#[cfg(feature = "png")]
fn pngs_have_the_same_bytes_without_fonts() {
    let folder = scratch("run-png");
    let arguments = |out| {
        [
            "run",
            "quickstart",
            "--until",
            "20s",
            "--charts",
            "svg,png",
            "--out",
            out,
        ]
    };
    let here = run(&folder, &arguments("here"));
    assert_eq!((here.code, here.stderr.as_str()), (0, ""));
    let mut command = command(&folder, &arguments("there"));
    command
        .env("FONTCONFIG_FILE", "/nowhere")
        .env("XDG_DATA_DIRS", "/nowhere");
    assert_eq!(finish(command).code, 0);
    let stems = |end: &str| -> Vec<String> {
        let names = files(&folder.join("here"));
        let stems = names.iter().filter_map(|name| name.strip_suffix(end));
        stems.map(str::to_owned).collect()
    };
    assert_eq!(stems(".png"), stems(".svg"));
    assert!(stems(".png").len() > 5);
    for stem in stems(".png") {
        let picture = |out: &str| fs::read(folder.join(out).join(format!("{stem}.png"))).unwrap();
        assert!(picture("here").starts_with(b"\x89PNG\r\n"), "{stem}");
        assert_eq!(picture("here"), picture("there"), "{stem}");
    }
}

/// What is no form of a chart is refused before anything runs.
#[test]
fn odd_forms_of_charts_are_refused() {
    let folder = scratch("run-odd-charts");
    for (forms, said) in [
        ("pdf", "charts are svg, png, both"),
        ("svg,none", "none stands alone"),
    ] {
        let outcome = run(&folder, &["run", "quickstart", "--charts", forms]);
        assert_eq!(outcome.code, 2);
        assert!(outcome.stderr.contains(said), "{}", outcome.stderr);
    }
    assert!(files(&folder).is_empty());
}

/// Several scenarios get a folder each; two of one name do not meet.
#[test]
fn scenarios_of_one_name_get_folders_of_their_own() {
    let folder = scratch("run-several");
    fs::copy(
        root().join("scenarios/quickstart.json"),
        folder.join("quickstart.json"),
    )
    .unwrap();
    let files_and_options = [
        "quickstart",
        "./quickstart.json",
        "--until",
        "5s",
        "--charts",
        "none",
    ];
    let outcome = run(&folder, &[&["run"], &files_and_options[..]].concat());
    assert_eq!(outcome.code, 0, "{}", outcome.stderr);
    let reports = [
        "quickstart-2/report.html",
        "quickstart-2/report.json",
        "quickstart/report.html",
        "quickstart/report.json",
    ];
    assert_eq!(files(&folder.join("rmqsim-out")), reports);
}
