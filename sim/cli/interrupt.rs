//! Ctrl-C, and the signal by which a system asks a program to end (SIGTERM): both mean the same.
//!
//! As long as nothing is lost by it, the program ends at once. A run or a study asks for [`orderly`] ends: then the first
//! signal only sets a flag, what was done is written, and a second one ends the program at once. No half of a file stays
//! behind either way. Where a signal cannot be had it does what it always did.

use crate::cli::Exit;
use crate::report::json;
use std::sync::atomic::{AtomicBool, Ordering};

/// Somebody has asked for an end.
static ASKED: AtomicBool = AtomicBool::new(false);

/// Whether that is looked at.
static LOOKED_AT: AtomicBool = AtomicBool::new(false);

/// From now on the first signal sets this flag, and a second one ends the program.
pub fn orderly() -> &'static AtomicBool {
    LOOKED_AT.store(true, Ordering::Relaxed);
    &ASKED
}

fn asked() {
    if ASKED.swap(true, Ordering::Relaxed) || !LOOKED_AT.load(Ordering::Relaxed) {
        json::remove_partial_files();
        std::process::exit(Exit::Interrupted as i32);
    }
}

/// Listens to signals from now on. A file that grows beyond the limit of the process (SIGXFSZ) becomes an error of the
/// write, as on a full disk.
#[cfg(unix)]
pub fn listen() {
    use signal_hook::consts::{SIGINT, SIGTERM, SIGXFSZ};
    use signal_hook::iterator::Signals;
    // Without one of them a signal ends the program at once: no reason not to run.
    let _ = signal_hook::flag::register(SIGXFSZ, std::sync::Arc::new(AtomicBool::new(false)));
    if let Ok(mut signals) = Signals::new([SIGINT, SIGTERM]) {
        std::thread::spawn(move || signals.forever().for_each(|_| asked()));
    }
}

/// Listens to Ctrl-C from now on.
#[cfg(not(unix))]
pub fn listen() {
    // Without it Ctrl-C ends the program at once: no reason not to run.
    let _ = ctrlc::set_handler(asked);
}
