//! `#[session(…)]`: parse, check, model, expand, recover.

mod api;
mod args;
mod attrs;
mod boxed;
mod check;
mod end_others;
mod expand;
mod expectations;
mod fallible;
mod find_type;
mod forwarding;
mod function;
mod hints;
mod http;
mod login;
mod model;
mod nested;
mod options;
mod overrides;
mod returned;
#[cfg(test)]
mod tests;
mod utoipa;

pub(crate) use boxed::BOXES_HANDLERS;
#[cfg(test)]
pub(crate) use hints::OPTIONS;

use proc_macro2::TokenStream;
use syn::parse::{ParseStream, Parser as _};

use crate::crate_name;
use crate::errors::Errors;
use crate::ide;

/// Returns the expansion and all errors. A handler with a mistake is emitted too, with its final
/// types where they are known, so that one mistake causes one error. `may_box` is [`BOXES_HANDLERS`] but in tests.
pub(crate) fn expand(attr: TokenStream, item: TokenStream, may_box: bool) -> TokenStream {
    let mut errors = Errors::default();
    if attr.is_empty() && api::is_api(&item) {
        return api::expand(item, errors);
    }
    // First, because for a completion rust-analyzer compares two expansions, and expects the words
    // at the same position in both.
    let mut output = ide::session(&attr, &item);
    let options = (|stream: ParseStream<'_>| Ok(options::parse(stream, &mut errors))).parse2(attr);
    let options = errors.take(options).unwrap_or_default();
    let example = "#[session(…, crate = that_crate::connect_session)]";
    if crate_name::report_missing(options.library.as_ref(), example, &mut errors) {
        return [item, errors.into_tokens()].into_iter().collect();
    }
    output.extend(match function::parse(item.clone(), &mut errors) {
        Some(function) => match check::check(options, function, &mut errors) {
            Some(handler) => expand::expand(handler, may_box).into_tokens(),
            None => item,
        },
        None => item,
    });
    output.extend(errors.into_tokens());
    output
}
