//! Errors as one line of text.

use std::error::Error;

use crate::printable;

/// The error's message, followed by those of its causes. Each is one line, and not too long.
///
/// Some errors print their cause themselves. A cause whose text is already there is not repeated.
pub(crate) fn with_causes(error: &dyn Error) -> String {
    let mut text = printable::message(&error.to_string());
    let mut cause = error.source();
    while let Some(error) = cause {
        let message = printable::message(&error.to_string());
        if !text.contains(&message) {
            text.push_str(": ");
            text.push_str(&message);
        }
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("no answer: {0}")]
    struct PrintsItsCause(#[source] std::io::Error);

    #[derive(Debug, thiserror::Error)]
    #[error("not available")]
    struct HidesItsCause(#[source] PrintsItsCause);

    #[test]
    fn an_error_is_one_line_whatever_a_driver_writes() {
        let error = HidesItsCause(PrintsItsCause(std::io::Error::other(
            "refused\nERROR forged\u{1b}[0m",
        )));
        let text = with_causes(&error);
        assert_eq!(
            text,
            r"not available: no answer: refused\nERROR forged\u{1b}[0m"
        );
    }

    #[test]
    fn a_cause_is_printed_once() {
        let error = HidesItsCause(PrintsItsCause(std::io::Error::other("connection refused")));
        let text = with_causes(&error);
        assert_eq!(text, "not available: no answer: connection refused");
    }
}
