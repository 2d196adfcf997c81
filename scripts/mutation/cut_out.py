"""Cuts a part of the package out as a crate of its own: the same files under the same paths, and what tests them."""

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

RULES_LIB = """
pub mod kernel { pub mod memory; pub mod time; }
pub mod cluster {
    pub mod ids;
    pub mod message_queue;
    pub mod broker { pub mod rebalance_lock_manager; pub mod retry_dlq; pub mod retry_policy; }
    pub mod consumer { pub mod allocate; pub mod consume_result; pub mod offset_window; pub mod process_queue; }
}
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
    crate = pathlib.Path(os.environ.get("MUTANTS_DIR", ROOT / "target/mutants")) / part
    for folder in ("sim", "tests", "scenarios"):
        shutil.rmtree(crate / folder, ignore_errors=True)
    if part == "kernel":
        take(crate, "kernel")
        lib, files = "pub mod kernel;", ["sim/kernel/**"]
    elif part == "rules":
        names = [rule.removesuffix("/**") for rule in RULES] + ["ids.rs"]
        take(crate, "kernel/memory.rs", "kernel/time.rs", *("cluster/" + name for name in names))
        lib, files = RULES_LIB, ["sim/cluster/" + rule for rule in RULES]
    else:
        take(crate, "kernel", "cluster", "observe", "scenario")
        shutil.copytree(ROOT / "scenarios", crate / "scenarios")
        # What watches the cluster is not the question here: its own tests stay out.
        for folder in ("observe", "scenario"):
            edit(crate / "sim" / folder, lambda text: text.replace("#[cfg(test)]", "#[cfg(any())]"))
        take_tests(crate, "truth", without=["field", "proof"])
        needs_reports = ["broadcasting", "compare", "idempotent", "listener", "partition", "results_version", "warm_up"]
        take_tests(crate, "behaviour", without=needs_reports)
        lib, files = CLUSTER_LIB, ["sim/cluster/" + rule for rule in RULES + EVENTS] + ["sim/kernel/**"]
    (crate / "sim/lib.rs").write_text(lib)
    shutil.copy(ROOT / "Cargo.lock", crate)
    (crate / "Cargo.toml").write_text(manifest())
    return crate, files


def take(crate, *names):
    for name in names:
        source, target = ROOT / "sim" / name, crate / "sim" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copytree(source, target) if source.is_dir() else shutil.copy(source, target)


def take_tests(crate, target, without):
    """A test target becomes a module of the library: one thing to compile and to link instead of two."""
    folder = crate / "tests" / target
    shutil.copytree(ROOT / "tests" / target, folder)
    for name in without:
        shutil.rmtree(folder / name, ignore_errors=True)
        (folder / f"{name}.rs").unlink(missing_ok=True)
    edit(folder, lambda text: re.sub(r"\bcrate::", f"crate::{target}::", text))
    main = folder / "main.rs"
    left_out = re.compile(rf"^mod ({'|'.join(without)});\n", re.MULTILINE)
    main.write_text(left_out.sub("", main.read_text()))


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
