//! Describes sessions in salvo's `OpenAPI` documents: every loader is a security scheme, and an
//! operation requires any one of those of its handler.

use salvo_oapi::security::{ApiKey, ApiKeyValue, Http, HttpAuthScheme, SecurityScheme};
use salvo_oapi::{
    BasicType, Components, Content, EndpointArgRegister, EndpointOutRegister, Object, Operation,
    Parameter, ParameterIn, Response, SecurityRequirement,
};

use crate::config::{SessionConfig, prepared};
use crate::engine::Overrides;
use crate::error::Error;
use crate::guard::{Inherit, Mode, SessionArg, SessionGuard, SessionReply};
use crate::loader::{LoaderSet, SidSource};
use crate::view::SessionView;

impl<S: SessionArg, M: Mode, O: Overrides> EndpointArgRegister for SessionGuard<S, M, O> {
    fn register(components: &mut Components, operation: &mut Operation, _: &str) {
        describe::<S::Config, O>(components, operation, !M::CREATES && !S::OPTIONAL);
    }
}

impl<C: SessionConfig> EndpointArgRegister for SessionView<C> {
    fn register(components: &mut Components, operation: &mut Operation, _: &str) {
        describe::<C, Inherit>(components, operation, true);
    }
}

impl<R: EndpointOutRegister> EndpointOutRegister for SessionReply<R> {
    fn register(components: &mut Components, operation: &mut Operation) {
        R::register(components, operation);
    }
}

impl EndpointOutRegister for Error {
    fn register(_: &mut Components, operation: &mut Operation) {
        let problem = problem("The session could not be loaded, changed or stored");
        operation.responses.insert("default", problem);
    }
}

fn describe<C: SessionConfig, O: Overrides>(
    components: &mut Components,
    operation: &mut Operation,
    required: bool,
) {
    let set: &'static LoaderSet = O::loaders().unwrap_or(&prepared::<C>().loaders);
    let securities = operation.securities.get_or_insert_default();
    for loader in set.loaders() {
        let Some((name, scheme)) = scheme(loader) else {
            if let SidSource::Path(name) = loader {
                operation.parameters.insert(parameter(name));
            }
            continue;
        };
        securities.push(SecurityRequirement::new(name.clone(), [""; 0]));
        components.security_schemes.insert(name, scheme.into());
    }
    // In OpenAPI, an empty requirement makes security optional.
    if !required {
        securities.push(SecurityRequirement::default());
    }
    if required {
        let problem = problem("The request has no live session");
        operation.responses.insert("401", problem);
    }
}

/// The security scheme of a loader, with its name. `None` for a route parameter, for which `OpenAPI` has
/// no scheme, and for a custom function.
fn scheme(loader: SidSource) -> Option<(String, SecurityScheme)> {
    let key = |name| ApiKeyValue::with_description(name, "The sid of a session");
    Some(match loader {
        SidSource::Header(name) => {
            let scheme = SecurityScheme::ApiKey(ApiKey::Header(key(name)));
            (format!("session-header-{name}"), scheme)
        }
        SidSource::Bearer => {
            let http = Http::new(HttpAuthScheme::Bearer).description("The sid of a session");
            ("session-bearer".to_owned(), SecurityScheme::Http(http))
        }
        SidSource::Cookie(spec) => {
            let scheme = SecurityScheme::ApiKey(ApiKey::Cookie(key(spec.name)));
            (format!("session-cookie-{}", spec.name), scheme)
        }
        SidSource::Query(name) => {
            let scheme = SecurityScheme::ApiKey(ApiKey::Query(key(name)));
            (format!("session-query-{name}"), scheme)
        }
        SidSource::Path(_) | SidSource::Custom(_) => return None,
    })
}

fn parameter(name: &str) -> Parameter {
    Parameter::new(name)
        .location(ParameterIn::Path)
        .description("The sid of a session")
        .schema(Object::with_type(BasicType::String))
        .required(true)
}

fn problem(description: &str) -> Response {
    let schema = Object::with_type(BasicType::Object);
    Response::new(description).add_content("application/problem+json", Content::new(schema))
}
