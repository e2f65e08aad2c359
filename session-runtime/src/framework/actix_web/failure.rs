//! The values inside actix-web's own responders.

use actix_web::{CustomizeResponder, Either};

use crate::guard::failure::{Look, Unreadable, Values};

impl<'a, L, R, Rest: Copy> Look for Values<'a, Either<L, R>, Rest> {
    type Next = Values<'a, L, Values<'a, R, Rest>>;

    #[inline]
    fn look(&self, failed: bool) -> (Self::Next, bool) {
        let (either, rest) = self.split();
        let (left, right) = match either {
            Some(Either::Left(left)) => (Some(left), None),
            Some(Either::Right(right)) => (None, Some(right)),
            None => (None, None),
        };
        (Values::new(left, Values::new(right, rest)), failed)
    }
}

/// `.customize()` on a responder; the responder is private.
impl<'a, R, Rest: Copy> Look for Values<'a, CustomizeResponder<R>, Rest> {
    type Next = Values<'a, Unreadable<R>, Rest>;

    #[inline]
    fn look(&self, failed: bool) -> (Self::Next, bool) {
        (self.replace(|_| None), failed)
    }
}
