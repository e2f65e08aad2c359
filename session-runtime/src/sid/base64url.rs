//! Base64url, for exactly the length of a sid.
//!
//! A sid has no padding and no spare bits. A decoder for texts of any length takes four times as
//! long, and every request decodes one.

/// The number of characters of a sid.
pub const SID_CHARS: usize = connect_session_rules::SID_LENGTH;

/// The number of bytes that they encode.
pub(super) const SID_BYTES: usize = SID_CHARS / 4 * 3;

/// The alphabet of base64url (RFC 4648, 5).
const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// The value of each byte as the first, second, third or fourth character of a group of four;
/// `NO_DIGIT` for bytes outside the alphabet.
const DIGITS: [[u32; 256]; 4] = [digits(18), digits(12), digits(6), digits(0)];
const NO_DIGIT: u32 = 1 << 31;

const fn digits(shift: u32) -> [u32; 256] {
    let mut digits = [NO_DIGIT; 256];
    let mut digit = 0;
    while digit < 64 {
        digits[ALPHABET[digit as usize] as usize] = digit << shift;
        digit += 1;
    }
    digits
}

/// Decodes a sid. Returns `None` if a character is outside the alphabet.
#[inline]
pub(super) fn decode(text: &[u8; SID_CHARS]) -> Option<[u8; SID_BYTES]> {
    let mut bytes = [0; SID_BYTES];
    let mut seen = 0;
    for (eight, six) in (text.as_chunks::<8>().0.iter()).zip(bytes.as_chunks_mut::<6>().0) {
        let digit = |group: usize, at: usize| DIGITS[at][usize::from(eight[group * 4 + at])];
        let of = |group| digit(group, 0) | digit(group, 1) | digit(group, 2) | digit(group, 3);
        let (first, second) = (of(0), of(1));
        seen |= first | second;
        let number = u64::from(first) << 24 | u64::from(second);
        let [_, _, octets @ ..] = number.to_be_bytes();
        *six = octets;
    }
    (seen & NO_DIGIT == 0).then_some(bytes)
}

/// Encodes a sid.
pub(super) fn encode(bytes: &[u8; SID_BYTES]) -> String {
    let mut text = [0; SID_CHARS];
    for (six, eight) in (bytes.as_chunks::<6>().0.iter()).zip(text.as_chunks_mut::<8>().0) {
        let mut octets = [0; 8];
        octets[2..].copy_from_slice(six);
        let mut number = u64::from_be_bytes(octets);
        for character in eight.iter_mut().rev() {
            *character = ALPHABET[(number & 0x3f) as usize];
            number >>= 6;
        }
    }
    // The alphabet is ASCII, so this never falls back to the default.
    std::str::from_utf8(&text).unwrap_or_default().to_owned()
}
