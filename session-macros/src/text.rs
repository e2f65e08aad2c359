//! Names and other texts: literals, which the macro checks, and constants, which the compiler
//! checks.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote};
use syn::{Expr, ExprLit, Lit, LitStr, spanned::Spanned as _};

use crate::errors::Errors;
use crate::hoist::Hoist;
use crate::tokens::{RUNTIME_VALUE, is_runtime_value, peel};
use connect_session_rules::Fault;

#[derive(Clone)]
pub(crate) enum Text {
    Literal(LitStr),
    Constant(Expr),
}

impl Text {
    /// Reads a literal or a constant. `what` names it in messages: `the name of the header`.
    pub(crate) fn read(
        expr: &Expr,
        what: &str,
        example: &str,
        errors: &mut Errors,
    ) -> Option<Self> {
        match peel(expr) {
            Expr::Lit(ExprLit {
                lit: Lit::Str(text),
                ..
            }) => {
                if !text.suffix().is_empty() {
                    errors.at(
                        text.span(),
                        format!("{what} cannot have a suffix; write `\"{example}\"`"),
                    );
                    return None;
                }
                Some(Self::Literal(text.clone()))
            }
            Expr::Lit(other) => {
                errors.at(
                    other.span(),
                    format!("{what} must be a string; write `\"{example}\"`"),
                );
                None
            }
            Expr::Binary(name) => {
                let name = name
                    .to_token_stream()
                    .to_string()
                    .replace([' ', '"', '+'], "");
                errors.spanning(expr, format!("{what} must be a string; write `\"{name}\"`"));
                None
            }
            // The name of a constant has upper-case letters.
            Expr::Path(path)
                if path
                    .path
                    .get_ident()
                    .is_some_and(|word| !word.to_string().contains(char::is_uppercase)) =>
            {
                let name = path.to_token_stream().to_string();
                errors.spanning(expr, format!("{what} must be a string; write `\"{name}\"`"));
                None
            }
            constant if is_runtime_value(constant.to_token_stream()) => {
                errors.spanning(constant, RUNTIME_VALUE);
                None
            }
            other @ (Expr::Array(_)
            | Expr::Tuple(_)
            | Expr::Range(_)
            | Expr::Closure(_)
            | Expr::Assign(_)
            | Expr::Unary(_)) => {
                errors.spanning(
                    other,
                    format!("{what} must be one string; write `\"{example}\"`"),
                );
                None
            }
            constant => Some(Self::Constant(constant.clone())),
        }
    }

    pub(crate) fn literal(&self) -> Option<String> {
        match self {
            Self::Literal(text) => Some(text.value()),
            Self::Constant(_) => None,
        }
    }

    /// Replaces an expression with a generated constant.
    pub(crate) fn hoist(&mut self, hoist: &mut Hoist) {
        if let Self::Constant(expr) = self {
            hoist.expr(expr, &quote!(&'static ::core::primitive::str));
        }
    }

    pub(crate) fn span(&self) -> Span {
        match self {
            Self::Literal(text) => text.span(),
            Self::Constant(expr) => expr.span(),
        }
    }

    /// Checks a literal against a rule, and returns whether it passes. A constant always does; the
    /// compiler checks it later.
    pub(crate) fn check(&self, rule: impl Fn(&str) -> Option<Fault>, errors: &mut Errors) -> bool {
        let Some(value) = self.literal() else {
            return true;
        };
        let Some(fault) = rule(&value) else {
            return true;
        };
        errors.at(self.span(), explain(&value, fault));
        false
    }
}

impl ToTokens for Text {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        match self {
            Self::Literal(text) => text.to_tokens(tokens),
            Self::Constant(expr) => expr.to_tokens(tokens),
        }
    }
}

/// An error cannot point inside a literal, so the message names the offending character and its
/// position.
fn explain(value: &str, fault: Fault) -> String {
    let offending = fault.at.and_then(|at| {
        value
            .get(at..)
            .and_then(|rest| rest.chars().next())
            .zip(Some(at))
    });
    match offending {
        Some((character, at)) => format!(
            "`{}`: the character {character:?} at byte {at} is not allowed; {}",
            value.escape_debug(),
            fault.reason
        ),
        None if value.is_empty() => fault.reason.to_owned(),
        None => format!("`{}`: {}", shorten(value), fault.reason),
    }
}

fn shorten(value: &str) -> String {
    const MAX_LENGTH: usize = 60;
    if value.chars().count() <= MAX_LENGTH {
        return value.escape_debug().to_string();
    }
    let start: String = value.chars().take(MAX_LENGTH).collect();
    format!("{}…", start.escape_debug())
}
