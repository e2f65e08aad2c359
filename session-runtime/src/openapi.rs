//! What the session of a handler means in an OpenAPI 3.1 document: how a request carries the sid, and which
//! responses come from the session instead of the handler.
//!
//! The parts are JSON, as in a document. A generator's feature reads them with the generator's own types, so
//! all of them describe the same.

#![cfg_attr(
    not(any(feature = "aide", feature = "salvo-oapi", feature = "utoipa")),
    allow(dead_code, reason = "some parts are only for generators")
)]

#[cfg(feature = "aide")]
mod aide;
mod requirement;
mod responses;
mod scheme;
mod security;
#[cfg(feature = "utoipa")]
mod utoipa;

use serde_json::{Value, json};

#[cfg(feature = "aide")]
pub use self::aide::aide_security;
#[cfg(any(feature = "aide", feature = "salvo-oapi", feature = "utoipa"))]
pub(crate) use self::requirement::{both, named_schemes};
pub use self::responses::Responses;
#[cfg(any(feature = "aide", feature = "poem-openapi", feature = "salvo-oapi"))]
pub(crate) use self::responses::any_problem;
pub use self::scheme::Scheme;
#[cfg(any(feature = "poem-openapi", feature = "salvo-oapi"))]
pub(crate) use self::scheme::sid_headers;
pub use self::security::{Security, security};
#[cfg(feature = "utoipa")]
pub use self::utoipa::{SessionResponses, UtoipaSecurity};
use crate::config::{OnUndecodable, SessionConfig, prepared};
use crate::engine::{Overrides, loaders};
use crate::guard::{Inherit, Load, Mode, SessionArg, SessionGuard};
use crate::loader::SidSource;
use crate::view::SessionView;

#[cfg(feature = "poem-openapi")]
#[doc = include_str!("openapi/poem.md")]
pub mod poem {}

/// What an argument of a handler means in an OpenAPI document.
#[derive(Debug, Clone)]
pub struct Description {
    pub(crate) schemes: Vec<Scheme>,
    /// Whether the handler runs only with a session.
    pub(crate) is_required: bool,
    /// The route parameters that carry a sid.
    pub(crate) path_parameters: Vec<&'static str>,
    pub(crate) responses: Responses,
}

impl Description {
    /// The security requirement: any one of the schemes, or, where the session is optional, none.
    pub(crate) fn requirement(&self) -> Value {
        let mut alternatives: Vec<Value> = (self.schemes.iter())
            .map(|scheme| json!({ scheme.key(): [] }))
            .collect();
        if !self.is_required && !alternatives.is_empty() {
            alternatives.push(json!({}));
        }
        Value::Array(alternatives)
    }

    /// The parameters of the path.
    pub(crate) fn parameters(&self) -> impl Iterator<Item = Value> {
        self.path_parameters.iter().map(|name| {
            json!({
                "name": name,
                "in": "path",
                "required": true,
                "description": scheme::DESCRIPTION,
                "schema": { "type": "string" },
            })
        })
    }
}

/// A type that stands for the session of a handler: [`Session`](crate::session::Session),
/// [`LoggedIn`](crate::session::LoggedIn), an `Option` of either, or a [`SessionView`].
pub trait Described {
    /// The description.
    #[doc(hidden)]
    fn describe() -> Description;
}

/// The argument of a handler with `#[session(load)]`.
impl<S: SessionArg> Described for S {
    fn describe() -> Description {
        SessionGuard::<S, Load>::describe()
    }
}

impl<S: SessionArg, M: Mode, O: Overrides> Described for SessionGuard<S, M, O> {
    fn describe() -> Description {
        let options = &prepared::<S::Config>().options;
        let is_required = !M::CREATES && !S::OPTIONAL;
        let needs = responses::Needs {
            session: is_required,
            login: is_required && S::NEEDS_LOGIN,
            fresh: O::FRESH.is_some(),
            level: O::LEVEL,
        };
        let replaces =
            O::ON_UNDECODABLE.unwrap_or(options.on_undecodable) == OnUndecodable::Replace;
        let sources: Vec<_> = loaders::<S::Config, O>().sources().collect();
        let responses = Responses::of_handler(options, &sources, &needs, replaces);
        description(&sources, is_required, responses)
    }
}

impl<C: SessionConfig> Described for SessionView<C> {
    fn describe() -> Description {
        let sources: Vec<_> = loaders::<C, Inherit>().sources().collect();
        let responses = Responses::of_view(&sources);
        description(&sources, true, responses)
    }
}

fn description(sources: &[SidSource], is_required: bool, responses: Responses) -> Description {
    let path_parameters = sources.iter().filter_map(|source| match source {
        SidSource::Path(name) => Some(*name),
        _ => None,
    });
    Description {
        schemes: sources.iter().filter_map(Scheme::of).collect(),
        is_required,
        path_parameters: path_parameters.collect(),
        responses,
    }
}
