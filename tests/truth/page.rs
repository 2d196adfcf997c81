//! `docs/fidelity.md` and `docs/fidelity-recordings.md`: what the comparisons say, as text.
//!
//! Both are checked in, and must be what this says; `UPDATE=1 cargo test --test truth` writes them anew. Of the first, only
//! what stands between marks is made here.

use crate::field::Judged;
use crate::field::verdict::{Class, Line, Measure, Outcome, figure};
use crate::harness::shortened;
use crate::runner;
use crate::simplified::Figures;
use std::collections::BTreeSet;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

fn docs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs")
}

/// Writes `text`, if asked to; else it must be what is there.
pub fn renew_or_compare(path: &Path, text: &str) {
    if std::env::var_os("UPDATE").is_some() {
        return fs::write(path, text).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    }
    let committed = fs::read_to_string(path).unwrap_or_default();
    if committed == text {
        return;
    }
    let (at, (was, is)) = (1..)
        .zip(committed.lines().chain([""]).zip(text.lines().chain([""])))
        .find(|(_, (was, is))| was != is)
        .unwrap_or((0, ("", "")));
    panic!(
        "{}:{at}: renew with UPDATE=1 and read what has changed\n  is        {was}\n  should be {is}",
        path.display()
    );
}

/// Renews, or compares, what stands between `<!-- name -->` and `<!-- /name -->` of a page.
pub fn renew_part(page: &str, name: &str, part: &str) {
    let path = docs().join(page);
    let whole = fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let (begin, end) = (format!("<!-- {name} -->"), format!("<!-- /{name} -->"));
    let (before, rest) = whole
        .split_once(&begin)
        .unwrap_or_else(|| panic!("{page} has no {begin}"));
    let (_, after) = rest
        .split_once(&end)
        .unwrap_or_else(|| panic!("{page} has no {end}"));
    renew_or_compare(&path, &format!("{before}{begin}\n{part}{end}{after}"));
}

/// Renews, or compares, all that is said about the bundled recordings and vectors.
pub fn renew(judged: &[Judged]) {
    let vectors = runner::judge(&crate::bundled()).unwrap_or_else(|trouble| panic!("{trouble}"));
    let summary = summary(judged, &vectors);
    let readme = include_str!("../../README.md");
    let said = format!("{} recordings of real clusters", compared(judged));
    assert!(readme.contains(&said), "README.md does not say: {said}");
    renew_part("fidelity.md", "summary", &summary);
    renew_part("fidelity.md", "recordings", &field_table(judged));
    renew_part("fidelity.md", "vectors", &vectors.markdown());
    renew_or_compare(&docs().join("fidelity-recordings.md"), &details(judged));
    renew_figures("fidelity.md", &crate::simplified::figures(judged));
}

/// Renews, or compares, what stands between `<!--=name-->` and `<!--/-->`; all figures must be there, and no other.
fn renew_figures(page: &str, figures: &Figures) {
    const END: &str = "<!--/-->";
    let path = docs().join(page);
    let whole = fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let mut parts = whole.split("<!--=");
    let mut text = parts.next().unwrap_or_default().to_owned();
    let mut used = BTreeSet::new();
    for part in parts {
        let (name, rest) = part
            .split_once("-->")
            .unwrap_or_else(|| panic!("{page}: a mark without end"));
        let (_, after) = rest
            .split_once(END)
            .unwrap_or_else(|| panic!("{page}: {name} has no {END}"));
        let figure = figures
            .get(name)
            .unwrap_or_else(|| panic!("{page}: nobody knows the figure {name}"));
        let _ = write!(text, "<!--={name}-->{figure}{END}{after}");
        used.insert(name);
    }
    let unused: Vec<_> = figures.keys().filter(|name| !used.contains(*name)).collect();
    assert!(unused.is_empty(), "{page} does not name the figures {unused:?}");
    renew_or_compare(&path, &text);
}

fn lines(judged: &[Judged]) -> impl Iterator<Item = (&str, &Line)> {
    judged.iter().flat_map(|judged| {
        judged
            .verdict
            .lines
            .iter()
            .map(|line| (judged.recording.id.as_str(), line))
    })
}

/// How many recordings are compared.
fn compared(judged: &[Judged]) -> usize {
    let compared = judged.iter().filter(|judged| !judged.verdict.lines.is_empty());
    compared.count()
}

fn summary(judged: &[Judged], vectors: &runner::Verdict) -> String {
    let predicted = || lines(judged).filter(|(_, line)| line.measure.class != Class::Input);
    let of = |is: fn(&Outcome) -> bool| predicted().filter(|(_, line)| is(&line.outcome)).count();
    let explained = of(|outcome| matches!(outcome, Outcome::Explained(_)));
    let off = of(|outcome| *outcome == Outcome::Off);
    let compared = compared(judged);
    let left = judged.len() - compared;
    format!(
        "**{} comparisons with {compared} recordings of real clusters: {off} unexplained misses**, {explained} that differ for a \
         stated reason; {left} recording cannot be judged, with the reason. **{} golden vectors from RocketMQ's own code: {} \
         differ.**\n",
        figure(predicted().count() as f64),
        figure(vectors.run() as f64),
        vectors.failed(),
    )
}

