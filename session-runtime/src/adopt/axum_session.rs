//! [`AxumSessions`]: the sessions of axum_session, to be adopted.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use percent_encoding::percent_decode_str;
use serde_json::Value;
use uuid::Uuid;

use super::{
    CookieProtection, OldCookie, OldSessions, OldSid, RequestHeaders, parse_record,
    with_parsed_values,
};
use crate::store::BoxError;

/// Where axum_session keeps its sessions. `RedisRecords` and `SqlRecords` are its `SessionRedisPool`, and its pools of
/// PostgreSQL, MySQL and SQLite.
///
/// For another database, forward both functions to the pool of the old program, which has a `load` and a
/// `delete_one_by_id` with the same arguments: the id of a session, and the `table_name` of axum_session.
///
/// ```
/// use connect_session_runtime::adopt::AxumRecords;
/// use connect_session_runtime::store::BoxError;
///
/// # struct SessionSurrealPool;
/// # impl SessionSurrealPool {
/// #     async fn load(&self, _: &str, _: &str) -> Result<Option<String>, BoxError> { Ok(None) }
/// #     async fn delete_one_by_id(&self, _: &str, _: &str) -> Result<(), BoxError> { Ok(()) }
/// # }
/// struct SurrealRecords(SessionSurrealPool);
///
/// impl AxumRecords for SurrealRecords {
///     async fn read(&self, id: &str, table: &str) -> Result<Option<String>, BoxError> {
///         Ok(self.0.load(id, table).await?)
///     }
///
///     async fn remove(&self, id: &str, table: &str) -> Result<(), BoxError> {
///         Ok(self.0.delete_one_by_id(id, table).await?)
///     }
/// }
/// ```
pub trait AxumRecords: Send + Sync + 'static {
    /// The record with this id, which axum_session has stored; `None` if there is none, or if it has expired.
    ///
    /// # Errors
    /// If the database does not answer.
    fn read(
        &self,
        id: &str,
        table: &str,
    ) -> impl Future<Output = Result<Option<String>, BoxError>> + Send;

    /// Removes the record with this id, if there is one.
    ///
    /// # Errors
    /// If the record may still be there.
    fn remove(&self, id: &str, table: &str) -> impl Future<Output = Result<(), BoxError>> + Send;
}

/// The sessions of [axum_session](https://docs.rs/axum_session), in any of its databases, to be adopted with the
/// option `adopt`.
///
/// The cookie is `session` and the table name `sessions`, as axum_session has it by default. The data is a
/// JSON object with the keys that the program has used.
///
/// ```
/// use connect_session_runtime::adopt::{Adopt, Adopted, AxumRecords, AxumSessions, OldSessions as _};
/// use connect_session_runtime::store::BoxError;
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
///     /// Where axum_session_auth keeps the id of the user.
///     user_auth_session_id: Option<u64>,
/// }
///
/// fn cart_of(old: OldSession) -> Option<Adopted<Cart>> {
///     Some(Adopted::new(Cart { items: old.items }).of_user(old.user_auth_session_id))
/// }
///
/// /// The value of `adopt`, of an old program that signs its cookies.
/// fn old_sessions(records: impl AxumRecords, key: &[u8]) -> Result<Adopt<Cart>, BoxError> {
///     Ok(AxumSessions::new(records).signed(key)?.adopt(cart_of))
/// }
/// ```
///
/// The documentation of `RedisRecords` and `SqlRecords` has a whole config.
///
/// Not supported are ids in headers (`rest_mode`), and ids of an `IdGenerator` in cookies
/// that are not signed: they need an [`OldSessions`] of your own.
#[derive(Clone)]
pub struct AxumSessions<R> {
    records: R,
    table: String,
    cookie: OldCookie,
    protection: CookieProtection,
    /// What encrypts the records.
    record_protection: CookieProtection,
}

impl<R: AxumRecords> AxumSessions<R> {
    /// The sessions in these records, whose cookies are not signed, and which are not encrypted.
    #[must_use]
    pub fn new(records: R) -> Self {
        Self {
            records,
            table: "sessions".to_owned(),
            cookie: OldCookie::new("session"),
            protection: CookieProtection::plain(),
            record_protection: CookieProtection::plain(),
        }
    }

    /// For cookies that are signed, as with `with_key(key)`. `key` is `key.master()`.
    ///
    /// axum_session signs the id together with the client's address and user agent, unless
    /// `with_ip_and_user_agent(false)` or the options `with_hashed_…` leave some of them out. All of its ways
    /// are recognized. Addresses of clients are known if the program serves
    /// `into_make_service_with_connect_info::<SocketAddr>()`, as it must for axum_session.
    ///
    /// # Errors
    /// If the key has fewer than 64 bytes.
    pub fn signed(self, key: &[u8]) -> Result<Self, BoxError> {
        let protection = CookieProtection::signed(key)?;
        Ok(Self { protection, ..self })
    }

