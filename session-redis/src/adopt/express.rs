//! [`ExpressSessions`]: the sessions of express-session on Redis, to be adopted.

use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use connect_session_runtime::adopt::{
    OldCookie, OldSessions, OldSid, RequestHeaders, parse_record,
};
use connect_session_runtime::store::BoxError;
use hmac::{Hmac, KeyInit as _, Mac as _};
use percent_encoding::percent_decode_str;
use serde_json::Value;
use sha2::Sha256;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::OldRecords;
use crate::RedisStoreError;

/// The sessions of [express-session](https://www.npmjs.com/package/express-session), stored by
/// [connect-redis](https://www.npmjs.com/package/connect-redis) in its format since version 3, to be
/// adopted with the option `adopt`.
///
/// The cookie is `connect.sid` and the keys begin with `sess:`, as these libraries have it by default. Only
/// a cookie with a right signature is looked up. The data is the JSON object of the session, such as
/// `{"cookie":{…},"user":"ann"}`.
///
/// ```no_run
/// use connect_session::adopt::{Adopted, ExpressSessions, OldSessions as _};
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
///     user: Option<String>,
/// }
///
/// fn cart_of(old: OldSession) -> Option<Adopted<Cart>> {
///     Some(Adopted::new(Cart { items: old.items }).of_user(old.user))
/// }
///
/// session_config! {
///     struct Shop {
///         data: Cart,
///         loaders: [cookie("__Host-sid")],
///         adopt: ExpressSessions::connect(
///             &std::env::var("OLD_REDIS_URL")?,
///             &std::env::var("OLD_SESSION_SECRET")?,
///         ).await?.adopt(cart_of),
///     }
/// }
/// # fn main() {}
/// ```
#[derive(Clone)]
pub struct ExpressSessions {
    records: OldRecords,
    /// In the order of express-session: the first one signs, all of them verify.
    secrets: Vec<Arc<[u8]>>,
    cookie: OldCookie,
}

impl ExpressSessions {
    /// Connects to the Redis server that has the old sessions. `secret` is the one that express-session signs
    /// its cookies with.
    ///
    /// # Errors
    /// If the URL is wrong, the secret is empty, or the server does not answer.
    pub async fn connect(url: &str, secret: &str) -> Result<Self, RedisStoreError> {
        let mut problems = Vec::new();
        if secret.is_empty() {
            problems.push(
                "the secret of express-session is empty, so everyone can sign its cookies: pass the one \
                 that it is configured with"
                    .to_owned(),
            );
        }
        Ok(Self {
            records: OldRecords::connect(url, "sess:", problems).await?,
            secrets: vec![secret.as_bytes().into()],
            cookie: OldCookie::new("connect.sid"),
        })
    }

    /// Accepts the signatures of one more secret, for an application that has changed its own. An empty one
    /// is ignored.
    #[must_use]
    pub fn or_secret(mut self, secret: &str) -> Self {
        if !secret.is_empty() {
            self.secrets.push(secret.as_bytes().into());
        }
        self
    }

    /// The cookie of express-session, if it is not `connect.sid` for the path `/` of one host.
    #[must_use]
    pub fn cookie(self, cookie: OldCookie) -> Self {
        Self { cookie, ..self }
    }

    /// The `prefix` of connect-redis, if it is not `sess:`.
    #[must_use]
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.records.prefix = prefix.into();
        self
    }

    /// The id in a cookie, if one of the secrets has signed it: `s:<id>.<signature>`.
    fn verified(&self, value: &str) -> Option<OldSid> {
        let value = percent_decode_str(value).decode_utf8().ok()?;
        let (sid, signature) = value.strip_prefix("s:")?.rsplit_once('.')?;
        let signature = STANDARD_NO_PAD.decode(signature).ok()?;
        let is_signed_with = |secret: &Arc<[u8]>| {
            let mac = Hmac::<Sha256>::new_from_slice(secret);
            // Compares in constant time.
            mac.is_ok_and(|mac| mac.chain_update(sid).verify_slice(&signature).is_ok())
        };
        (!sid.is_empty() && self.secrets.iter().any(is_signed_with)).then(|| OldSid::signed(sid))
    }
}

impl OldSessions for ExpressSessions {
    fn find(&self, request: &RequestHeaders) -> Option<OldSid> {
        let mut values = request.cookies(self.cookie.name());
        values.find_map(|value| self.verified(value))
    }

    async fn read(&self, sid: &OldSid) -> Result<Option<Value>, BoxError> {
        let Some(record) = self.records.read(sid.as_str()).await? else {
            return Ok(None);
        };
        let session = parse_record(&record)?;
        Ok((!has_expired(&session, OffsetDateTime::now_utc())).then_some(session))
    }

    async fn remove(&self, sid: &OldSid) -> Result<(), BoxError> {
        self.records.remove(sid.as_str()).await
    }

    fn cookie(&self) -> OldCookie {
        self.cookie.clone()
    }
}

/// Whether the cookie in the session has expired. With `disableTTL`, connect-redis does not tell Redis.
fn has_expired(session: &Value, now: OffsetDateTime) -> bool {
    let expires = session.pointer("/cookie/expires").and_then(Value::as_str);
    let expires = expires.and_then(|text| OffsetDateTime::parse(text, &Rfc3339).ok());
    expires.is_some_and(|expires| expires <= now)
}

impl fmt::Debug for ExpressSessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExpressSessions")
            .field("server", &self.records.connection)
            .finish_non_exhaustive()
    }
}
