//! Skips what is nested in the body of a function: closures, async blocks and items.

use proc_macro2::{Delimiter, TokenStream, TokenTree};

use crate::tokens::{group, is_punct, is_word};

/// The tokens without closures, async blocks and items: if those fail, the function need not fail.
pub(super) fn without_nested_functions(tokens: TokenStream) -> Vec<TokenTree> {
    let tokens: Vec<_> = tokens.into_iter().collect();
    let mut kept = Vec::new();
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        let skipped = nested(&tokens, at);
        if skipped > 0 {
            at += skipped;
            // A placeholder: a `|` after it is an operator, not the start of a closure.
            kept.push(TokenTree::Literal(proc_macro2::Literal::u8_unsuffixed(0)));
            continue;
        }
        kept.push(token.clone());
        at += 1;
    }
    kept
}

/// The number of tokens of the closure, async block or item that starts here; 0 if none does.
fn nested(tokens: &[TokenTree], at: usize) -> usize {
    let brace = |from: usize| {
        tokens[from..]
            .iter()
            .position(|token| group(Some(token), Delimiter::Brace).is_some())
            .map_or(0, |offset| from + offset + 1 - at)
    };
    let token = tokens.get(at);
    if is_word(token, "async") {
        let next = at + 1 + usize::from(is_word(tokens.get(at + 1), "move"));
        if group(tokens.get(next), Delimiter::Brace).is_some() {
            return next + 1 - at;
        }
        return 0;
    }
    if is_word(token, "fn") || is_word(token, "impl") || is_word(token, "trait") {
        return brace(at);
    }
    if is_word(token, "macro_rules") {
        return brace(at);
    }
    if is_punct(token, '|') && begins_closure(tokens, at) {
        return closure(tokens, at);
    }
    0
}

/// Whether a `|` begins a closure: what precedes it cannot be the left operand of an "or".
fn begins_closure(tokens: &[TokenTree], at: usize) -> bool {
    match at.checked_sub(1).and_then(|before| tokens.get(before)) {
        None => true,
        Some(TokenTree::Punct(punct)) => matches!(punct.as_char(), ',' | '=' | ';' | '(' | '&'),
        Some(TokenTree::Ident(word)) => word == "move" || word == "return",
        Some(_) => false,
    }
}

/// The number of tokens of `|a, b| expression`, which ends at a comma, a semicolon or the group's
/// end.
fn closure(tokens: &[TokenTree], at: usize) -> usize {
    let mut end = at + 1;
    while end < tokens.len() && !is_punct(tokens.get(end), '|') {
        end += 1;
    }
    end += 1;
    if is_punct(tokens.get(end), '-') && is_punct(tokens.get(end + 1), '>') {
        // A closure with a return type has its body in braces.
        let body = tokens[end..]
            .iter()
            .position(|token| group(Some(token), Delimiter::Brace).is_some());
        return body.map_or(tokens.len(), |body| end + body + 1) - at;
    }
    while end < tokens.len() && !is_punct(tokens.get(end), ',') && !is_punct(tokens.get(end), ';') {
        end += 1;
    }
    end.min(tokens.len()) - at
}
