//! Every event that a config of the suite told of, by session.

use std::collections::HashMap;
use std::sync::Mutex;

use connect_session::Event;

static SEEN: Mutex<Option<HashMap<String, Vec<Seen>>>> = Mutex::new(None);

/// An event as it can be kept.
#[derive(Debug, Clone)]
pub struct Seen {
    pub name: &'static str,
    /// As it is logged, and its `Debug`.
    pub text: String,
}

/// The listener of every config.
pub fn note(event: &Event<'_>) {
    let seen = Seen {
        name: event.kind.name(),
        text: format!("{event}\n{event:?}"),
    };
    let id = event.id.map(|id| id.to_string()).unwrap_or_default();
    let mut all = SEEN.lock().unwrap();
    all.get_or_insert_default()
        .entry(id)
        .or_default()
        .push(seen);
}

/// What happened to a session.
pub fn of(id: &str) -> Vec<Seen> {
    let mut all = SEEN.lock().unwrap();
    all.get_or_insert_default()
        .get(id)
        .cloned()
        .unwrap_or_default()
}

/// How often something happened to a session.
pub fn count(id: &str, name: &str) -> usize {
    of(id).iter().filter(|seen| seen.name == name).count()
}
