//! Describes sessions in the `OpenAPI` documents of poem-openapi.
//!
//! poem-openapi asks the arguments of a method for its security and the return type for its responses. It
//! knows nothing of an argument that implements poem's `FromRequest`, so these methods have a guard and a reply
//! of their own.

use std::collections::BTreeSet;
use std::fmt;
use std::marker::PhantomData;
use std::sync::{Mutex, PoisonError};

use poem::error::IntoResult;
use poem::{FromRequest, IntoResponse, Request, RequestBody, Result};
use poem_openapi::registry::{
    MetaHeader, MetaMediaType, MetaResponse, MetaResponses, MetaSchema, MetaSchemaRef,
    MetaSecurityScheme, Registry,
};
use poem_openapi::{ApiExtractor, ApiExtractorType, ApiResponse, ExtractParamOptions};
use serde_json::Value;

use super::WithSession;
use crate::engine::{Overrides, SessionHeaders};
use crate::error::Error;
use crate::guard::{Answer, Mode, Rejection, SessionArg, SessionGuard, SessionReply};
use crate::openapi::{Described, any_problem, sid_headers};

/// The guard of a method in an `#[OpenApi] impl`.
#[derive(Debug)]
pub struct ApiGuard<S, M, O>(SessionGuard<S, M, O>);

impl<S, M, O> ApiGuard<S, M, O> {
    /// The guard of a handler.
    #[must_use]
    pub fn into_guard(self) -> SessionGuard<S, M, O> {
        self.0
    }
}

impl<'a, S: SessionArg, M: Mode, O: Overrides> ApiExtractor<'a> for ApiGuard<S, M, O> {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::SecurityScheme];

    type ParamType = ();
    type ParamRawType = ();

    fn register(registry: &mut Registry) {
        for scheme in SessionGuard::<S, M, O>::describe().schemes {
            let object = scheme.object();
            let scheme_object = MetaSecurityScheme {
                ty: text(&object, "type").unwrap_or_default(),
                description: text(&object, "description"),
                name: text(&object, "name"),
                key_in: text(&object, "in"),
                scheme: text(&object, "scheme"),
                bearer_format: None,
                flows: None,
                openid_connect_url: None,
            };
            registry.create_security_scheme(kept(&scheme.key()), scheme_object);
        }
    }

    fn security_schemes() -> Vec<&'static str> {
        let schemes = SessionGuard::<S, M, O>::describe().schemes;
        schemes.iter().map(|scheme| kept(&scheme.key())).collect()
    }

    fn has_security_fallback() -> bool {
        let description = SessionGuard::<S, M, O>::describe();
        !description.is_required && !description.schemes.is_empty()
    }

    async fn from_request(
        request: &'a Request,
        body: &mut RequestBody,
        _: ExtractParamOptions<()>,
    ) -> Result<Self> {
        let guard = <SessionGuard<S, M, O> as FromRequest>::from_request(request, body).await?;
        Ok(Self(guard))
    }
}

/// What a method in an `#[OpenApi] impl` returns. `G` is the guard, which describes the responses of the session.
pub struct ApiReply<R, G> {
    outcome: Outcome<R>,
    guard: PhantomData<fn() -> G>,
}

enum Outcome<R> {
    /// The method ran.
    Ran(SessionReply<R>),
    /// The session refused the request.
    Refused(poem::Error),
    /// Another argument did not parse, and the return type has a response for that.
    NotParsed(R),
}

impl<R, G> ApiReply<R, G> {
    /// The reply of a method that ran.
    pub fn new(reply: SessionReply<R>) -> Self {
        Self::of(Outcome::Ran(reply))
    }

    fn of(outcome: Outcome<R>) -> Self {
        Self {
            outcome,
            guard: PhantomData,
        }
    }
}

impl<R, G> fmt::Debug for ApiReply<R, G> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiReply").finish_non_exhaustive()
    }
}

