//! The machine says no: a full disk, a read-only folder, no file handles left, nobody who reads, a signal. The exit code
//! is right, the message says what to do, and no half of a file stays.
#![cfg(unix)]

use crate::program::{Outcome, finish, scratch};
use std::fs;
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// A shell in `folder` with `script`, in which `$RMQSIM` is the program.
fn shell(folder: &Path, script: &str) -> Command {
    let mut command = Command::new("sh");
    command
        .args(["-c", script])
        .current_dir(folder)
        .env("RMQSIM", env!("CARGO_BIN_EXE_rmqsim"))
        .env("COLUMNS", "100")
        .env("NO_COLOR", "1")
        .env_remove("CLICOLOR_FORCE")
        .stdin(Stdio::null());
    command
}

fn run(folder: &Path, script: &str) -> Outcome {
    finish(shell(folder, script))
}

/// Names of the files in a folder, sorted; none if there is no such folder.
fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// A file may grow to a few KiB, which is too little for a report: the old one stays, and nothing else does.
#[test]
fn a_full_disk_leaves_old_files_or_none() {
    let folder = scratch("machine-full");
    fs::create_dir(folder.join("out")).unwrap();
    fs::write(folder.join("out/report.json"), "old").unwrap();
    let outcome = run(
        &folder,
        "ulimit -f 8; exec $RMQSIM run quickstart --until 20s --out out",
    );
    assert_eq!(
        (outcome.code, outcome.stdout.as_str()),
        (2, ""),
        "{}",
        outcome.stderr
    );
    for word in ["cannot write out/report.json", "the run itself finished", "--out"] {
        assert!(outcome.stderr.contains(word), "{word}: {}", outcome.stderr);
    }
    assert_eq!(names(&folder.join("out")), ["report.json"]);
    assert_eq!(fs::read_to_string(folder.join("out/report.json")).unwrap(), "old");

    let study = "ulimit -f 4; exec $RMQSIM compare quickstart --until 5s --vary groups.billing.consumers.count=1,2 --seeds 2";
    let outcome = run(&folder, &format!("{study} --out study"));
    assert_eq!(
        (outcome.code, outcome.stdout.as_str()),
        (2, ""),
        "{}",
        outcome.stderr
    );
    assert!(
        outcome.stderr.contains("the study itself finished"),
        "{}",
        outcome.stderr
    );
    assert_eq!(names(&folder.join("study")), [""; 0]);

    let outcome = run(&folder, "ulimit -f 1; exec $RMQSIM new mine.json");
    assert_eq!(
        (outcome.code, outcome.stdout.as_str()),
        (2, ""),
        "{}",
        outcome.stderr
    );
    assert!(
        outcome.stderr.contains("cannot write `mine.json`"),
        "{}",
        outcome.stderr
    );
    assert_eq!(names(&folder), ["out", "study"]);
}

/// Nobody may write there, or a file is where a folder should be: said before anything is simulated.
#[test]
fn a_folder_that_takes_nothing_is_told_first() {
    let folder = scratch("machine-read-only");
    fs::write(folder.join("file"), "precious").unwrap();
    for out in ["/proc/rmqsim", "file/deeper"] {
        let study =
            format!("exec $RMQSIM compare quickstart --vary groups.billing.consumers.count=1,2 --out {out}");
        let new = format!("exec $RMQSIM new {out}/mine.json");
        for script in [study, new] {
            let outcome = run(&folder, &script);
            assert_eq!(
                (outcome.code, outcome.stdout.as_str()),
                (2, ""),
                "{script}: {}",
                outcome.stderr
            );
            assert!(
                outcome.stderr.contains("cannot write"),
                "{script}: {}",
                outcome.stderr
            );
        }
    }
    assert_eq!(names(&folder), ["file"]);
    assert_eq!(fs::read_to_string(folder.join("file")).unwrap(), "precious");
}

