//! Cookies that the crate `cookie` has signed or encrypted.

use std::fmt;

use cookie::{Cookie, CookieJar, Key};
use percent_encoding::percent_decode_str;

use super::{OldCookie, OldSid, RequestHeaders};
use crate::store::BoxError;

/// How another library protects the id in its cookie, with the signed or private jar of the crate
/// [`cookie`](https://docs.rs/cookie).
#[derive(Clone)]
pub struct CookieProtection(Kind);

#[derive(Clone)]
enum Kind {
    Plain,
    Signed(Key),
    Private(Key),
}

impl CookieProtection {
    /// The cookie holds the id alone.
    #[must_use]
    pub const fn plain() -> Self {
        Self(Kind::Plain)
    }

    /// The cookie is signed with `key`, which is that of `Key::master()`.
    ///
    /// # Errors
    /// If the key has fewer than 64 bytes.
    pub fn signed(key: &[u8]) -> Result<Self, BoxError> {
        Ok(Self(Kind::Signed(Key::try_from(key)?)))
    }

    /// The cookie is encrypted with `key`, which is that of `Key::master()`.
    ///
    /// # Errors
    /// If the key has fewer than 64 bytes.
    pub fn private(key: &[u8]) -> Result<Self, BoxError> {
        Ok(Self(Kind::Private(Key::try_from(key)?)))
    }

    /// Whether the cookie holds the id alone.
    #[must_use]
    pub const fn is_plain(&self) -> bool {
        matches!(self.0, Kind::Plain)
    }

    /// The same key for cookies that it has only signed.
    #[must_use]
    pub fn only_signed(self) -> Self {
        Self(match self.0 {
            Kind::Private(key) => Kind::Signed(key),
            kind => kind,
        })
    }

    /// The id in the first cookie of this name that was made with the key, and for which `is_id` holds.
    pub fn find(
        &self,
        request: &RequestHeaders,
        cookie: &OldCookie,
        is_id: impl Fn(&str) -> bool,
    ) -> Option<OldSid> {
        let new = match self.0 {
            Kind::Plain => OldSid::stored,
            Kind::Signed(_) | Kind::Private(_) => OldSid::signed,
        };
        let mut values = request.cookies(cookie.name());
        values.find_map(|value| {
            let value = percent_decode_str(value).decode_utf8().ok()?;
            let id = self.open(cookie.name(), &value)?;
            is_id(&id).then(|| new(id))
        })
    }

    /// What a cookie of this name with this value was made of, if it was made with the key.
    #[must_use]
    pub fn open(&self, name: &str, value: &str) -> Option<String> {
        let jar = CookieJar::new();
        let cookie = Cookie::new(name.to_owned(), value.to_owned());
        let opened = match &self.0 {
            Kind::Plain => cookie,
            Kind::Signed(key) => jar.signed(key).verify(cookie)?,
            Kind::Private(key) => jar.private(key).decrypt(cookie)?,
        };
        Some(opened.value().to_owned())
    }
}

impl fmt::Debug for CookieProtection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Kind::Plain => "Plain",
            Kind::Signed(_) => "Signed",
            Kind::Private(_) => "Private",
        })
    }
}
