//! What a request to the admin page asks for.

use std::borrow::Cow;

use http::{Method, StatusCode};
use percent_encoding::percent_decode_str;

use super::response::Refusal;
use crate::sid::SessionId;
use crate::store::ListCursor;

/// What a request asks for.
pub(super) enum Action {
    /// `GET /`
    ShowHome,
    /// `GET /?subject=…&after=…&ended=…`
    ShowUser {
        subject: String,
        after: Option<ListCursor>,
        /// The number of sessions that the request before this one has ended.
        ended: Option<u64>,
    },
    /// `GET /?id=…`
    ShowSession(SessionId),
    /// `GET /?ended=…`, after the end of a session that belonged to no user.
    ShowEnded(u64),
    /// `POST /?end=…&subject=…`, from a form.
    EndFromPage {
        id: SessionId,
        /// The user whose list had the form.
        subject: Option<String>,
    },
    /// `POST /?end_all=…`, from a form.
    EndAllFromPage(String),
    /// `GET /api/sessions?subject=…&after=…`
    List {
        subject: String,
        after: Option<ListCursor>,
    },
    /// `GET /api/sessions/{id}`
    Inspect(SessionId),
    /// `DELETE /api/sessions/{id}`
    End(SessionId),
    /// `DELETE /api/sessions?subject=…`
    EndAll(String),
    /// `GET /api/counts`
    Count,
    /// `GET /openapi.json`
    Document,
}

impl Action {
    /// `path` begins where the page is mounted.
    pub(super) fn of(method: &Method, path: &str, query: &str) -> Result<Self, Refusal> {
        let is_get = method == Method::GET || method == Method::HEAD;
        match path {
            "" | "/" if is_get => Self::page(query),
            "" | "/" if method == Method::POST => Self::form(query),
            "" | "/" => Err(Refusal::method("GET, HEAD, POST")),
            "/openapi.json" if is_get => Ok(Self::Document),
            "/api/counts" if is_get => Ok(Self::Count),
            "/openapi.json" | "/api/counts" => Err(Refusal::method("GET, HEAD")),
            "/api/sessions" if is_get => Ok(Self::List {
                subject: required_subject(query)?,
                after: after(query)?,
            }),
            "/api/sessions" if method == Method::DELETE => {
                required_subject(query).map(Self::EndAll)
            }
            "/api/sessions" => Err(Refusal::method("GET, HEAD, DELETE")),
            _ => {
                let id = path
                    .strip_prefix("/api/sessions/")
                    .ok_or_else(unknown_path)?;
                if is_get {
                    id_of(id).map(Self::Inspect)
                } else if method == Method::DELETE {
                    id_of(id).map(Self::End)
                } else {
                    Err(Refusal::method("GET, HEAD, DELETE"))
                }
            }
        }
    }

    fn page(query: &str) -> Result<Self, Refusal> {
        let ended = parameter(query, "ended")?.and_then(|number| number.parse().ok());
        if let Some(id) = parameter(query, "id")?.filter(|id| !id.is_empty()) {
            return id_of(id.trim()).map(Self::ShowSession);
        }
        match subject(query)? {
            Some(subject) => Ok(Self::ShowUser {
                subject,
                after: after(query)?,
                ended,
            }),
            None => Ok(ended.map_or(Self::ShowHome, Self::ShowEnded)),
        }
    }

    fn form(query: &str) -> Result<Self, Refusal> {
        if let Some(id) = parameter(query, "end")? {
            return Ok(Self::EndFromPage {
                id: id_of(&id)?,
                subject: subject(query)?,
            });
        }
        match parameter(query, "end_all")?.filter(|subject| !subject.is_empty()) {
            Some(subject) => Ok(Self::EndAllFromPage(subject.into_owned())),
            None => Err(Refusal::bad_request("The query needs `end` or `end_all`")),
        }
    }

    /// Whether it ends sessions.
    pub(super) const fn ends_sessions(&self) -> bool {
        matches!(
            self,
            Self::EndFromPage { .. } | Self::EndAllFromPage(_) | Self::End(_) | Self::EndAll(_)
        )
    }
}

fn unknown_path() -> Refusal {
    Refusal::new(StatusCode::NOT_FOUND, "There is nothing under this path")
}

/// The public id in a request. The text is not repeated: it may be a sid.
fn id_of(text: &str) -> Result<SessionId, Refusal> {
    text.parse().map_err(|_| {
        Refusal::bad_request(
            "The id of a session is a UUID, such as 0197a3f0-5a3c-7d21-9c55-2f1d0b6f7a11; \
             a session token is a secret, and nobody but its client should have it",
        )
    })
}

fn required_subject(query: &str) -> Result<String, Refusal> {
    let missing = || Refusal::bad_request("The query needs `subject`, the user of the sessions");
    subject(query)?.ok_or_else(missing)
}

fn subject(query: &str) -> Result<Option<String>, Refusal> {
    let subject = parameter(query, "subject")?.filter(|subject| !subject.is_empty());
    Ok(subject.map(Cow::into_owned))
}

fn after(query: &str) -> Result<Option<ListCursor>, Refusal> {
    let wrong = |_| Refusal::bad_request("`after` is not the `next` of a list");
    let after = parameter(query, "after")?;
    after.map(|after| after.parse().map_err(wrong)).transpose()
}

/// The first value of a parameter. A form sends a space as `+`.
fn parameter<'a>(query: &'a str, name: &str) -> Result<Option<Cow<'a, str>>, Refusal> {
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    let Some((_, value)) = { pairs }.find(|(key, _)| *key == name) else {
        return Ok(None);
    };
    let not_text = || Refusal::bad_request("The query is not UTF-8");
    if value.contains('+') {
        let value = value.replace('+', " ");
        let value = percent_decode_str(&value).decode_utf8();
        return match value {
            Ok(value) => Ok(Some(value.into_owned().into())),
            Err(_) => Err(not_text()),
        };
    }
    let value = percent_decode_str(value).decode_utf8();
    value.map(Some).map_err(|_| not_text())
}
