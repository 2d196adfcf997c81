//! `rmqsim allocate`: shares and moves without a simulation, and questions from files.

use crate::program::{Outcome, command, compare, finish, root, run, scratch};
use serde_json::Value;
use std::process::Stdio;

/// Runs `allocate` with these arguments, separated by blanks.
fn allocate(arguments: &str) -> Outcome {
    let args: Vec<&str> = std::iter::once("allocate")
        .chain(arguments.split_whitespace())
        .collect();
    run(&root(), &args)
}

/// The answer for programs.
fn data(arguments: &str) -> Value {
    let outcome = allocate(&format!("{arguments} --format json"));
    assert_eq!(outcome.code, 0, "{}", outcome.stderr);
    serde_json::from_str(&outcome.stdout).unwrap()
}

/// Judges a file with this content, given by its path or on standard input.
fn judge(name: &str, content: &str) -> Outcome {
    let folder = scratch(name);
    std::fs::write(folder.join("cases.json"), content).unwrap();
    run(&folder, &["allocate", "--input", "cases.json"])
}

/// A case of one call: `AVG` divides two queues between two consumers.
fn case(me: &str, answer: &str) -> String {
    format!(
        r#"{{ "cases": [{{ "s": "AVG", "mq": [["t", "b", 0], ["t", "b", 1]], "c": ["c1", "c2"], "cur": "{me}"{answer} }}] }}"#
    )
}

/// Blocks 11122233 against turns 12312312: the first and the fifth queue are where they were.
#[test]
fn shares_are_shown_in_few_words() {
    let outcome =
        allocate("--strategy AVG --strategy AVG_BY_CIRCLE --queues broker-a:4,broker-b:4 --consumers 3");
    let expected = "\
AVG
 CONSUMER    QUEUES                COUNT
 consumer-1  broker-a 0–2              3
 consumer-2  broker-a 3, broker-b 0–1  3
 consumer-3  broker-b 2–3              2
max/mean 1.12 · idle consumers 0";
    let squeezed = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert_eq!(outcome.code, 0);
    assert!(
        squeezed(&outcome.stdout).starts_with(&squeezed(expected)),
        "{}",
        outcome.stdout
    );
    assert!(
        outcome
            .stdout
            .ends_with("AVG_BY_CIRCLE gives 6 of 8 queues to another consumer than AVG\n"),
        "{}",
        outcome.stdout
    );
}

/// 16 queues, a fifth consumer joins: `AVG` moves 6 and dealing in turn 12 where 3 would do, and 3 do with memory.
#[test]
fn moves_are_compared_with_the_least() {
    let answer = data(
        "--strategy AVG --strategy AVG_BY_CIRCLE --strategy X_STICKY --queues 16 --consumers 4 --plus 1",
    );
    let moves: Vec<(&Value, &Value)> = answer["strategies"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (&one["change"]["moves"], &one["change"]["moves_least"]))
        .collect();
    assert_eq!(answer["schemaVersion"], 1);
    assert_eq!(
        format!("{moves:?}"),
        "[(Number(6), Number(3)), (Number(12), Number(3)), (Number(3), Number(3))]"
    );
}

/// 4 → 3 of 16 queues: 7 moves if the first leaves, 9 if the last does; 4 are the least.
#[test]
fn who_leaves_decides_what_moves() {
    for (leaver, moves) in [("consumer-1", 7), ("consumer-4", 9)] {
        let answer = data(&format!("--queues 16 --consumers 4 --minus {leaver}"));
        let change = &answer["strategies"][0]["change"];
        assert_eq!(
            (&change["moves"], &change["moves_least"]),
            (&moves.into(), &4.into())
        );
    }
}

/// A refusal is no bad input: the question is sound, the answer is no.
#[test]
fn a_refusal_is_found_not_wrong() {
    let outcome = allocate("--strategy MACHINE_ROOM_NEARBY-AVG --queues hz-a:2 --consumers hz-1,-2");
    assert_eq!(outcome.code, 1);
    assert!(
        outcome
            .stdout
            .contains("refused: Machine room is null for consumer id -2"),
        "{}",
        outcome.stdout
    );
}

/// Every vector of RocketMQ's own answers.
#[test]
fn golden_vectors_agree() {
    for (file, cases) in [("alloc_edge", 1321), ("alloc_grid", 2320), ("alloc_random", 908)] {
        let outcome = allocate(&format!("--input tests/truth/oracle/{file}.json -q"));
        assert_eq!(
            (outcome.code, outcome.stdout),
            (
                0,
                format!("{cases} cases: {cases} agree, 0 differ, 0 without an answer\n")
            ),
            "{file}"
        );
    }
}

