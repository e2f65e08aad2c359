//! Whether a handler failed, asked of the type of its value.
//!
//! Autoref specialization: method lookup finds the trait for `Result` first, for an alias of `Result`
//! too, and the fallback for every other type.

/// Wraps a handler's value for the question.
#[derive(Debug)]
pub struct IsErr<'a, T>(pub &'a T);

/// The answer of a `Result`.
pub trait IsErrResult {
    /// Whether the handler failed.
    fn failed(&self) -> bool;
}

impl<T, E> IsErrResult for IsErr<'_, Result<T, E>> {
    fn failed(&self) -> bool {
        self.0.is_err()
    }
}

/// The answer of any other value.
pub trait IsErrFallback {
    /// Whether the handler failed.
    fn failed(&self) -> bool;
}

impl<T> IsErrFallback for &IsErr<'_, T> {
    fn failed(&self) -> bool {
        false
    }
}
