//! Tells the developer about a session whose changes are lost.

use std::panic::Location;
use std::sync::{Mutex, PoisonError};

/// Prints, once for each place, that a task dropped a session that it had changed there.
pub(crate) fn print_once(config: &str, changed_at: Option<&'static Location<'static>>) {
    if is_first(changed_at) {
        eprintln!("{}", message(config, changed_at));
    }
}

fn is_first(place: Option<&'static Location<'static>>) -> bool {
    static PRINTED: Mutex<Vec<Option<&Location<'static>>>> = Mutex::new(Vec::new());
    let mut printed = PRINTED.lock().unwrap_or_else(PoisonError::into_inner);
    let is_first = !printed.contains(&place);
    if is_first {
        printed.push(place);
    }
    is_first
}

fn message(config: &str, changed_at: Option<&Location<'_>>) -> String {
    let place = changed_at.map_or_else(String::new, |place| format!(" at {place}"));
    format!(
        "connect-session: a session of `{config}` was changed{place}, and dropped after its response \
         without `save`, so the change is lost; end the task with `session.save().await`"
    )
}
