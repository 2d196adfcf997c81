//! Two traces, line by line, to the first event where they part.
//!
//! A trace is one JSON object a line: a header, then one line for each fact with its instant `t` in nanoseconds. Lines
//! that are the same are not kept but for the last few, so that a trace of any length is read in bounded memory.

use super::document::Problem;
use super::rows::{Found, Row, walk};
use serde::Serialize;
use serde_json::{Map, Value};
use std::collections::VecDeque;
use std::io::BufRead;

/// A line is no longer than this, in bytes: the header names everybody.
pub const LONGEST: usize = 1 << 24;
/// Fields of a header that say which facts a trace has.
const CHOICE: [&str; 3] = ["from_ns", "to_ns", "only"];
/// The newest trace that is understood.
const VERSION: u64 = 1;

/// What became of the comparison.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Parting {
    /// What differs in the headers.
    pub header: Vec<Row>,
    /// Facts that are the same.
    pub same: u64,
    /// Where they part; `None` if they do not.
    pub parted: Option<Parted>,
}

/// The first event where two traces part.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Parted {
    /// The line in both files, from 1.
    pub line: u64,
    /// The earlier of the two instants, nanoseconds.
    pub t: Option<u64>,
    /// The last facts that are the same.
    pub before: Vec<Map<String, Value>>,
    /// The first fact of A that is not the same, and those after it; empty if A has ended.
    pub a: Vec<Map<String, Value>>,
    /// The same of B.
    pub b: Vec<Map<String, Value>>,
    /// Fields of the first facts that differ, if it is the same kind of fact.
    pub fields: Vec<String>,
}

/// Which of the two traces a problem is with, and what it is.
pub type Wrong = (usize, Problem);

/// One trace as it is read.
struct Lines<R> {
    which: usize,
    reader: R,
    number: u64,
    buffer: Vec<u8>,
    /// The line before.
    last: Vec<u8>,
}

impl<R: BufRead> Lines<R> {
    fn new(which: usize, reader: R) -> Self {
        Self {
            which,
            reader,
            number: 0,
            buffer: Vec::new(),
            last: Vec::new(),
        }
    }

    fn wrong(&self, text: impl Into<String>) -> Wrong {
        let place = Some((self.number as usize, 0));
        (
            self.which,
            Problem {
                place,
                text: text.into(),
            },
        )
    }

    /// The next line without its end; `None` after the last.
    fn next(&mut self) -> Result<Option<&[u8]>, Wrong> {
        std::mem::swap(&mut self.buffer, &mut self.last);
        self.buffer.clear();
        self.number += 1;
        let mut bounded = std::io::Read::take(&mut self.reader, LONGEST as u64 + 1);
        let read = bounded.read_until(b'\n', &mut self.buffer);
        let read = read.map_err(|error| self.wrong(format!("cannot be read: {error}")))?;
        if read > LONGEST {
            return Err(self.wrong("the line is longer than 16 MiB: this is no trace"));
        }
        if read == 0 {
            if self.number > 1 && !self.is_whole() {
                return Err(self.wrong("the trace ends without its last line, the fact `End`: it is cut off"));
            }
            return Ok(None);
        }
        while self
            .buffer
            .last()
            .is_some_and(|byte| matches!(byte, b'\n' | b'\r'))
        {
            self.buffer.pop();
        }
        Ok(Some(&self.buffer))
    }

    /// Whether the line before was the last of a trace that is whole.
    fn is_whole(&self) -> bool {
        let last: Option<Value> = serde_json::from_slice(&self.last).ok();
        last.is_some_and(|line| line["fact"] == "End")
    }

    fn parsed(&self) -> Result<Map<String, Value>, Wrong> {
        match serde_json::from_slice(&self.buffer) {
            Ok(Value::Object(line)) => Ok(line),
            Ok(_) => Err(self.wrong("the line is no JSON object")),
            Err(error) if error.is_eof() => Err(self.wrong("the line ends too early: the trace is cut off")),
            Err(error) => {
                let said = error.to_string();
                let said = said.split(" at line ").next().unwrap_or(&said);
                Err(self.wrong(format!("this is no JSON: {said}")))
            }
        }
    }

    /// At most `most` more lines, after the one in the buffer.
    fn more(&mut self, most: usize) -> Result<Vec<Map<String, Value>>, Wrong> {
        let mut found = Vec::new();
        while found.len() < most && self.next()?.is_some() {
            found.push(self.parsed()?);
        }
        Ok(found)
    }
}

