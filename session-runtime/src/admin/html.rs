//! Writes HTML. Only literals become markup: everything else is escaped and shortened.

use std::time::SystemTime;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::printable;
use crate::timestamp::{MAX_MILLIS, Timestamp};

/// The maximum number of characters of a text.
const TEXT: usize = 200;

#[derive(Default)]
pub(super) struct Html(String);

impl Html {
    /// Adds markup.
    pub(super) fn markup(&mut self, markup: &'static str) -> &mut Self {
        self.0.push_str(markup);
        self
    }

    /// Adds a text, in an element or between the double quotes of an attribute. Characters that do not print are
    /// shown as escapes.
    pub(super) fn text(&mut self, text: &str) -> &mut Self {
        for character in printable::line(text, TEXT).chars() {
            match character {
                '&' => self.0.push_str("&amp;"),
                '<' => self.0.push_str("&lt;"),
                '>' => self.0.push_str("&gt;"),
                '"' => self.0.push_str("&quot;"),
                '\'' => self.0.push_str("&#39;"),
                character => self.0.push(character),
            }
        }
        self
    }

    /// Adds a number with separators.
    pub(super) fn number(&mut self, number: u64) -> &mut Self {
        let digits = number.to_string();
        for (at, digit) in digits.chars().enumerate() {
            if at > 0 && (digits.len() - at).is_multiple_of(3) {
                self.0.push(',');
            }
            self.0.push(digit);
        }
        self
    }

    /// Adds a value of a query.
    pub(super) fn value(&mut self, text: &str) -> &mut Self {
        self.0.push_str(&query_value(text));
        self
    }

    /// Adds a time.
    pub(super) fn time(&mut self, time: SystemTime) -> &mut Self {
        let [date, time] = utc(time);
        self.markup("<time datetime=\"");
        self.0.push_str(&date);
        self.0.push('T');
        self.0.push_str(&time);
        self.markup("Z\">");
        self.0.push_str(&date);
        self.0.push(' ');
        self.0.push_str(&time);
        self.markup(" UTC</time>")
    }

    pub(super) fn into_string(self) -> String {
        self.0
    }
}

/// A text as the value of a parameter in a query.
pub(super) fn query_value(text: &str) -> String {
    // The characters that RFC 3986, 2.3, leaves as they are.
    const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
        .remove(b'-')
        .remove(b'.')
        .remove(b'_')
        .remove(b'~');
    utf8_percent_encode(text, ENCODED).to_string()
}

/// The date and the time of day.
fn utc(time: SystemTime) -> [String; 2] {
    let seconds = Timestamp::from(time).as_millis().min(MAX_MILLIS) / 1_000;
    let (mut days, second) = (seconds / 86_400, seconds % 86_400);
    let mut year = 1970;
    while days >= days_of(year) {
        days -= days_of(year);
        year += 1;
    }
    let february = days_of(year) - 337;
    let mut month = 1;
    for length in [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30] {
        if days < length {
            break;
        }
        days -= length;
        month += 1;
    }
    let (hour, minute) = (second / 3_600, second / 60 % 60);
    [
        format!("{year:04}-{month:02}-{:02}", days + 1),
        format!("{hour:02}:{minute:02}:{:02}", second % 60),
    ]
}

/// The number of days in a year.
const fn days_of(year: u64) -> u64 {
    let is_leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    if is_leap { 366 } else { 365 }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;

    #[test]
    fn times_are_those_of_the_calendar() {
        // `date --utc --date @SECONDS`
        for (seconds, date, time) in [
            (0, "1970-01-01", "00:00:00"),
            (951_782_399, "2000-02-28", "23:59:59"),
            (951_782_400, "2000-02-29", "00:00:00"),
            (951_868_800, "2000-03-01", "00:00:00"),
            (1_798_761_599, "2026-12-31", "23:59:59"),
            (4_107_542_400, "2100-03-01", "00:00:00"),
        ] {
            let shown = utc(UNIX_EPOCH + Duration::from_secs(seconds));
            assert_eq!(shown, [date, time]);
        }
        let far = SystemTime::from(Timestamp::from_millis(u64::MAX));
        assert_eq!(utc(far)[0], "2969-05-03");
    }

    #[test]
    fn a_text_is_escaped_and_shortened() {
        let mut html = Html::default();
        html.text("<a b=\"c\" d='e'>&\n\u{202e}");
        assert_eq!(
            html.0,
            "&lt;a b=&quot;c&quot; d=&#39;e&#39;&gt;&amp;\\n\\u{202e}"
        );
        let mut html = Html::default();
        html.text(&"<".repeat(1 << 20));
        assert_eq!(html.0, "&lt;".repeat(TEXT) + "…");
    }

    #[test]
    fn numbers_have_separators() {
        for (number, shown) in [
            (0, "0"),
            (999, "999"),
            (1_000, "1,000"),
            (1_234_567, "1,234,567"),
        ] {
            let mut html = Html::default();
            html.number(number);
            assert_eq!(html.0, shown);
        }
    }
}