impl<T: IntoResponse, R: IntoResult<T>, G> IntoResult<WithSession<T>> for ApiReply<R, G> {
    fn into_result(self) -> Result<WithSession<T>> {
        match self.outcome {
            Outcome::Ran(reply) => reply.into_result(),
            Outcome::Refused(error) => Err(error),
            Outcome::NotParsed(value) => Ok(WithSession {
                value: Answer::Value(value.into_result()?),
                headers: SessionHeaders::default(),
            }),
        }
    }
}

impl<R: ApiResponse, G: Described> ApiResponse for ApiReply<R, G> {
    const BAD_REQUEST_HANDLER: bool = R::BAD_REQUEST_HANDLER;

    fn meta() -> MetaResponses {
        let description = G::describe();
        let mut meta = R::meta();
        for (name, header) in sid_headers(&description.schemes) {
            let is_success = |status| (200..300).contains(&status);
            for response in &mut meta.responses {
                let is_known = response.headers.iter().any(|known| known.name == name);
                if response.status.is_some_and(is_success) && !is_known {
                    response.headers.push(header_of(&name, &header));
                }
            }
        }
        for (status, object) in description.responses.objects() {
            let problem = response(Some(status), &object);
            let same = (meta.responses.iter_mut()).find(|known| known.status == Some(status));
            match same {
                // The user's own wins, and the session may answer with the same status.
                Some(known) => add_content(known, problem.content),
                None => meta.responses.push(problem),
            }
        }
        meta
    }

    fn register(registry: &mut Registry) {
        R::register(registry);
    }

    fn from_parse_request_error(error: poem::Error) -> Self {
        Self::of(if error.is::<Rejection>() {
            Outcome::Refused(error)
        } else {
            Outcome::NotParsed(R::from_parse_request_error(error))
        })
    }
}

impl ApiResponse for Error {
    fn meta() -> MetaResponses {
        MetaResponses {
            responses: vec![response(None, &any_problem())],
        }
    }

    fn register(_: &mut Registry) {}
}

fn add_content(response: &mut MetaResponse, content: Vec<MetaMediaType>) {
    for media in content {
        let mut known = response.content.iter();
        if !known.any(|known| known.content_type == media.content_type) {
            response.content.push(media);
        }
    }
}

fn response(status: Option<u16>, object: &Value) -> MetaResponse {
    let members = |key: &str| object[key].as_object().into_iter().flatten();
    MetaResponse {
        description: text(object, "description").unwrap_or_default(),
        status,
        status_range: None,
        content: members("content")
            .map(|(content_type, media)| MetaMediaType {
                content_type: kept(content_type),
                schema: schema(&media["schema"]),
            })
            .collect(),
        headers: members("headers")
            .map(|(name, header)| header_of(name, header))
            .collect(),
    }
}

fn header_of(name: &str, header: &Value) -> MetaHeader {
    MetaHeader {
        name: name.to_owned(),
        description: header["description"].as_str().map(str::to_owned),
        required: false,
        deprecated: false,
        schema: schema(&header["schema"]),
    }
}

/// Reads a schema with the keywords that this library uses.
fn schema(object: &Value) -> MetaSchemaRef {
    let list = |key: &str| object[key].as_array().into_iter().flatten();
    let properties = object["properties"].as_object().into_iter().flatten();
    MetaSchemaRef::Inline(Box::new(MetaSchema {
        ty: text(object, "type").unwrap_or_default(),
        description: text(object, "description"),
        required: list("required")
            .filter_map(Value::as_str)
            .map(kept)
            .collect(),
        properties: properties
            .map(|(name, property)| (kept(name), schema(property)))
            .collect(),
        enum_items: list("enum").cloned().collect(),
        ..MetaSchema::ANY
    }))
}

fn text(object: &Value, key: &str) -> Option<&'static str> {
    object[key].as_str().map(kept)
}

/// poem-openapi takes texts that live as long as the program. Each is kept once, and they depend only on the
/// configs.
fn kept(text: &str) -> &'static str {
    static KEPT: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());
    let mut texts = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = texts.get(text) {
        return known;
    }
    let text: &'static str = Box::leak(text.into());
    texts.insert(text);
    text
}
