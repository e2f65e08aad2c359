//! What an editor completes and documents in `#[session(…)]` and `session_config!`: one constant
//! for each word, with the documentation of the option. The macros use the constants only under
//! `cfg(rust_analyzer)`. A test of the macros compares the words with those that they accept, and
//! the texts with the tables in their documentation.

#![allow(non_upper_case_globals, reason = "they have the names of the options")]

/// The type of the constants.
#[derive(Debug, Clone, Copy)]
pub struct Word;

/// The options of `#[session(…)]`.
pub mod session {
    use super::Word;

    /// Loads the session of the request, or creates a new one. The handler takes a `Session<…>`,
    /// and `is_new()` returns which of the two it is.
    pub const create: Word = Word;
    /// Loads the session of the request. If there is none, a handler that takes `Session<…>` does
    /// not run and the client gets a 401; one that takes `Option<Session<…>>` runs with `None`. With
    /// `LoggedIn<…>`, a session without a user counts as none.
    pub const load: Word = Word;
    /// With `create`: a new session is stored, and its sid sent, only if the handler uses it: changes
    /// the data, logs in, rotates, sets a lifetime, saves, or reads the sid. So health checks and
    /// crawlers leave nothing behind.
    pub const lazy: Word = Word;
    /// `fresh = 5m`: the handler, which takes `LoggedIn<…>`, runs only if the user has logged in, or
    /// proved who they are once more, within this time. Otherwise the client gets a 401 (RFC 9470).
    pub const fresh: Word = Word;
    /// `level = 2`: the handler, which takes `LoggedIn<…>`, runs only if the user has proved who they
    /// are this well: a login has level 1, and `step_up(2)` makes it 2. Otherwise the client gets a 401
    /// (RFC 9470).
    pub const level: Word = Word;
    /// `header = "X-Device-Session"`: reads the sid from this request header. Overrides the loaders
    /// of the config; several loaders are tried in order.
    pub const header: Word = Word;
    /// Reads the sid from `Authorization: Bearer …` (RFC 6750 2.1). Overrides the loaders of the
    /// config.
    pub const bearer: Word = Word;
    /// `cookie = "__Host-sid"`: reads the sid from this cookie, which has the default attributes;
    /// for others, use `session_config!`. Overrides the loaders of the config.
    pub const cookie: Word = Word;
    /// `query = "sid"`: reads the sid from this query parameter. Needs a reason in `allow_in_url`
    /// (ASVS 14.2.1).
    pub const query: Word = Word;
    /// `path = "sid"`: reads the sid from this parameter of the route. Needs a reason in
    /// `allow_in_url` (ASVS 14.2.1).
    pub const path: Word = Word;
    /// `allow_in_url = "download links cannot set headers"`: why the sid may be in the URL,
    /// although logs and histories keep URLs (ASVS 14.2.1).
    pub const allow_in_url: Word = Word;
    /// `unprefixed = "old clients know this name"`: why the name of the cookie has neither `__Host-`
    /// nor `__Secure-` (ASVS 3.3.1).
    pub const unprefixed: Word = Word;
    /// `emit = header` or `emit = cookie`: where to send the sid of a new session, if the request
    /// had no sid. Without it, the config decides.
    pub const emit: Word = Word;
    /// `on_undecodable = replace`: what this handler does if the stored data does not match the type,
    /// instead of what the config says. A logout that says `replace` always ends the session.
    pub const on_undecodable: Word = Word;
    /// `cache = shared`: the response is the same for every user, and the handler may let shared
    /// caches keep it. Without it, `public` and `s-maxage` of a response for which a session was
    /// loaded become `private` (RFC 9111 3.5).
    pub const cache: Word = Word;
    /// The handler does not use a framework: it takes an `http::Request<_>` and returns an
    /// `http::Response<_>` or a `Result` of one.
    pub const http: Word = Word;
}

/// The options of `session_config!`.
pub mod session_config {
    use super::Word;

