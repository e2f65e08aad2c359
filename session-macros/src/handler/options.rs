//! The options of `#[session(…)]`.

mod check;
mod parse;

use proc_macro2::{Ident, TokenStream};
use syn::parse::ParseStream;

use super::login::LoginRequirements;
use super::model::Mode;
use crate::choice::Choice;
use crate::errors::Errors;
use crate::loaders::Loader;

/// The checked options of an attribute.
#[derive(Default)]
pub(super) struct Options {
    pub(super) mode: Mode,
    /// The word that gave the mode.
    pub(super) mode_word: Option<Ident>,
    pub(super) loaders: Vec<Loader>,
    pub(super) emit: Option<Choice>,
    pub(super) on_undecodable: Option<Choice>,
    /// Whether a new session is stored only if the handler uses it.
    pub(super) lazy: bool,
    pub(super) login: LoginRequirements,
    /// Whether shared caches may keep the response.
    pub(super) shared: bool,
    pub(super) http: Option<Ident>,
    pub(super) library: Option<TokenStream>,
}

/// Parses and checks the options. Reports every mistake, and returns the bad options at their defaults.
pub(super) fn parse(input: ParseStream<'_>, errors: &mut Errors) -> Options {
    let written = parse::parse(input, errors);
    check::check(written, errors)
}
