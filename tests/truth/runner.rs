//! Runs a folder of vectors and tells what came of it.

use crate::harness::Tally;
use crate::kinds::kind_of;
use serde_json::Value;
use std::fmt;
use std::fs;
use std::path::Path;

/// What came of a folder.
pub struct Verdict {
    folder: String,
    files: Vec<(String, FileVerdict)>,
}

/// What came of a file.
pub enum FileVerdict {
    /// It was run.
    Judged(Tally),
    /// Nobody can run it, and why.
    Skipped(String),
    /// It is no JSON, and why.
    Unreadable(String),
}

/// Runs every `*.json` file of `folder`, in name order.
///
/// # Errors
/// If there is no such folder, or it holds no such file: nothing would be tested.
pub fn judge(folder: &Path) -> Result<Verdict, String> {
    let trouble = |error| format!("cannot read the folder of vectors {}: {error}", folder.display());
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder).map_err(trouble)? {
        let path = entry.map_err(trouble)?.path();
        if path.extension().is_some_and(|extension| extension == "json") {
            paths.push(path);
        }
    }
    if paths.is_empty() {
        return Err(format!("no vectors: {} holds no *.json file", folder.display()));
    }
    paths.sort();
    let files = paths.iter().map(|path| {
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        (name, judge_file(path))
    });
    Ok(Verdict {
        folder: folder.display().to_string(),
        files: files.collect(),
    })
}

fn judge_file(path: &Path) -> FileVerdict {
    let content = fs::read(path).map_err(|error| error.to_string());
    let file: Value =
        match content.and_then(|bytes| serde_json::from_slice(&bytes).map_err(|e| e.to_string())) {
            Ok(file) => file,
            Err(trouble) => return FileVerdict::Unreadable(trouble),
        };
    judge_content(&path.file_stem().unwrap_or_default().to_string_lossy(), &file)
}

/// Runs the content of a file called `stem`.json.
pub fn judge_content(stem: &str, file: &Value) -> FileVerdict {
    let Some(kind) = kind_of(stem, file) else {
        return FileVerdict::Skipped("no kind of vectors has this name or shape".to_owned());
    };
    let mut tally = Tally::of_set(file["meta"]["set"].as_str().unwrap_or("-"));
    (kind.judge)(file, &mut tally);
    tally.skip_unseen_sections(file);
    FileVerdict::Judged(tally)
}

impl Verdict {
    /// Whether nothing differs.
    pub fn is_clean(&self) -> bool {
        self.failed() == 0
    }

    /// Cases that differ; a file that cannot be read counts as one, and so does a known file without any case.
    pub fn failed(&self) -> u64 {
        self.files.iter().map(|(_, verdict)| verdict.failed()).sum()
    }
}

impl FileVerdict {
    /// Cases that differ, see [`Verdict::failed`].
    pub fn failed(&self) -> u64 {
        match self {
            Self::Judged(tally) if tally.passed + tally.failed == 0 && tally.skipped.is_empty() => 1,
            Self::Judged(tally) => tally.failed,
            Self::Skipped(_) => 0,
            Self::Unreadable(_) => 1,
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "\nvectors of {}", self.folder)?;
        write_row(f, "file", ["set", "run", "passed", "failed", "skipped"])?;
        for (name, verdict) in &self.files {
            match verdict {
                FileVerdict::Judged(tally) => {
                    let skipped: u64 = tally.skipped.values().sum();
                    let numbers = [tally.passed + tally.failed, tally.passed, tally.failed, skipped];
                    let [run, passed, failed, skipped] = numbers.map(|number| number.to_string());
                    write_row(f, name, [&tally.set, &run, &passed, &failed, &skipped])?;
                }
                FileVerdict::Skipped(_) => write_row(f, name, ["-", "-", "-", "-", "all"])?,
                FileVerdict::Unreadable(_) => write_row(f, name, ["-", "-", "-", "all", "-"])?,
            }
        }
        self.files
            .iter()
            .try_for_each(|(name, verdict)| f.write_str(&verdict.details(name)))
    }
}

fn write_row(f: &mut fmt::Formatter<'_>, file: &str, columns: [&str; 5]) -> fmt::Result {
    let [set, run, passed, failed, skipped] = columns;
    writeln!(
        f,
        "{file:<24} {set:<8} {run:>7} {passed:>7} {failed:>7} {skipped:>8}"
    )
}

impl FileVerdict {
    /// What was skipped and what differs, for people.
    pub fn details(&self, name: &str) -> String {
        let mut text = String::new();
        // Writing to a string cannot fail.
        let _ = self.write_details(&mut text, name);
        text
    }

    fn write_details(&self, f: &mut impl fmt::Write, name: &str) -> fmt::Result {
        match self {
            Self::Unreadable(trouble) => writeln!(f, "unreadable: {name}: {trouble}"),
            Self::Skipped(why) => writeln!(f, "skipped: {name}: {why}"),
            Self::Judged(tally) => {
                for (why, cases) in &tally.skipped {
                    writeln!(f, "skipped: {name}: {cases} × {why}")?;
                }
                if tally.passed + tally.failed == 0 && tally.skipped.is_empty() {
                    writeln!(f, "empty: {name}: not a single case")?;
                }
                for mismatch in &tally.mismatches {
                    let difference = &mismatch.difference;
                    writeln!(f, "differs: {name}: {} at {}", mismatch.case, difference.at)?;
                    writeln!(f, "  input    {}", mismatch.input)?;
                    writeln!(f, "  expected {}", difference.expected)?;
                    writeln!(f, "  found    {}", difference.found)?;
                }
                let untold = tally.failed - tally.mismatches.len() as u64;
                if untold > 0 {
                    writeln!(f, "differs: {name}: {untold} more cases")?;
                }
                Ok(())
            }
        }
    }
}

impl Verdict {
    /// Cases that were run.
    pub fn run(&self) -> u64 {
        let tallies = self.files.iter().filter_map(|(_, verdict)| match verdict {
            FileVerdict::Judged(tally) => Some(tally),
            _ => None,
        });
        tallies.map(|tally| tally.passed + tally.failed).sum()
    }

    /// The table of files, and what was skipped, for a page.
    pub fn markdown(&self) -> String {
        let mut text = "\n| vectors | run | differ | skipped |\n| --- | --- | --- | --- |\n".to_owned();
        for (name, verdict) in &self.files {
            let name = name.trim_end_matches(".json");
            text += &match verdict {
                FileVerdict::Judged(tally) => {
                    let skipped: Vec<String> = tally
                        .skipped
                        .iter()
                        .map(|(why, cases)| format!("{cases} × {why}"))
                        .collect();
                    let skipped = match skipped.len() {
                        0 => "0".to_owned(),
                        1 => skipped[0].clone(),
                        // The same words for each class.
                        _ => {
                            let all: u64 = tally.skipped.values().sum();
                            let why = tally.skipped.keys().next().and_then(|why| why.split_once(": "));
                            format!("{all} × {}", why.map_or("", |(_, why)| why))
                        }
                    };
                    format!(
                        "| `{name}` | {} | {} | {skipped} |\n",
                        tally.passed + tally.failed,
                        tally.failed
                    )
                }
                FileVerdict::Skipped(why) => format!("| `{name}` | 0 | 0 | all: {why} |\n"),
                FileVerdict::Unreadable(why) => format!("| `{name}` | 0 | all | unreadable: {why} |\n"),
            };
        }
        text.push('\n');
        text
    }
}
