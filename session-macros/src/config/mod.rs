//! `session_config!`: parse, check, model, expand, recover.

mod check;
mod cross_checks;
mod entry;
mod expand;
mod hints;
mod model;
mod parse;
mod rules;
mod stray_tokens;
#[cfg(test)]
pub(crate) mod tests;
mod types;
mod warnings;

#[cfg(test)]
pub(crate) use check::{
    COMMIT, ON_CONFLICT, ON_ENDED, ON_MAX_SESSIONS, ON_REUSE, ON_STORE_ERROR, RULES, TRUSTED_PROXY,
};
pub(crate) use cross_checks::check_emit;
#[cfg(test)]
pub(crate) use hints::OPTIONS;
pub(crate) use hints::is_option;

use proc_macro2::TokenStream;
use syn::parse::Parser as _;

use crate::crate_name;
use crate::errors::Errors;
use crate::ide;

/// Returns the expansion and all errors. An invalid option keeps its default, so that one mistake
/// does not cause a second error where the config is used.
pub(crate) fn expand(input: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let mut output = ide::session_config(&input);
    let parsed =
        (|stream: syn::parse::ParseStream<'_>| parse::parse(stream, &mut errors)).parse2(input);
    match parsed {
        Ok(written) => {
            let config = check::check(written, &mut errors);
            let example = "crate: that_crate::connect_session";
            if crate_name::report_missing(config.library.as_ref(), example, &mut errors) {
                output = expand::declaration(&config);
            } else {
                output.extend(expand::expand(config));
            }
        }
        Err(error) => errors.add(error),
    }
    output.extend(errors.into_tokens());
    output
}