/// Reads both traces up to the first line that is not the same, and `context` lines around it.
///
/// # Errors
/// What is wrong with one of them; nothing is said of what comes after.
pub fn part(a: impl BufRead, b: impl BufRead, context: usize) -> Result<Parting, Wrong> {
    let (mut a, mut b) = (Lines::new(0, a), Lines::new(1, b));
    let header = headers(&mut a, &mut b)?;
    let mut before: VecDeque<Vec<u8>> = VecDeque::new();
    let mut same = 0_u64;
    loop {
        let (has_a, has_b) = (a.next()?.is_some(), b.next()?.is_some());
        if !has_a && !has_b {
            // The last line of both is `End`, which is no fact.
            return Ok(Parting {
                header,
                same: same.saturating_sub(1),
                parted: None,
            });
        }
        if has_a && has_b && is_same(&a, &b)? {
            same += 1;
            if context > 0 {
                if before.len() == context {
                    before.pop_front();
                }
                before.push_back(a.buffer.clone());
            }
            continue;
        }
        let line = a.number;
        let before = before.iter().filter_map(|line| serde_json::from_slice(line).ok());
        let before = before.collect();
        let (of_a, of_b) = (tail(&mut a, has_a, context)?, tail(&mut b, has_b, context)?);
        let parted = Some(parted(line, before, of_a, of_b));
        return Ok(Parting { header, same, parted });
    }
}

/// The line in hand, if there is one, and those after it.
fn tail<R: BufRead>(
    lines: &mut Lines<R>,
    has: bool,
    context: usize,
) -> Result<Vec<Map<String, Value>>, Wrong> {
    if !has {
        return Ok(Vec::new());
    }
    let mut found = vec![lines.parsed()?];
    found.extend(lines.more(context)?);
    Ok(found)
}

fn parted(
    line: u64,
    before: Vec<Map<String, Value>>,
    a: Vec<Map<String, Value>>,
    b: Vec<Map<String, Value>>,
) -> Parted {
    let instant = |lines: &[Map<String, Value>]| lines.first()?.get("t")?.as_u64();
    let t = [instant(&a), instant(&b)].into_iter().flatten().min();
    let fields = match (a.first(), b.first()) {
        (Some(x), Some(y)) if x.get("fact") == y.get("fact") => fields(x, y),
        _ => Vec::new(),
    };
    Parted {
        line,
        t,
        before,
        a,
        b,
        fields,
    }
}

/// Names of the fields that differ.
fn fields(x: &Map<String, Value>, y: &Map<String, Value>) -> Vec<String> {
    let of_x = x.iter().filter(|(key, value)| y.get(*key) != Some(*value));
    let of_y = y.keys().filter(|key| !x.contains_key(*key));
    of_x.map(|(key, _)| key).chain(of_y).cloned().collect()
}

/// Whether two lines say the same, whatever the order of their fields.
fn is_same<A: BufRead, B: BufRead>(a: &Lines<A>, b: &Lines<B>) -> Result<bool, Wrong> {
    Ok(a.buffer == b.buffer || a.parsed()? == b.parsed()?)
}

/// The first lines, which are no facts; what differs in them.
fn headers<A: BufRead, B: BufRead>(a: &mut Lines<A>, b: &mut Lines<B>) -> Result<Vec<Row>, Wrong> {
    let (x, y) = (header(a)?, header(b)?);
    if CHOICE.iter().any(|field| x.get(*field) != y.get(*field)) {
        let text = "the trace has other facts than the first by choice (--trace-from, --trace-to, --trace-only): only two of the same choice can be compared";
        return Err(b.wrong(text));
    }
    let mut found = Found::default();
    walk("", &Value::Object(x), &Value::Object(y), None, &mut found);
    Ok(found.rows)
}

