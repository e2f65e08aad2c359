//! Texts of responses for the messages of failed tests.

use crate::sid::{PresentedSid, SID_CHARS};

/// The longest text in a message, in bytes.
const LONGEST: usize = 2_000;

/// The start of a text, without the sids in it.
pub(super) fn excerpt(text: &str) -> String {
    let is_sid_char = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let mut shown = String::new();
    let mut rest = text;
    while !rest.is_empty() && shown.len() < LONGEST {
        let end = rest.find(|c| !is_sid_char(c)).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        if word.len() == SID_CHARS && PresentedSid::parse(word).is_some() {
            shown.push_str("<sid>");
        } else {
            shown.push_str(word);
        }
        let end = after.find(is_sid_char).unwrap_or(after.len());
        let (between, next) = after.split_at(end);
        shown.push_str(between);
        rest = next;
    }
    if shown.len() > LONGEST || !rest.is_empty() {
        let mut end = shown.len().min(LONGEST);
        while !shown.is_char_boundary(end) {
            end -= 1;
        }
        shown.truncate(end);
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_excerpt_has_no_sid_and_an_end() {
        let sid = "A".repeat(SID_CHARS);
        let text = format!("{{\"sid\":\"{sid}\",\"é\":\"{}\"}}", "A".repeat(63));
        let shown = excerpt(&text);
        assert!(!shown.contains(&sid), "{shown}");
        assert_eq!(shown, text.replace(&sid, "<sid>"));
        assert_eq!(excerpt(""), "");
        assert_eq!(excerpt(&"é ".repeat(5_000)).len(), LONGEST + '…'.len_utf8());
    }
}
