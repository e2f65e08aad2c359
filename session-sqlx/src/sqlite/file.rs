//! Creating a file that only its owner can read.

use std::path::Path;

/// Creates an empty file unless it exists. On Unix only its owner can read and write it; SQLite gives the
/// files beside it the same mode, and would otherwise let everyone read them.
///
/// An error is left to SQLite, which reports it when it opens the file.
#[cfg(unix)]
pub(super) fn create(file: &Path) {
    use std::fs::OpenOptions;
    use std::os::unix::fs::OpenOptionsExt as _;
    use std::sync::{Mutex, PoisonError};

    // To close a file removes every lock that this process has on it. So no other store of this process
    // may open the file before it is closed here.
    static CREATING: Mutex<()> = Mutex::new(());
    let _creating = CREATING.lock().unwrap_or_else(PoisonError::into_inner);
    // Fails if the file exists, without opening it.
    let _ = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(file);
}

#[cfg(not(unix))]
pub(super) fn create(_: &Path) {}
