//! What an editor completes and explains in `#[session(…)]` and `session_config!`: a constant for
//! each word, whose documentation is the reference of the option. The macros name them under
//! `cfg(rust_analyzer)`, so that a compiler never sees them. A test of the macros holds the words
//! against those that they know, and against the tables in their documentation.

#![allow(non_upper_case_globals, reason = "they are called as the options are")]

/// A word.
#[derive(Debug, Clone, Copy)]
pub struct Word;

/// The options of `#[session(…)]`.
pub mod session {
    use super::Word;

    /// The session that the request names, or a new one: the handler takes a `Session<…>`, which
    /// says by `is_new()` which it is.
    pub const create: Word = Word;
    /// The session that the request names. Without one a handler that takes `Session<…>` does not
    /// run and the client gets a 401; one that takes `Option<Session<…>>` runs with `None`.
    pub const load: Word = Word;
    /// `header = "X-Device-Session"`: the sid is looked for in this request header, and not where
    /// the config says. Several loaders are asked in order.
    pub const header: Word = Word;
    /// The sid is looked for in `Authorization: Bearer …` (RFC 6750 2.1), and not where the
    /// config says.
    pub const bearer: Word = Word;
    /// `cookie = "__Host-sid"`: the sid is looked for in this cookie, and not where the
    /// config says. Its attributes are the defaults; others belong into `session_config!`.
    pub const cookie: Word = Word;
    /// `query = "sid"`: the sid is looked for in this query parameter. It takes a reason, by
    /// `allow_in_url` (ASVS 14.2.1).
    pub const query: Word = Word;
    /// `path = "sid"`: the sid is looked for in this parameter of the route. It takes a reason, by
    /// `allow_in_url` (ASVS 14.2.1).
    pub const path: Word = Word;
    /// `allow_in_url = "download links cannot set headers"`: why the sid may stand in the URL,
    /// where logs and histories keep it (ASVS 14.2.1).
    pub const allow_in_url: Word = Word;
    /// `emit = header` or `emit = cookie`: how a first sid is sent. Without it: as the dead sid
    /// came, else as the config says.
    pub const emit: Word = Word;
    /// The handler belongs to no framework: it takes an `http::Request<_>` and returns an
    /// `http::Response<_>` or a `Result` of one.
    pub const http: Word = Word;
}

/// The options of `session_config!`.
pub mod session_config {
    use super::Word;

    /// `data: Cart`: what a session holds, a type with the derives `Clone`, `Default`, `Serialize`
    /// and `Deserialize`. Default: an untyped map.
    pub const data: Word = Word;
    /// `loaders: [header("X-User-Session"), bearer]`: where a sid is looked for, in this order.
    /// Default: `[header("X-User-Session")]`.
    pub const loaders: Word = Word;
    /// `emit: header` or `emit: cookie`: how a first sid is sent, on one way only (ASVS 3.3.4).
    /// Default: as the first loader can.
    pub const emit: Word = Word;
    /// `store: RedisStore = RedisStore::connect(&std::env::var("REDIS_URL")?).await?`: where
    /// sessions are kept; a type with a `Default` needs no value. Default: in memory.
    pub const store: Word = Word;
    /// `idle_timeout: 30m`: how long a session lives without a request. Default: `30m`.
    pub const idle_timeout: Word = Word;
    /// `absolute_timeout: 12h`: how long a session lives whatever happens; more than 30 days is
    /// advised against (NIST SP 800-63B-4, AAL1, 2.1.3). Default: `24h`.
    pub const absolute_timeout: Word = Word;
    /// `touch_every: 3m`: how much of the idle time has passed before a request writes the
    /// deadline anew. Default: a tenth of the idle timeout.
    pub const touch_every: Word = Word;
    /// `renew_every: 10m`: how old a secret gets before the client is given another one. Default:
    /// never.
    pub const renew_every: Word = Word;
    /// `renew_grace: 30s`: how long a renewed secret stays good once its successor was used.
    /// Default: `30s`.
    pub const renew_grace: Word = Word;
    /// `max_size: 64KiB`: the most bytes that the encoded data of a session may have. Default:
    /// `1MiB` in stores that encode.
    pub const max_size: Word = Word;
    /// `max_fields: 1_000`: the most top-level fields that the data of a session may have; of
    /// untyped data, each key is one. Default: `1_000`.
    pub const max_fields: Word = Word;
    /// `merge: { visits: add, tags: union }`: how changes of one field by overlapping requests
    /// come together. Default: a list to which both append keeps both, else `on_conflict` says.
    pub const merge: Word = Word;
    /// `on_conflict: reject`: what becomes of a change that cannot be merged: `last_wins`, with an
    /// event, or `reject`, with a 409 and nothing written. Default: `last_wins`.
    pub const on_conflict: Word = Word;
    /// `on_ended: ignore`: what a client is told when its session ended meanwhile: a 409 by
    /// `reject`, the handler's response by `ignore`. Default: `reject`.
    pub const on_ended: Word = Word;
    /// `on_store_error: anonymous`: what an optional load does when the store does not answer: a
    /// 503 by `reject`, `None` by `anonymous`. Default: `reject`.
    pub const on_store_error: Word = Word;
    /// `commit: always`: whether the changes of a handler that returns `Err` are stored: not by
    /// `on_ok`, by `always` they are. Default: `on_ok`.
    pub const commit: Word = Word;
    /// `namespace: "shop"`: what the keys of the records begin with. Default: the names of the
    /// package and the config.
    pub const namespace: Word = Word;
    /// `on_event: crate::log_event`: a function that hears of every event. Default: none.
    pub const on_event: Word = Word;
}