    /// `data: Cart`: the type of the data of a session, which must implement `Clone`, `Default`,
    /// `Serialize` and `Deserialize`. Default: an untyped map.
    pub const data: Word = Word;
    /// `loaders: [header("X-User-Session"), bearer]`: where to look for a sid, in this order.
    /// Default: `[header("X-User-Session")]`.
    pub const loaders: Word = Word;
    /// `emit: header` or `emit: cookie`: where to send the sid of a new session; it is sent in one
    /// place only (ASVS 3.3.4). Default: the place of the first header or cookie loader.
    pub const emit: Word = Word;
    /// `store: RedisStore = RedisStore::connect(&std::env::var("REDIS_URL")?).await?`: where
    /// sessions are stored. A type that implements `Default` needs no value. Default: in memory.
    pub const store: Word = Word;
    /// `adopt: ExpressSessions::connect(&std::env::var("OLD_REDIS_URL")?).await?.adopt(crate::convert)`:
    /// whose sessions are adopted, and what becomes of each: a request without a sid, but with the
    /// cookie of another library, goes on with its old session. Default: none.
    pub const adopt: Word = Word;
    /// `idle_timeout: 30m`: how long a session lives without a request. Default: `30m`.
    pub const idle_timeout: Word = Word;
    /// `absolute_timeout: 12h`: how long a session lives in total. More than 30 days is not
    /// recommended (NIST SP 800-63B-4, AAL1, 2.1.3). Default: `24h`.
    pub const absolute_timeout: Word = Word;
    /// `first_use_timeout: 10m`: how long a new session lives if no request presents it, which keeps
    /// clients that drop every sid from filling the store. Default: as long as any other.
    pub const first_use_timeout: Word = Word;
    /// `touch_every: 3m`: how often requests write a new idle deadline to the store. A session may
    /// expire up to this much early. Default: a tenth of the idle timeout.
    pub const touch_every: Word = Word;
    /// `renew_every: 10m`: the age of a secret after which the client gets a new one. Default:
    /// never.
    pub const renew_every: Word = Word;
    /// `renew_grace: 30s`: how long the previous secret stays valid after the new one was first
    /// used. Default: `30s`.
    pub const renew_grace: Word = Word;
    /// `on_reuse: end`: what happens if a secret that a renewal replaced comes back after its grace period:
    /// with `report` an event says so, with `end` the session ends, too. Default: `report`.
    pub const on_reuse: Word = Word;
    /// `max_size: 64KiB`: the maximum size of the encoded data and the subject of a session. Default:
    /// `1MiB` in stores that serialize.
    pub const max_size: Word = Word;
    /// `max_fields: 1_000`: the maximum number of top-level fields of a session's data; in untyped
    /// data, each key is a field. Default: `1_000`.
    pub const max_fields: Word = Word;
    /// `max_sessions: 5`: how many sessions a user may have; a login beyond that ends the sessions with
    /// the earliest logins, or is refused. The next request of a session that ended this way gets a 401
    /// `session-replaced`. A thief who knows the password can log out its owner by logging in this often. Default: any number.
    pub const max_sessions: Word = Word;
    /// `on_max_sessions: refuse`: what happens to a login of a user who has `max_sessions` sessions: with
    /// `end_oldest` those with the earliest logins end, with `refuse` the client gets a 409. Default:
    /// `end_oldest`.
    pub const on_max_sessions: Word = Word;
    /// `data_version: 2`: the version of the data's type; a program never writes data into a session
    /// whose data has a later version. Default: `1`.
    pub const data_version: Word = Word;
    /// `write_version: 1`: the version under which data is written, for a release that already reads a
    /// version but does not write it yet. Default: `data_version`.
    pub const write_version: Word = Word;
    /// `migrate: crate::migrate`: a `fn(from: u32, fields: &mut Fields) -> Result<(), BoxError>` that
    /// brings the stored fields of an earlier version to `data_version` when they are loaded. Default:
    /// none.
    pub const migrate: Word = Word;
    /// `merge: { visits: add, tags: union }`: how concurrent changes of a field are merged.
    /// Default: lists to which both requests append keep both, for all else `on_conflict` decides.
    pub const merge: Word = Word;
    /// `on_conflict: reject`: what happens to a change that cannot be merged: with `last_wins` it
    /// is written and an event is emitted, with `reject` nothing is written and the client gets a
    /// 409. Default: `last_wins`.
    pub const on_conflict: Word = Word;
    /// `on_ended: ignore`: the response if the session has ended during the request: with `reject`
    /// a 409, with `ignore` that of the handler. Default: `reject`.
    pub const on_ended: Word = Word;
    /// `on_store_error: anonymous`: what an optional load does if the store is unavailable: with
    /// `reject` the client gets a 503, with `anonymous` the handler runs with `None`. Default:
    /// `reject`.
    pub const on_store_error: Word = Word;
    /// `on_undecodable: replace`: what a load does if the stored data does not match the type: with
    /// `reject` the client gets a 500 and the session stays as it is, with `replace` it is ended and
    /// counts as unknown. In any case, `create` makes a new session and, once that is stored, ends
    /// the old one. Default: `reject`.
    pub const on_undecodable: Word = Word;
    /// `commit: on_success`: which changes are stored: with `on_ok` those of a handler that does not
    /// return `Err`, with `on_success` only if the status of the response is below 400, too, with
    /// `always` all. Default: `on_ok`.
    pub const commit: Word = Word;
    /// `trusted_proxy: x_forwarded`: the headers in which a reverse proxy says what the client
    /// addressed, for the cross-origin rule. Default: none, `Host` is compared.
    pub const trusted_proxy: Word = Word;
    /// `namespace: "shop"`: the prefix of the keys of the records. To rename the package, the crate or the
    /// config and keep its sessions, set the former namespace. Default: the names of the package, of the
    /// crate if it differs, and of the config, as in `shop/worker/Carts`.
    pub const namespace: Word = Word;
    /// `on_event: crate::log_event`: a function that is called with every event. Default: none.
    pub const on_event: Word = Word;
}

