//! utoipa 6: the responses of a handler, and a modifier that adds what only a whole document can have.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use utoipa::openapi::extensions::Extensions;
use utoipa::openapi::path::{Operation, Parameter, ParameterIn};
use utoipa::openapi::security::SecurityScheme;
use utoipa::openapi::{Components, OpenApi, RefOr, Response};
use utoipa::{IntoResponses, Modify};

use super::scheme::sid_headers;
use super::{Described, both, named_schemes};

/// The responses that come from the session of a handler, for `responses(…)` of `#[utoipa::path]`.
///
/// A `#[utoipa::path]` below `#[session(…)]` has them already. Write them where a handler takes a
/// [`SessionView`](crate::view::SessionView), and where the attribute is above: `responses((status = 200),
/// SessionResponses<SessionView<Shop>>)`. A later response of the same status takes the place of theirs.
pub struct SessionResponses<T>(PhantomData<fn() -> T>);

impl<T> fmt::Debug for SessionResponses<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionResponses")
    }
}

/// The extension in which a response says what its operation requires, until [`UtoipaSecurity`] moves it
/// there. `IntoResponses` sees no operation. All responses have it, because the user's own may take the place
/// of some.
const NOTE: &str = "x-session";

const PROBLEM: &str = "application/problem+json";

impl<T: Described> IntoResponses for SessionResponses<T> {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        let description = T::describe();
        let objects = description.responses.objects();
        let objects: BTreeMap<_, _> = objects
            .map(|(status, object)| (status.to_string(), object))
            .collect();
        let note = json!({
            "security": description.requirement(),
            "parameters": description.parameters().collect::<Vec<_>>(),
            "responses": objects,
        });
        let mut responses = BTreeMap::new();
        for (status, object) in objects {
            if let Some(mut response) = read::<Response>(object) {
                response.extensions = Some(Extensions::from_iter([(NOTE, note.clone())]));
                responses.insert(status, RefOr::T(response));
            }
        }
        responses
    }
}

/// Completes a document of utoipa: operations with a session require one of its security schemes, their
/// responses name the header that carries a new sid, and the schemes are among the components.
///
/// ```
/// use connect_session::openapi::UtoipaSecurity;
/// use connect_session::{Session, session};
/// use utoipa::OpenApi;
///
/// #[session(load)]
/// #[utoipa::path(get, path = "/session", responses((status = 200, body = String)))]
/// async fn show(session: Session) -> String {
///     session.id().to_string()
/// }
///
/// #[derive(OpenApi)]
/// #[openapi(paths(show), modifiers(&UtoipaSecurity))]
/// struct Document;
///
/// let document = serde_json::to_value(Document::openapi())?;
/// let show = &document["paths"]["/session"]["get"];
/// assert!(show["responses"]["401"].is_object());
/// assert_eq!(show["security"][0], serde_json::json!({ "session-header-x-user-session": [] }));
/// # Ok::<_, serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Copy)]
pub struct UtoipaSecurity;

impl Modify for UtoipaSecurity {
    fn modify(&self, document: &mut OpenApi) {
        let mut schemes = Vec::new();
        for item in document.paths.paths.values_mut() {
            let operations = [
                &mut item.get,
                &mut item.put,
                &mut item.post,
                &mut item.delete,
                &mut item.options,
                &mut item.head,
                &mut item.patch,
                &mut item.trace,
            ];
            for operation in operations.into_iter().flatten() {
                complete(operation);
                schemes.extend(named_schemes(&json!(operation.security)));
            }
        }
        if schemes.is_empty() {
            return;
        }
        let components = document.components.get_or_insert_with(Components::new);
        for scheme in schemes {
            if let Some(object) = read::<SecurityScheme>(scheme.object()) {
                let entry = components.security_schemes.entry(scheme.key());
                entry.or_insert(RefOr::T(object));
            }
        }
    }
}

fn complete(operation: &mut Operation) {
    let Some(note) = take_note(operation) else {
        return;
    };
    // The user's own requirement wins.
    if operation.security.is_none() {
        operation.security = read(both(None, note["security"].clone()));
    }
    let parameters: Vec<Parameter> = read(note["parameters"].clone()).unwrap_or_default();
    for parameter in parameters {
        let known = operation.parameters.get_or_insert_default();
        let is_same = |one: &RefOr<Parameter>| {
            matches!(one, RefOr::T(one)
                if one.name == parameter.name && one.parameter_in == ParameterIn::Path)
        };
        if !known.iter().any(is_same) {
            known.push(RefOr::T(parameter));
        }
    }
    let headers = sid_headers(&named_schemes(&note["security"]));
    for (status, response) in &mut operation.responses.responses {
        let RefOr::T(response) = response else {
            continue;
        };
        if status.starts_with('2') {
            for (name, header) in &headers {
                if let Some(header) = read(header.clone()) {
                    let entry = response.headers.entry(name.clone());
                    entry.or_insert(RefOr::T(header));
                }
            }
        }
        // A handler whose body is not valid may answer with the same status.
        let problem = &note["responses"][status]["content"][PROBLEM];
        if let (false, Some(problem)) = (problem.is_null(), read(problem.clone())) {
            let entry = response.content.entry(PROBLEM.to_owned());
            entry.or_insert(RefOr::T(problem));
        }
    }
}

/// Removes the notes from the responses, and returns what they say.
fn take_note(operation: &mut Operation) -> Option<Value> {
    let mut found = None;
    for response in operation.responses.responses.values_mut() {
        if let RefOr::T(response) = response
            && let Some(extensions) = &mut response.extensions
            && let Some(note) = extensions.remove(NOTE)
        {
            found = Some(note);
            if extensions.is_empty() {
                response.extensions = None;
            }
        }
    }
    found
}

/// Reads a part of a document. It always succeeds for the parts of this library, as the tests show.
fn read<T: DeserializeOwned>(part: Value) -> Option<T> {
    serde_json::from_value(part).ok()
}
