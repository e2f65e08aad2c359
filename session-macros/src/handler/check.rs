//! Checks a handler and its attribute together.

use quote::ToTokens as _;
use syn::{ReturnType, Type};

use super::function::Function;
use super::model::{Argument, Attrs, Handler, Mode, Role};
use super::options::Options;
use super::{args, attrs, end_others, fallible, find_type, login, returned};
use crate::errors::Errors;

/// Returns the checked handler, or `None` if it has no session argument.
pub(super) fn check(options: Options, function: Function, errors: &mut Errors) -> Option<Handler> {
    let before = errors.len();
    let Options {
        mut mode,
        mode_word,
        loaders,
        emit,
        on_undecodable,
        lazy,
        mut login,
        shared,
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
    mode = login::check(mode, &mut login, &arguments, errors);
    end_others::check(&login, &signature, &arguments, body.stream(), errors);
    if mode == Mode::Create {
        for argument in &arguments {
            if let Some(option) = args::optional(&argument.ty) {
                let word = mode_word
                    .as_ref()
                    .map_or_else(String::new, ToString::to_string);
                errors.at(
                    option.span(),
                    format!(
                        "`create` always gives the handler a session; write `Session` without \
                         `Option`, or `load` instead of `{word}`"
                    ),
                );
                mode = Mode::Load;
            }
        }
    }
    check_return_type(&signature.output, &arguments, &attrs, &body, errors);
    let request = http.as_ref().and_then(|word| {
        let request = arguments.iter().position(is_request);
        if request.is_none() {
            errors.at(
                word.span(),
                "an `http` handler needs the request as an argument; add `request: http::Request<…>`",
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
        library,
        loaders,
        emit,
        on_undecodable,
        lazy,
        login,
        shared,
        request,
        http: http.is_some(),
        attrs,
        visibility,
        receiver: None,
        signature,
        arguments,
        body,
        has_errors: errors.len() != before,
    })
}

/// Whether an argument is a request by value.
fn is_request(argument: &Argument) -> bool {
    let Type::Path(path) = &argument.ty else {
        return false;
    };
    path.path
        .segments
        .last()
        .is_some_and(|segment| segment.ident == "Request")
}

fn check_return_type(
    output: &ReturnType,
    arguments: &[Argument],
    attrs: &Attrs,
    body: &proc_macro2::Group,
    errors: &mut Errors,
) {
    let ReturnType::Type(_, ty) = output else {
        return;
    };
    for argument in arguments {
        if matches!(argument.role, Role::Session)
            && let Some(place) =
                find_type::find(&argument.ty.to_token_stream(), &ty.to_token_stream())
        {
            errors.at(
                place,
                "a handler cannot return its session, which is committed when the handler ends; \
                 return `session.sid()` or the data instead",
            );
            return;
        }
    }
    let Type::ImplTrait(hidden) = &**ty else {
        return;
    };
    if returned::logs_errors(&attrs.inner) {
        errors.spanning(
            hidden,
            format!(
                "`#[instrument(err)]` is for a handler that can fail, but this type does not show \
                 whether it failed; write `Result<{}, …>`",
                hidden.to_token_stream()
            ),
        );
    } else if let Some(failure) = fallible::failure(body.stream()) {
        errors.spanning(
            hidden,
            format!(
                "the body contains {failure}, but this type does not show whether the handler \
                 failed, so its changes would be committed after a failure too; write \
                 `Result<{}, …>`",
                hidden.to_token_stream()
            ),
        );
    }
}
