"""Cuts a part of the package out as a crate of its own: the same files under the same paths, and what tests them."""

import json
import os
import pathlib
import re
import shutil

ROOT = pathlib.Path(__file__).resolve().parents[2]

# What only reports and the command line need.
UNNEEDED = ("clap", "comfy-table", "ctrlc", "hdrhistogram", "indicatif", "jsonschema", "plotters")

# The files that the issue of trust names, by part. All that stands without events is in `rules`.
RULES = [
    "broker/rebalance_lock_manager.rs",
    "broker/retry_dlq.rs",
    "broker/retry_policy.rs",
    "consumer/allocate/**",
    "consumer/consume_result.rs",
    "consumer/offset_window.rs",
    "consumer/process_queue.rs",
    "message_queue.rs",
]
EVENTS = [
    "broker/lock_batch_mq.rs",
    "broker/resend_dlq.rs",
    "broker/schedule_message.rs",
    "broker/schedule_message_service.rs",
    "broker/send_back.rs",
    "consumer/clean_expired_msg.rs",
    "consumer/queue_locks.rs",
    "consumer/send_message_back.rs",
]

# The judges of RocketMQ's vectors that need no more than the rules.
VECTORS = ["alloc", "consistent_hash", "consume_result", "lock_manager", "process_queue", "sort"]

# The behaviour that is run against them.
BEHAVIOUR = [
    "brokers",
    "consume_timeout",
    "dead_letters",
    "order",
    "order_locks",
    "retry",
    "send_back",
    "strategies",
    "strategies_at_work",
]

RULES_LIB = """
#[cfg(test)] extern crate self as rmqsim;
pub mod kernel { pub mod memory; pub mod time; }
pub mod cluster {
    pub mod ids;
    pub mod message_queue;
    pub mod broker { pub mod rebalance_lock_manager; pub mod retry_dlq; pub mod retry_policy; }
    pub mod consumer { pub mod allocate; pub mod consume_result; pub mod offset_window; pub mod process_queue; }
}
pub mod observe { pub mod shares; }
#[cfg(test)] #[path = "../tests/truth/main.rs"] mod truth;
#[cfg(test)] #[path = "../tests/behaviour/main.rs"] mod behaviour;
"""
CLUSTER_LIB = """
#[cfg(test)] extern crate self as rmqsim;
pub mod kernel;
pub mod cluster;
pub mod observe;
pub mod scenario;
#[cfg(test)] #[path = "../tests/truth/main.rs"] mod truth;
#[cfg(test)] #[path = "../tests/behaviour/main.rs"] mod behaviour;
"""


def cut_out(part):
    """The folder of the crate, and the patterns of the files whose mutants are asked for."""
    crate = pathlib.Path(os.environ.get("MUTANTS_DIR", ROOT / "target/mutants")).resolve() / part
    for folder in ("sim", "tests", "scenarios"):
        shutil.rmtree(crate / folder, ignore_errors=True)
    if part == "kernel":
        take(crate, "kernel")
        lib, files = "pub mod kernel;", ["sim/kernel/**"]
    elif part == "rules":
        names = [rule.removesuffix("/**") for rule in RULES] + ["ids.rs"]
        names = ["kernel/memory.rs", "kernel/time.rs", "observe/shares.rs", *("cluster/" + name for name in names)]
        take(crate, *names)
        take_tests(crate, "truth", only=["harness", "kinds", "runner", *VECTORS])
        take_tests(crate, "behaviour", only=["strategies"])
        lib, files = RULES_LIB, ["sim/cluster/" + rule for rule in RULES]
    else:
        take(crate, "kernel", "cluster", "observe", "scenario")
        shutil.copytree(ROOT / "scenarios", crate / "scenarios")
        # What watches the cluster is not the question here: its own tests stay out.
        for folder in ("observe", "scenario"):
            edit(crate / "sim" / folder, lambda text: text.replace("#[cfg(test)]", "#[cfg(any())]"))
        # RocketMQ's vectors without the recordings of a cluster, and what of the behaviour is quick.
        truth = {path.stem for path in (ROOT / "tests/truth").iterdir()} - {"field", "page", "proof", "simplified"}
        take_tests(crate, "truth", only=truth)
        take_tests(crate, "behaviour", only=["support", *BEHAVIOUR])
        rules = RULES + EVENTS if part == "cluster" else EVENTS
        lib, files = CLUSTER_LIB, ["sim/cluster/" + rule for rule in rules]
    (crate / "sim/lib.rs").write_text(lib)
    shutil.copy(ROOT / "Cargo.lock", crate)
    (crate / "Cargo.toml").write_text(manifest())
    return crate, files


def take(crate, *names):
    for name in names:
        source, target = ROOT / "sim" / name, crate / "sim" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copytree(source, target) if source.is_dir() else shutil.copy(source, target)


def take_tests(crate, target, only):
    """A test target becomes a module of the library: one thing to compile and to link instead of two."""
    folder = crate / "tests" / target
    shutil.copytree(ROOT / "tests" / target, folder)
    modules = {path.stem for path in folder.iterdir() if path.suffix == ".rs" or (path / "mod.rs").exists()}
    without = sorted(modules - {"main", *only})
    for name in without:
        shutil.rmtree(folder / name, ignore_errors=True)
        (folder / f"{name}.rs").unlink(missing_ok=True)
    edit(folder, lambda text: re.sub(r"\bcrate::", f"crate::{target}::", text))
    gone = "|".join(without)
    edit(folder, lambda text: re.sub(rf"^mod ({gone});\n", "", text, flags=re.MULTILINE))
    if target == "truth":
        thin(folder / "oracle")
        # A kind of vectors whose judge stays behind is not judged.
        kinds = folder / "kinds.rs"
        text = re.sub(rf"\b({gone})::judge", "|_, _| ()", kinds.read_text())
        kinds.write_text(re.sub(rf"^(    (?!.*\|).*)$", lambda line: re.sub(rf"\b({gone}),", "", line[0]), text, flags=re.M))


def thin(oracle):
    """Of the vectors that take long, whole groups of clients on rings, each seventh and none with a crowd."""
    for name in ("alloc_grid", "alloc_random"):
        path = oracle / f"{name}.json"
        content = json.loads(path.read_text())
        small = [case for case in content["cases"] if len(content["cid_sets"][case["c"]]) <= 12]
        content["cases"] = small[::7]
        path.write_text(json.dumps(content, ensure_ascii=False))


def edit(folder, change):
    for path in folder.rglob("*.rs"):
        path.write_text(change(path.read_text()))


def manifest():
    """That of the package, without what is not needed; made for compiling fast."""
    text = (ROOT / "Cargo.toml").read_text()
    sections = re.findall(r"^\[(?:dev-)?dependencies\]\n(?:.+\n)+", text, re.MULTILINE)
    lines = [line for line in "".join(sections).splitlines() if line.split(" ")[0] not in UNNEEDED]
    head = ["[workspace]", "[package]", 'name = "rmqsim"', 'version = "0.1.0"', 'edition = "2024"', "autotests = false"]
    head += ["[lib]", 'path = "sim/lib.rs"', "doctest = false"]
    profile = ["[profile.dev]", "opt-level = 1", "debug = false", '[profile.dev.package."*"]', "opt-level = 2"]
    return "\n".join([*head, *lines, *profile]) + "\n"
