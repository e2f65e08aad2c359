//! The macros of connect-session; use the `connect-session` crate, whose documentation explains
//! them.

#![cfg_attr(
    test,
    allow(clippy::expect_used, reason = "a test that expects in vain has failed")
)]

mod choice;
mod config;
mod errors;
mod handler;
mod loaders;
mod quantity;
#[allow(
    dead_code,
    unused_imports,
    unreachable_pub,
    reason = "the runtime has the same files, makes them public and uses the rest"
)]
mod rules;
#[cfg(test)]
mod same_rules;
mod suggest;
mod text;
mod tokens;
mod units;

use proc_macro::TokenStream;

/// Gives a handler a session.
#[proc_macro_attribute]
pub fn session(attr: TokenStream, item: TokenStream) -> TokenStream {
    handler::expand(attr.into(), item.into()).into()
}

/// Declares a configuration.
#[proc_macro]
pub fn session_config(input: TokenStream) -> TokenStream {
    config::expand(input.into()).into()
}
