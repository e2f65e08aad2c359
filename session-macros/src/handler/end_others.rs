//! `end_others`, which needs a user who has just proved who they are.

use proc_macro2::{Ident, TokenStream, TokenTree};
use syn::{FnArg, Pat, Signature};

use super::login::LoginRequirements;
use super::model::{Argument, Role};
use crate::errors::Errors;
use crate::tokens::{is_punct, is_word};

/// The calls that prove it.
const PROOFS: [&str; 3] = ["reauthenticate", "step_up", "login"];

/// Reports a call of `end_others` that always fails, because nothing in the handler proves who the user is.
pub(super) fn check(
    requirements: &LoginRequirements,
    signature: &Signature,
    arguments: &[Argument],
    body: TokenStream,
    errors: &mut Errors,
) {
    if requirements.fresh.is_some() {
        return;
    }
    let session = (arguments.iter().zip(&signature.inputs))
        .find(|(argument, _)| matches!(argument.role, Role::Session));
    let Some((_, FnArg::Typed(written))) = session else {
        return;
    };
    let Pat::Ident(session) = &*written.pat else {
        return;
    };
    let calls = calls(&session.ident, body);
    let is_proved = calls
        .iter()
        .any(|call| PROOFS.iter().any(|proof| call == proof));
    if let (Some(call), false) = (calls.iter().find(|call| *call == "end_others"), is_proved) {
        errors.at(
            call.span(),
            "this is refused unless the user has just proved who they are; write \
             `#[session(load, fresh = 5m)]`, or call `reauthenticate` before it",
        );
    }
}

/// The names of the methods of the session that the body calls.
fn calls(session: &Ident, body: TokenStream) -> Vec<Ident> {
    let mut calls = Vec::new();
    let mut rest = vec![body];
    while let Some(tokens) = rest.pop() {
        let tokens: Vec<_> = tokens.into_iter().collect();
        for (at, token) in tokens.iter().enumerate() {
            if let TokenTree::Group(group) = token {
                rest.push(group.stream());
            }
            if is_word(Some(token), &session.to_string())
                && is_punct(tokens.get(at + 1), '.')
                && let Some(TokenTree::Ident(method)) = tokens.get(at + 2)
            {
                calls.push(method.clone());
            }
        }
    }
    calls
}
