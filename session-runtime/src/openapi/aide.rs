//! aide 0.15: the arguments and values of handlers describe themselves.

use aide::generate::GenContext;
use aide::openapi::{
    Components, Operation, Parameter, PathItem, ReferenceOr, Response, SecurityScheme, StatusCode,
};
use aide::operation::{OperationInput, OperationOutput};
use aide::transform::TransformOpenApi;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::scheme::sid_headers;
use super::{Described, Description, any_problem, both, named_schemes};
use crate::config::SessionConfig;
use crate::engine::Overrides;
use crate::error::Error;
use crate::framework::axum::boxed::Responded;
use crate::guard::{Mode, SessionArg, SessionGuard, SessionReply};
use crate::view::SessionView;

/// A response, and its status if it has only one.
type Inferred = (Option<u16>, Response);

impl<S: SessionArg, M: Mode, O: Overrides> OperationInput for SessionGuard<S, M, O> {
    fn operation_input(_: &mut GenContext, operation: &mut Operation) {
        require(operation, &Self::describe());
    }

    fn inferred_early_responses(_: &mut GenContext, operation: &mut Operation) -> Vec<Inferred> {
        let description = Self::describe();
        announce_sid(operation, &description);
        responses(&description)
    }
}

/// The requirement is set together with the responses, because aide asks an `Option<SessionView>` for neither:
/// a view that may be missing requires nothing.
impl<C: SessionConfig> OperationInput for SessionView<C> {
    fn inferred_early_responses(_: &mut GenContext, operation: &mut Operation) -> Vec<Inferred> {
        let description = Self::describe();
        require(operation, &description);
        responses(&description)
    }
}

impl<R: OperationOutput> OperationOutput for SessionReply<R> {
    type Inner = R::Inner;

    fn operation_response(context: &mut GenContext, operation: &mut Operation) -> Option<Response> {
        R::operation_response(context, operation)
    }

    fn inferred_responses(context: &mut GenContext, operation: &mut Operation) -> Vec<Inferred> {
        R::inferred_responses(context, operation)
    }
}

impl<R: OperationOutput> OperationOutput for Responded<R> {
    type Inner = R::Inner;

    fn operation_response(context: &mut GenContext, operation: &mut Operation) -> Option<Response> {
        R::operation_response(context, operation)
    }

    fn inferred_responses(context: &mut GenContext, operation: &mut Operation) -> Vec<Inferred> {
        R::inferred_responses(context, operation)
    }
}

impl OperationOutput for Error {
    type Inner = Self;

    fn operation_response(_: &mut GenContext, _: &mut Operation) -> Option<Response> {
        read(any_problem())
    }

    fn inferred_responses(_: &mut GenContext, _: &mut Operation) -> Vec<Inferred> {
        read(any_problem())
            .map(|problem| (None, problem))
            .into_iter()
            .collect()
    }
}

/// Adds the security schemes of sessions to a document of aide: those that its operations require. Pass it to
/// `finish_api_with` of the outermost router.
///
/// ```
/// use aide::axum::{ApiRouter, routing::get};
/// use aide::openapi::OpenApi;
/// use connect_session::openapi::aide_security;
/// use connect_session::{Session, session};
///
/// #[session(load)]
/// async fn show(session: Session) -> String {
///     session.id().to_string()
/// }
///
/// let mut document = OpenApi::default();
/// let app: axum::Router = ApiRouter::new()
///     .api_route("/session", get(show))
///     .finish_api_with(&mut document, aide_security);
///
/// let document = serde_json::to_value(&document)?;
/// assert_eq!(document["components"]["securitySchemes"]["session-header-x-user-session"]["in"], "header");
/// assert!(document["paths"]["/session"]["get"]["responses"]["401"].is_object());
/// # Ok::<_, serde_json::Error>(())
/// ```
pub fn aide_security(mut document: TransformOpenApi<'_>) -> TransformOpenApi<'_> {
    let api = document.inner_mut();
    let items = api.paths.iter().flat_map(|paths| paths.paths.values());
    let operations = items
        .filter_map(ReferenceOr::as_item)
        .flat_map(PathItem::iter);
    let schemes: Vec<_> = operations
        .flat_map(|(_, operation)| named_schemes(&json!(operation.security)))
        .collect();
    if schemes.is_empty() {
        return document;
    }
    let components = api.components.get_or_insert_with(Components::default);
    for scheme in schemes {
        if let Some(object) = read::<SecurityScheme>(scheme.object()) {
            let entry = components.security_schemes.entry(scheme.key());
            entry.or_insert(ReferenceOr::Item(object));
        }
    }
    document
}

fn require(operation: &mut Operation, description: &Description) {
    let known = json!(operation.security);
    if let Some(security) = read(both(Some(known), description.requirement())) {
        operation.security = security;
    }
    for parameter in description.parameters().filter_map(read::<Parameter>) {
        operation.parameters.push(ReferenceOr::Item(parameter));
    }
}

/// Adds the headers that carry a sid to the responses of the handler.
fn announce_sid(operation: &mut Operation, description: &Description) {
    let headers = sid_headers(&description.schemes);
    for (status, response) in operation
        .responses
        .iter_mut()
        .flat_map(|all| &mut all.responses)
    {
        let (StatusCode::Code(200..=299), ReferenceOr::Item(response)) = (status, response) else {
            continue;
        };
        for (name, header) in &headers {
            if let Some(header) = read(header.clone()) {
                let entry = response.headers.entry(name.clone());
                entry.or_insert(ReferenceOr::Item(header));
            }
        }
    }
}

fn responses(description: &Description) -> Vec<Inferred> {
    let objects = description.responses.objects();
    objects
        .filter_map(|(status, response)| Some((Some(status), read(response)?)))
        .collect()
}

/// Reads a part of a document. It always succeeds for the parts of this library, as the tests show.
fn read<T: DeserializeOwned>(part: Value) -> Option<T> {
    serde_json::from_value(part).ok()
}