/// Comparisons that ask the same, in the order in which they are first made.
fn rows<'a>(lines: impl Iterator<Item = (&'a str, &'a Line)>) -> Vec<(Measure, Vec<(&'a str, &'a Line)>)> {
    let mut rows = Vec::<(Measure, Vec<_>)>::new();
    for (name, line) in lines {
        match rows.iter_mut().find(|(measure, _)| *measure == line.measure) {
            Some((_, lines)) => lines.push((name, line)),
            None => rows.push((line.measure, vec![(name, line)])),
        }
    }
    rows
}

/// The table of all measures, by subject, with the reasons below it.
pub fn field_table(judged: &[Judged]) -> String {
    let mut rows = rows(lines(judged));
    rows.sort_by_key(|(measure, _)| measure.subject);
    let mut reasons = Vec::new();
    let mut text = String::new();
    let mut subject = None;
    for (measure, lines) in &rows {
        if subject != Some(measure.subject) {
            subject = Some(measure.subject);
            let _ = write!(text, "\n**{}**\n\n{}", measure.subject.title(), HEAD);
        }
        text += &row(measure, lines, &mut reasons);
    }
    text.push('\n');
    for (number, why) in (1..).zip(&reasons) {
        let _ = writeln!(text, "{number}. {why}");
    }
    if !reasons.is_empty() {
        text.push('\n');
    }
    for judged in judged {
        let unjudged = judged.verdict.unjudged.iter().map(String::as_str);
        for why in unjudged.chain(judged.out_of_reach) {
            let _ = writeln!(text, "Not judged: `{}`: {why}.\n", judged.recording.id);
        }
    }
    text
}

const HEAD: &str =
    "| what | of | recorded | predicted | tolerance | verdict |\n| --- | --- | --- | --- | --- | --- |\n";

fn row(measure: &Measure, lines: &[(&str, &Line)], reasons: &mut Vec<&'static str>) -> String {
    let recorded = numbers(lines.iter().map(|(_, line)| line.recorded.number));
    let found = numbers(lines.iter().map(|(_, line)| line.found.number));
    let differ = lines.iter().filter(|(_, line)| line.outcome != Outcome::Agrees);
    let differ: Vec<String> = differ.map(|(_, line)| difference(line)).collect();
    let same = if differ.is_empty() {
        "the same".to_owned()
    } else {
        format!("{} differ: {}", differ.len(), differ.join("; "))
    };
    let (recorded, found) = match (recorded, found) {
        (Some(recorded), Some(found)) => (recorded, found),
        (None, Some(found)) if !measure.class.is_exact() => ("–".to_owned(), found),
        _ => (format!("{} compared", lines.len()), same),
    };
    let allowed: BTreeSet<&str> = lines.iter().map(|(_, line)| line.allowed.as_str()).collect();
    let only = allowed.first().filter(|_| allowed.len() == 1);
    let tolerance = match only {
        Some(allowed) if !allowed.is_empty() && !measure.class.is_exact() => {
            format!("{}: {allowed}", measure.class.name())
        }
        _ => measure.class.name().to_owned(),
    };
    let wide: BTreeSet<&str> = lines.iter().map(|(_, line)| line.chance.as_str()).collect();
    let chance = match (wide.len(), wide.first()) {
        (1, Some(wide)) if !wide.is_empty() => format!("; by chance {wide}"),
        _ => String::new(),
    };
    format!(
        "| {} | {} | {recorded} | {found} | {tolerance}{chance} | {} |\n",
        measure.what,
        names(lines.iter().map(|(id, _)| *id)),
        verdict(lines, reasons)
    )
}

/// What differs, in a cell of a table.
fn difference(line: &Line) -> String {
    let plain = |text: &str| shortened(&text.replace('|', "/"), 80);
    let (recorded, found) = (plain(&line.recorded.text), plain(&line.found.text));
    format!("recorded {recorded}, predicted {found}")
}

fn verdict(lines: &[(&str, &Line)], reasons: &mut Vec<&'static str>) -> String {
    let off = lines.iter().filter(|(_, line)| !line.agrees()).count();
    if off > 0 {
        return format!("**off**: {off} of {}", lines.len());
    }
    let why = lines.iter().filter_map(|(_, line)| match line.outcome {
        Outcome::Explained(why) => Some(why),
        _ => None,
    });
    let why: Vec<&'static str> = why.collect();
    let numbers: BTreeSet<usize> = why.iter().map(|reason| numbered(reason, reasons)).collect();
    let numbers: Vec<String> = numbers.iter().map(usize::to_string).collect();
    let mut text = match why.len() {
        0 => "ok".to_owned(),
        some if some == lines.len() => format!("explained ({})", numbers.join(", ")),
        some => format!("ok; {some} of {} explained ({})", lines.len(), numbers.join(", ")),
    };
    let beyond = lines.iter().filter(|(_, line)| line.recorded_beyond()).count();
    if beyond > 0 {
        let _ = write!(text, "; {beyond} of {} recorded are beyond", lines.len());
    }
    text
}

