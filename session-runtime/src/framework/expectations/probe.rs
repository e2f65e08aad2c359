//! Looks at the type of an argument by autoref specialization: method lookup finds the framework's
//! traits for the types that implement them, and those of this module for all others.

use std::fmt;
use std::marker::PhantomData;

/// An argument, and another type: what follows the argument, or its own type with `()` as the parameter.
pub struct Argument<T, Other>(PhantomData<fn(T, Other)>);

impl<T, Other> fmt::Debug for Argument<T, Other> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Argument")
    }
}

impl<T, Other> Argument<T, Other> {
    /// Both are given by their types.
    pub const PROBE: Self = Self(PhantomData);
}

/// Stands for the type with `()` where a type has no parameter.
#[derive(Debug)]
pub struct Plain;

/// The verdict on an argument about which nothing is known.
#[derive(Debug)]
pub struct Anywhere;

/// An argument in any place.
pub trait BeforeAny {
    /// Whether it can stand where it does.
    fn order(&self) -> Anywhere {
        Anywhere
    }
}

impl<T, Other> BeforeAny for Argument<T, Other> {}

/// An argument of any type.
pub trait OfAnyType {
    /// Whether it can be extracted.
    fn kind(&self) -> Anywhere {
        Anywhere
    }
}

impl<T, Other> OfAnyType for Argument<T, Other> {}

/// The verdict on an argument that consumes the body before another argument.
#[derive(Debug)]
pub struct TooEarly;

/// An argument that can stand where it does, by the verdict.
#[diagnostic::on_unimplemented(
    message = "`{Self}` consumes the body of the request, so it must be the last argument",
    label = "another argument follows",
    note = "put it last; the place of the session does not matter"
)]
pub trait Ordered<Verdict> {}

impl<T> Ordered<Anywhere> for T {}

/// An argument that can be extracted, by the verdict.
#[diagnostic::on_unimplemented(
    message = "a handler cannot take `{Self}` from a request",
    label = "not an extractor",
    note = "wrap it: `Path<…>` takes it from the path, `Query<…>` from the query, `Json<…>` from the body"
)]
pub trait Taken<Verdict> {}

impl<T> Taken<Anywhere> for T {}

/// A verdict on an argument of the type `T`. A method, so that the verdict is known when the compiler
/// looks at the bound.
pub trait Verdict: Sized {
    /// Requires that the argument can stand where it does.
    fn ordered<T: Ordered<Self>>(self) {}

    /// Requires that the argument can be extracted.
    fn taken<T: Taken<Self>>(self) {}
}

impl<V> Verdict for V {}
