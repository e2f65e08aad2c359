//! The reason for something that a standard advises against.

use proc_macro2::Ident;
use syn::Expr;

use crate::errors::Errors;
use crate::text::Text;

/// Reads a reason. An empty one is reported, as is a missing one.
pub(super) fn read_reason(
    key: &Ident,
    value: Option<&Expr>,
    example: &str,
    errors: &mut Errors,
) -> Option<Text> {
    let Some(value) = value else {
        errors.at(
            key.span(),
            format!("`{key}` takes the reason: `{key} = \"{example}\"`"),
        );
        return None;
    };
    let reason = Text::read(value, "a reason", example, errors)?;
    if reason.literal().is_some_and(|text| text.trim().is_empty()) {
        errors.at(
            reason.span(),
            format!("the reason is empty; say why it is needed here: `\"{example}\"`"),
        );
        return None;
    }
    Some(reason)
}
