//! Records every event of the suite's configs, by session.

use std::collections::HashMap;
use std::sync::Mutex;

use connect_session::Event;

static SEEN: Mutex<Option<HashMap<String, Vec<Seen>>>> = Mutex::new(None);

/// An owned copy of an event.
#[derive(Debug, Clone)]
pub struct Seen {
    pub name: &'static str,
    pub subject: Option<String>,
    /// Its `Display` and `Debug` output.
    pub text: String,
}

/// The event listener of every config.
pub fn note(event: &Event<'_>) {
    let seen = Seen {
        name: event.kind.name(),
        subject: event.subject.map(str::to_owned),
        text: format!("{event}\n{event:?}"),
    };
    let id = event.id.map(|id| id.to_string()).unwrap_or_default();
    let mut all = SEEN.lock().unwrap();
    all.get_or_insert_default()
        .entry(id)
        .or_default()
        .push(seen);
}

/// The events of a session.
pub fn of(id: &str) -> Vec<Seen> {
    let mut all = SEEN.lock().unwrap();
    all.get_or_insert_default()
        .get(id)
        .cloned()
        .unwrap_or_default()
}

/// The number of a session's events of this name.
pub fn count(id: &str, name: &str) -> usize {
    of(id).iter().filter(|seen| seen.name == name).count()
}
