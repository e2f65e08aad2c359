//! Describes sessions in the OpenAPI documents of salvo.

use salvo_oapi::security::SecurityScheme;
use salvo_oapi::{
    Components, EndpointArgRegister, EndpointOutRegister, Operation, Parameter, RefOr, Response,
};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::config::SessionConfig;
use crate::engine::Overrides;
use crate::error::Error;
use crate::guard::{Mode, SessionArg, SessionGuard, SessionReply};
use crate::openapi::{Described, any_problem, both, named_schemes, sid_headers};
use crate::view::SessionView;

impl<S: SessionArg, M: Mode, O: Overrides> EndpointArgRegister for SessionGuard<S, M, O> {
    fn register(components: &mut Components, operation: &mut Operation, _: &str) {
        describe::<Self>(components, operation);
    }
}

impl<C: SessionConfig> EndpointArgRegister for SessionView<C> {
    fn register(components: &mut Components, operation: &mut Operation, _: &str) {
        describe::<Self>(components, operation);
    }
}

/// Salvo registers it after the guard, so that the requirement of the operation is known.
impl<R: EndpointOutRegister> EndpointOutRegister for SessionReply<R> {
    fn register(components: &mut Components, operation: &mut Operation) {
        R::register(components, operation);
        let headers = sid_headers(&named_schemes(&json!(operation.securities)));
        for (status, response) in operation.responses.iter_mut() {
            if let (true, RefOr::Type(response)) = (status.starts_with('2'), response) {
                for (name, header) in &headers {
                    if let Some(header) = read(header.clone()) {
                        response.headers.insert(name.clone(), header);
                    }
                }
            }
        }
    }
}

impl EndpointOutRegister for Error {
    fn register(_: &mut Components, operation: &mut Operation) {
        if let Some(problem) = read::<Response>(any_problem()) {
            operation.responses.insert("default", problem);
        }
    }
}

fn describe<T: Described>(components: &mut Components, operation: &mut Operation) {
    let description = T::describe();
    let known = json!(operation.securities);
    if let Some(securities) = read(both(Some(known), description.requirement())) {
        operation.securities = Some(securities);
    }
    for scheme in &description.schemes {
        if let Some(object) = read::<SecurityScheme>(scheme.object()) {
            components
                .security_schemes
                .insert(scheme.key(), object.into());
        }
    }
    for parameter in description.parameters().filter_map(read::<Parameter>) {
        operation.parameters.insert(parameter);
    }
    for (status, response) in description.responses.objects() {
        if let Some(response) = read::<Response>(response) {
            operation.responses.insert(status.to_string(), response);
        }
    }
}

/// Reads a part of a document. It always succeeds for the parts of this library, as the tests show.
fn read<T: DeserializeOwned>(part: Value) -> Option<T> {
    serde_json::from_value(part).ok()
}
