//! How `report.json` is laid out, while it is written: no tree of the report is built.
//!
//! Objects are indented by two spaces; a list of plain values, and an object of plain values inside a list, takes one
//! line. Whether all values are plain shows when the last of them comes: each such container is begun on one line, and
//! what was written of it is parted into lines as soon as something lies in it that is not plain.

use serde::Serialize;
use serde_json::ser::{Formatter, Serializer};
use std::io::{self, Write};

/// The text of `report`, without a line feed at the end.
///
/// # Panics
/// If it has keys that are no texts.
pub fn lay_out(report: &impl Serialize) -> String {
    let mut serializer = Serializer::with_formatter(Layout::default(), Marks);
    report
        .serialize(&mut serializer)
        .expect("a report has only text keys");
    String::from_utf8(serializer.into_inner().text).expect("texts are UTF-8")
}

/// What the serializer tells the layout, as single bytes: in JSON such a byte stands nowhere by itself.
mod mark {
    pub const BEGIN_LIST: u8 = 1;
    pub const BEGIN_OBJECT: u8 = 2;
    pub const ITEM: u8 = 3;
    pub const END_LIST: u8 = 4;
    pub const END_OBJECT: u8 = 5;
}

/// Marks where containers and what lies in them begin and end.
struct Marks;

impl Formatter for Marks {
    fn begin_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        writer.write_all(&[mark::BEGIN_LIST])
    }
    fn begin_array_value<W: ?Sized + Write>(&mut self, writer: &mut W, _first: bool) -> io::Result<()> {
        writer.write_all(&[mark::ITEM])
    }
    fn end_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        writer.write_all(&[mark::END_LIST])
    }
    fn begin_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        writer.write_all(&[mark::BEGIN_OBJECT])
    }
    fn begin_object_key<W: ?Sized + Write>(&mut self, writer: &mut W, _first: bool) -> io::Result<()> {
        writer.write_all(&[mark::ITEM])
    }
    fn begin_object_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        writer.write_all(b": ")
    }
    fn end_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        writer.write_all(&[mark::END_OBJECT])
    }
}

/// A list or an object that has not ended.
struct Container {
    is_list: bool,
    is_empty: bool,
    /// All that lies in it so far is plain, and stands on one line.
    is_one_line: bool,
    /// Its first entry in [`Layout::starts`].
    first_start: usize,
}

/// The text so far.
#[derive(Default)]
struct Layout {
    text: Vec<u8>,
    /// What has begun and not ended, the innermost last.
    open: Vec<Container>,
    /// Where the items of containers that still stand on one line begin, the blank before them included.
    starts: Vec<usize>,
}

impl Layout {
    fn begin(&mut self, bracket: u8, is_list: bool) {
        let in_list = self.open.last().is_some_and(|outer| outer.is_list);
        self.part_lines();
        self.text.push(bracket);
        self.open.push(Container {
            is_list,
            is_empty: true,
            is_one_line: is_list || in_list,
            first_start: self.starts.len(),
        });
    }

    fn item(&mut self) {
        let depth = self.open.len();
        let Some(container) = self.open.last_mut() else {
            return;
        };
        let is_first = std::mem::take(&mut container.is_empty);
        if !is_first {
            self.text.push(b',');
        }
        if !container.is_one_line {
            return self.begin_line(depth);
        }
        self.starts.push(self.text.len());
        if !is_first {
            self.text.push(b' ');
        }
    }

    fn end(&mut self, bracket: u8) {
        if let Some(container) = self.open.pop() {
            self.starts.truncate(container.first_start);
            if !container.is_one_line && !container.is_empty {
                self.begin_line(self.open.len());
            }
        }
        self.text.push(bracket);
    }

    fn begin_line(&mut self, depth: usize) {
        self.text.push(b'\n');
        self.text.extend(std::iter::repeat_n(b"  ", depth).flatten());
    }