/// The number of a reason, from 1; a new one is added.
fn numbered(reason: &'static str, reasons: &mut Vec<&'static str>) -> usize {
    let known = reasons.iter().position(|known| *known == reason);
    let at = known.unwrap_or_else(|| {
        reasons.push(reason);
        reasons.len() - 1
    });
    at + 1
}

/// One name, some, or how many.
fn names<'a>(ids: impl Iterator<Item = &'a str>) -> String {
    let ids: BTreeSet<&str> = ids.collect();
    match ids.len() {
        1 | 2 => ids
            .iter()
            .map(|id| format!("`{id}`"))
            .collect::<Vec<_>>()
            .join(", "),
        more => format!("{more} recordings"),
    }
}

/// The range of what is known; `None` if something is no number, or nothing is.
fn numbers(all: impl Iterator<Item = Option<f64>>) -> Option<String> {
    let all: Vec<f64> = all.collect::<Option<_>>()?;
    let least = all.iter().copied().reduce(f64::min)?;
    let most = all.iter().copied().reduce(f64::max)?;
    Some(if least == most {
        figure(least)
    } else {
        format!("{} to {}", figure(least), figure(most))
    })
}

/// What is off, line by line; nothing if all is well.
pub fn off(judged: &[Judged]) -> String {
    let mut text = String::new();
    for (id, line) in lines(judged).filter(|(_, line)| !line.agrees()) {
        let (what, detail, class) = (line.measure.what, &line.detail, line.measure.class.name());
        let _ = writeln!(text, "≠ {id}: {what} ({detail}): recorded {}", line.recorded.text);
        let _ = writeln!(
            text,
            "    predicted {}, allowed {class} {}",
            line.found.text, line.allowed
        );
    }
    text
}

/// Each recording for itself.
fn details(judged: &[Judged]) -> String {
    let mut text = "# The field recordings, one by one\n\n\
        Made by `UPDATE=1 cargo test --test truth`; [fidelity.md](fidelity.md) has the sum of it, and the words of the column\n\
        \"tolerance\" are explained in [tests/truth/field/README.md](../tests/truth/field/README.md). What is \"taken from what was\n\
        seen\" goes into the scenario because the recording stores it nowhere else; what follows from it alone is no prediction.\n"
        .to_owned();
    for judged in judged {
        let recording = &judged.recording;
        let of = |key: &str| recording.json[key].as_str().unwrap_or_default().to_owned();
        let _ = write!(
            text,
            "\n## {}\n\n{}. RocketMQ {}.",
            recording.id,
            of("title"),
            of("rocketmq_version")
        );
        for (number, file) in judged.scenarios.iter().enumerate() {
            let before = if number == 0 { " Scenario: " } else { ", " };
            let _ = write!(text, "{before}[{file}](../tests/truth/field/{file})");
        }
        text += if judged.scenarios.is_empty() { "\n" } else { ".\n" };
        let of_this = judged
            .verdict
            .lines
            .iter()
            .map(|line| (line.detail.as_str(), line));
        let rows = rows(of_this);
        let mut reasons = Vec::new();
        let table: String = rows
            .iter()
            .map(|(measure, lines)| short_row(measure, lines, &mut reasons))
            .collect();
        if !table.is_empty() {
            let _ = write!(
                text,
                "\n| what | recorded | predicted | tolerance | verdict |\n| --- | --- | --- | --- | --- |\n{table}"
            );
        }
        for (number, why) in (1..).zip(&reasons) {
            let _ = write!(text, "\n{number}. {why}.\n");
        }
        let unjudged = judged.verdict.unjudged.iter().map(String::as_str);
        for why in unjudged.chain(judged.out_of_reach) {
            let _ = write!(text, "\nNot judged: {why}.\n");
        }
        if !judged.taken.is_empty() && !table.is_empty() {
            let _ = write!(text, "\nTaken from what was seen: {}.\n", judged.taken);
        }
        if !judged.unread.is_empty() && judged.verdict.unjudged.is_empty() {
            let _ = write!(
                text,
                "\nHeld by the recording, not compared: {}.\n",
                judged.unread.join(", ")
            );
        }
    }
    text
}

/// As [`row`], without the name of the recording.
fn short_row(measure: &Measure, lines: &[(&str, &Line)], reasons: &mut Vec<&'static str>) -> String {
    let full = row(measure, lines, reasons);
    let mut cells: Vec<&str> = full.trim().split(" | ").collect();
    cells.remove(1);
    cells.join(" | ") + "\n"
}
