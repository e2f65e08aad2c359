//! Makes text from other sources fit for messages.
//!
//! The name of a field may come from a client, and the text of an error from a driver or from serde.
//! Before such a text becomes part of an error, an event or a log, these functions escape and shorten
//! it to one short line. Applying one of them twice has the same result as once.

/// The maximum number of characters of a name.
const NAME: usize = 64;
/// The maximum number of characters of a message.
const MESSAGE: usize = 4_000;
/// The maximum number of names of a list.
const NAMES: usize = 16;

/// A name, such as that of a field: one line of at most 64 characters.
///
/// Characters that do not print, such as line ends and marks that change the direction of text, are
/// escaped. A longer name ends with `…`.
///
/// ```
/// use connect_session_runtime::printable;
///
/// assert_eq!(printable::name("cart"), "cart");
/// assert_eq!(printable::name("cart\nERROR forged"), r"cart\nERROR forged");
/// ```
#[must_use]
pub fn name(text: &str) -> String {
    line(text, NAME)
}

/// A message, such as that of a driver's error: one line of at most 4,000 characters.
///
/// ```
/// use connect_session_runtime::printable;
///
/// assert_eq!(printable::message("it's `down`\r\n"), r"it's `down`\r\n");
/// assert!(printable::message(&"x".repeat(1 << 20)).ends_with('…'));
/// ```
#[must_use]
pub fn message(text: &str) -> String {
    line(text, MESSAGE)
}

/// The first names of a list, and how many more there are.
pub(crate) fn names(names: &[String]) -> String {
    let shown: Vec<String> = names.iter().take(NAMES).map(|text| name(text)).collect();
    let shown = shown.join(", ");
    match names.len().saturating_sub(NAMES) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

/// One line of at most this many characters.
pub(crate) fn line(text: &str, most: usize) -> String {
    let mut line = String::with_capacity(text.len().min(most));
    let mut room = most;
    for character in text.chars() {
        // Not escaped, because messages quote with them.
        let prints = matches!(character, '"' | '\'' | '\\');
        let shown = character.escape_debug();
        let Some(rest) = room.checked_sub(if prints { 1 } else { shown.len() }) else {
            line.push('…');
            break;
        };
        room = rest;
        if prints {
            line.push(character);
        } else {
            line.extend(shown);
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_that_do_not_print_are_escaped() {
        let text = "a\r\n\t\u{1b}[31m\0\u{85}\u{2028}\u{202e}\u{feff}z";
        let expected = r"a\r\n\t\u{1b}[31m\0\u{85}\u{2028}\u{202e}\u{feff}z";
        assert_eq!(name(text), expected);
        assert_eq!(message(text), expected);
    }

    #[test]
    fn characters_that_print_are_kept() {
        let text = "Größe 茶 \u{1F469} it's \"quoted\" C:\\";
        assert_eq!(message(text), text);
    }

    #[test]
    fn a_long_text_is_shortened() {
        assert_eq!(name(&"é".repeat(64)), "é".repeat(64));
        assert_eq!(name(&"é".repeat(65)), format!("{}…", "é".repeat(64)));
    }

    #[test]
    fn twice_is_like_once() {
        for text in ["a\nb", &"\u{202e}".repeat(100), &"x\"\\".repeat(100)] {
            assert_eq!(name(&name(text)), name(text));
        }
    }

    #[test]
    fn a_list_of_names_is_shortened() {
        let many: Vec<_> = (0..1_000).map(|at| format!("k{at}")).collect();
        assert_eq!(names(&many[..2]), "k0, k1");
        assert!(names(&many).ends_with("k15 and 984 more"));
    }
}
