//! The types of the standard library that are a response to a framework if their content is one.

use super::{Look, Stuck, Unreadable, Values};

impl<'a, T, E, Rest: Copy> Look for Values<'a, Result<T, E>, Rest> {
    type Next = Values<'a, T, Rest>;

    #[inline]
    fn look(&self, failed: bool) -> (Self::Next, bool) {
        let is_err = self.first.is_some_and(Result::is_err);
        (
            self.replace(|result| result.as_ref().ok()),
            failed || is_err,
        )
    }
}

/// A `None` is not a failure: like a status, it is a response that the handler chose.
impl<'a, T, Rest: Copy> Look for Values<'a, Option<T>, Rest> {
    type Next = Values<'a, T, Rest>;

    #[inline]
    fn look(&self, failed: bool) -> (Self::Next, bool) {
        (self.replace(Option::as_ref), failed)
    }
}

impl<'a, T, Rest: Copy> Look for Values<'a, Box<T>, Rest> {
    type Next = Values<'a, T, Rest>;

    #[inline]
    fn look(&self, failed: bool) -> (Self::Next, bool) {
        (self.replace(|value| Some(&**value)), failed)
    }
}

impl<T, E, Rest: Copy> Look for Values<'_, Unreadable<Result<T, E>>, Rest> {
    type Next = Stuck;

    #[inline]
    fn look(&self, failed: bool) -> (Stuck, bool) {
        (Stuck, failed)
    }
}

impl<'a, T, Rest: Copy> Look for Values<'a, Unreadable<Option<T>>, Rest> {
    type Next = Values<'a, Unreadable<T>, Rest>;

    #[inline]
    fn look(&self, failed: bool) -> (Self::Next, bool) {
        (self.replace(|_| None), failed)
    }
}

impl<'a, T, Rest: Copy> Look for Values<'a, Unreadable<Box<T>>, Rest> {
    type Next = Values<'a, Unreadable<T>, Rest>;

    #[inline]
    fn look(&self, failed: bool) -> (Self::Next, bool) {
        (self.replace(|_| None), failed)
    }
}

/// The list type of a tuple's values.
macro_rules! list {
    ($life:lifetime, $wrap:ident, $rest:ty;) => { $rest };
    ($life:lifetime, $wrap:ident, $rest:ty; $first:ident $($others:ident)*) => {
        Values<$life, $wrap<$first>, list!($life, $wrap, $rest; $($others)*)>
    };
}

/// The list of a tuple's values, followed by the rest.
macro_rules! values {
    ($rest:expr;) => { $rest };
    ($rest:expr; $first:expr, $($others:expr,)*) => {
        Values::new($first, values!($rest; $($others,)*))
    };
}

type Readable<T> = T;

macro_rules! tuples {
    () => {};
    ($first:ident $($others:ident)*) => {
        impl<'a, $first, $($others,)* Rest: Copy> Look for Values<'a, ($first, $($others,)*), Rest> {
            type Next = list!('a, Readable, Rest; $first $($others)*);

            #[inline]
            #[allow(non_snake_case)]
            fn look(&self, failed: bool) -> (Self::Next, bool) {
                let (tuple, rest) = self.split();
                let values = match tuple {
                    Some(($first, $($others,)*)) => {
                        values!(rest; Some($first), $(Some($others),)*)
                    }
                    None => values!(rest; None::<&$first>, $(None::<&$others>,)*),
                };
                (values, failed)
            }
        }

        impl<'a, $first, $($others,)* Rest: Copy> Look
            for Values<'a, Unreadable<($first, $($others,)*)>, Rest>
        {
            type Next = list!('a, Unreadable, Rest; $first $($others)*);

            #[inline]
            fn look(&self, failed: bool) -> (Self::Next, bool) {
                let (_, rest) = self.split();
                let values = values!(
                    rest;
                    None::<&Unreadable<$first>>,
                    $(None::<&Unreadable<$others>>,)*
                );
                (values, failed)
            }
        }

        tuples!($($others)*);
    };
}

tuples!(A B C D E F G H I J K L M N O P Q R);
