//! The reason for something that a standard advises against.

use proc_macro2::Ident;
use syn::Expr;

use crate::errors::Errors;
use crate::text::Text;

/// Reads a reason. Reports a missing and an empty one.
pub(super) fn read_reason(
    key: &Ident,
    value: Option<&Expr>,
    example: &str,
    errors: &mut Errors,
) -> Option<Text> {
    let Some(value) = value else {
        errors.at(
            key.span(),
            format!("`{key}` needs a reason: `{key} = \"{example}\"`"),
        );
        return None;
    };
    let reason = Text::read(value, "a reason", example, errors)?;
    if reason.literal().is_some_and(|text| text.trim().is_empty()) {
        errors.at(
            reason.span(),
            format!("the reason is empty; write why this is needed: `\"{example}\"`"),
        );
        return None;
    }
    Some(reason)
}
