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
        use ErrorKind as E;
        let kinds = [
            (E::Ambiguous, has_places(sources)),
            (E::Missing, needs.session),
            (E::Unknown, needs.session),
            (E::LoginRequired, needs.login),
            (E::ReauthenticationRequired, needs.login && needs.fresh),
            (E::StepUpRequired, needs.login && needs.level > FIRST_LEVEL),
            (E::CrossOrigin, has_checked_cookie(sources)),
            (E::Conflict, options.on_conflict == OnConflict::Reject),
            (E::Ended, options.on_ended == OnEnded::Reject),
            (E::Superseded, true),
            (E::LoginRevoked, true),
            (
                E::TooManySessions,
                options.max_sessions.is_some() && options.on_max_sessions == OnMaxSessions::Refuse,
            ),
            (E::TooLarge, options.max_size.is_some()),
            (E::TooManyFields, true),
            (E::TooDeep, true),
            (E::Undecodable, !replaces),
            (E::Unencodable, true),
            (E::StatusUnknown, options.commit == Commit::OnSuccess),
            (E::Contention, true),
            (E::OutcomeUnknown, true),
            (E::StoreUnavailable, true),
            (E::NewerData, true),
            (E::StoreFull, true),
        ];
        Self::of(kinds)
    }

    /// Those of a view, which changes nothing.
    pub(super) fn of_view(sources: &[SidSource]) -> Self {
        use ErrorKind as E;
        Self::of([
            (E::Ambiguous, has_places(sources)),
            (E::Missing, true),
            (E::Unknown, true),
            (E::CrossOrigin, has_checked_cookie(sources)),
            (E::Undecodable, true),
            (E::Contention, true),
            (E::StoreUnavailable, true),
            (E::NewerData, true),
        ])
    }

    fn of(kinds: impl IntoIterator<Item = (ErrorKind, bool)>) -> Self {
        let mut responses = Self::default();
        for (kind, _) in kinds.into_iter().filter(|(_, possible)| *possible) {
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
#[cfg(any(feature = "aide", feature = "salvo-oapi"))]
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
