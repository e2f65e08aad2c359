//! The macros of connect-session; use the `connect-session` crate, whose documentation explains
//! them.

#![cfg_attr(
    test,
    allow(clippy::expect_used, reason = "a test that expects in vain has failed")
)]

mod choice;
mod config;
mod errors;
mod handler;
mod loaders;
mod quantity;
#[allow(
    dead_code,
    unused_imports,
    unreachable_pub,
    reason = "the runtime has the same files, makes them public and uses the rest"
)]
mod rules;
#[cfg(test)]
mod same_rules;
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
/// The attribute stands above a framework's own. What stands above it sees the function as written,
/// what stands below it sees the function that the framework calls. That one takes a guard in place
/// of the session, so it is tested through a router and not called.
///
/// | option | what it says |
/// | --- | --- |
/// | `create`, `load` | the mode |
/// | `header = "X-Device-Session"`, `bearer`, `cookie = "…"`, `query = "…"`, `path = "…"` | where the sid is looked for, instead of the configuration's loaders; several are asked in order |
/// | `allow_in_url = "reason"` | why the sid may stand in the URL, with `query` or `path` |
/// | `emit = header`, `emit = cookie` | how a first sid is sent |
/// | `http` | the handler is one of `http::Request<_>`, without a framework |
/// | `crate = path` | where the library is |
#[proc_macro_attribute]
pub fn session(attr: TokenStream, item: TokenStream) -> TokenStream {
    handler::expand(attr.into(), item.into()).into()
}

/// Declares a configuration: a type that `Session<…>` carries, with `start`, `configure` and `layer`.
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
/// | option | value | default |
/// | --- | --- | --- |
/// | `data` | a type with the derives `Clone`, `Default`, `Serialize`, `Deserialize` | an untyped map |
/// | `loaders` | `[header("N"), bearer, cookie("N", …), query("n", allow_in_url = "…"), path("n", allow_in_url = "…"), custom(function)]` | `[header("X-User-Session")]` |
/// | `emit` | `header`, `cookie` | as the sid came, else as the first loader can |
/// | `store` | `Type`, or `Type = expression`, in which `?` and `.await` work | in memory |
/// | `idle_timeout`, `absolute_timeout` | a duration | `30m`, `24h` |
/// | `touch_every`, `renew_every`, `renew_grace` | a duration | a tenth of the idle timeout, never, `30s` |
/// | `max_size` | a size | `1MiB` in stores that encode |
/// | `merge` | `{ field: add, … }` with `add`, `max`, `min`, `union`, `keys`, `last_wins` | |
/// | `on_conflict` | `last_wins`, `reject` | `last_wins` |
/// | `on_gone` | `reject`, `ignore` | `reject` |
/// | `on_store_error` | `reject`, `anonymous` | `reject` |
/// | `commit` | `on_ok`, `always` | `on_ok` |
/// | `namespace` | a text | the names of the package and the configuration |
/// | `on_event` | a function | |
/// | `crate` | where the library is | `::connect_session` |
///
/// A duration is a number and one of `ms`, `s`, `m`, `h`, `d`; a size is one with `B`, `KiB`, `MiB`
/// or `GiB`; both may be constant expressions instead, and so may every name.
///
/// A cookie is `Secure`, `HttpOnly`, `SameSite=Lax` and `Path=/`. It may say `path = "/x"`,
/// `domain = "example.com"`, `same_site = Strict`, `partitioned`, `persistent`,
/// `origins = ["https://app.example.com"]`, `cross_origin = off("reason")` and
/// `insecure = "reason"`.
#[proc_macro]
pub fn session_config(input: TokenStream) -> TokenStream {
    config::expand(input.into()).into()
}
