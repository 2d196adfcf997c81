//! Texts that tests expect, in files: `UPDATE=1 cargo test` renews them.

use std::path::Path;

/// Holds a text against `sim/report/comparison/expected/<name>`.
#[track_caller]
pub(super) fn check(name: &str, text: &str) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("sim/report/comparison/expected");
    let file = folder.join(name);
    if std::env::var_os("UPDATE").is_some() {
        std::fs::create_dir_all(&folder).expect("a folder");
        std::fs::write(&file, text).expect("a file");
    }
    let expected = std::fs::read_to_string(&file).unwrap_or_default();
    assert_eq!(text, expected, "{name}: UPDATE=1 renews it");
}
