//! Names and texts as a row keeps them.

use serde::Serialize;
use std::borrow::Cow;

/// A text without NUL, which PostgreSQL takes nowhere: `\` is doubled, and NUL is `\0`.
pub(super) fn escape(text: &str) -> Cow<'_, str> {
    if text.contains(['\\', '\0']) {
        text.replace('\\', "\\\\").replace('\0', "\\0").into()
    } else {
        text.into()
    }
}

/// What [`escape`] was given.
pub(super) fn unescape(text: &str) -> Cow<'_, str> {
    if !text.contains('\\') {
        return text.into();
    }
    let mut plain = String::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => plain.extend(characters.next().map(|next| match next {
                '0' => '\0',
                other => other,
            })),
            other => plain.push(other),
        }
    }
    plain.into()
}

/// JSON of what always has a JSON form: maps with names as keys, numbers and texts.
pub(super) fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_comes_back_and_no_two_become_one() {
        let texts = ["", "a", "\0", "\\0", "\\\0", "\\\\0", "a\\", "0", "\0\0\\"];
        let mut seen = std::collections::BTreeSet::new();
        for text in texts {
            let escaped = escape(text).into_owned();
            assert!(!escaped.contains('\0'));
            assert_eq!(unescape(&escaped), text);
            assert!(seen.insert(escaped), "{text:?}");
        }
    }
}
