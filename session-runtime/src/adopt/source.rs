//! The old sessions: the trait of their sources.

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{Adopt, Adopted, OldCookie, OldSid, RequestHeaders};
use crate::store::{BoxError, BoxFuture};

/// The sessions that another library has stored, to be adopted.
///
/// `ExpressSessions`, `ActixSessions`, `AxumSessions` and `TowerSessions`, each with a feature of its own, are the
/// sources for express-session, actix-session, axum_session and tower-sessions. Implement the trait for any other
/// library.
///
/// ```
/// use connect_session::adopt::{OldCookie, OldSessions, OldSid, RequestHeaders};
/// use connect_session::store::BoxError;
/// use serde_json::Value;
///
/// struct Legacy;
/// # impl Legacy {
/// #     async fn row(&self, _: &str) -> Result<Option<String>, BoxError> { Ok(None) }
/// #     async fn delete(&self, _: &str) -> Result<(), BoxError> { Ok(()) }
/// # }
///
/// impl OldSessions for Legacy {
///     fn find(&self, request: &RequestHeaders) -> Option<OldSid> {
///         // 128 random bits as hexadecimal digits: nothing is signed.
///         let is_sid = |value: &&str| value.len() == 32 && value.bytes().all(|b| b.is_ascii_hexdigit());
///         request.cookies("legacy").find(is_sid).map(OldSid::stored)
///     }
///
///     async fn read(&self, sid: &OldSid) -> Result<Option<Value>, BoxError> {
///         // A row that has expired is none.
///         match self.row(sid.as_str()).await? {
///             Some(row) => Ok(Some(serde_json::from_str(&row)?)),
///             None => Ok(None),
///         }
///     }
///
///     async fn remove(&self, sid: &OldSid) -> Result<(), BoxError> {
///         self.delete(sid.as_str()).await
///     }
///
///     fn cookie(&self) -> OldCookie {
///         OldCookie::new("legacy")
///     }
/// }
/// ```
pub trait OldSessions: Send + Sync + 'static {
    /// The id of the old session that a request presents. If the library signs or encrypts its cookie,
    /// only an id whose signature is right may be returned, and signatures must be compared in constant
    /// time: what is returned is looked up in the old store.
    fn find(&self, request: &RequestHeaders) -> Option<OldSid>;

    /// The data of an old session; `None` if there is none, or if it has expired.
    ///
    /// # Errors
    /// If the old store does not answer. The request is then answered with a 503.
    fn read(&self, sid: &OldSid) -> impl Future<Output = Result<Option<Value>, BoxError>> + Send;

    /// Removes an old session. That there is none is a success.
    ///
    /// # Errors
    /// If the session may still be there. The request is then answered with a 503.
    fn remove(&self, sid: &OldSid) -> impl Future<Output = Result<(), BoxError>> + Send;

    /// The cookie that carries the old id. The response that carries the new sid expires it.
    fn cookie(&self) -> OldCookie;

    /// Says what becomes of each old session: `convert` gets its data, as `serde_json::Value` or any type
    /// that implements `Deserialize`, and returns the data and the user of the new one. `None` leaves the
    /// old session where it is, and the request has no session.
    ///
    /// `convert` may run several times for one session.
    fn adopt<Old, D>(
        self,
        convert: impl Fn(Old) -> Option<Adopted<D>> + Send + Sync + 'static,
    ) -> Adopt<D>
    where
        Self: Sized,
        Old: DeserializeOwned,
    {
        Adopt::new(self, convert)
    }
}

/// The object-safe form of [`OldSessions`].
pub(super) trait ErasedSource: Send + Sync {
    fn find(&self, request: &RequestHeaders) -> Option<OldSid>;
    fn read<'a>(&'a self, sid: &'a OldSid) -> BoxFuture<'a, Result<Option<Value>, BoxError>>;
    fn remove<'a>(&'a self, sid: &'a OldSid) -> BoxFuture<'a, Result<(), BoxError>>;
    fn cookie(&self) -> OldCookie;
}

impl<S: OldSessions> ErasedSource for S {
    fn find(&self, request: &RequestHeaders) -> Option<OldSid> {
        OldSessions::find(self, request)
    }

    fn read<'a>(&'a self, sid: &'a OldSid) -> BoxFuture<'a, Result<Option<Value>, BoxError>> {
        Box::pin(OldSessions::read(self, sid))
    }

    fn remove<'a>(&'a self, sid: &'a OldSid) -> BoxFuture<'a, Result<(), BoxError>> {
        Box::pin(OldSessions::remove(self, sid))
    }

    fn cookie(&self) -> OldCookie {
        OldSessions::cookie(self)
    }
}
