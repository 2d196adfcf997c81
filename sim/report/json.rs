//! `report.json`: canonical bytes, and a way to write files that leaves no half of one.
//!
//! How the text is laid out is in `layout`. Keys keep the order of the model and of the scenario. The bytes depend on the
//! report alone.

use crate::kernel::memory;
use crate::report::layout::lay_out;
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// The bytes of a report or a comparison as a file, with a line feed at the end.
pub fn canonical(report: &impl Serialize) -> String {
    let mut text = lay_out(report);
    text.push('\n');
    text
}

/// Bytes of one such part of a report while that is written: the part and its name among others, and the text, which is copied
/// once to be written.
pub fn held_for<T: Serialize>(part: &T) -> u64 {
    let value = serde_json::to_value(part).expect("a report has only text keys");
    let text = canonical(part).len() as u64;
    (size_of::<T>() + size_of::<(u64, String, usize)>()) as u64 + texts(&value) + 2 * text
}

/// The same of so many numbers in lists.
pub const fn numbers_held_for(count: u64) -> u64 {
    count * (size_of::<u64>() + 2 * "0, ".len()) as u64
}

/// Bytes of the texts that the part itself has.
fn texts(value: &Value) -> u64 {
    match value {
        Value::String(text) => memory::of::<u8>(text.len()),
        Value::Array(items) => items.iter().map(texts).sum(),
        Value::Object(map) => map.values().map(texts).sum(),
        _ => 0,
    }
}

/// Writes `bytes` to `path`: whoever looks sees the old file or the whole new one.
///
/// # Errors
/// If the folder cannot be written to; nothing is left behind then.
pub fn write_atomically(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let partial = Partial::of(path);
    fs::File::create(&partial.0)
        .and_then(|mut file| file.write_all(bytes))
        .and_then(|()| fs::rename(&partial.0, path))
}

/// A file that is written little by little, as [`write_atomically`] writes one at once: unless it is
/// [complete](Self::complete) nothing is left of it.
#[derive(Debug)]
pub struct Growing {
    file: BufWriter<fs::File>,
    partial: Partial,
    path: PathBuf,
}

impl Growing {
    /// Begins it.
    ///
    /// # Errors
    /// If the folder cannot be written to.
    pub fn create(path: &Path) -> io::Result<Self> {
        if path.is_dir() {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        let partial = Partial::of(path);
        let file = BufWriter::with_capacity(1 << 16, fs::File::create(&partial.0)?);
        let path = path.to_owned();
        Ok(Self { file, partial, path })
    }

    /// All is written.
    ///
    /// # Errors
    /// If it cannot be.
    pub fn complete(mut self) -> io::Result<()> {
        self.file.flush()?;
        fs::rename(&self.partial.0, &self.path)
    }
}

impl Write for Growing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)
    }
    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// As [`write_atomically`], but never over a file that exists.
///
/// # Errors
/// As there; [`io::ErrorKind::AlreadyExists`] if the file exists.
pub fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let partial = Partial::of(path);
    fs::File::create(&partial.0)
        .and_then(|mut file| file.write_all(bytes))
        .and_then(|()| match fs::hard_link(&partial.0, path) {
            // Not every file system has links.
            Err(e) if e.kind() != io::ErrorKind::AlreadyExists && !path.exists() => {
                fs::rename(&partial.0, path)
            }
            linked => linked,
        })
}

/// Removes what is half written, when the program is to end at once.
pub fn remove_partial_files() {
    let partials = PARTIALS.lock().unwrap_or_else(PoisonError::into_inner);
    for partial in partials.iter() {
        // The one that is being renamed is gone, or whole.
        let _ = fs::remove_file(partial);
    }
    // Nobody begins another one.
    std::mem::forget(partials);
}

/// Files that are half written.
static PARTIALS: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());

/// A file that grows beside the one that it is to become; gone in the end, whatever happens.
#[derive(Debug)]
struct Partial(PathBuf);

impl Partial {
    fn of(path: &Path) -> Self {
        let mut name = path.file_name().unwrap_or_default().to_owned();
        name.push(format!(".partial-{}", std::process::id()));
        let partial = path.with_file_name(name);
        let mut partials = PARTIALS.lock().unwrap_or_else(PoisonError::into_inner);
        partials.insert(partial.clone());
        Self(partial)
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        // It does not exist if it was renamed, or could not be made.
        let _ = fs::remove_file(&self.0);
        let mut partials = PARTIALS.lock().unwrap_or_else(PoisonError::into_inner);
        partials.remove(&self.0);
    }
}

/// Tries whether [`write_atomically`] may write to `path`, without touching what is there.
///
/// # Errors
/// If it may not.
pub fn try_write(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    fs::write(&Partial::of(path).0, b"")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of a part with a name of a thousand letters: the part, a text of its own, and the page twice.
    #[test]
    fn a_part_takes_its_text_twice() {
        let short = held_for(&["a".to_owned()]);
        let long = held_for(&["a".repeat(1001)]);
        assert_eq!(long - short, 3 * 1000);
        assert_eq!(numbers_held_for(10), 10 * numbers_held_for(1));
    }

    /// A folder that does not exist takes no file, and the error says so.
    #[test]
    fn a_failed_write_leaves_nothing_behind() {
        let folder = std::env::temp_dir().join(format!("rmqsim-json-{}", std::process::id()));
        let file = folder.join("report.json");
        assert!(write_atomically(&file, b"{}").is_err());
        fs::create_dir(&folder).unwrap();
        write_atomically(&file, b"old").unwrap();
        write_atomically(&file, b"new").unwrap();
        assert_eq!(fs::read(&file).unwrap(), b"new");
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
        try_write(&file).unwrap();
        assert_eq!(fs::read(&file).unwrap(), b"new");
        assert_eq!(
            write_new(&file, b"other").unwrap_err().kind(),
            io::ErrorKind::AlreadyExists
        );
        write_new(&folder.join("new.json"), b"whole").unwrap();
        assert_eq!(fs::read(folder.join("new.json")).unwrap(), b"whole");
        fs::remove_file(folder.join("new.json")).unwrap();
        // A folder in the way of the file: the rename fails and the partial file goes.
        fs::remove_file(&file).unwrap();
        fs::create_dir_all(file.join("in-the-way")).unwrap();
        assert!(try_write(&file).is_err());
        assert!(write_atomically(&file, b"new").is_err());
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
        fs::remove_dir_all(&folder).unwrap();
    }
}