/// Eight handles are enough for everything; with hardly any the program says so.
#[test]
fn few_file_handles_are_enough_or_named() {
    let folder = scratch("machine-handles");
    let enough = run(
        &folder,
        "ulimit -n 8; exec $RMQSIM run quickstart --until 20s --out out",
    );
    assert_eq!(enough.code, 0, "{}", enough.stderr);
    assert!(names(&folder.join("out")).contains(&"report.json".to_owned()));
    let few = run(
        &folder,
        "ulimit -n 5; exec $RMQSIM run quickstart --until 20s --out few",
    );
    assert_eq!((few.code, few.stdout.as_str()), (2, ""), "{}", few.stderr);
    assert!(few.stderr.contains("Too many open files"), "{}", few.stderr);
    assert_eq!(names(&folder.join("few")), [""; 0]);
}

/// `| head -1`: whoever reads has what he wants. The files are whole.
#[test]
fn a_closed_pipe_is_no_failure() {
    let folder = scratch("machine-pipe");
    let commands = [
        "run quickstart --until 20s --out run",
        "run quickstart --until 20s --out json --format json",
        "compare quickstart --until 5s --vary groups.billing.consumers.count=1,2 --seeds 2 --out study",
        "list",
        "schema",
        "check --limits",
        "allocate --queues 1000 --consumers 100",
    ];
    for command in commands {
        let script = format!("{{ $RMQSIM {command} 2>err; echo $? >code; }} | head -1");
        let outcome = run(&folder, &script);
        assert_eq!(outcome.stdout.lines().count(), 1, "{command}");
        let read = |file: &str| fs::read_to_string(folder.join(file)).unwrap();
        assert_eq!(read("code").trim(), "0", "{command}: {}", read("err"));
        assert!(!read("err").contains("error"), "{command}: {}", read("err"));
    }
    for file in ["run/report.json", "json/report.json", "study/comparison.json"] {
        let text = fs::read_to_string(folder.join(file)).unwrap();
        assert!(serde_json::from_str::<serde_json::Value>(&text).is_ok(), "{file}");
    }
}

/// Without a standard output, or with one that takes nothing, the files are whole all the same.
#[test]
fn a_lost_or_full_output_harms_no_file() {
    let folder = scratch("machine-output");
    let closed = run(
        &folder,
        "exec $RMQSIM run quickstart --until 20s --charts none --out closed >&-",
    );
    assert_eq!((closed.code, closed.stderr.as_str()), (0, ""));
    let full = run(
        &folder,
        "exec $RMQSIM run quickstart --until 20s --charts none --out full >/dev/full",
    );
    assert_eq!(full.code, 2);
    assert!(
        full.stderr.contains("cannot write to stdout: No space left"),
        "{}",
        full.stderr
    );
    let [closed, full] = ["closed", "full"].map(|out| {
        assert_eq!(names(&folder.join(out)), ["report.html", "report.json"]);
        fs::read_to_string(folder.join(out).join("report.json")).unwrap()
    });
    assert_eq!(closed, full);
    // Whoever cannot hear an error still gets the exit code.
    assert_eq!(
        run(&folder, "exec $RMQSIM check no-such-file 2>/dev/full").code,
        2
    );
    assert_eq!(
        run(&folder, "exec $RMQSIM check quickstart >/dev/full 2>&-").code,
        2
    );
}

/// Years of one consumer, for as long as nobody stops them.
const ENDLESS: &str =
    "exec $RMQSIM run quickstart --set duration=300d --set expect=[] --max-messages 100000000000";

/// Ticks of the processor, of 10 ms mostly, after which events have happened whatever had to be read before.
const SOME_TICKS: u64 = 30;

/// Ticks of the processor that a program has had.
#[cfg(target_os = "linux")]
fn worked(child: &Child) -> u64 {
    let stat = fs::read_to_string(format!("/proc/{}/stat", child.id())).unwrap();
    // The name stands in brackets and may hold anything; user time is the twelfth field behind it.
    let fields = stat.rsplit_once(')').unwrap().1;
    fields.split_whitespace().nth(11).unwrap().parse().unwrap()
}

