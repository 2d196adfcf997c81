//! Small scenarios: how they are made of what breaks a rule, and where they are kept.

use super::told;
use crate::cli::terminal::Terminal;
use crate::cluster::sabotage::Sabotage;
use crate::report::json;
use crate::verify::fuzz::page::page;
use crate::verify::fuzz::shrink::{Shrunk, shrink};
use anyhow::Context;
use serde_json::Value;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// How long one failure may be shrunk.
const EACH: Duration = Duration::from_secs(60);

/// How long all together may be.
const ALL: Duration = Duration::from_secs(300);

/// Where a failure comes from.
pub struct Origin {
    /// What it is called: a scenario of the search, or a file.
    pub title: String,
    /// The command that shows it.
    pub command: String,
    /// What its file is called after.
    pub name: String,
}

/// A small scenario, and the file in which it lies.
pub struct Kept {
    /// The scenario.
    pub small: Shrunk,
    /// The same as a file.
    pub text: String,
    /// Where it is kept, if it is.
    pub path: Option<PathBuf>,
}

/// Shrinks, as long as there is time, and keeps.
pub struct Shrinker<'a> {
    folder: Option<&'a Path>,
    planted: Option<Sabotage>,
    asked: &'a AtomicBool,
    left: Duration,
    terminal: &'a Terminal,
}

impl<'a> Shrinker<'a> {
    /// Keeps in `folder`, if there is one, and ends what it does when `asked`.
    pub fn new(
        folder: Option<&'a Path>,
        planted: Option<Sabotage>,
        asked: &'a AtomicBool,
        terminal: &'a Terminal,
    ) -> Self {
        Self {
            folder,
            planted,
            asked,
            left: ALL,
            terminal,
        }
    }

    /// Makes what is left of a file that breaks a rule; `None` if there is no time, or it breaks none any more.
    ///
    /// # Errors
    /// The small scenario cannot be written.
    pub fn shrink(&mut self, file: Value, origin: &Origin) -> anyhow::Result<Option<Kept>> {
        let most = EACH.min(self.left);
        if most.is_zero() || self.asked.load(Ordering::Relaxed) {
            return Ok(None);
        }
        let bar = self.terminal.shrink_progress(&origin.title, most);
        let small = shrink(file, self.planted, |best| {
            bar.tries(best.tries);
            bar.say(format!(", {}", told::size(best)));
            bar.elapsed() < most && !self.asked.load(Ordering::Relaxed)
        });
        self.left = self.left.saturating_sub(bar.elapsed());
        bar.clear();
        let Some(mut small) = small else {
            return Ok(None);
        };
        small.file["title"] = format!("What has broken {}", small.broken.id).into();
        let text = page(&small.file, &self.comments(&small, origin));
        let path = match self.folder {
            Some(folder) => {
                let name = format!("{}-{}", small.broken.id, origin.name);
                Some(write(folder, &name, &text)?)
            }
            None => None,
        };
        Ok(Some(Kept { small, text, path }))
    }

    fn comments(&self, small: &Shrunk, origin: &Origin) -> Vec<String> {
        let mut comments = vec![one_line(&told::broken(&small.broken))];
        comments.push(format!("Found by: {}", origin.command));
        comments.extend(self.planted.map(|fault| format!("Planted: {fault}")));
        comments
    }
}

/// The first line of a text, and not too much of it.
fn one_line(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    line.chars().take(200).collect()
}

/// Writes a new file, under another name if there is one of this name: what is there may be somebody's work. The same text
/// need not be there twice.
fn write(folder: &Path, name: &str, text: &str) -> anyhow::Result<PathBuf> {
    let cannot = || {
        format!(
            "cannot write to {}; name another folder with --keep",
            folder.display()
        )
    };
    fs::create_dir_all(folder).with_context(cannot)?;
    let numbered = (2..).map(|n| format!("{name}-{n}"));
    for name in std::iter::once(name.to_owned()).chain(numbered) {
        let path = folder.join(format!("{name}.json"));
        match json::write_new(&path, text.as_bytes()) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                if fs::read_to_string(&path).is_ok_and(|there| there == text) {
                    return Ok(path);
                }
            }
            written => return written.map(|()| path).with_context(cannot),
        }
    }
    unreachable!("numbers do not end")
}

/// Makes sure that files can be written into `folder`, and leaves nothing there.
///
/// # Errors
/// They cannot.
pub fn try_folder(folder: &Path) -> anyhow::Result<()> {
    let missing: Vec<&Path> = folder
        .ancestors()
        .take_while(|folder| !folder.as_os_str().is_empty() && !folder.exists())
        .collect();
    let tried = fs::create_dir_all(folder).and_then(|()| json::try_write(&folder.join("scenario.json")));
    for folder in missing {
        // Somebody else may have put something there meanwhile.
        let _ = fs::remove_dir(folder);
    }
    tried.with_context(|| {
        format!(
            "cannot write to {}; name another folder with --keep",
            folder.display()
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scratch(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("rmqsim-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        folder
    }

    /// What somebody has written by hand stays.
    #[test]
    fn nothing_is_overwritten() {
        let folder = scratch("keep");
        let name = |path: PathBuf| path.file_name().map(|name| name.to_string_lossy().into_owned());
        for (text, expected) in [
            ("one", "L4-2.json"),
            ("two", "L4-2-2.json"),
            ("one", "L4-2.json"),
            ("two", "L4-2-2.json"),
            ("three", "L4-2-3.json"),
        ] {
            let path = write(&folder, "L4-2", text).unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
            assert_eq!(name(path).as_deref(), Some(expected));
        }
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn a_folder_that_is_tried_is_not_left_behind() {
        let folder = scratch("try");
        try_folder(&folder.join("a/b")).unwrap();
        assert!(!folder.exists());
        fs::create_dir_all(folder.join("a")).unwrap();
        try_folder(&folder.join("a")).unwrap();
        assert_eq!(fs::read_dir(folder.join("a")).unwrap().count(), 0);
        fs::remove_dir_all(folder).unwrap();
    }
}
