//! The macros of connect-session; use the `connect-session` crate, whose documentation explains
//! them.

#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(
    test,
    allow(clippy::expect_used, reason = "a test that expects in vain has failed")
)]

mod choice;
mod config;
#[cfg(test)]
mod docs_in_sync;
mod errors;
#[cfg(test)]
mod fuzz;
mod handler;
mod hoist;
mod ide;
mod loaders;
mod quantity;
#[cfg(test)]
mod snapshots;
mod suggest;
mod text;
mod tokens;
mod units;

use proc_macro::TokenStream;

/// Gives a handler a session: `#[session(create)]` finds the one that the request names or begins a
/// new one, `#[session(load)]` finds it or, where the handler takes a plain `Session`, answers 401.
///
/// ```
/// # use axum::Json;
/// # use connect_session::{Session, session, session_config};
/// # #[derive(Clone, Default, serde::Serialize, serde::Deserialize)]
/// # struct Cart { items: Vec<String> }
/// # session_config! { struct Shop { data: Cart } }
/// #[session(load)]
/// async fn add(mut session: Session<Shop>, Json(item): Json<String>) -> Json<Cart> {
///     session.items.push(item);
///     Json(session.data().clone())
/// }
/// ```
///
/// The session is the argument whose type is called `Session` or `Option<Session<…>>`; one of
/// another name is marked: `#[session] session: ShopSession`. What the handler changed is stored
/// after it has returned and before the first byte is sent, unless it failed.
///
/// The attribute stands above a framework's own. What stands above it sees your function, what
/// stands below it sees the handler that the framework calls. That one takes a guard in place of
/// the session, so it is tested through a router and not called.
///
/// | from the top | axum | actix-web | poem, rocket, salvo |
/// | --- | --- | --- | --- |
/// | `#[session(…)]`, the framework's | works, also with `#[debug_handler]` | works, also with `#[routes]` | works |
/// | the framework's, `#[session(…)]` | does not compile: our message | works too | does not compile: our message |
/// | the framework's alone | does not compile; our message under `#[debug_handler]` | does not compile: our message | does not compile: our message |
/// | `#[utoipa::path]` | above or below ours | above or below ours, above the framework's | |
/// | `#[tracing::instrument]` | above or below ours: it is about your function | the same | the same |
///
/// <!-- session -->
/// | option | what it says | default |
/// | --- | --- | --- |
/// | `create` | the session that the request names, or a new one: the handler takes a `Session<…>`, which says by `is_new()` which it is | |
/// | `load` | the session that the request names. Without one a handler that takes `Session<…>` does not run and the client gets a 401; one that takes `Option<Session<…>>` runs with `None` | |
/// | `header = "X-Device-Session"` | the sid is looked for in this request header, and not where the config says. Several loaders are asked in order | |
/// | `bearer` | the sid is looked for in `Authorization: Bearer …` (RFC 6750 2.1), and not where the config says | |
/// | `cookie = "__Host-sid"` | the sid is looked for in this cookie, and not where the config says. Its attributes are the defaults; others belong into `session_config!` | |
/// | `query = "sid"` | the sid is looked for in this query parameter. It takes a reason, by `allow_in_url` (ASVS 14.2.1) | |
/// | `path = "sid"` | the sid is looked for in this parameter of the route. It takes a reason, by `allow_in_url` (ASVS 14.2.1) | |
/// | `allow_in_url = "download links cannot set headers"` | why the sid may stand in the URL, where logs and histories keep it (ASVS 14.2.1) | |
/// | `emit = header` or `emit = cookie` | how a first sid is sent. Without it: as the dead sid came, else as the config says | |
/// | `http` | the handler belongs to no framework: it takes an `http::Request<_>` and returns an `http::Response<_>` or a `Result` of one | |
/// | `crate = path` | where the library is | `::connect_session` |
/// <!-- -->
#[proc_macro_attribute]
pub fn session(attr: TokenStream, item: TokenStream) -> TokenStream {
    handler::expand(attr.into(), item.into()).into()
}