    /// For records that are encrypted, as with `with_database_key(key)`. `key` is `key.master()`.
    ///
    /// # Errors
    /// If the key has fewer than 64 bytes.
    pub fn database_key(self, key: &[u8]) -> Result<Self, BoxError> {
        let record_protection = CookieProtection::private(key)?;
        Ok(Self {
            record_protection,
            ..self
        })
    }

    /// The cookie of axum_session, if it is not `session` for the path `/` of one host.
    #[must_use]
    pub fn cookie(self, cookie: OldCookie) -> Self {
        Self { cookie, ..self }
    }

    /// The `table_name` of axum_session, if it is not `sessions`.
    #[must_use]
    pub fn table_name(self, name: impl Into<String>) -> Self {
        let table = name.into();
        Self { table, ..self }
    }

    /// The id in a signed cookie, if it was signed together with one of these messages.
    fn verified(&self, value: &str, messages: &[String]) -> Option<OldSid> {
        let value = percent_decode_str(value).decode_utf8().ok()?;
        messages.iter().find_map(|message| {
            let signed = format!("{value}{message}");
            let signed = self.protection.open(self.cookie.name(), &signed)?;
            let id = signed.strip_suffix(message.as_str())?;
            (!id.is_empty()).then(|| OldSid::signed(id))
        })
    }
}

impl<R: AxumRecords> OldSessions for AxumSessions<R> {
    fn find(&self, request: &RequestHeaders) -> Option<OldSid> {
        if self.protection.is_plain() {
            return self.protection.find(request, &self.cookie, is_uuid);
        }
        let messages = signed_messages(request);
        let mut values = request.cookies(self.cookie.name());
        values.find_map(|value| self.verified(value, &messages))
    }

    async fn read(&self, sid: &OldSid) -> Result<Option<Value>, BoxError> {
        let Some(record) = self.records.read(sid.as_str(), &self.table).await? else {
            return Ok(None);
        };
        // It is encrypted as a cookie is whose name is the id.
        let record = (self.record_protection.open(sid.as_str(), &record)).ok_or(
            "an old session is not encrypted with the key that `database_key` was called with",
        )?;
        let mut session = parse_record(record.as_bytes())?;
        let data = session.get_mut("data").map(Value::take);
        let data = data.ok_or("an old session has no `data`, as those of axum_session have")?;
        Ok(Some(with_parsed_values(data)))
    }

    async fn remove(&self, sid: &OldSid) -> Result<(), BoxError> {
        self.records.remove(sid.as_str(), &self.table).await
    }

    fn cookie(&self) -> OldCookie {
        self.cookie.clone()
    }
}

/// Whether this is an id as axum_session makes it. A client could name any key otherwise, and, in upper case, one
/// record of MySQL by several ids.
fn is_uuid(text: &str) -> bool {
    let parsed = Uuid::try_parse(text).ok();
    parsed.is_some_and(|uuid| *uuid.hyphenated().encode_lower(&mut Uuid::encode_buffer()) == *text)
}

/// What axum_session may have signed after the id, as its options say: nothing, or some of the address of the
/// peer, `X-Forwarded-For`, `Forwarded`, `X-Real-IP` and the user agent. A client cannot choose which: the
/// signature is right for one of them only.
fn signed_messages(request: &RequestHeaders) -> Vec<String> {
    let ip = |text: &str| text.trim().parse::<IpAddr>().ok();
    let list = |name| {
        request
            .header(name)
            .into_iter()
            .flat_map(|line| line.split(','))
    };
    let parts = [
        request.peer_ip().map(|ip| ip.to_string()),
        list("x-forwarded-for")
            .find_map(ip)
            .map(|ip| ip.to_string()),
        list("forwarded")
            .find_map(forwarded_for)
            .map(|ip| ip.to_string()),
        request
            .header("x-real-ip")
            .and_then(ip)
            .map(|ip| ip.to_string()),
        request.header("user-agent").map(str::to_owned),
    ];
    let mut messages = vec![Vec::new()];
    for part in &parts {
        let with_part = messages.iter().flat_map(|message: &Vec<&str>| {
            let values = [Some(""), part.as_deref()].into_iter().flatten();
            values.map(|value| [message, &[value][..]].concat())
        });
        messages = with_part.collect();
    }
    let messages = messages.into_iter().map(|message| message.join(";"));
    std::iter::once(String::new()).chain(messages).collect()
}

/// The address in an element of `Forwarded` (RFC 7239, 4), such as `for="[2001:db8::1]:4711";proto=https`.
fn forwarded_for(element: &str) -> Option<IpAddr> {
    let mut parameters = element.split(';').filter_map(|pair| pair.split_once('='));
    let (_, node) = parameters.find(|(name, _)| name.trim().eq_ignore_ascii_case("for"))?;
    let node = node.trim().trim_matches('"');
    let address = node.parse::<SocketAddr>().map(|address| address.ip());
    let bare = || node.trim_matches(['[', ']']).parse();
    address.or_else(|_| bare()).ok()
}

impl<R> fmt::Debug for AxumSessions<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AxumSessions")
            .field("table", &self.table)
            .finish_non_exhaustive()
    }
}
