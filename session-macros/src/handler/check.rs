//! Judges a handler and its attribute together.

use quote::ToTokens as _;
use syn::{ReturnType, Type};

use super::function::Function;
use super::model::{Argument, Handler, Mode, Role};
use super::options::Options;
use super::{args, attrs, fallible};
use crate::errors::Errors;

/// The handler to put out; none where there is no session to put in.
pub(super) fn check(options: Options, function: Function, errors: &mut Errors) -> Option<Handler> {
    let Options {
        mut mode,
        mode_word,
        loaders,
        emit,
        http,
        library,
    } = options;
    let Function {
        attrs,
        visibility,
        mut signature,
        body,
    } = function;
    let attrs = attrs::split(attrs, errors);
    let arguments = args::arguments(&mut signature, errors);
    if mode == Mode::Create {
        for argument in &arguments {
            if let Some(option) = args::optional(&argument.ty) {
                let word = mode_word
                    .as_ref()
                    .map_or_else(String::new, ToString::to_string);
                errors.at(
                    option.span(),
                    format!(
                        "a created session is always there; write `Session` without `Option`, or \
                         `load` instead of `{word}`"
                    ),
                );
                mode = Mode::Load;
            }
        }
    }
    returned(&signature.output, &arguments, &body, errors);
    let request = http.as_ref().and_then(|word| {
        let request = arguments.iter().position(is_request);
        if request.is_none() {
            errors.at(
                word.span(),
                "an `http` handler takes the request; add `request: http::Request<…>`",
            );
        }
        request
    });
    if arguments
        .iter()
        .all(|argument| matches!(argument.role, Role::Other))
    {
        return None;
    }
    Some(Handler {
        mode,
        mode_word,
        library,
        loaders,
        emit,
        request,
        http: http.is_some(),
        attrs,
        visibility,
        signature,
        arguments,
        body,
    })
}

/// A request by value.
fn is_request(argument: &Argument) -> bool {
    let Type::Path(path) = &argument.ty else {
        return false;
    };
    path.path
        .segments
        .last()
        .is_some_and(|segment| segment.ident == "Request")
}

fn returned(
    output: &ReturnType,
    arguments: &[Argument],
    body: &proc_macro2::Group,
    errors: &mut Errors,
) {
    let ReturnType::Type(_, ty) = output else {
        return;
    };
    for argument in arguments {
        if matches!(argument.role, Role::Session)
            && let Some(place) =
                fallible::find(&argument.ty.to_token_stream(), &ty.to_token_stream())
        {
            errors.at(
                place,
                "the session stays in the handler, which commits it; return what the client is to \
                 know, such as `session.sid()` or its data",
            );
            return;
        }
    }
    if let Type::ImplTrait(hidden) = &**ty
        && let Some(failure) = fallible::failure(body.stream())
    {
        errors.spanning(
            hidden,
            format!(
                "whether the handler failed cannot be told from this type, and {failure} in the \
                 body says that it may: its changes would be committed; write \
                 `Result<{}, …>`",
                hidden.to_token_stream()
            ),
        );
    }
}