/// Where to look for a sid.
pub mod loaders {
    use super::Word;

    /// `header("X-User-Session")`: a request header.
    pub const header: Word = Word;
    /// `Authorization: Bearer …` (RFC 6750 2.1).
    pub const bearer: Word = Word;
    /// `cookie("__Host-sid")`: a cookie, `Secure`, `HttpOnly`, `SameSite=Lax` and `Path=/`.
    pub const cookie: Word = Word;
    /// `query("sid", allow_in_url = "reason")`: a query parameter.
    pub const query: Word = Word;
    /// `path("sid", allow_in_url = "reason")`: a parameter of the route.
    pub const path: Word = Word;
    /// `custom(crate::find_sid)`: where a function finds it in the head of a request.
    pub const custom: Word = Word;
}

/// The options of a cookie.
pub mod cookie {
    use super::Word;

    /// `path = "/api"`: the path below which browsers send the cookie. Default: `/`.
    pub const path: Word = Word;
    /// `domain = "example.com"`: the domain to which browsers send the cookie, including its
    /// subdomains. Default: only this host.
    pub const domain: Word = Word;
    /// `same_site = Strict`: whether browsers send the cookie from other sites. Default: `Lax`.
    pub const same_site: Word = Word;
    /// `insecure = "local development over http"`: the cookie is also sent unencrypted, for this
    /// reason (ASVS 3.3.1).
    pub const insecure: Word = Word;
    /// `unprefixed = "old clients know this name"`: why the name has neither `__Host-` nor `__Secure-`
    /// (ASVS 3.3.1).
    pub const unprefixed: Word = Word;
    /// The cookie is only sent over https. This is the default.
    pub const secure: Word = Word;
    /// Browsers keep a separate cookie for each site that embeds this one (CHIPS).
    pub const partitioned: Word = Word;
    /// Browsers keep the cookie after they are closed, for the `absolute_timeout`. `set_lifetime` decides
    /// for one session.
    pub const persistent: Word = Word;
    /// A logout also makes the browser delete what it keeps of this site: caches and storage, but no
    /// other cookies (`Clear-Site-Data`, ASVS 14.3.1).
    pub const clear_site_data: Word = Word;
    /// `origins = ["https://app.example.com"]`: other origins whose pages may send requests that
    /// change something.
    pub const origins: Word = Word;
    /// `cross_origin = off("reason")`: the pages of every origin may send such requests.
    pub const cross_origin: Word = Word;
}

