"""Writes every mutant into the source behind a switch: `match crate::mutant() { 17 => changed, _ => as it was }`.

Only the code as it was holds further switches, so that the source grows with the depth of nesting and no faster.
"""

import collections
import re

import tree_sitter
import tree_sitter_rust

PARSER = tree_sitter.Parser(tree_sitter.Language(tree_sitter_rust.language()))

# Functions that may run while compiling choose too, when they run later: hence the compiler's own means.
FEATURES = "#![feature(core_intrinsics, const_eval_select)]\n#![allow(warnings, arithmetic_overflow, unconditional_panic)]\n"
CHOOSER = """
/// The number of the mutant that runs; 0 is none.
#[inline]
pub const fn mutant() -> u32 {
    const fn none() -> u32 {
        0
    }
    fn chosen() -> u32 {
        use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
        static CHOSEN: AtomicU32 = AtomicU32::new(u32::MAX);
        if CHOSEN.load(Relaxed) == u32::MAX {
            let chosen = std::env::var("MUTANT").ok().and_then(|text| text.parse().ok());
            CHOSEN.store(chosen.unwrap_or(0), Relaxed);
        }
        CHOSEN.load(Relaxed)
    }
    core::intrinsics::const_eval_select((), none, chosen)
}
"""
BEGIN, END = "/*mutant {}*/", "/*end*/"
BEGINS = re.compile(r"/\*mutant (\d+)\*/")
ORIGINAL = {}


def write(crate, mutants):
    """Puts `mutants` into the files of `crate`. May be called again, with fewer."""
    lib = crate / "sim/lib.rs"
    by_file = collections.defaultdict(list)
    for mutant in mutants:
        by_file[mutant["file"]].append(mutant)
    for file in {*by_file, *ORIGINAL}:
        path = crate / file
        text = ORIGINAL.setdefault(file, path.read_bytes())
        path.write_bytes(File(text, by_file[file]).rendered())
    if CHOOSER not in lib.read_text():
        lib.write_text(FEATURES + lib.read_text() + CHOOSER)


def mutant_at(path, line):
    """The number of the mutant in which line `line` of the written file lies, if any."""
    above = path.read_text().splitlines()[:line]
    for number, text in enumerate(reversed(above)):
        if END in text and number > 0:
            return None
        if begins := BEGINS.search(text):
            return int(begins[1])
    return None


def mutant_above(path, line):
    """The number of the last mutant that begins at or above line `line`, if any."""
    begins = BEGINS.findall("\n".join(path.read_text().splitlines()[:line]))
    return int(begins[-1]) if begins else None


class File:
    """One file and its mutants, by the part of the tree that each changes."""

    def __init__(self, text, mutants):
        self.text = text
        self.lines = text.decode().splitlines(keepends=True)
        self.starts = [0]
        for line in self.lines:
            self.starts.append(self.starts[-1] + len(line.encode()))
        self.tree = PARSER.parse(text)
        # Alternatives by node; values that a function returns at once; arms that go.
        self.alternatives = collections.defaultdict(list)
        self.returns = collections.defaultdict(list)
        self.arms = collections.defaultdict(list)
        for mutant in mutants:
            self.place(mutant)

    def offset(self, position):
        line = self.lines[position["line"] - 1]
        return self.starts[position["line"] - 1] + len(line[: position["column"] - 1].encode())

    def place(self, mutant):
        start, end = (self.offset(mutant["span"][side]) for side in ("start", "end"))
        node = self.tree.root_node.descendant_for_byte_range(start, end)
        number, new = mutant["number"], mutant["replacement"].encode()
        kinds = {
            "BinaryOperator": ("binary_expression", "compound_assignment_expr"),
            "UnaryOperator": ("unary_expression",),
            "StructField": ("struct_expression",),
            "MatchArm": ("match_arm",),
            "MatchArmGuard": ("match_pattern",),
            "FnValue": ("function_item",),
        }[mutant["genre"]]
        while node and node.type not in kinds:
            node = node.parent
        if node is None or constant(node):
            mutant["verdict"] = "refused"
        elif mutant["genre"] == "FnValue":
            self.returns[node.child_by_field_name("body").id].append((number, new))
        elif mutant["genre"] == "MatchArm":
            self.arms[node.child_by_field_name("pattern").id].append(number)
        elif mutant["genre"] == "MatchArmGuard":
            self.alternatives[node.child_by_field_name("condition").id].append((number, new))
        else:
            changed = self.text[node.start_byte : start] + new + self.text[end : node.end_byte]
            self.alternatives[node.id].append((number, changed))

    def rendered(self):
        return self.render(self.tree.root_node, 0)

    def render(self, node, start):
        """The text from `start` to the end of `node`: what lies before it belongs to nobody else."""
        before = self.text[start : node.start_byte]
        parts, at = [], node.start_byte
        for index, child in enumerate(node.children):
            parts.append(self.render(child, at))
            at = child.end_byte
            if node.id in self.arms and child == node.child_by_field_name("condition"):
                parts[-1] = b" (" + parts[-1] + b")"
            if index == 0 and node.id in self.returns:
                parts += [marked(n, b"if crate::mutant() == %d { return %s; }" % (n, v)) for n, v in self.returns[node.id]]
        parts.append(self.text[at : node.end_byte])
        text = b"".join(parts)
        if node.id in self.arms:
            text = self.guarded(node, text)
        if node.id in self.alternatives:
            arms = b"".join(marked(n, b"%d => %s," % (n, v)) for n, v in self.alternatives[node.id])
            text = b"(match crate::mutant() {%s _ => %s })" % (arms, text)
        return before + text

    def guarded(self, node, text):
        """A pattern that matches nothing while its mutant runs: the arm is gone."""
        stays = b" && ".join(marked(n, b"crate::mutant() != %d" % n) for n in self.arms[node.id])
        condition = node.child_by_field_name("condition")
        return text + (b" && " if condition else b" if ") + stays


def constant(node):
    """Whether it is worked out while compiling, before anybody can choose."""
    while node and node.type not in ("const_item", "static_item", "function_item"):
        node = node.parent
    return node is not None and node.type != "function_item"


def marked(number, text):
    return b"\n" + BEGIN.format(number).encode() + b" " + text + b" " + END.encode() + b"\n"
