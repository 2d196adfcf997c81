//! Bytes to text: reads a scenario file without trusting it.
//!
//! At most [`limits::FILE_BYTES`] are read, so an endless device ends in a message. A byte order mark is
//! accepted; other encodings and compressed files are named.

use crate::scenario::diagnostic::{Diagnostic, Diagnostics, Source, Sources, Span};
use crate::scenario::{limits, shipped, suggest};
use std::io::Read;
use std::path::Path;

/// What messages call a scenario that comes from no file.
const STANDARD_INPUT: &str = "standard input";

/// Reads the scenario that `name` stands for: a path, `-` for standard input, or the bare name of a shipped
/// scenario if there is no such file.
///
/// # Errors
/// What prevents reading it as text.
pub fn read(name: &str) -> Result<Source, Box<Diagnostics>> {
    if name == "-" {
        let bytes = bounded(std::io::stdin().lock()).map_err(|e| failed(STANDARD_INPUT, &e.to_string()))?;
        return text_of(STANDARD_INPUT, bytes);
    }
    let path = Path::new(name);
    if !path.exists()
        && let Some(text) = shipped::text(name)
    {
        return Ok(Source {
            name: shipped::path(name),
            text: text.to_owned(),
        });
    }
    if path.is_dir() {
        return Err(no_place(
            Diagnostic::new(format!("cannot read `{name}`: it is a directory"))
                .help("name a scenario file in it"),
        ));
    }
    match std::fs::File::open(path).and_then(bounded) {
        Ok(bytes) => text_of(name, bytes),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Err(not_found(name)),
        Err(e) if e.kind() == std::io::ErrorKind::PermissionDenied => {
            Err(failed(name, "no permission to read it"))
        }
        Err(e) => Err(failed(name, &e.to_string())),
    }
}

/// The name of a scenario: that of its file without folder and ending.
pub fn stem(name: &str) -> String {
    match Path::new(name).file_stem().map(|stem| stem.to_string_lossy()) {
        Some(_) if name == "-" || name == STANDARD_INPUT => "stdin".to_owned(),
        Some(stem) => stem.into_owned(),
        None => "scenario".to_owned(),
    }
}

fn no_place(problem: Diagnostic) -> Box<Diagnostics> {
    Box::new(Diagnostics::new(Sources::default(), vec![problem]))
}

fn failed(name: &str, why: &str) -> Box<Diagnostics> {
    no_place(Diagnostic::new(format!("cannot read `{name}`: {why}")))
}

fn not_found(name: &str) -> Box<Diagnostics> {
    let path = Path::new(name);
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty());
    let entries = std::fs::read_dir(folder.unwrap_or(Path::new("."))).ok();
    let mut names: Vec<String> = entries
        .into_iter()
        .flatten()
        .filter_map(|e| e.ok()?.file_name().into_string().ok())
        .collect();
    names.sort();
    let wanted = path.file_name().and_then(|n| n.to_str()).unwrap_or(name);
    let near = suggest::nearest(wanted, names.iter().map(String::as_str))
        .map(|n| folder.map_or(n.to_owned(), |f| f.join(n).display().to_string()))
        .or_else(|| suggest::nearest(name, shipped::names().chain(shipped::studies())).map(str::to_owned));
    let hint = near.map_or(String::new(), |n| format!("; did you mean `{n}`?"));
    no_place(
        Diagnostic::new(format!("cannot read `{name}`: there is no such file{hint}"))
            .help("rmqsim list names the scenarios that come with the program"),
    )
}

/// All bytes of `reader`, but at most one more than are allowed.
fn bounded(reader: impl Read) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    reader.take(limits::FILE_BYTES + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The text that `bytes` are.
fn text_of(name: &str, bytes: Vec<u8>) -> Result<Source, Box<Diagnostics>> {
    let refuse = |what: &str, help: &str| {
        Err(no_place(
            Diagnostic::new(format!("cannot read `{name}`: {what}")).help(help),
        ))
    };
    if bytes.len() as u64 > limits::FILE_BYTES {
        let bound = limits::FILE_BYTES >> 20;
        return refuse(
            &format!("it is larger than {bound} MiB, the largest scenario file"),
            "a scenario describes groups of like consumers with \"count\", it need not list them",
        );
    }
    match bytes.as_slice() {
        [0xFF, 0xFE, ..] | [0xFE, 0xFF, ..] | [0, b'{', ..] | [b'{', 0, ..] => {
            return refuse("it is encoded in UTF-16", "save it as UTF-8");
        }
        [0x1F, 0x8B, ..] => {
            return refuse(
                "it is compressed with gzip",
                "unpack it first: gunzip -c FILE | rmqsim check -",
            );
        }
        [b'P', b'K', 3, 4, ..] => return refuse("it is a zip archive", "unpack it first"),
        _ => {}
    }
    let bytes = match bytes.strip_prefix(&[0xEF, 0xBB, 0xBF]) {
        Some(rest) => rest.to_vec(),
        None => bytes,
    };
    let source = |text: String| Source {
        name: name.to_owned(),
        text,
    };
    match String::from_utf8(bytes) {
        Ok(text) => match text.find('\0') {
            None => Ok(source(text)),
            Some(at) => Err(in_text(
                source(text),
                at,
                1,
                "a NUL byte stands in the file",
                "not text from here on",
            )),
        },
        Err(e) => {
            let at = e.utf8_error().valid_up_to();
            // The replacement character keeps what precedes it at its place.
            let text = String::from_utf8_lossy(e.as_bytes()).into_owned();
            Err(in_text(
                source(text),
                at,
                3,
                &format!("the file is not valid UTF-8 from byte {at} on"),
                "not a UTF-8 character",
            ))
        }
    }
}

fn in_text(source: Source, at: usize, len: usize, message: &str, label: &str) -> Box<Diagnostics> {
    let span = Span {
        source: 0,
        start: at,
        end: at + len,
    };
    let problem = Diagnostic::new(message)
        .at(span)
        .label(label)
        .help("save it as UTF-8");
    Box::new(Diagnostics::new(Sources(vec![source]), vec![problem]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn refusal(bytes: &[u8]) -> String {
        text_of("f.json", bytes.to_vec()).unwrap_err().to_string()
    }

    #[test]
    fn a_byte_order_mark_is_no_part_of_the_text() {
        assert_eq!(text_of("f", b"\xEF\xBB\xBF{}".to_vec()).unwrap().text, "{}");
    }

    #[test]
    fn other_encodings_are_named() {
        assert!(refusal(b"\xFF\xFE{\0").contains("UTF-16"));
        assert!(refusal(b"{\0}\0").contains("UTF-16"));
        assert!(refusal(b"\x1F\x8B\x08").contains("gzip"));
        assert!(refusal(b"{ \"a\": \"\0\" }").contains("f.json:1:9"));
        assert!(refusal(b"{\n \"\xFF\" }").contains("f.json:2:3"));
    }

    #[test]
    fn the_bound_is_sharp() {
        let bound = limits::FILE_BYTES as usize;
        assert!(text_of("f", vec![b' '; bound]).is_ok());
        assert!(refusal(&vec![b' '; bound + 1]).contains("16 MiB"));
    }

    #[test]
    fn an_endless_reader_is_left_in_time() {
        let bytes = bounded(std::io::repeat(b' ')).unwrap();
        assert_eq!(bytes.len() as u64, limits::FILE_BYTES + 1);
    }
}
