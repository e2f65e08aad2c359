//! Generated constants for expressions that the user wrote. Each expression is then emitted only
//! once, so that a value of the wrong type, or an unknown name, is one error.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote};
use syn::{Expr, parse_quote};

/// Collects constants whose names have a common prefix.
pub(crate) struct Hoist {
    prefix: String,
    conditions: TokenStream,
    items: Vec<TokenStream>,
}

impl Hoist {
    /// For constants next to an item with this name and these `cfg`s.
    pub(crate) fn new(of: &str, conditions: TokenStream) -> Self {
        Self {
            prefix: format!("__SESSION_CONST_OF_{of}"),
            conditions,
            items: Vec::new(),
        }
    }

    /// Replaces the expression with a constant of this type.
    pub(crate) fn expr(&mut self, expr: &mut Expr, of_type: &TokenStream) {
        let Self {
            prefix,
            conditions,
            items,
        } = self;
        let name = format_ident!("{prefix}_{}", items.len());
        let name = Ident::new(&name.to_string(), Span::call_site());
        items.push(quote! {
            #conditions
            #[doc(hidden)]
            #[allow(non_upper_case_globals)]
            const #name: #of_type = #expr;
        });
        *expr = parse_quote!(#name);
    }

    pub(crate) fn into_tokens(self) -> TokenStream {
        self.items.into_iter().collect()
    }
}
