//! The macros of connect-session; use the `connect-session` crate, whose documentation explains
//! them.

#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(
    test,
    allow(clippy::expect_used, reason = "a failed `expect` fails the test")
)]

mod choice;
mod config;
mod crate_name;
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

/// Gives a handler a session: `#[session(create)]` loads the session of the request or creates a
/// new one. `#[session(load)]` only loads it; without one, a handler that takes a `Session` is
/// answered with a 401.
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
/// The session is the argument with the type `Session<…>` or `Option<Session<…>>`. If the type is
/// an alias, mark the argument: `#[session] session: ShopSession`. Changes are stored after the
/// handler has returned and before the first byte of the response is sent, unless the handler
/// failed: it returned an `Err`, or a value with an `Err` inside that the framework responds with.
/// This is also seen behind `impl Trait`; a status such as 404 is no failure.
///
/// Write the attribute above the framework's own. Attributes above it see your function, attributes
/// below it see the handler that the framework calls. That handler takes a guard instead of the
/// session, so test it through a router instead of calling it.
///
/// | attributes, from the top | axum | actix-web | poem, rocket, salvo |
/// | --- | --- | --- | --- |
/// | `#[session(…)]`, the framework's | works, also with `#[debug_handler]` | works, also with `#[routes]` | works |
/// | the framework's, `#[session(…)]` | compile error with a suggested fix | works too | compile error with a suggested fix |
/// | only the framework's | compile error, with a suggested fix under `#[debug_handler]` | compile error with a suggested fix | compile error with a suggested fix |
/// | `#[utoipa::path]` | above or below `#[session(…)]` | above or below `#[session(…)]`, above the framework's | |
/// | poem-openapi's `#[OpenApi]`, on an `impl` | | | poem: below a `#[session]` without options, and above the methods with `#[session(…)]` |
/// | `#[tracing::instrument]` | above or below `#[session(…)]`; it instruments your function | the same | the same |
///
/// <!-- session -->
/// | option | meaning | default |
/// | --- | --- | --- |
/// | `create` | loads the session of the request, or creates a new one. The handler takes a `Session<…>`, and `is_new()` returns which of the two it is | |
/// | `load` | loads the session of the request. If there is none, a handler that takes `Session<…>` does not run and the client gets a 401; one that takes `Option<Session<…>>` runs with `None`. With `LoggedIn<…>`, a session without a user counts as none | |
/// | `lazy` | with `create`: a new session is stored, and its sid sent, only if the handler uses it: changes the data, logs in, rotates, sets a lifetime, saves, or reads the sid. So health checks and crawlers leave nothing behind | |
/// | `fresh = 5m` | the handler, which takes `LoggedIn<…>`, runs only if the user has logged in, or proved who they are once more, within this time. Otherwise the client gets a 401 (RFC 9470) | |
/// | `level = 2` | the handler, which takes `LoggedIn<…>`, runs only if the user has proved who they are this well: a login has level 1, and `step_up(2)` makes it 2. Otherwise the client gets a 401 (RFC 9470) | |
/// | `header = "X-Device-Session"` | reads the sid from this request header. Overrides the loaders of the config; several loaders are tried in order | |
/// | `bearer` | reads the sid from `Authorization: Bearer …` (RFC 6750 2.1). Overrides the loaders of the config | |
/// | `cookie = "__Host-sid"` | reads the sid from this cookie, which has the default attributes; for others, use `session_config!`. Overrides the loaders of the config | |
/// | `query = "sid"` | reads the sid from this query parameter. Needs a reason in `allow_in_url` (ASVS 14.2.1) | |
/// | `path = "sid"` | reads the sid from this parameter of the route. Needs a reason in `allow_in_url` (ASVS 14.2.1) | |
/// | `allow_in_url = "download links cannot set headers"` | why the sid may be in the URL, although logs and histories keep URLs (ASVS 14.2.1) | |
/// | `unprefixed = "old clients know this name"` | why the name of the cookie has neither `__Host-` nor `__Secure-` (ASVS 3.3.1) | |
/// | `emit = header` or `emit = cookie` | where to send the sid of a new session, if the request had no sid. Without it, the config decides | |
/// | `on_undecodable = replace` | what this handler does if the stored data does not match the type, instead of what the config says. A logout that says `replace` always ends the session | |
/// | `cache = shared` | the response is the same for every user, and the handler may let shared caches keep it. Without it, `public` and `s-maxage` of a response for which a session was loaded become `private` (RFC 9111 3.5) | |
/// | `http` | the handler does not use a framework: it takes an `http::Request<_>` and returns an `http::Response<_>` or a `Result` of one | |
/// | `crate = path` | where the library is, if only another crate's re-export reaches it, as in `web::connect_session` | the name in your Cargo.toml |
/// <!-- -->
#[proc_macro_attribute]
pub fn session(attr: TokenStream, item: TokenStream) -> TokenStream {
    handler::expand(attr.into(), item.into(), handler::BOXES_HANDLERS).into()
}

