//! Finds a type inside another type.

use proc_macro2::{Span, TokenStream, TokenTree};

use crate::tokens::is_punct;

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
