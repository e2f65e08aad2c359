//! Checks the parsed options together.

use proc_macro2::{Ident, Span};
use syn::{Expr, parse_quote};

use super::super::login::LoginRequirements;
use super::super::model::Mode;
use super::Options;
use super::parse::Written;
use crate::config;
use crate::errors::Errors;
use crate::loaders::{self, Named, Place, Raw};

/// Gives a reason to the loaders that need it. Returns whether there are any.
fn give(
    (key, value): &(Ident, Option<Expr>),
    loaders: &mut [Raw],
    needs: fn(&Raw) -> bool,
) -> bool {
    let mut used = false;
    for loader in loaders {
        if needs(loader)
            && let Some(args) = &mut loader.args
        {
            used = true;
            args.named.push(Named {
                key: key.clone(),
                // In place of a value that is missing, which is reported.
                value: value.clone().or_else(|| Some(parse_quote!("reported"))),
            });
        }
    }
    used
}

pub(super) fn check(written: Written, errors: &mut Errors) -> Options {
    let Written {
        mode,
        unknown,
        mut loaders,
        broken,
        in_url,
        unprefixed,
        mut emit,
        on_undecodable,
        lazy,
        fresh,
        level,
        shared,
        http,
        library,
        ..
    } = written;
    let mut mode = mode;
    if let (Some(word), None, false) = (&lazy, &mode, unknown) {
        errors.at(
            word.span(),
            "the mode is missing; write `#[session(create, lazy)]`",
        );
        mode = Some((Mode::Create, word.clone()));
    }
    if mode.is_none() && !unknown {
        // If there is no other option, the error points at the whole attribute.
        let place = loaders
            .first()
            .map(|loader| loader.keyword.span())
            .or_else(|| http.as_ref().map(Ident::span))
            .unwrap_or_else(Span::call_site);
        errors.at(
            place,
            "the mode is missing; write `#[session(create)]` to load the session or create a new \
             one, or `#[session(load)]` to only load it",
        );
    }
    let is_in_url = |loader: &Raw| loader.keyword == "query" || loader.keyword == "path";
    if let Some(reason) = &in_url
        && !give(reason, &mut loaders, is_in_url)
        && !broken
    {
        errors.at(
            reason.0.span(),
            "`allow_in_url` is the reason for `query = …` or `path = …`, but there is neither; \
             leave it out",
        );
    }
    if let Some(reason) = &unprefixed
        && !give(reason, &mut loaders, loaders::may_lack_prefix)
        && !broken
    {
        errors.at(
            reason.0.span(),
            "`unprefixed` is the reason for a cookie whose name has no prefix, but there is none; \
             leave it out",
        );
    }
    let checked = loaders::check(&loaders, Place::Attribute, errors);
    let complete = !broken && checked.len() == loaders.len();
    if let (Some(choice), true, false) = (&emit, complete, checked.is_empty())
        && let Some(message) = config::check_emit(choice.variant, &checked)
    {
        errors.at(choice.written.span(), message);
        emit = None;
    }
    let (mode, mode_word) = mode.unzip();
    if let (Some(word), Some(Mode::Load)) = (&lazy, mode) {
        errors.at(
            word.span(),
            "`lazy` is for a handler that creates a session; write `create, lazy`, or leave `lazy` out",
        );
    }
    Options {
        mode: mode.unwrap_or_default(),
        mode_word,
        loaders: checked,
        emit,
        on_undecodable,
        lazy: lazy.is_some(),
        login: LoginRequirements::read(fresh, level, errors),
        shared,
        http,
        library,
    }
}
