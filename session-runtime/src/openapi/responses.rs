//! The responses that come from a session instead of the handler.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::config::{Commit, OnConflict, OnEnded, OnMaxSessions, Options};
use crate::error::{ErrorKind, problem_type};
use crate::loader::SidSource;
use crate::record::FIRST_LEVEL;

/// The kinds of errors with which a request may be answered, by status.
#[derive(Debug, Clone, Default)]
pub struct Responses(BTreeMap<u16, Vec<ErrorKind>>);

/// What a handler needs to run.
pub(super) struct Needs {
    pub(super) session: bool,
    pub(super) login: bool,
    pub(super) fresh: bool,
    pub(super) level: u8,
}

impl Responses {
    /// Those of a handler with the attribute.
    pub(super) fn of_handler(
        options: &Options,
        sources: &[SidSource],
        needs: &Needs,
        replaces: bool,
    ) -> Self {
        let at_limit = options.max_sessions.map(|_| options.on_max_sessions);
        // Without a wildcard, so that a new kind needs a decision here.
        Self::of(|kind| match kind {
            ErrorKind::Ambiguous => has_places(sources),
            ErrorKind::Missing | ErrorKind::Unknown => needs.session,
            ErrorKind::SessionReplaced => {
                needs.session && at_limit == Some(OnMaxSessions::EndOldest)
            }
            ErrorKind::LoginRequired => needs.login,
            ErrorKind::ReauthenticationRequired => needs.login && needs.fresh,
            ErrorKind::StepUpRequired => needs.login && needs.level > FIRST_LEVEL,
            ErrorKind::CrossOrigin => has_checked_cookie(sources),
            ErrorKind::Conflict => options.on_conflict == OnConflict::Reject,
            ErrorKind::Ended => options.on_ended == OnEnded::Reject,
            ErrorKind::TooManySessions => at_limit == Some(OnMaxSessions::Refuse),
            ErrorKind::TooLarge => options.max_size.is_some(),
            ErrorKind::Undecodable => !replaces,
            ErrorKind::StatusUnknown => options.commit == Commit::OnSuccess,
            ErrorKind::Superseded
            | ErrorKind::LoginRevoked
            | ErrorKind::TooManyFields
            | ErrorKind::TooDeep
            | ErrorKind::Unencodable
            | ErrorKind::Contention
            | ErrorKind::OutcomeUnknown
            | ErrorKind::StoreUnavailable
            | ErrorKind::NewerData
            | ErrorKind::StoreFull => true,
            // Mistakes in the program.
            ErrorKind::NoSubjectIndex
            | ErrorKind::StoreMismatch
            | ErrorKind::TooLate
            | ErrorKind::InvalidLifetime => false,
        })
    }

    /// Those of a view, which changes nothing.
    pub(super) fn of_view(sources: &[SidSource]) -> Self {
        Self::of(|kind| match kind {
            ErrorKind::Ambiguous => has_places(sources),
            ErrorKind::CrossOrigin => has_checked_cookie(sources),
            ErrorKind::Missing
            | ErrorKind::Unknown
            | ErrorKind::Undecodable
            | ErrorKind::Contention
            | ErrorKind::StoreUnavailable
            | ErrorKind::NewerData => true,
            _ => false,
        })
    }

    fn of(is_possible: impl Fn(ErrorKind) -> bool) -> Self {
        let mut responses = Self::default();
        for kind in ErrorKind::ALL.into_iter().filter(|kind| is_possible(*kind)) {
            let status = kind.status().as_u16();
            responses.0.entry(status).or_default().push(kind);
        }
        responses
    }

    /// Each status with its Response Object.
    pub(crate) fn objects(&self) -> impl Iterator<Item = (u16, Value)> {
        (self.0.iter()).map(|(&status, kinds)| (status, response(status, kinds)))
    }
}

/// Whether a request can carry two different sids.
fn has_places(sources: &[SidSource]) -> bool {
    let is_place =
        |source: &SidSource| !matches!(source, SidSource::Path(_) | SidSource::Custom(_));
    sources.iter().any(is_place)
}

/// Whether the cross-origin rule applies.
fn has_checked_cookie(sources: &[SidSource]) -> bool {
    let checked =
        |source: &SidSource| matches!(source, SidSource::Cookie(spec) if !spec.allow_any_origin);
    sources.iter().any(checked)
}

fn response(status: u16, kinds: &[ErrorKind]) -> Value {
    let lines = (kinds.iter()).map(|kind| format!("- `{}`: {}", kind.name(), kind.title()));
    let types: Vec<String> = kinds.iter().map(|kind| problem_type(*kind)).collect();
    let has = |kind| kinds.contains(&kind);
    let mut properties = properties(
        has(ErrorKind::ReauthenticationRequired),
        has(ErrorKind::StepUpRequired),
    );
    properties.insert(
        "type".to_owned(),
        json!({ "type": "string", "enum": types }),
    );
    properties.insert(
        "status".to_owned(),
        json!({ "type": "integer", "enum": [status] }),
    );
    let mut response = problem(&lines.collect::<Vec<_>>().join("\n"), &properties);
    let header = match status {
        401 => Some(("WWW-Authenticate", "string")),
        503 => Some(("Retry-After", "integer")),
        _ => None,
    };
    if let Some((name, ty)) = header {
        response["headers"] = json!({ name: { "schema": { "type": ty } } });
    }
    response
}

/// The Response Object of a handler that returns an [`Error`](crate::error::Error), whatever its kind.
#[cfg(any(feature = "aide", feature = "poem-openapi", feature = "salvo-oapi"))]
pub(crate) fn any_problem() -> Value {
    let mut properties = properties(true, true);
    properties.insert("type".to_owned(), json!({ "type": "string" }));
    properties.insert("status".to_owned(), json!({ "type": "integer" }));
    problem(
        "The session could not be loaded, changed or stored",
        &properties,
    )
}

fn properties(max_age: bool, level: bool) -> Map<String, Value> {
    let mut properties = Map::new();
    properties.insert("title".to_owned(), json!({ "type": "string" }));
    if max_age {
        let seconds = "How many seconds ago the user may have proved who they are";
        let property = json!({ "type": "integer", "description": seconds });
        properties.insert("max_age".to_owned(), property);
    }
    if level {
        let needed = "The level that the session needs";
        let property = json!({ "type": "integer", "description": needed });
        properties.insert("level".to_owned(), property);
    }
    properties
}

fn problem(description: &str, properties: &Map<String, Value>) -> Value {
    let schema = json!({
        "type": "object",
        "required": ["type", "title", "status"],
        "properties": properties,
    });
    json!({
        "description": description,
        "content": { "application/problem+json": { "schema": schema } },
    })
}
