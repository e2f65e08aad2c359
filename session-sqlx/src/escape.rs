//! Escaped text: PostgreSQL cannot store NUL in any text type.

use std::borrow::Cow;

/// Escapes `\` as `\\` and NUL as `\0`.
pub(crate) fn escape(text: &str) -> Cow<'_, str> {
    if text.contains(['\\', '\0']) {
        text.replace('\\', "\\\\").replace('\0', "\\0").into()
    } else {
        text.into()
    }
}

/// Reverses [`escape`].
pub(crate) fn unescape(text: &str) -> Cow<'_, str> {
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

/// A text as it is stored.
pub(crate) fn escaped(text: Option<&str>) -> Option<String> {
    text.map(|text| escape(text).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escaping_is_reversible_and_injective() {
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
