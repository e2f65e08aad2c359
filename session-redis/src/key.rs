//! The names of the keys.

use connect_session_runtime::record::{Key, SubjectKey};
use connect_session_runtime::sid::SessionId;

/// Begins each key after the prefix. A later format of the record gets another tag, so a program that
/// does not know it finds no session.
const FORMAT_TAG: &str = "s1:";

/// The number of characters of an id in a key.
const ID_CHARS: usize = 22;

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// The key of a session: `{prefix}s1:{namespace}:{id}`. All ids have the same length, so two sessions
/// share a key only if the texts before their ids are equal.
pub(super) fn key_of(prefix: &str, key: Key) -> String {
    let Key { namespace, id } = key;
    let length = prefix.len() + FORMAT_TAG.len() + namespace.len() + 1 + ID_CHARS;
    let mut name = Vec::with_capacity(length);
    for part in [prefix, FORMAT_TAG, namespace, ":"] {
        name.extend_from_slice(part.as_bytes());
    }
    push_base64url(&mut name, id.as_bytes());
    text_of(name)
}

/// The key of the index of a subject's sessions: `{prefix}s1:{namespace}:u:{subject}`. The scripts find
/// each of the keys of an index and its sessions by another one.
pub(super) fn index_of(prefix: &str, subject: &SubjectKey) -> String {
    index_named(prefix, subject.namespace, &subject_text(subject))
}

/// The same, by the text of the subject.
pub(super) fn index_named(prefix: &str, namespace: &str, subject: &str) -> String {
    format!("{prefix}{FORMAT_TAG}{namespace}:u:{subject}")
}

/// The hash of a subject, as in the name of its index: 43 characters of base64url.
pub(super) fn subject_text(subject: &SubjectKey) -> String {
    base64url(&subject.hash)
}

/// The `MATCH` pattern for the keys of a namespace.
pub(super) fn pattern_of(prefix: &str, namespace: &str) -> String {
    let mut pattern = String::new();
    for character in (prefix.chars())
        .chain(FORMAT_TAG.chars())
        .chain(namespace.chars())
    {
        if matches!(character, '*' | '?' | '[' | ']' | '^' | '\\') {
            pattern.push('\\');
        }
        pattern.push(character);
    }
    pattern + ":" + &"?".repeat(ID_CHARS)
}

/// An id as in the name of its key.
pub(super) fn id_text(id: SessionId) -> String {
    base64url(id.as_bytes())
}

/// The id with this text; `None` if there is none.
pub(super) fn id_of(text: &[u8]) -> Option<SessionId> {
    if text.len() != ID_CHARS {
        return None;
    }
    let mut bits = 0_u128;
    for (at, character) in text.iter().enumerate() {
        let digit = u128::from(digit_of(*character)?);
        bits = match at {
            // The last character holds the two bits that remain.
            21 => bits << 2 | digit >> 4,
            _ => bits << 6 | digit,
        };
    }
    Some(SessionId::from_bytes(bits.to_be_bytes()))
}

const fn digit_of(character: u8) -> Option<u8> {
    match character {
        b'A'..=b'Z' => Some(character - b'A'),
        b'a'..=b'z' => Some(character - b'a' + 26),
        b'0'..=b'9' => Some(character - b'0' + 52),
        b'-' => Some(62),
        b'_' => Some(63),
        _ => None,
    }
}

/// Bytes as base64url without padding (RFC 4648, 5): shorter than hexadecimal digits, as every session's
/// key is in the server's memory.
fn base64url(bytes: &[u8]) -> String {
    let mut text = Vec::with_capacity(bytes.len() * 4 / 3 + 1);
    push_base64url(&mut text, bytes);
    text_of(text)
}

fn push_base64url(text: &mut Vec<u8>, bytes: &[u8]) {
    for chunk in bytes.chunks(3) {
        let byte = |at| u32::from(chunk.get(at).copied().unwrap_or_default());
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        let digit = |shift: u32| ALPHABET[(bits >> shift & 0x3f) as usize];
        let digits = [digit(18), digit(12), digit(6), digit(0)];
        text.extend_from_slice(&digits[..=chunk.len()]);
    }
}

/// Texts and digits are UTF-8, so this never falls back to the default.
fn text_of(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_short_and_distinct_for_each_id() {
        let of = |number: u128| {
            let id = SessionId::from_bytes(number.to_be_bytes());
            let namespace = "shop";
            key_of("a:", Key { namespace, id })
        };
        assert_eq!(of(0), "a:s1:shop:AAAAAAAAAAAAAAAAAAAAAA");
        assert_eq!(of(1), "a:s1:shop:AAAAAAAAAAAAAAAAAAAAAQ");
        assert_eq!(of(u128::MAX), "a:s1:shop:_____________________w");
        // The first example of RFC 4648 with bytes for each digit of an alphabet.
        let id = SessionId::from_bytes(
            *b"\x00\x10\x83\x10\x51\x87\x20\x92\x8b\x30\xd3\x8f\x41\x14\x93\x51",
        );
        let namespace = "";
        assert_eq!(
            key_of("", Key { namespace, id }),
            "s1::ABCDEFGHIJKLMNOPQRSTUQ"
        );
    }

    #[test]
    fn an_id_is_read_as_it_was_written() {
        for bits in [0, 1, u128::MAX, 0x0123_4567_89ab_cdef_0123_4567_89ab_cdef] {
            let id = SessionId::from_bytes(bits.to_be_bytes());
            assert_eq!(id_of(id_text(id).as_bytes()), Some(id));
        }
        for text in ["", "AAAAAAAAAAAAAAAAAAAAA", "AAAAAAAAAAAAAAAAAAAAA."] {
            assert_eq!(id_of(text.as_bytes()), None);
        }
    }

    #[test]
    fn an_index_is_beside_its_sessions() {
        let name = index_of("a:", &SubjectKey::new("shop", "ada"));
        assert!(name.starts_with("a:s1:shop:u:"));
        assert_eq!(name.len(), 12 + 43);
    }

    #[test]
    fn a_pattern_matches_literally() {
        assert_eq!(
            pattern_of("*[", "shop"),
            format!("\\*\\[s1:shop:{}", "?".repeat(22))
        );
    }
}
