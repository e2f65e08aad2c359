//! The error of a store that cannot be used.

/// Why sessions cannot be stored in Redis: every problem that was found, each with its fix.
///
/// No text contains a password.
#[derive(Debug, Clone, thiserror::Error)]
#[error("sessions cannot be stored in Redis: {}", problems.join("; "))]
pub struct RedisStoreError {
    problems: Vec<String>,
}

impl RedisStoreError {
    pub(super) fn new(problems: Vec<String>) -> Self {
        Self { problems }
    }

    /// The problems, each with its fix.
    #[must_use]
    pub fn problems(&self) -> &[String] {
        &self.problems
    }
}
