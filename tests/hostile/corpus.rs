//! Every text that the fuzz targets have found interesting, once more.

use crate::texts;
use std::fs;
use std::path::{Path, PathBuf};

/// The files of `fuzz/corpus/target`, in order.
fn corpus(target: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fuzz/corpus")
        .join(target);
    let entries = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

/// Feeds the corpus of `target` to `check`, as the fuzzer does: what is not UTF-8 is left out.
fn replay(target: &str, check: impl Fn(&str)) {
    let files = corpus(target);
    assert!(
        files.len() >= 5,
        "the corpus of {target} has shrunk to {}",
        files.len()
    );
    for file in files {
        if let Ok(text) = String::from_utf8(fs::read(&file).unwrap()) {
            println!("{}", file.display());
            check(&text);
        }
    }
}

macro_rules! replays {
    ($($target:ident),*) => {
        $(#[test]
        fn $target() {
            replay(stringify!($target), texts::$target::check);
        })*

        /// No target is forgotten, and no corpus outlives its target.
        #[test]
        fn each_target_has_a_corpus_and_is_replayed() {
            let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz");
            let names = |folder: &str| {
                let entries = fs::read_dir(root.join(folder)).unwrap();
                let mut names: Vec<String> = entries
                    .map(|entry| entry.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned())
                    .collect();
                names.sort();
                names
            };
            let mut replayed = vec![$(stringify!($target)),*];
            replayed.sort_unstable();
            assert_eq!(names("fuzz_targets"), replayed);
            assert_eq!(names("corpus"), replayed);
        }
    };
}

replays!(
    scenario, set, vary, expect, units, topology, cases, run, sql92, tags
);