#[test]
fn an_answer_that_differs_is_told() {
    let agrees = judge("agrees", &case("c1", r#", "r": [["t", "b", 0]]"#));
    assert_eq!(agrees.code, 0);
    assert!(
        agrees.stdout.starts_with("case 0, AVG: agrees\n"),
        "{}",
        agrees.stdout
    );
    for (me, answer, told) in [
        ("c1", r#", "r": [["t", "b", 1]]"#, "b 1"),
        (
            "c1",
            r#", "err": "NullPointerException""#,
            "expected: NullPointerException",
        ),
        ("", r#", "r": [["t", "b", 1]]"#, "expected: b 1"),
    ] {
        let differs = judge("differs", &case(me, answer));
        assert_eq!(differs.code, 1);
        assert!(
            differs.stdout.contains("case 0, AVG: differs"),
            "{}",
            differs.stdout
        );
        assert!(differs.stdout.contains(told), "{}", differs.stdout);
        assert!(
            differs
                .stdout
                .ends_with("1 cases: 0 agree, 1 differ, 0 without an answer\n")
        );
    }
    assert_eq!(judge("no-answer", &case("c1", "")).code, 0);
}

#[test]
fn what_cannot_be_asked_names_its_case() {
    for (content, told) in [
        (case("c1", "").replace("AVG", "AVGG"), "cases.json: case 0: no strategy is called `AVGG`; did you mean `AVG`?"),
        (case("c1", "").replace("\"s\"", "\"strategy\""), "cases.json: case 0: missing field `s`"),
        (r#"{ "cid_sets": [["a"]], "cases": [{ "s": "AVG", "t": "t", "b": ["b"], "q": [1], "c": 7 }] }"#.to_owned(), "case 0: `c` is 7, but there are 1 cid_sets"),
        (r#"{ "cid_sets": [["a"]], "cases": [{ "s": "AVG", "t": "t", "b": ["b"], "q": [], "c": 0 }] }"#.to_owned(), "case 0: 1 brokers in `b`, but 0 numbers in `q`"),
        (r#"{ "cid_sets": [["a"]], "cases": [{ "s": "AVG", "t": "t", "b": ["b"], "q": [1], "c": 0, "r": [[[3, 0]]] }] }"#.to_owned(), "case 0: `r` names broker 3, but `b` has 1"),
        ("{".to_owned(), "cases.json: it holds no cases"),
    ] {
        let outcome = judge("unanswerable", &content);
        assert_eq!((outcome.code, outcome.stdout.as_str()), (2, ""));
        assert!(outcome.stderr.contains(told), "{}", outcome.stderr);
    }
}

#[test]
fn questions_come_from_standard_input_too() {
    let mut child = command(&root(), &["allocate", "--input", "-", "-q"]);
    let file = std::fs::File::open(root().join("tests/truth/oracle/alloc_edge.json")).unwrap();
    child.stdin(Stdio::from(file));
    assert_eq!(finish(child).code, 0);
}

/// Each client of CONFIG gets the whole list: a short file asks for more than a machine holds.
#[test]
fn an_answer_that_does_not_fit_is_refused() {
    let asks = |clients: usize, queues: usize| {
        let clients: Vec<String> = (0..clients).map(|i| format!("\"c{i}\"")).collect();
        let config: Vec<String> = (0..queues).map(|i| format!("[\"t\",\"b\",{i}]")).collect();
        let (clients, config) = (clients.join(","), config.join(","));
        format!(
            r#"{{ "cid_sets": [[{clients}]], "cases": [{{ "s": "CONFIG", "config": [{config}], "t": "t", "b": ["b"], "q": [0], "c": 0 }}] }}"#
        )
    };
    assert_eq!(judge("config-fits", &asks(1000, 2000)).code, 0);
    let outcome = judge("config-too-large", &asks(1001, 2000));
    assert_eq!((outcome.code, outcome.stdout.as_str()), (2, ""));
    let told = "case 0: up to here the cases have more than 2 000 000 clients and queues";
    assert!(outcome.stderr.contains(told), "{}", outcome.stderr);
}

/// What the documentation prints is what the program prints.
#[test]
fn the_documentation_shows_what_is_printed() {
    let path = root().join("docs/strategies.md");
    let written = std::fs::read_to_string(&path).unwrap();
    let mut text = String::new();
    let mut blocks = 0;
    for (at, part) in written.split("```").enumerate() {
        if at > 0 {
            text += "```";
        }
        let Some(block) = part.strip_prefix("console\n") else {
            text += part;
            continue;
        };
        blocks += 1;
        text += "console\n";
        for line in block
            .lines()
            .filter(|line| line.starts_with("$ rmqsim allocate "))
        {
            let outcome = allocate(line.trim_start_matches("$ rmqsim allocate "));
            assert_eq!(outcome.code, 0, "{line}");
            text += &format!("{line}\n{}", outcome.stdout);
        }
    }
    assert_eq!(blocks, 3);
    compare(&path, &text).unwrap();
}