/// The options of a `query` or `path` loader.
pub mod in_url {
    use super::Word;

    /// `allow_in_url = "download links cannot set headers"`: why the sid may be in the URL,
    /// although logs and histories keep URLs (ASVS 14.2.1).
    pub const allow_in_url: Word = Word;
}

/// Whether browsers send a cookie from other sites.
pub mod same_site {
    use super::Word;

    /// From other sites only when the user follows a link.
    pub const Lax: Word = Word;
    /// Only from this site.
    pub const Strict: Word = Word;
    /// From every site.
    pub const None: Word = Word;
}

/// Where to send the sid of a new session.
pub mod emit {
    use super::Word;

    /// In a response header: that of the first header loader, or `X-User-Session`.
    pub const header: Word = Word;
    /// In the cookie of the first cookie loader.
    pub const cookie: Word = Word;
}

/// Which caches may keep a response for which a session was loaded.
pub mod cache {
    use super::Word;

    /// Those that the handler's `Cache-Control` permits, also the shared ones of proxies and CDNs.
    pub const shared: Word = Word;
}

/// How concurrent changes of a field are merged.
pub mod merge {
    use super::Word;

    /// Numbers: the sum of both changes.
    pub const add: Word = Word;
    /// Numbers and times: the larger one.
    pub const max: Word = Word;
    /// Numbers and times: the smaller one.
    pub const min: Word = Word;
    /// Lists and sets: what either request added, without what either removed.
    pub const union: Word = Word;
    /// Maps: merged key by key.
    pub const keys: Word = Word;
    /// All types: the last one wins, without an event.
    pub const last_wins: Word = Word;
}

/// What happens to a change that cannot be merged.
pub mod on_conflict {
    use super::Word;

    /// The last change wins, and an event has the fields that it overwrote.
    pub const last_wins: Word = Word;
    /// The client gets a 409, and nothing is written.
    pub const reject: Word = Word;
}

/// The response if the session has ended during the request.
pub mod on_ended {
    use super::Word;

    /// The client gets a 409 `session-ended`.
    pub const reject: Word = Word;
    /// The client gets the handler's response.
    pub const ignore: Word = Word;
}

/// What an optional load does if the store is unavailable.
pub mod on_store_error {
    use super::Word;

    /// The client gets a 503.
    pub const reject: Word = Word;
    /// The handler runs with `None`.
    pub const anonymous: Word = Word;
}

/// What a load does if the stored data does not match the type.
pub mod on_undecodable {
    use super::Word;

    /// The client gets a 500 `undecodable`, and the session stays as it is; `create` makes a new one.
    pub const reject: Word = Word;
    /// The session is ended, and counts as unknown: `create` makes a new one.
    pub const replace: Word = Word;
}

/// What happens if a secret that a renewal replaced comes back after its grace period.
pub mod on_reuse {
    use super::Word;

    /// An event reports it, and the sid is unknown.
    pub const report: Word = Word;
    /// The session ends, too.
    pub const end: Word = Word;
}

/// What happens to a login of a user who has `max_sessions` sessions.
pub mod on_max_sessions {
    use super::Word;

    /// The sessions with the earliest logins end.
    pub const end_oldest: Word = Word;
    /// The login is refused, and the client gets a 409 `too-many-sessions`.
    pub const refuse: Word = Word;
}

/// The headers in which a reverse proxy says what the client addressed.
pub mod trusted_proxy {
    use super::Word;

    /// `Forwarded` (RFC 7239), with its parameters `host` and `proto`.
    pub const forwarded: Word = Word;
    /// `X-Forwarded-Host` and `X-Forwarded-Proto`.
    pub const x_forwarded: Word = Word;
}

/// Which changes of a handler are stored.
pub mod commit {
    use super::Word;

    /// Changes are stored unless the handler returns `Err`.
    pub const on_ok: Word = Word;
    /// Changes are stored unless the handler returns `Err` or the status of the response is 400 or
    /// more. On actix-web and rocket, this needs the app-wide layer.
    pub const on_success: Word = Word;
    /// Changes are stored even if the handler returns `Err`.
    pub const always: Word = Word;
}