/// As nobody tells: a moment, and then enough.
#[cfg(not(target_os = "linux"))]
fn worked(_: &Child) -> u64 {
    std::thread::sleep(std::time::Duration::from_secs(1));
    SOME_TICKS
}

/// Starts `script` and waits until `folder` is there, which is made right before the first event, and until the program
/// has worked for a while.
fn started(root: &Path, script: &str, folder: &str) -> Child {
    let mut child = shell(root, script)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    for _ in 0..3000 {
        if root.join(folder).exists() && worked(&child) >= SOME_TICKS {
            return child;
        }
        let ended = child.try_wait().unwrap();
        assert!(ended.is_none(), "{script} ended by itself: {ended:?}");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    panic!("{script} has not begun within a minute");
}

fn signal(child: &Child, name: &str) {
    let sent = Command::new("kill")
        .args([&format!("-{name}"), &child.id().to_string()])
        .status();
    assert!(sent.is_ok_and(|status| status.success()));
}

/// Ctrl-C and SIGTERM end a run in order: a report of what was done, which says so; exit code 130.
#[test]
fn a_signal_ends_a_run_in_order() {
    let root = scratch("machine-signal");
    for name in ["INT", "TERM"] {
        let child = started(&root, &format!("{ENDLESS} --out {name}"), name);
        signal(&child, name);
        let output = child.wait_with_output().unwrap();
        let stdout = String::from_utf8(output.stdout).unwrap();
        assert_eq!(output.status.code(), Some(130), "{stdout}");
        assert!(
            stdout
                .lines()
                .nth(1)
                .unwrap()
                .starts_with("INCOMPLETE: the run stopped at "),
            "{stdout}"
        );
        assert!(stdout.contains("because it was interrupted"), "{stdout}");
        let report = fs::read_to_string(root.join(name).join("report.json")).unwrap();
        let report: serde_json::Value = serde_json::from_str(&report).unwrap();
        assert_eq!(report["run"]["complete"], false);
        assert_eq!(report["run"]["stopped"]["reason"], "interrupted");
        assert_eq!(report["balance"]["billing"]["balanced"], true);
        let names = names(&root.join(name));
        assert!(
            names.len() > 3 && names.iter().all(|name| !name.contains("partial")),
            "{names:?}"
        );
    }
}

/// Before the first run there is nothing to write: a signal ends the planning of a study at once.
#[test]
fn a_signal_ends_the_planning_of_a_study() {
    let root = scratch("machine-planning");
    // The scenario comes from a pipe that nobody closes, so that planning lasts.
    let mut child = shell(
        &root,
        "exec $RMQSIM compare - --vary groups.billing.consumers.count=1..2000 --out out",
    )
    .stdin(Stdio::piped())
    .stdout(Stdio::piped())
    .stderr(Stdio::piped())
    .spawn()
    .unwrap();
    // Held open: to wait for a child closes what is left of its input.
    let mut input = child.stdin.take().unwrap();
    input.write_all(b"{").unwrap();
    std::thread::sleep(std::time::Duration::from_millis(500));
    signal(&child, "INT");
    let status = child.wait().unwrap();
    drop(input);
    assert_eq!(status.code(), Some(130));
    assert_eq!(names(&root), [""; 0]);
}

/// The first signal is heeded when the program comes to it, the second one at once, and takes half-written files along.
#[test]
fn a_second_signal_ends_the_program_at_once() {
    let root = scratch("machine-twice");
    let wide = "--set cluster.topics.orders.queuesPerBroker=200 --set groups.billing.consumers.count=99";
    let mut child = started(&root, &format!("{ENDLESS} {wide} --format json --out out"), "out");
    signal(&child, "INT");
    // It writes its files, and then its report to a pipe that is full: it hangs there until it is told again.
    let mut begin = [0; 1];
    child.stdout.as_mut().unwrap().read_exact(&mut begin).unwrap();
    signal(&child, "INT");
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert!(
        names(&root.join("out"))
            .iter()
            .all(|name| !name.contains("partial"))
    );
}