/// Where a sid is looked for.
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
    /// `custom(crate::find_sid)`: wherever a function finds one in the head of a request.
    pub const custom: Word = Word;
}

/// What a cookie may say.
pub mod cookie {
    use super::Word;

    /// `path = "/api"`: below which path browsers send it. Default: `/`.
    pub const path: Word = Word;
    /// `domain = "example.com"`: it goes to all subdomains too. Default: this host alone.
    pub const domain: Word = Word;
    /// `same_site = Strict`: whether browsers send it from other sites. Default: `Lax`.
    pub const same_site: Word = Word;
    /// `insecure = "local development over http"`: it is sent in the clear, for this reason (ASVS
    /// 3.3.1).
    pub const insecure: Word = Word;
    /// It is sent over https alone. That is the default.
    pub const secure: Word = Word;
    /// Each site that embeds this one has a jar of its own (CHIPS).
    pub const partitioned: Word = Word;
    /// It outlives the browser, for as long as `absolute_timeout` says.
    pub const persistent: Word = Word;
    /// `origins = ["https://app.example.com"]`: whose pages may send requests that change things.
    pub const origins: Word = Word;
    /// `cross_origin = off("reason")`: the pages of every origin may send such requests.
    pub const cross_origin: Word = Word;
}

/// What a sid in a URL needs.
pub mod in_url {
    use super::Word;

    /// `allow_in_url = "download links cannot set headers"`: why the sid may stand in the URL,
    /// where logs and histories keep it (ASVS 14.2.1).
    pub const allow_in_url: Word = Word;
}

/// Whether browsers send a cookie from other sites.
pub mod same_site {
    use super::Word;

    /// With links from other sites, and not with their requests.
    pub const Lax: Word = Word;
    /// From this site alone.
    pub const Strict: Word = Word;
    /// From every site.
    pub const None: Word = Word;
}

/// How a first sid is sent.
pub mod emit {
    use super::Word;

    /// In a response header: that of the first header loader, or `X-User-Session`.
    pub const header: Word = Word;
    /// As the cookie of the first cookie loader.
    pub const cookie: Word = Word;
}

/// How changes of one field come together.
pub mod merge {
    use super::Word;

    /// Numbers: both differences are added.
    pub const add: Word = Word;
    /// Numbers and times: the larger one.
    pub const max: Word = Word;
    /// Numbers and times: the smaller one.
    pub const min: Word = Word;
    /// Lists and sets: what either side added, without what either removed.
    pub const union: Word = Word;
    /// Maps: key by key.
    pub const keys: Word = Word;
    /// Everything: the last one wins, without an event.
    pub const last_wins: Word = Word;
}

/// What becomes of a change that cannot be merged.
pub mod on_conflict {
    use super::Word;

    /// The last one wins, and an event says which fields it overwrote.
    pub const last_wins: Word = Word;
    /// A 409, and nothing is written.
    pub const reject: Word = Word;
}

/// What a client is told when its session ended meanwhile.
pub mod on_ended {
    use super::Word;

    /// A 409 `session-ended`.
    pub const reject: Word = Word;
    /// The handler's response.
    pub const ignore: Word = Word;
}

/// What an optional load does when the store does not answer.
pub mod on_store_error {
    use super::Word;

    /// A 503.
    pub const reject: Word = Word;
    /// The handler runs with `None`.
    pub const anonymous: Word = Word;
}

/// Whether the changes of a handler that fails are stored.
pub mod commit {
    use super::Word;

    /// Only those of one that did not return `Err`.
    pub const on_ok: Word = Word;
    /// Those of one that returned.
    pub const always: Word = Word;
}
