//! The names of the keys.

use connect_session_runtime::record::Key;
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
    let mut name = String::with_capacity(length);
    for part in [prefix, FORMAT_TAG, namespace, ":"] {
        name.push_str(part);
    }
    push_id(&mut name, id);
    name
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

/// Appends an id as base64url without padding (RFC 4648, 5): shorter than a UUID's text, as every
/// session's key is in the server's memory.
fn push_id(name: &mut String, id: SessionId) {
    let bits = u128::from_be_bytes(*id.as_bytes());
    let digit = |bits: u128| char::from(ALPHABET[(bits & 0x3f) as usize]);
    for at in 1..ID_CHARS {
        name.push(digit(bits >> (128 - 6 * at)));
    }
    // The last character holds the two bits that remain.
    name.push(digit(bits << 4));
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
    fn a_pattern_matches_literally() {
        assert_eq!(
            pattern_of("*[", "shop"),
            format!("\\*\\[s1:shop:{}", "?".repeat(22))
        );
    }
}
