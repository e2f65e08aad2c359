//! The JSON of the API.

use std::time::SystemTime;

use serde::{Serialize, Serializer};

use super::page::FIELDS;
use crate::store::{Inspected, ListCursor, ListPage, LiveCount};
use crate::timestamp::Timestamp;

/// The maximum number of characters of a text.
const TEXT: usize = 1_000;

/// The sessions of a user.
#[derive(Serialize)]
pub(super) struct List {
    sessions: Vec<Session>,
    next: Option<ListCursor>,
}

impl List {
    pub(super) fn new(subject: &str, page: &ListPage) -> Self {
        let sessions = page.sessions.iter().map(|listed| Session {
            id: listed.id.to_string(),
            subject: Some(shortened(subject)),
            label: listed.label.as_deref().map(shortened),
            level: Some(listed.level),
            created_at: Millis(listed.created_at),
            logged_in_at: Some(Millis(listed.logged_in_at)),
            authenticated_at: Some(Millis(listed.authenticated_at)),
            last_seen_at: Millis(listed.last_seen_at),
            expires_at: Millis(listed.expires_at),
            fields: None,
        });
        Self {
            sessions: sessions.collect(),
            next: page.next,
        }
    }
}

/// A session.
#[derive(Serialize)]
pub(super) struct Session {
    id: String,
    subject: Option<String>,
    label: Option<String>,
    level: Option<u8>,
    created_at: Millis,
    logged_in_at: Option<Millis>,
    authenticated_at: Option<Millis>,
    last_seen_at: Millis,
    expires_at: Millis,
    /// Not in a list.
    #[serde(skip_serializing_if = "Option::is_none")]
    fields: Option<Vec<Field>>,
}

impl Session {
    /// `shown` are the names of the fields whose values are shown.
    pub(super) fn new(session: &Inspected, shown: &[String]) -> Self {
        let login = session.login.as_deref();
        let fields = session.fields.iter().take(FIELDS);
        let fields = fields.map(|(name, value)| Field {
            name: shortened(name),
            value: shown.contains(name).then(|| shortened(value.get())),
        });
        Self {
            id: session.id.to_string(),
            subject: login.map(|login| shortened(&login.subject)),
            label: session.label.as_deref().map(shortened),
            level: login.map(|login| login.level),
            created_at: Millis(session.created_at),
            logged_in_at: login.map(|login| Millis(login.logged_in_at.into())),
            authenticated_at: login.map(|login| Millis(login.authenticated_at.into())),
            last_seen_at: Millis(session.last_seen_at),
            expires_at: Millis(session.expires_at),
            fields: Some(fields.collect()),
        }
    }
}

/// A field of a session's data.
#[derive(Serialize)]
struct Field {
    name: String,
    /// Its JSON text, if the developer lets it be shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<String>,
}

/// The number of sessions that were ended.
#[derive(Serialize)]
pub(super) struct Ended {
    pub(super) ended: u64,
}

/// The number of living sessions.
#[derive(Serialize)]
pub(super) struct Counts {
    config: &'static str,
    /// `None` if the store does not count.
    sessions: Option<u64>,
    /// Whether there may be more.
    or_more: bool,
}

impl Counts {
    pub(super) const fn new(config: &'static str, count: LiveCount) -> Self {
        let (sessions, or_more) = match count {
            LiveCount::Exact(count) => (Some(count), false),
            LiveCount::AtLeast(count) => (Some(count), true),
            LiveCount::NotCounted => (None, false),
        };
        Self {
            config,
            sessions,
            or_more,
        }
    }
}

/// A time, as milliseconds since 1970.
struct Millis(SystemTime);

impl Serialize for Millis {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(Timestamp::from(self.0).as_millis())
    }
}

/// A text, or its beginning and `…`.
fn shortened(text: &str) -> String {
    match text.char_indices().nth(TEXT) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_is_shortened() {
        assert_eq!(shortened(&"é".repeat(TEXT)), "é".repeat(TEXT));
        assert_eq!(shortened(&"é".repeat(TEXT + 1)), "é".repeat(TEXT) + "…");
    }
}