/// Declares a config: a type that `Session<…>` carries, with `start`, `configure` and `layer`.
///
/// ```
/// # use connect_session::{session_config, store::MemoryStore};
/// # #[derive(Clone, Default, serde::Serialize, serde::Deserialize)]
/// # pub struct Cart { items: Vec<String>, visits: u64 }
/// session_config! {
///     /// Sessions of the shop's API.
///     pub struct Shop {
///         data: Cart,
///         loaders: [header("X-User-Session"), bearer],
///         idle_timeout: 30m,
///         absolute_timeout: 12h,
///         merge: { visits: add },
///         store: MemoryStore<Cart> = {
///             let capacity = std::env::var("MAX_SESSIONS")?.parse()?;
///             MemoryStore::builder().capacity(capacity).build()
///         },
///     }
/// }
/// ```
///
/// Every option may be left out.
///
/// <!-- session_config -->
/// | option | what it says | default |
/// | --- | --- | --- |
/// | `data: Cart` | what a session holds, a type with the derives `Clone`, `Default`, `Serialize` and `Deserialize` | an untyped map |
/// | `loaders: [header("X-User-Session"), bearer]` | where a sid is looked for, in this order | `[header("X-User-Session")]` |
/// | `emit: header` or `emit: cookie` | how a first sid is sent, on one way only (ASVS 3.3.4) | as the first loader can |
/// | `store: RedisStore = RedisStore::connect(&std::env::var("REDIS_URL")?).await?` | where sessions are kept; a type with a `Default` needs no value | in memory |
/// | `idle_timeout: 30m` | how long a session lives without a request | `30m` |
/// | `absolute_timeout: 12h` | how long a session lives whatever happens; more than 30 days is advised against (NIST SP 800-63B-4, AAL1, 2.1.3) | `24h` |
/// | `touch_every: 3m` | how much of the idle time has passed before a request writes the deadline anew | a tenth of the idle timeout |
/// | `renew_every: 10m` | how old a secret gets before the client is given another one | never |
/// | `renew_grace: 30s` | how long a renewed secret stays good once its successor was used | `30s` |
/// | `max_size: 64KiB` | the most bytes that the encoded data of a session may have | `1MiB` in stores that encode |
/// | `max_fields: 1_000` | the most top-level fields that the data of a session may have; of untyped data, each key is one | `1_000` |
/// | `merge: { visits: add, tags: union }` | how changes of one field by overlapping requests come together | a list to which both append keeps both, else `on_conflict` says |
/// | `on_conflict: reject` | what becomes of a change that cannot be merged: `last_wins`, with an event, or `reject`, with a 409 and nothing written | `last_wins` |
/// | `on_ended: ignore` | what a client is told when its session ended meanwhile: a 409 by `reject`, the handler's response by `ignore` | `reject` |
/// | `on_store_error: anonymous` | what an optional load does when the store does not answer: a 503 by `reject`, `None` by `anonymous` | `reject` |
/// | `commit: always` | whether the changes of a handler that returns `Err` are stored: not by `on_ok`, by `always` they are | `on_ok` |
/// | `namespace: "shop"` | what the keys of the records begin with | the names of the package and the config |
/// | `on_event: crate::log_event` | a function that hears of every event | none |
/// | `crate: path` | where the library is | `::connect_session` |
/// <!-- -->
///
/// A duration is a number and one of `ms`, `s`, `m`, `h`, `d`; a size is one with `B`, `KiB`, `MiB`
/// or `GiB`; both may be constant expressions instead, and so may every name.
///
/// <!-- loaders -->
/// | loader | where the sid is |
/// | --- | --- |
/// | `header("X-User-Session")` | a request header |
/// | `bearer` | `Authorization: Bearer …` (RFC 6750 2.1) |
/// | `cookie("__Host-sid")` | a cookie, `Secure`, `HttpOnly`, `SameSite=Lax` and `Path=/` |
/// | `query("sid", allow_in_url = "reason")` | a query parameter |
/// | `path("sid", allow_in_url = "reason")` | a parameter of the route |
/// | `custom(crate::find_sid)` | wherever a function finds one in the head of a request |
/// <!-- -->
///
/// A cookie may say more, after its name:
///
/// <!-- cookie -->
/// | option | what it says | default |
/// | --- | --- | --- |
/// | `path = "/api"` | below which path browsers send it | `/` |
/// | `domain = "example.com"` | it goes to all subdomains too | this host alone |
/// | `same_site = Strict` | whether browsers send it from other sites | `Lax` |
/// | `insecure = "local development over http"` | it is sent in the clear, for this reason (ASVS 3.3.1) | |
/// | `secure` | it is sent over https alone. That is the default | |
/// | `partitioned` | each site that embeds this one has a jar of its own (CHIPS) | |
/// | `persistent` | it outlives the browser, for as long as `absolute_timeout` says | |
/// | `origins = ["https://app.example.com"]` | whose pages may send requests that change things | |
/// | `cross_origin = off("reason")` | the pages of every origin may send such requests | |
/// <!-- -->
///
/// A rule of `merge` says how changes of one field come together:
///
/// <!-- merge -->
/// | rule | what it does |
/// | --- | --- |
/// | `add` | numbers: both differences are added |
/// | `max` | numbers and times: the larger one |
/// | `min` | numbers and times: the smaller one |
/// | `union` | lists and sets: what either side added, without what either removed |
/// | `keys` | maps: key by key |
/// | `last_wins` | everything: the last one wins, without an event |
/// <!-- -->
#[proc_macro]
pub fn session_config(input: TokenStream) -> TokenStream {
    config::expand(input.into()).into()
}
