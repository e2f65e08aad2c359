//! The values inside rocket's own responders.

use rocket::Either;
use rocket::data::Capped;
use rocket::response::{Flash, content, status};

use crate::guard::failure::{Look, Unreadable, Values};

impl<'a, L, R, Rest: Copy> Look for Values<'a, Either<L, R>, Rest> {
    type Next = Values<'a, L, Values<'a, R, Rest>>;

    #[inline]
    fn look(&self, failed: bool) -> (Self::Next, bool) {
        let (either, rest) = self.split();
        let left = either.and_then(|either| either.as_ref().left());
        let right = either.and_then(|either| either.as_ref().right());
        (Values::new(left, Values::new(right, rest)), failed)
    }
}

/// Responders whose content is a public field.
macro_rules! readable {
    ($($wrapper:path: $field:tt,)*) => {$(
        impl<'a, R, Rest: Copy> Look for Values<'a, $wrapper, Rest> {
            type Next = Values<'a, R, Rest>;

            #[inline]
            fn look(&self, failed: bool) -> (Self::Next, bool) {
                (self.replace(|wrapper| Some(&wrapper.$field)), failed)
            }
        }
    )*};
}

readable! {
    Capped<R>: value,
    content::RawCss<R>: 0,
    content::RawHtml<R>: 0,
    content::RawJavaScript<R>: 0,
    content::RawJson<R>: 0,
    content::RawMsgPack<R>: 0,
    content::RawText<R>: 0,
    content::RawXml<R>: 0,
    status::Accepted<R>: 0,
    status::BadRequest<R>: 0,
    status::Conflict<R>: 0,
    status::Custom<R>: 1,
    status::Forbidden<R>: 0,
    status::NotFound<R>: 0,
    status::Unauthorized<R>: 0,
}

/// Responders whose content is private.
macro_rules! unreadable {
    ($($wrapper:path,)*) => {$(
        impl<'a, R, Rest: Copy> Look for Values<'a, $wrapper, Rest> {
            type Next = Values<'a, Unreadable<R>, Rest>;

            #[inline]
            fn look(&self, failed: bool) -> (Self::Next, bool) {
                (self.replace(|_| None), failed)
            }
        }
    )*};
}

unreadable! {
    status::Created<R>,
    Flash<R>,
}
