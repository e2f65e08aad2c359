//! Searches the tokens of a body for signs that the function can fail.

use proc_macro2::{Delimiter, TokenStream, TokenTree};

use super::nested::without_nested_functions;
use crate::tokens::{group, is_punct, is_word};

/// The first sign that a function can fail: a `?`, or a `Result` as the value of its body.
pub(super) fn failure(body: TokenStream) -> Option<&'static str> {
    let tokens = without_nested_functions(body);
    if propagates(&tokens) {
        return Some("`?`");
    }
    returns(&tokens).or_else(|| tail(&tokens))
}

/// Macros whose value is never used, because they panic.
const DIVERGING: &[&str] = &["panic", "todo", "unimplemented", "unreachable"];

/// Whether a body ends with a panic or an endless loop, and contains no `return`.
pub(super) fn never_returns(body: TokenStream) -> bool {
    let tokens = without_nested_functions(body);
    let end = tokens.len() - usize::from(is_punct(tokens.last(), ';'));
    let [.., keyword, last] = &tokens[..end] else {
        return false;
    };
    let panics = matches!(
        &tokens[..end],
        [.., TokenTree::Ident(name), bang, TokenTree::Group(_)]
            if is_punct(Some(bang), '!') && DIVERGING.iter().any(|macro_name| name == macro_name)
    );
    let loops = is_word(Some(keyword), "loop") && !has_word(last, "break");
    (panics || loops) && !tokens.iter().any(|token| has_word(token, "return"))
}

fn has_word(token: &TokenTree, word: &str) -> bool {
    match token {
        TokenTree::Group(group) => without_nested_functions(group.stream())
            .iter()
            .any(|token| has_word(token, word)),
        token => is_word(Some(token), word),
    }
}

/// Whether a `?` follows an expression. After `:`, `+` or `<` it belongs to `?Sized`.
fn propagates(tokens: &[TokenTree]) -> bool {
    tokens.iter().enumerate().any(|(at, token)| match token {
        TokenTree::Group(group) => propagates(&without_nested_functions(group.stream())),
        TokenTree::Punct(punct) if punct.as_char() == '?' => {
            let before = at.checked_sub(1).and_then(|before| tokens.get(before));
            before.is_some()
                && !is_punct(before, ':')
                && !is_punct(before, '+')
                && !is_punct(before, '<')
        }
        _ => false,
    })
}

/// Finds `return Ok(…)` or `return Err(…)`.
fn returns(tokens: &[TokenTree]) -> Option<&'static str> {
    for (at, token) in tokens.iter().enumerate() {
        let found = match token {
            TokenTree::Group(group) => returns(&without_nested_functions(group.stream())),
            token if is_word(Some(token), "return") => result(tokens, at + 1),
            _ => None,
        };
        if found.is_some() {
            return found;
        }
    }
    None
}

/// Finds `Ok(…)` or `Err(…)` as the value of a block, or of the last `if` or `match` in it.
fn tail(tokens: &[TokenTree]) -> Option<&'static str> {
    let start = tokens
        .iter()
        .rposition(|token| is_punct(Some(token), ';'))
        .map_or(0, |last| last + 1);
    for at in start..tokens.len() {
        let before = at.checked_sub(1).filter(|before| *before >= start);
        let begins = before.is_none_or(|before| {
            group(tokens.get(before), Delimiter::Brace).is_some()
                || is_punct(tokens.get(before), ',')
                || is_punct(tokens.get(before), '>')
        });
        let found = match tokens.get(at) {
            Some(TokenTree::Group(inside)) if inside.delimiter() == Delimiter::Brace => {
                tail(&without_nested_functions(inside.stream()))
            }
            _ if begins => result(tokens, at),
            _ => None,
        };
        if found.is_some() {
            return found;
        }
    }
    None
}

/// Finds `Ok(…)` or `Err(…)` at this index as an expression, not as a pattern such as `Ok(x) =>`.
fn result(tokens: &[TokenTree], at: usize) -> Option<&'static str> {
    let name = if is_word(tokens.get(at), "Ok") {
        "`Ok(…)`"
    } else if is_word(tokens.get(at), "Err") {
        "`Err(…)`"
    } else {
        return None;
    };
    let arguments = tokens[at..]
        .iter()
        .position(|token| group(Some(token), Delimiter::Parenthesis).is_some())?;
    let after = at + arguments + 1;
    let pattern = is_punct(tokens.get(after), '=')
        || is_punct(tokens.get(after), '|')
        || is_word(tokens.get(after), "if")
        || is_punct(tokens.get(after), '.');
    (!pattern).then_some(name)
}
