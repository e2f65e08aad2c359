//! Adopts the sessions that another library has stored: the option `adopt`.

#[cfg(feature = "axum-session")]
mod axum_session;
mod headers;
mod old_sid;
#[cfg(feature = "signed-cookies")]
mod protection;
mod records;
mod source;

use std::fmt;
use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde_json::Value;

#[cfg(feature = "axum-session")]
pub use self::axum_session::{AxumRecords, AxumSessions};
pub use self::headers::{OldCookie, RequestHeaders};
pub use self::old_sid::OldSid;
#[cfg(feature = "signed-cookies")]
pub use self::protection::CookieProtection;
pub use self::records::{parse_record, with_parsed_values};
use self::source::ErasedSource;
pub use self::source::OldSessions;
use crate::store::BoxError;

/// What becomes of an old session: the data of the new one, and its user.
///
/// ```
/// use connect_session::adopt::Adopted;
/// use serde_json::Value;
///
/// #[derive(Clone, Default, serde::Serialize, serde::Deserialize)]
/// struct Cart {
///     items: Vec<String>,
/// }
///
/// /// Keeps the items, and the user that passport.js has logged in.
/// fn cart_of(old: Value) -> Option<Adopted<Cart>> {
///     let items = serde_json::from_value(old.get("items")?.clone()).ok()?;
///     let user = old.pointer("/passport/user").and_then(Value::as_str);
///     Some(Adopted::new(Cart { items }).of_user(user))
/// }
///
/// let old = serde_json::json!({ "items": ["tea"], "passport": { "user": "ann" } });
/// let adopted = cart_of(old).expect("it has items");
/// assert_eq!(adopted.data.items, ["tea"]);
/// assert_eq!(adopted.user.as_deref(), Some("ann"));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Adopted<D> {
    /// The data of the new session.
    pub data: D,
    /// The id of the user who is logged in; `None` if nobody is.
    pub user: Option<Arc<str>>,
}

impl<D> Adopted<D> {
    /// A session with this data, to which nobody is logged in.
    #[must_use]
    pub const fn new(data: D) -> Self {
        Self { data, user: None }
    }

    /// The same for a logged-in user, with the id that `Session::login` gets; `None` for nobody.
    #[must_use]
    pub fn of_user(self, user: Option<impl fmt::Display>) -> Self {
        let user = user.map(|user| user.to_string().into());
        Self { user, ..self }
    }
}

/// Old sessions, and what becomes of them: the value of the option `adopt`. Made by
/// [`OldSessions::adopt`].
pub struct Adopt<D> {
    source: Box<dyn ErasedSource>,
    convert: Box<Convert<D>>,
}

/// Converts the data of an old session. The error is that of its deserialization.
type Convert<D> = dyn Fn(Value) -> Result<Option<Adopted<D>>, serde_json::Error> + Send + Sync;

/// What the old store says of a session.
pub(crate) enum OldSession<D> {
    Found(Adopted<D>),
    /// It has ended, or the program does not want it.
    Gone,
    /// Its data does not deserialize. Its message has no value of the data in it.
    Undecodable(BoxError),
}

impl<D> Adopt<D> {
    fn new<Old: DeserializeOwned>(
        source: impl OldSessions,
        convert: impl Fn(Old) -> Option<Adopted<D>> + Send + Sync + 'static,
    ) -> Self {
        Self {
            source: Box::new(source),
            convert: Box::new(move |old| Ok(convert(serde_json::from_value(old)?))),
        }
    }

    pub(crate) fn find(&self, request: &RequestHeaders) -> Option<OldSid> {
        self.source.find(request)
    }

    pub(crate) async fn read(&self, sid: &OldSid) -> Result<OldSession<D>, BoxError> {
        let Some(old) = self.source.read(sid).await? else {
            return Ok(OldSession::Gone);
        };
        Ok(match (self.convert)(old) {
            Ok(Some(adopted)) => OldSession::Found(adopted),
            Ok(None) => OldSession::Gone,
            Err(error) => OldSession::Undecodable(undecodable(&error)),
        })
    }

    /// Whether the old store still has the session.
    pub(crate) async fn has(&self, sid: &OldSid) -> Result<bool, BoxError> {
        Ok(self.source.read(sid).await?.is_some())
    }

    pub(crate) async fn remove(&self, sid: &OldSid) -> Result<(), BoxError> {
        self.source.remove(sid).await
    }

    pub(crate) fn cookie(&self) -> OldCookie {
        self.source.cookie()
    }
}

/// serde's own message may quote the data.
fn undecodable(error: &serde_json::Error) -> BoxError {
    let category = error.classify();
    format!(
        "the data of an old session does not fit the argument of the function that `adopt` converts it \
         with ({category:?}): let it take a `serde_json::Value`, or give missing fields `#[serde(default)]`"
    )
    .into()
}

impl<D> fmt::Debug for Adopt<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Adopt").finish_non_exhaustive()
    }
}

/// A value of the option `adopt` of a config with this data. Only [`Adopt`] is one.
#[diagnostic::on_unimplemented(
    message = "`adopt` of a config with the data `{D}` cannot take this value",
    label = "not an `Adopt<{D}>`",
    note = "name the old sessions and what becomes of them: `ExpressSessions::connect(…).await?.adopt(crate::convert)`",
    note = "`convert` is a `fn(old: serde_json::Value) -> Option<Adopted<{D}>>`, or takes a type that implements `Deserialize`"
)]
pub trait IntoAdopt<D> {
    #[doc(hidden)]
    fn into_adopt(self) -> Adopt<D>;
}

#[diagnostic::do_not_recommend]
impl<D> IntoAdopt<D> for Adopt<D> {
    fn into_adopt(self) -> Self {
        self
    }
}