fn header<R: BufRead>(lines: &mut Lines<R>) -> Result<Map<String, Value>, Wrong> {
    if lines.next()?.is_none() {
        return Err((lines.which, Problem::whole("the file is empty")));
    }
    let header = lines.parsed()?;
    if header.get("rmqsim").is_none_or(|kind| kind != "trace") {
        return Err(lines.wrong("a trace begins with a header, {\"rmqsim\":\"trace\",…}, and this does not"));
    }
    match header.get("version").and_then(Value::as_u64) {
        Some(version) if version <= VERSION => Ok(header),
        Some(version) => Err(lines.wrong(format!(
            "the trace has version {version}, and this program knows versions up to {VERSION}: use the rmqsim that wrote it, or run the scenario again"
        ))),
        None => Err(lines.wrong("the header names no version")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = "{\"rmqsim\":\"trace\",\"version\":1,\"seed\":\"7\"}\n";

    fn trace(facts: &[(u64, &str, u64)]) -> String {
        let lines = facts
            .iter()
            .map(|(t, fact, offset)| format!("{{\"t\":{t},\"fact\":\"{fact}\",\"offset\":{offset}}}\n"));
        HEADER.to_owned() + &lines.collect::<String>() + "{\"t\":99,\"fact\":\"End\"}\n"
    }

    fn of(a: &str, b: &str) -> Result<Parting, Wrong> {
        part(a.as_bytes(), b.as_bytes(), 2)
    }

    #[test]
    fn they_part_at_the_first_line_that_differs() {
        let a = trace(&[
            (1, "A", 0),
            (2, "B", 0),
            (3, "C", 0),
            (4, "D", 5),
            (5, "E", 0),
            (6, "F", 0),
            (7, "G", 0),
        ]);
        let b = trace(&[(1, "A", 0), (2, "B", 0), (3, "C", 0), (4, "D", 6), (9, "E", 0)]);
        let found = of(&a, &b).unwrap();
        let parted = found.parted.unwrap();
        assert_eq!((found.same, parted.line, parted.t), (3, 5, Some(4)));
        assert_eq!(parted.fields, ["offset"]);
        assert_eq!((parted.before.len(), parted.a.len(), parted.b.len()), (2, 3, 3));
        assert_eq!(parted.before[1]["fact"], "C");
    }

    #[test]
    fn the_same_trace_does_not_part_and_a_shorter_one_does() {
        let a = trace(&[(1, "A", 0), (2, "B", 0)]);
        assert_eq!((of(&a, &a).unwrap().parted, of(&a, &a).unwrap().same), (None, 2));
        let swapped = a.replace("\"fact\":\"B\",\"offset\":0", "\"offset\":0,\"fact\":\"B\"");
        assert_eq!(
            of(&a, &swapped).unwrap().parted,
            None,
            "the order of fields says nothing"
        );
        let found = of(&a, &trace(&[(1, "A", 0)])).unwrap().parted.unwrap();
        assert_eq!((found.line, found.a.len(), found.b.len()), (3, 2, 1));
        let other = a.replace("\"seed\":\"7\"", "\"seed\":\"8\"");
        let header = of(&a, &other).unwrap().header;
        assert_eq!((header.len(), header[0].path.as_str()), (1, "seed"));
    }

    #[test]
    fn what_is_no_trace_is_told_with_its_line() {
        let good = trace(&[(1, "A", 0), (2, "B", 0)]);
        let check = |b: &str, says: &str| {
            let (which, problem) = of(&good, b).unwrap_err();
            let said = problem.of(&"b.jsonl");
            assert!(which == 1 && said.contains(says), "{said}");
        };
        check("", "b.jsonl: the file is empty");
        check("{\"t\":1}\n", "b.jsonl:1: a trace begins with a header");
        check(
            &good.replace("\"version\":1", "\"version\":2"),
            "b.jsonl:1: the trace has version 2",
        );
        check(&good[..good.len() - 8], "b.jsonl:4: the line ends too early");
        let whole = good.rfind("{\"t\":99").unwrap();
        let (longer, cut) = (good.replace(",99", ""), &good[..whole]);
        let (which, problem) = part(longer.as_bytes(), cut.as_bytes(), 2).unwrap_err();
        assert_eq!((which, problem.place), (1, Some((4, 0))), "{}", problem.text);
        check(&good.replace("\"B\"", "B"), "b.jsonl:3: this is no JSON");
        // A value is not the end, and the end may be written otherwise.
        let named = good.replace("\"offset\":0", "\"of\":{\"fact\":\"End\"}");
        check(
            &named[..named.rfind("{\"t\":99").unwrap()],
            "b.jsonl:4: the trace ends without",
        );
        let spaced = good.replace("\"fact\":\"End\"", "\"fact\": \"End\"");
        assert_eq!(of(&good, &spaced).unwrap().parted, None);
        let window = good.replace("\"seed\":\"7\"", "\"seed\":\"7\",\"from_ns\":5");
        check(
            &window,
            "b.jsonl:1: the trace has other facts than the first by choice",
        );
    }
}
