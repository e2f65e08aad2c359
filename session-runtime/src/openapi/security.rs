//! `Shop::security()`, for a generator of documents that has no feature here.

use serde::Serialize;
use serde_json::{Map, Value};

use super::{Described as _, Description};
use crate::config::SessionConfig;
use crate::session::Session;

/// How the requests of a config carry their sid, as parts of an OpenAPI 3.1 document. `Shop::security()`
/// returns it.
///
/// It is for generators that have no feature of their own, and for documents that are written by hand. It
/// serializes to an object with these members, for a handler with `#[session(load)]` and a `Session<Shop>`:
///
/// - `securitySchemes`: the entries of `components.securitySchemes`
/// - `security`: the requirement of the operation
/// - `parameters`: the parameters of the route that carry a sid
/// - `responses`: the responses that come from the session instead of the handler
///
/// ```
/// use connect_session::session_config;
///
/// session_config! {
///     struct Shop { loaders: [header("X-User-Session"), bearer] }
/// }
///
/// let parts = serde_json::to_value(Shop::security())?;
/// assert_eq!(parts["securitySchemes"]["session-bearer"]["scheme"], "bearer");
/// assert_eq!(parts["security"][1], serde_json::json!({ "session-bearer": [] }));
/// assert!(parts["responses"]["401"]["content"]["application/problem+json"].is_object());
/// # Ok::<_, serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Serialize)]
pub struct Security {
    #[serde(rename = "securitySchemes")]
    schemes: Map<String, Value>,
    #[serde(rename = "security")]
    requirement: Value,
    parameters: Vec<Value>,
    responses: Map<String, Value>,
}

impl Security {
    fn new(description: &Description) -> Self {
        let schemes = description.schemes.iter();
        let responses = description.responses.objects();
        Self {
            schemes: schemes.map(|one| (one.key(), one.object())).collect(),
            requirement: description.requirement(),
            parameters: description.parameters().collect(),
            responses: responses
                .map(|(status, response)| (status.to_string(), response))
                .collect(),
        }
    }

    /// The parts as JSON.
    #[must_use]
    pub fn to_json(&self) -> String {
        // A tree of JSON values always encodes.
        serde_json::to_string_pretty(self).unwrap_or_default()
    }
}

/// The parts for a config, with the options that `configure` has set. The first call ends the time in which
/// `configure` may be called.
#[must_use]
pub fn security<C: SessionConfig>() -> Security {
    Security::new(&Session::<C>::describe())
}
