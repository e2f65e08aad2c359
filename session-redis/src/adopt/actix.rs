//! [`ActixSessions`]: the sessions of actix-session on Redis, to be adopted.

use std::fmt;

use connect_session_runtime::adopt::{
    CookieProtection, OldCookie, OldSessions, OldSid, RequestHeaders, parse_record,
    with_parsed_values,
};
use connect_session_runtime::store::BoxError;
use serde_json::Value;

use super::OldRecords;
use crate::RedisStoreError;

/// How many letters and digits an id has.
const ID_LENGTH: usize = 64;

/// The sessions of [actix-session](https://docs.rs/actix-session), stored by its `RedisSessionStore`, to be
/// adopted with the option `adopt`.
///
/// The cookie is `id` and encrypted, and the keys have no prefix, as actix-session has it by default. Only a
/// cookie that was made with the key is looked up. The data is a JSON object with the keys that the program
/// has used.
///
/// ```no_run
/// use connect_session::adopt::{ActixSessions, Adopted, OldSessions as _};
/// use connect_session::session_config;
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
///         adopt: ActixSessions::connect(
///             &std::env::var("OLD_REDIS_URL")?,
///             &std::fs::read("old.key")?,
///         ).await?.adopt(cart_of),
///     }
/// }
/// # fn main() {}
/// ```
///
/// `CookieSessionStore` has no sessions on a server. Its cookies are not adopted.
#[derive(Clone)]
pub struct ActixSessions {
    records: OldRecords,
    cookie: OldCookie,
    protection: CookieProtection,
}

impl ActixSessions {
    /// Connects to the Redis server that has the old sessions. `key` is `key.master()` of the key that
    /// `SessionMiddleware` has.
    ///
    /// # Errors
    /// If the URL is wrong, the key has fewer than 64 bytes, or the server does not answer.
    pub async fn connect(url: &str, key: &[u8]) -> Result<Self, RedisStoreError> {
        let mut problems = Vec::new();
        let protection = CookieProtection::private(key);
        let protection = protection.unwrap_or_else(|error| {
            problems.push(format!(
                "the key of actix-session cannot be right ({error}): pass `key.master()` of the key that \
                 its `SessionMiddleware` has"
            ));
            // Is not used: there is a problem.
            CookieProtection::plain()
        });
        Ok(Self {
            records: OldRecords::connect(url, "", problems).await?,
            cookie: OldCookie::new("id"),
            protection,
        })
    }

    /// For cookies that are only signed, as with `CookieContentSecurity::Signed`.
    #[must_use]
    pub fn signed(self) -> Self {
        let protection = self.protection.only_signed();
        Self { protection, ..self }
    }

    /// The cookie of actix-session, if it is not `id` for the path `/` of one host.
    #[must_use]
    pub fn cookie(self, cookie: OldCookie) -> Self {
        Self { cookie, ..self }
    }

    /// What the keys begin with, if the `cache_keygen` of the old program puts a prefix before the id.
    #[must_use]
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.records.prefix = prefix.into();
        self
    }
}

/// Whether this is an id. A signature does not cover the name of its cookie, and keys may have no prefix, so
/// another signed cookie of the old program must not name a key.
fn is_id(text: &str) -> bool {
    text.len() == ID_LENGTH && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

impl OldSessions for ActixSessions {
    fn find(&self, request: &RequestHeaders) -> Option<OldSid> {
        self.protection.find(request, &self.cookie, is_id)
    }

    async fn read(&self, sid: &OldSid) -> Result<Option<Value>, BoxError> {
        let Some(record) = self.records.read(sid.as_str()).await? else {
            return Ok(None);
        };
        Ok(Some(with_parsed_values(parse_record(&record)?)))
    }

    async fn remove(&self, sid: &OldSid) -> Result<(), BoxError> {
        self.records.remove(sid.as_str()).await
    }

    fn cookie(&self) -> OldCookie {
        self.cookie.clone()
    }
}

impl fmt::Debug for ActixSessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ActixSessions")
            .field("server", &self.records.connection)
            .finish_non_exhaustive()
    }
}
