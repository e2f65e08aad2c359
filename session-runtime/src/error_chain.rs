//! Errors as one line of text.

use std::error::Error;

/// The error's message, followed by those of its causes.
///
/// Some errors print their cause themselves. A cause whose text is already there is not repeated.
pub(crate) fn with_causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let message = error.to_string();
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
    fn a_cause_is_printed_once() {
        let error = HidesItsCause(PrintsItsCause(std::io::Error::other("connection refused")));
        let text = with_causes(&error);
        assert_eq!(text, "not available: no answer: connection refused");
    }
}
