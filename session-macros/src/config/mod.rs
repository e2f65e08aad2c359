//! `session_config!`: parse, check, model, expand, recover.

mod check;
mod expand;
mod hints;
mod model;
mod parse;
mod relations;
#[cfg(test)]
pub(crate) mod tests;

pub(crate) use hints::is_option;
pub(crate) use relations::unread;

use proc_macro2::TokenStream;
use syn::parse::Parser as _;

use crate::errors::Errors;

/// The expansion, whatever the input is: what is wrong is reported beside it and stays at its
/// default, so that one mistake does not cause a second error where the configuration is used.
pub(crate) fn expand(input: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let parsed =
        (|stream: syn::parse::ParseStream<'_>| parse::parse(stream, &mut errors)).parse2(input);
    let mut output = match parsed {
        Ok(written) => expand::expand(&check::check(written, &mut errors)),
        Err(error) => {
            errors.add(error);
            TokenStream::new()
        }
    };
    output.extend(errors.into_tokens());
    output
}
