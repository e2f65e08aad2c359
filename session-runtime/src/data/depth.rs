//! The nesting depth of arrays and objects.

/// The maximum nesting depth of a field, in levels of arrays and objects.
///
/// `serde_json` refuses to read the 128th level of a text. The object of all fields is the first.
pub const MAX_DEPTH: usize = 126;

/// The nesting depth of the arrays and objects of a JSON text; 0 for a number or a string.
///
/// ```
/// use connect_session_runtime::data::depth;
///
/// assert_eq!(depth(r#"{"a":[1,"[["]}"#), 2);
/// ```
#[must_use]
pub fn depth(json: &str) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    let mut bytes = json.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'[' | b'{' => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b']' | b'}' => depth = depth.saturating_sub(1),
            b'"' => skip_string(&mut bytes),
            _ => {}
        }
    }
    deepest
}

/// Whether a field with this JSON text cannot be read back.
pub(super) fn is_too_deep(json: &str) -> bool {
    // Counting is many times faster than following the nesting.
    let begins = json.bytes().filter(|byte| matches!(byte, b'[' | b'{'));
    begins.count() > MAX_DEPTH && depth(json) > MAX_DEPTH
}

fn skip_string(bytes: &mut impl Iterator<Item = u8>) {
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' => return,
            b'\\' => drop(bytes.next()),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::value::RawValue;

    use super::*;
    use crate::data::{self, EncodedFields};
    use crate::untyped::Untyped;

    fn nested(levels: usize) -> String {
        format!("{}1{}", "[".repeat(levels), "]".repeat(levels))
    }

    #[test]
    fn the_deepest_level_counts() {
        assert_eq!(depth("1"), 0);
        assert_eq!(depth(r#""[\"[""#), 0);
        assert_eq!(depth(r#"[[],{"]":[{}]},[]]"#), 4);
        assert_eq!(depth(&nested(200_000)), 200_000);
    }

    #[test]
    fn the_limit_is_the_deepest_that_can_be_read_back() {
        let read = |levels| {
            let text = RawValue::from_string(nested(levels)).expect("JSON");
            let fields = EncodedFields::from([("a".to_owned(), text)]);
            data::decode::<Untyped>(&fields).is_ok()
        };
        assert!(read(MAX_DEPTH));
        assert!(!read(MAX_DEPTH + 1), "as one object with all fields");
    }
}