/// Declares a config: a type for `Session<…>`, with the functions `start`, `configure` and `layer`.
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
/// All options are optional.
///
/// <!-- session_config -->
/// | option | meaning | default |
/// | --- | --- | --- |
/// | `data: Cart` | the type of the data of a session, which must implement `Clone`, `Default`, `Serialize` and `Deserialize` | an untyped map |
/// | `loaders: [header("X-User-Session"), bearer]` | where to look for a sid, in this order | `[header("X-User-Session")]` |
/// | `emit: header` or `emit: cookie` | where to send the sid of a new session; it is sent in one place only (ASVS 3.3.4) | the place of the first header or cookie loader |
/// | `store: RedisStore = RedisStore::connect(&std::env::var("REDIS_URL")?).await?` | where sessions are stored. A type that implements `Default` needs no value | in memory |
/// | `adopt: ExpressSessions::connect(&std::env::var("OLD_REDIS_URL")?).await?.adopt(crate::convert)` | whose sessions are adopted, and what becomes of each: a request without a sid, but with the cookie of another library, goes on with its old session | none |
/// | `idle_timeout: 30m` | how long a session lives without a request | `30m` |
/// | `absolute_timeout: 12h` | how long a session lives in total. More than 30 days is not recommended (NIST SP 800-63B-4, AAL1, 2.1.3) | `24h` |
/// | `first_use_timeout: 10m` | how long a new session lives if no request presents it, which keeps clients that drop every sid from filling the store | as long as any other |
/// | `touch_every: 3m` | how often requests write a new idle deadline to the store. A session may expire up to this much early | a tenth of the idle timeout |
/// | `renew_every: 10m` | the age of a secret after which the client gets a new one | never |
/// | `renew_grace: 30s` | how long the previous secret stays valid after the new one was first used | `30s` |
/// | `on_reuse: end` | what happens if a secret that a renewal replaced comes back after its grace period: with `report` an event says so, with `end` the session ends, too | `report` |
/// | `max_size: 64KiB` | the maximum size of the encoded data and the subject of a session | `1MiB` in stores that serialize |
/// | `max_fields: 1_000` | the maximum number of top-level fields of a session's data; in untyped data, each key is a field | `1_000` |
/// | `max_sessions: 5` | how many sessions a user may have; a login beyond that ends the sessions with the earliest logins, or is refused. The next request of a session that ended this way gets a 401 `session-replaced`. A thief who knows the password can log out its owner by logging in this often | any number |
/// | `on_max_sessions: refuse` | what happens to a login of a user who has `max_sessions` sessions: with `end_oldest` those with the earliest logins end, with `refuse` the client gets a 409 | `end_oldest` |
/// | `data_version: 2` | the version of the data's type; a program never writes data into a session whose data has a later version | `1` |
/// | `write_version: 1` | the version under which data is written, for a release that already reads a version but does not write it yet | `data_version` |
/// | `migrate: crate::migrate` | a `fn(from: u32, fields: &mut Fields) -> Result<(), BoxError>` that brings the stored fields of an earlier version to `data_version` when they are loaded | none |
/// | `merge: { visits: add, tags: union }` | how concurrent changes of a field are merged | lists to which both requests append keep both, for all else `on_conflict` decides |
/// | `on_conflict: reject` | what happens to a change that cannot be merged: with `last_wins` it is written and an event is emitted, with `reject` nothing is written and the client gets a 409 | `last_wins` |
/// | `on_ended: ignore` | the response if the session has ended during the request: with `reject` a 409, with `ignore` that of the handler | `reject` |
/// | `on_store_error: anonymous` | what an optional load does if the store is unavailable: with `reject` the client gets a 503, with `anonymous` the handler runs with `None` | `reject` |
/// | `on_undecodable: replace` | what a load does if the stored data does not match the type: with `reject` the client gets a 500 and the session stays as it is, with `replace` it is ended and counts as unknown. In any case, `create` makes a new session and, once that is stored, ends the old one | `reject` |
/// | `commit: on_success` | which changes are stored: with `on_ok` those of a handler that does not return `Err`, with `on_success` only if the status of the response is below 400, too, with `always` all | `on_ok` |
/// | `trusted_proxy: x_forwarded` | the headers in which a reverse proxy says what the client addressed, for the cross-origin rule | none, `Host` is compared |
/// | `namespace: "shop"` | the prefix of the keys of the records. To rename the package, the crate or the config and keep its sessions, set the former namespace | the names of the package, of the crate if it differs, and of the config, as in `shop/worker/Carts` |
/// | `on_event: crate::log_event` | a function that is called with every event | none |
/// | `crate: path` | where the library is, if only another crate's re-export reaches it, as in `web::connect_session` | the name in your Cargo.toml |
/// <!-- -->
///
/// A duration is a number with the unit `ms`, `s`, `m`, `h` or `d`, and a size is a number with the
/// unit `B`, `KiB`, `MiB` or `GiB`. Durations, sizes and names can also be constant expressions.
///
/// <!-- loaders -->
/// | loader | where the sid is |
/// | --- | --- |
/// | `header("X-User-Session")` | a request header |
/// | `bearer` | `Authorization: Bearer …` (RFC 6750 2.1) |
/// | `cookie("__Host-sid")` | a cookie, `Secure`, `HttpOnly`, `SameSite=Lax` and `Path=/` |
/// | `query("sid", allow_in_url = "reason")` | a query parameter |
/// | `path("sid", allow_in_url = "reason")` | a parameter of the route |
/// | `custom(crate::find_sid)` | where a function finds it in the head of a request |
/// <!-- -->
///
/// The options of a cookie, after its name:
///
/// <!-- cookie -->
/// | option | meaning | default |
/// | --- | --- | --- |
/// | `path = "/api"` | the path below which browsers send the cookie | `/` |
/// | `domain = "example.com"` | the domain to which browsers send the cookie, including its subdomains | only this host |
/// | `same_site = Strict` | whether browsers send the cookie from other sites | `Lax` |
/// | `insecure = "local development over http"` | the cookie is also sent unencrypted, for this reason (ASVS 3.3.1) | |
/// | `unprefixed = "old clients know this name"` | why the name has neither `__Host-` nor `__Secure-` (ASVS 3.3.1) | |
/// | `secure` | the cookie is only sent over https. This is the default | |
/// | `partitioned` | browsers keep a separate cookie for each site that embeds this one (CHIPS) | |
/// | `persistent` | browsers keep the cookie after they are closed, for the `absolute_timeout`. `set_lifetime` decides for one session | |
/// | `clear_site_data` | a logout also makes the browser delete what it keeps of this site: caches and storage, but no other cookies (`Clear-Site-Data`, ASVS 14.3.1) | |
/// | `origins = ["https://app.example.com"]` | other origins whose pages may send requests that change something | |
/// | `cross_origin = off("reason")` | the pages of every origin may send such requests | |
/// <!-- -->
///
/// A rule of `merge` defines how concurrent changes of a field are merged:
///
/// <!-- merge -->
/// | rule | result |
/// | --- | --- |
/// | `add` | numbers: the sum of both changes |
/// | `max` | numbers and times: the larger one |
/// | `min` | numbers and times: the smaller one |
/// | `union` | lists and sets: what either request added, without what either removed |
/// | `keys` | maps: merged key by key |
/// | `last_wins` | all types: the last one wins, without an event |
/// <!-- -->
#[proc_macro]
pub fn session_config(input: TokenStream) -> TokenStream {
    config::expand(input.into()).into()
}
