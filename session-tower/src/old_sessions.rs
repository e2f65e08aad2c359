//! [`TowerSessions`]: the sessions of tower-sessions, to be adopted.

use std::fmt;
use std::str::FromStr as _;

use connect_session_runtime::adopt::{
    CookieProtection, OldCookie, OldSessions, OldSid, RequestHeaders,
};
use connect_session_runtime::store::BoxError;
use serde_json::Value;
use time::OffsetDateTime;
use tower_sessions_core::session::Id;
use tower_sessions_core::session_store::SessionStore;

/// The sessions of [tower-sessions](https://docs.rs/tower-sessions), in any of its stores, to be adopted
/// with the option `adopt`.
///
/// The cookie is `id`, as tower-sessions has it by default. The data is a JSON object with the keys that the
/// program has used.
///
/// ```
/// use connect_session::adopt::{Adopted, OldSessions as _, TowerSessions};
/// use connect_session::session_config;
/// use tower_sessions_memory_store::MemoryStore;
///
/// #[derive(Clone, Default, serde::Serialize, serde::Deserialize)]
/// struct Cart {
///     items: Vec<String>,
/// }
///
/// #[derive(serde::Deserialize)]
/// struct OldSession {
///     #[serde(default)]
///     items: Vec<String>,
///     user_id: Option<u64>,
/// }
///
/// fn cart_of(old: OldSession) -> Option<Adopted<Cart>> {
///     Some(Adopted::new(Cart { items: old.items }).of_user(old.user_id))
/// }
///
/// session_config! {
///     struct Shop {
///         data: Cart,
///         loaders: [cookie("__Host-sid")],
///         adopt: TowerSessions::new(MemoryStore::default()).adopt(cart_of),
///     }
/// }
/// # fn main() {}
/// ```
#[derive(Clone)]
pub struct TowerSessions<S> {
    store: S,
    cookie: OldCookie,
    protection: CookieProtection,
}

impl<S: SessionStore> TowerSessions<S> {
    /// The sessions in this store.
    pub fn new(store: S) -> Self {
        Self {
            store,
            cookie: OldCookie::new("id"),
            protection: CookieProtection::plain(),
        }
    }

    /// The cookie of tower-sessions, if it is not `id` for the path `/` of one host.
    #[must_use]
    pub fn cookie(self, cookie: OldCookie) -> Self {
        Self { cookie, ..self }
    }

    /// For cookies that are signed, as with `with_signed(key)`. `key` is `key.master()`.
    ///
    /// # Errors
    /// If the key has fewer than 64 bytes.
    pub fn signed(self, key: &[u8]) -> Result<Self, BoxError> {
        let protection = CookieProtection::signed(key)?;
        Ok(Self { protection, ..self })
    }

    /// For cookies that are encrypted, as with `with_private(key)`. `key` is `key.master()`.
    ///
    /// # Errors
    /// If the key has fewer than 64 bytes.
    pub fn private(self, key: &[u8]) -> Result<Self, BoxError> {
        let protection = CookieProtection::private(key)?;
        Ok(Self { protection, ..self })
    }
}

impl<S: SessionStore> OldSessions for TowerSessions<S> {
    fn find(&self, request: &RequestHeaders) -> Option<OldSid> {
        // Only in the one form that an id has, because a new record is derived from it.
        let is_id = |text: &str| Id::from_str(text).is_ok_and(|id| id.to_string() == text);
        self.protection.find(request, &self.cookie, is_id)
    }

    async fn read(&self, sid: &OldSid) -> Result<Option<Value>, BoxError> {
        let id = Id::from_str(sid.as_str())?;
        let record = self.store.load(&id).await?;
        let record = record.filter(|record| record.expiry_date > OffsetDateTime::now_utc());
        Ok(record.map(|record| Value::Object(record.data.into_iter().collect())))
    }

    async fn remove(&self, sid: &OldSid) -> Result<(), BoxError> {
        let id = Id::from_str(sid.as_str())?;
        Ok(self.store.delete(&id).await?)
    }

    fn cookie(&self) -> OldCookie {
        self.cookie.clone()
    }
}

impl<S> fmt::Debug for TowerSessions<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TowerSessions").finish_non_exhaustive()
    }
}
