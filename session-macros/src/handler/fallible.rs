//! Searches the tokens of a body for signs that the function can fail.

use proc_macro2::{Delimiter, Span, TokenStream, TokenTree};

use crate::tokens::{group, is_punct, is_word};

/// The span at which a type occurs, as a whole, in another type.
pub(super) fn find(needle: &TokenStream, haystack: &TokenStream) -> Option<Span> {
    let needle: Vec<_> = needle.clone().into_iter().collect();
    let words: Vec<_> = needle.iter().map(ToString::to_string).collect();
    search(&words, haystack)
}

fn search(needle: &[String], haystack: &TokenStream) -> Option<Span> {
    let tokens: Vec<_> = haystack.clone().into_iter().collect();
    for (at, token) in tokens.iter().enumerate() {
        if let TokenTree::Group(group) = token
            && let Some(place) = search(needle, &group.stream())
        {
            return Some(place);
        }
        let Some(window) = tokens.get(at..at + needle.len()) else {
            continue;
        };
        let same = window
            .iter()
            .zip(needle)
            .all(|(token, word)| token.to_string() == *word);
        let before = at.checked_sub(1).and_then(|before| tokens.get(before));
        let after = tokens.get(at + needle.len());
        // `models::Session` and `Session<Other>` are other types than `Session`.
        if same && !is_punct(before, ':') && !is_punct(after, ':') && !is_punct(after, '<') {
            return Some(token.span());
        }
    }
    None
}

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

/// The tokens without closures, async blocks and items, whose failures are not failures of the
/// function.
fn without_nested_functions(tokens: TokenStream) -> Vec<TokenTree> {
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