    /// The innermost container does not fit on one line: each of its items gets its own.
    fn part_lines(&mut self) {
        let depth = self.open.len();
        let Some(container) = self.open.last_mut().filter(|container| container.is_one_line) else {
            return;
        };
        container.is_one_line = false;
        let mut starts = self
            .starts
            .split_off(container.first_start)
            .into_iter()
            .peekable();
        let Some(&from) = starts.peek() else {
            return;
        };
        let written = self.text.split_off(from);
        while let Some(start) = starts.next() {
            let end = starts.peek().map_or(written.len(), |next| next - from);
            let item = &written[start - from..end];
            self.begin_line(depth);
            self.text
                .extend_from_slice(item.strip_prefix(b" ").unwrap_or(item));
        }
    }
}

impl Write for Layout {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_all(bytes)?;
        Ok(bytes.len())
    }

    #[inline]
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        match *bytes {
            [mark::BEGIN_LIST] => self.begin(b'[', true),
            [mark::BEGIN_OBJECT] => self.begin(b'{', false),
            [mark::ITEM] => self.item(),
            [mark::END_LIST] => self.end(b']'),
            [mark::END_OBJECT] => self.end(b'}'),
            _ => self.text.extend_from_slice(bytes),
        }
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::{Map, Value, json};

    #[track_caller]
    fn check(value: Value, expected: &str) {
        assert_eq!(lay_out(&value), expected);
        assert_eq!(serde_json::from_str::<Value>(expected).unwrap(), value);
    }

    #[test]
    fn lists_of_plain_values_take_one_line() {
        check(
            json!({ "lag": [1, 2.5, null] }),
            "{\n  \"lag\": [1, 2.5, null]\n}",
        );
        check(
            json!([{ "at": 1, "who": "a\"b" }, { "at": 2, "who": [] }]),
            "[\n  {\"at\": 1, \"who\": \"a\\\"b\"},\n  {\n    \"at\": 2,\n    \"who\": []\n  }\n]",
        );
        check(
            json!({ "empty": {}, "none": [] }),
            "{\n  \"empty\": {},\n  \"none\": []\n}",
        );
        check(
            json!([1, " 2", {}, [3, [4]]]),
            "[\n  1,\n  \" 2\",\n  {},\n  [\n    3,\n    [4]\n  ]\n]",
        );
    }

    /// The rules once more, for a reader who has the whole value.
    fn reference(value: &Value, indent: usize, in_list: bool) -> String {
        let is_plain = |value: &Value| !matches!(value, Value::Array(_) | Value::Object(_));
        let around = |open: &str, items: Vec<String>, close: &str, one_line: bool| {
            let line = |indent: usize| format!("\n{}", "  ".repeat(indent));
            match (items.is_empty(), one_line) {
                (true, _) => format!("{open}{close}"),
                (_, true) => format!("{open}{}{close}", items.join(", ")),
                (_, false) => {
                    let lines = items.join(&format!(",{}", line(indent + 1)));
                    format!("{open}{}{lines}{}{close}", line(indent + 1), line(indent))
                }
            }
        };
        match value {
            Value::Array(list) => {
                let items = list.iter().map(|item| reference(item, indent + 1, true));
                around("[", items.collect(), "]", list.iter().all(is_plain))
            }
            Value::Object(map) => {
                let item = |(key, item): (&String, &Value)| {
                    format!(
                        "{}: {}",
                        Value::from(key.as_str()),
                        reference(item, indent + 1, false)
                    )
                };
                let one_line = in_list && map.values().all(is_plain);
                around("{", map.iter().map(item).collect(), "}", one_line)
            }
            plain => plain.to_string(),
        }
    }

    fn any_value() -> impl Strategy<Value = Value> {
        let plain = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            any::<String>().prop_map(Value::from),
            "[\u{0}-\u{6} \"\\\\]{0,2}".prop_map(Value::from),
        ];
        plain.prop_recursive(5, 60, 6, |inner| {
            let pairs = prop::collection::vec((any::<String>(), inner.clone()), 0..6);
            prop_oneof![
                prop::collection::vec(inner, 0..6).prop_map(Value::from),
                pairs.prop_map(|pairs| Value::from(pairs.into_iter().collect::<Map<_, _>>())),
            ]
        })
    }

    proptest! {
        #[test]
        fn whoever_knows_the_whole_would_lay_it_out_alike(value in any_value()) {
            prop_assert_eq!(lay_out(&value), reference(&value, 0, false));
        }
    }
}
