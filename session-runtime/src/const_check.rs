//! The rules for constants that a macro cannot evaluate, run by the compiler.
//!
//! `session_config!` writes `const _: () = const_check::header_name(NAME);` for a name that is no
//! literal. `#[track_caller]` puts the error on the option.

#![allow(
    clippy::panic,
    clippy::missing_panics_doc,
    reason = "they run in const evaluation, where a panic is a compile error"
)]

use std::time::Duration;

use crate::config::SessionConfig;
use crate::guard::SessionArg;
use crate::loader::{Emit, Loader};
use connect_session_rules::{self as rules, Fault};

#[track_caller]
const fn judge(fault: Option<Fault>) {
    if let Some(fault) = fault {
        panic!("{}", fault.reason)
    }
}

/// Whole milliseconds; what does not fit is longer than any rule allows.
const fn milliseconds(duration: Duration) -> u64 {
    #[allow(clippy::cast_lossless, reason = "`From` is not const")]
    let rest = duration.subsec_millis() as u64;
    duration.as_secs().saturating_mul(1000).saturating_add(rest)
}

/// The name of a header loader.
#[track_caller]
pub const fn header_name(name: &str) {
    judge(rules::header_name(name));
}

/// A cookie loader: its name, its attributes, and what they say together.
#[track_caller]
pub const fn cookie(
    name: &str,
    path: &str,
    domain: Option<&str>,
    secure: bool,
    same_site_is_none: bool,
    is_partitioned: bool,
) {
    judge(rules::cookie(
        name,
        path,
        domain,
        secure,
        same_site_is_none,
        is_partitioned,
    ));
}

/// An origin whose pages may send requests with the cookie.
#[track_caller]
pub const fn origin(origin: &str) {
    judge(rules::origin(origin));
}

/// The lifetime of a persistent cookie.
#[track_caller]
pub const fn cookie_lifetime(absolute: Duration) {
    judge(rules::cookie_lifetime(milliseconds(absolute)));
}

/// The name of a query loader.
#[track_caller]
pub const fn query_name(name: &str) {
    judge(rules::query_name(name));
}

/// The name of a path loader.
#[track_caller]
pub const fn path_name(name: &str) {
    judge(rules::path_name(name));
}

/// The names of two header loaders; their case does not count.
#[track_caller]
pub const fn different_headers(a: &str, b: &str) {
    assert!(
        !rules::same_name(a, b),
        "two loaders read the same header (the case of its name does not count); leave one out"
    );
}

/// The names of two other loaders of one kind.
#[track_caller]
pub const fn different_names(a: &str, b: &str) {
    assert!(
        !rules::same_bytes(a, b),
        "two loaders of one kind have the same name; leave one out"
    );
}

/// A namespace.
#[track_caller]
pub const fn namespace(namespace: &str) {
    judge(rules::namespace(namespace));
}

/// The reason for something that a standard advises against.
#[track_caller]
pub const fn reason(reason: &str) {
    assert!(
        !reason.trim_ascii().is_empty(),
        "the reason is empty; say why it is needed here"
    );
}

/// A duration by itself.
#[track_caller]
pub const fn duration(duration: Duration) {
    judge(rules::duration(milliseconds(duration)));
}

/// A renewal's grace time by itself.
#[track_caller]
pub const fn grace(grace: Duration) {
    judge(rules::grace(milliseconds(grace)));
}

/// The idle timeout beside the absolute one.
#[track_caller]
pub const fn idle_within_absolute(idle: Duration, absolute: Duration) {
    judge(rules::idle_within_absolute(
        milliseconds(idle),
        milliseconds(absolute),
    ));
}

/// How often activity is written down beside the idle timeout.
#[track_caller]
pub const fn touch_within_idle(touch: Duration, idle: Duration) {
    judge(rules::touch_within_idle(
        milliseconds(touch),
        milliseconds(idle),
    ));
}

/// How often a secret is renewed beside the absolute timeout.
#[track_caller]
pub const fn renew_within_absolute(renew: Duration, absolute: Duration) {
    judge(rules::renew_within_absolute(
        milliseconds(renew),
        milliseconds(absolute),
    ));
}

/// How long a renewed secret lives on beside how often it is renewed.
#[track_caller]
pub const fn grace_within_renewal(grace: Duration, renew: Duration) {
    judge(rules::grace_within_renewal(
        milliseconds(grace),
        milliseconds(renew),
    ));
}

/// The largest size that encoded data may have.
#[track_caller]
pub const fn size(bytes: u64) {
    judge(rules::size(bytes));
}

/// The most fields that data may have.
#[track_caller]
pub const fn fields(count: u64) {
    judge(rules::fields(count));
}

/// A handler's `emit` against the loaders of its config.
#[track_caller]
pub const fn emit<S: SessionArg>(emit: Emit) {
    let loaders = <S::Config as SessionConfig>::OPTIONS.loaders;
    let mut at = 0;
    while at < loaders.len() {
        let is_cookie = matches!(loaders[at], Loader::Cookie(_));
        if is_cookie == matches!(emit, Emit::Cookie) {
            return;
        }
        at += 1;
    }
    match emit {
        Emit::Cookie => panic!(
            "no loader of the config reads a cookie, so the client could never send this \
             sid back; add `cookie(\"__Host-sid\")` to its loaders"
        ),
        Emit::Header => panic!(
            "the config's loaders read nothing but cookies, so the client could never send \
             this sid back; add `header(\"X-User-Session\")` to them"
        ),
    }
}

/// Where no framework is enabled, a handler that is not plain `http` has nothing to fit.
#[track_caller]
#[allow(
    clippy::assertions_on_constants,
    reason = "features make it constant, and users choose them"
)]
pub const fn framework() {
    const ENABLED: bool = cfg!(any(
        feature = "actix-web",
        feature = "axum",
        feature = "poem",
        feature = "rocket",
        feature = "salvo"
    ));
    assert!(
        ENABLED,
        "no framework of connect-session is enabled: add its feature, such as `axum`, or write \
         `#[session(…, http)]` for a handler of `http::Request`"
    );
}
