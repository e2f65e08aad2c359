//! Values that do not share a cache line.

use std::ops::Deref;

/// A value on cache lines of its own, so that threads that write it do not slow down those that
/// read its neighbors.
#[derive(Default)]
#[repr(align(128))]
pub(super) struct Padded<T>(pub(super) T);

impl<T> Deref for Padded<T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        &self.0
    }
}
