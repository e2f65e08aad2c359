//! Determines whether a handler failed: whether its value is an `Err`, or contains one that the
//! framework responds with.
//!
//! The type of the value decides, so that an alias of `Result` works, too. By autoref specialization,
//! method lookup finds [`Look`] for the types that implement it, and [`LookFallback`] for all others.
//! In generic code every type would get the fallback, so `#[session]` generates the steps themselves: each
//! replaces the first value of a list by the values inside it.

mod std_types;

use std::fmt;
use std::marker::PhantomData;

/// A list of values to examine. `first` is `None` if that value does not exist, such as the value
/// inside a `None`.
pub struct Values<'a, T, Rest> {
    first: Option<&'a T>,
    rest: Rest,
}

/// The end of the list.
#[derive(Debug, Clone, Copy)]
pub struct NoValues;

impl<T, Rest: Copy> Copy for Values<'_, T, Rest> {}

impl<T, Rest: Copy> Clone for Values<'_, T, Rest> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T, Rest> fmt::Debug for Values<'_, T, Rest> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Values").finish_non_exhaustive()
    }
}

impl<'a, T> Values<'a, T, NoValues> {
    /// A list of one value.
    #[inline]
    pub const fn of(value: &'a T) -> Self {
        Self {
            first: Some(value),
            rest: NoValues,
        }
    }
}

impl<'a, T, Rest: Copy> Values<'a, T, Rest> {
    /// Replaces the first value.
    #[inline]
    pub(crate) fn replace<U>(
        &self,
        with: impl FnOnce(&'a T) -> Option<&'a U>,
    ) -> Values<'a, U, Rest> {
        Values {
            first: self.first.and_then(with),
            rest: self.rest,
        }
    }

    /// The first value, and the others.
    #[inline]
    pub(crate) fn split(&self) -> (Option<&'a T>, Rest) {
        (self.first, self.rest)
    }

    /// Puts a value in front of others.
    #[inline]
    pub(crate) fn new(first: Option<&'a T>, rest: Rest) -> Self {
        Self { first, rest }
    }
}

/// A value of the type `T` inside a type that gives no access to it.
pub struct Unreadable<T>(PhantomData<fn() -> T>);

impl<T> fmt::Debug for Unreadable<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Unreadable")
    }
}

/// One step, for a `Result` and for types that contain values.
pub trait Look {
    /// The list in which the values inside the first one replace it.
    type Next;

    /// Takes the step. `failed` is whether a previous step has found an `Err`. Returns whether one has
    /// been found so far.
    fn look(&self, failed: bool) -> (Self::Next, bool);
}

/// One step, for all other types.
pub trait LookFallback {
    /// The list without its first value.
    type Next;

    /// Takes the step.
    fn look(&self, failed: bool) -> (Self::Next, bool);
}

impl<T, Rest: Copy> LookFallback for &Values<'_, T, Rest> {
    type Next = Rest;

    #[inline]
    fn look(&self, failed: bool) -> (Rest, bool) {
        (self.rest, failed)
    }
}

impl Look for NoValues {
    type Next = Self;

    #[inline]
    fn look(&self, failed: bool) -> (Self, bool) {
        (Self, failed)
    }
}

/// A list that ends in a `Result` that cannot be read.
#[derive(Debug, Clone, Copy)]
pub struct Stuck;

impl Look for Stuck {
    type Next = Self;

    #[inline]
    fn look(&self, failed: bool) -> (Self, bool) {
        (Self, failed)
    }
}

/// A list with no values left to examine.
#[diagnostic::on_unimplemented(
    message = "this return type hides whether the handler failed",
    label = "an `Err` inside of this type cannot be found, so its changes would be committed",
    note = "put the `Result` outermost, so that the type begins with `Result<…`"
)]
pub trait Complete {}

#[diagnostic::do_not_recommend]
impl Complete for NoValues {}

/// Takes all steps for a value. The closure's argument gets its type from here.
#[inline]
pub fn examine<R>(value: &R, steps: impl FnOnce(&R) -> bool) -> bool {
    steps(value)
}

/// The result of all steps.
#[inline]
pub fn has_failed<List: Complete>((_, failed): (List, bool)) -> bool {
    failed
}

/// The value of a handler whose return type has an `impl Trait`, and whether the handler failed.
/// The type of the value is known only inside the handler.
pub struct Judged<T> {
    /// The value.
    pub value: T,
    /// Whether the handler failed.
    pub failed: bool,
}

impl<T: fmt::Debug> fmt::Debug for Judged<T> {
    /// Formats the value, for `#[instrument(ret)]`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.value.fmt(f)
    }
}
