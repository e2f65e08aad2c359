//! All errors of one invocation, reported together, in the order of the source.

use std::fmt::Display;

use proc_macro2::{Ident, Span, TokenStream};
use quote::ToTokens;

/// Collects errors, so that none hides another. Emit them with [`Errors::into_tokens`].
#[derive(Default)]
#[must_use]
pub(crate) struct Errors(Vec<syn::Error>);

impl Errors {
    /// Adds an error at one token.
    pub(crate) fn at(&mut self, span: Span, message: impl Display) {
        self.add(syn::Error::new(span, message));
    }

    /// Adds an error that spans several tokens.
    pub(crate) fn spanning(&mut self, tokens: impl ToTokens, message: impl Display) {
        self.add(syn::Error::new_spanned(tokens, message));
    }

    /// Reports an option that is given twice, with the line of the first.
    pub(crate) fn duplicate(&mut self, second: &Ident, first: &Ident) {
        let line = line(first.span());
        self.at(
            second.span(),
            format!("`{second}` is given twice{line}; leave one out"),
        );
    }

    /// The number of errors.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Adds the errors of a parser.
    pub(crate) fn add(&mut self, error: syn::Error) {
        self.0.extend(error);
    }

    /// Returns the value of `Ok`, or adds the error.
    pub(crate) fn take<T>(&mut self, result: syn::Result<T>) -> Option<T> {
        result.map_err(|error| self.add(error)).ok()
    }

    /// One `compile_error!` for each error, in the order of the source: parsing finds its errors
    /// before checking does.
    pub(crate) fn into_tokens(mut self) -> TokenStream {
        self.0.sort_by_cached_key(|error| place(error.span()));
        self.0
            .iter()
            .flat_map(syn::Error::to_compile_error)
            .collect()
    }
}

/// `, first on line 7`, or nothing where lines are unknown.
pub(crate) fn line(first: Span) -> String {
    match place(first) {
        Some((line, _)) => format!(", first on line {line}"),
        None => String::new(),
    }
}

/// Line and column; `None` in the unit tests, which run outside of the compiler.
fn place(span: Span) -> Option<(usize, usize)> {
    proc_macro::is_available().then(|| {
        let span = span.unwrap();
        (span.line(), span.column())
    })
}

#[cfg(test)]
impl Errors {
    /// The messages, as a user reads them.
    pub(crate) fn messages(self) -> Vec<String> {
        self.0.iter().map(ToString::to_string).collect()
    }
}
