//! [`AxumSessions`]: the sessions of axum_session on Redis, to be adopted.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use connect_session_runtime::adopt::{
    CookieProtection, OldCookie, OldSessions, OldSid, RequestHeaders,
};
use connect_session_runtime::store::BoxError;
use percent_encoding::percent_decode_str;
use serde_json::Value;

use super::{OldRecords, json, with_parsed_values};
use crate::RedisStoreError;

/// The sessions of [axum_session](https://docs.rs/axum_session), stored by its `SessionRedisPool`, to be
/// adopted with the option `adopt`.
///
/// The cookie is `session` and the table name `sessions`, as axum_session has it by default. The data is a
/// JSON object with the keys that the program has used.
///
/// ```no_run
/// use connect_session::adopt::{Adopted, AxumSessions, OldSessions as _};
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
///     /// Where axum_session_auth keeps the id of the user.
///     user_auth_session_id: Option<u64>,
/// }
///
/// fn cart_of(old: OldSession) -> Option<Adopted<Cart>> {
///     Some(Adopted::new(Cart { items: old.items }).of_user(old.user_auth_session_id))
/// }
///
/// session_config! {
///     struct Shop {
///         data: Cart,
///         loaders: [cookie("__Host-sid")],
///         adopt: AxumSessions::connect(&std::env::var("OLD_REDIS_URL")?)
///             .await?
///             .signed(&std::fs::read("old.key")?)?
///             .adopt(cart_of),
///     }
/// }
/// # fn main() {}
/// ```
///
/// Not supported are its other databases, ids in headers (`rest_mode`), and ids of an `IdGenerator` in cookies
/// that are not signed: they need an [`OldSessions`] of your own.
#[derive(Clone)]
pub struct AxumSessions {
    records: OldRecords,
    cookie: OldCookie,
    protection: CookieProtection,
    /// What encrypts the records.
    record_protection: CookieProtection,
}

impl AxumSessions {
    /// Connects to the Redis server that has the old sessions, whose cookies are neither signed nor are the
    /// records encrypted.
    ///
    /// # Errors
    /// If the URL is wrong, or the server does not answer.
    pub async fn connect(url: &str) -> Result<Self, RedisStoreError> {
        Ok(Self {
            records: OldRecords::connect(url, "sessions:", Vec::new()).await?,
            cookie: OldCookie::new("session"),
            protection: CookieProtection::plain(),
            record_protection: CookieProtection::plain(),
        })
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
    pub fn table_name(mut self, name: &str) -> Self {
        self.records.prefix = match name {
            "" => String::new(),
            name => format!("{name}:"),
        };
        self
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

impl OldSessions for AxumSessions {
    fn find(&self, request: &RequestHeaders) -> Option<OldSid> {
        if self.protection.is_plain() {
            return self.protection.find(request, &self.cookie, is_uuid);
        }
        let messages = signed_messages(request);
        let mut values = request.cookies(self.cookie.name());
        values.find_map(|value| self.verified(value, &messages))
    }

    async fn read(&self, sid: &OldSid) -> Result<Option<Value>, BoxError> {
        let Some(record) = self.records.read(sid).await? else {
            return Ok(None);
        };
        // It is encrypted as a cookie is whose name is the id.
        let record = String::from_utf8(record).map_err(|_| "an old session is not UTF-8")?;
        let record = (self.record_protection.open(sid.as_str(), &record)).ok_or(
            "an old session is not encrypted with the key that `database_key` was called with",
        )?;
        let mut session = json(record.as_bytes())?;
        let data = session.get_mut("data").map(Value::take);
        let data = data.ok_or("an old session has no `data`, as those of axum_session have")?;
        Ok(Some(with_parsed_values(data)))
    }

    async fn remove(&self, sid: &OldSid) -> Result<(), BoxError> {
        self.records.remove(sid).await
    }

    fn cookie(&self) -> OldCookie {
        self.cookie.clone()
    }
}

/// Whether this is an id as axum_session makes it. A client could name any key otherwise.
fn is_uuid(text: &str) -> bool {
    let is_hyphen = |index| matches!(index, 8 | 13 | 18 | 23);
    let mut bytes = text.bytes().enumerate();
    text.len() == 36
        && bytes.all(|(index, byte)| match byte {
            b'-' => is_hyphen(index),
            byte => !is_hyphen(index) && byte.is_ascii_hexdigit(),
        })
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

impl fmt::Debug for AxumSessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AxumSessions")
            .field("server", &self.records.connection)
            .finish_non_exhaustive()
    }
}
