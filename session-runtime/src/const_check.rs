//! The rules for constants, which a macro cannot evaluate. The compiler runs them.
//!
//! `session_config!` emits `const _: () = const_check::header_name(NAME);` for a name that is not a
//! literal. `#[track_caller]` reports the error at the option.

#![allow(
    clippy::panic,
    clippy::missing_panics_doc,
    reason = "they run in const evaluation, where a panic is a compile error"
)]

use std::time::Duration;

use crate::config::SessionConfig;
use crate::guard::SessionArg;
use crate::loader::{Emit, SidSource};
use connect_session_rules::{self as rules, Fault};

#[track_caller]
const fn check(fault: Option<Fault>) {
    if let Some(fault) = fault {
        panic!("{}", fault.reason)
    }
}

/// The duration in whole milliseconds, saturating at a value that no rule allows.
const fn milliseconds(duration: Duration) -> u64 {
    #[allow(clippy::cast_lossless, reason = "`From` is not const")]
    let rest = duration.subsec_millis() as u64;
    duration.as_secs().saturating_mul(1000).saturating_add(rest)
}

/// The name of a header loader.
#[track_caller]
pub const fn header_name(name: &str) {
    check(rules::header_name(name));
}

/// A cookie loader: its name, its attributes, and their combination.
#[track_caller]
#[allow(
    clippy::fn_params_excessive_bools,
    reason = "each is an independent attribute"
)]
pub const fn cookie(
    name: &str,
    path: &str,
    domain: Option<&str>,
    secure: bool,
    same_site_is_none: bool,
    is_partitioned: bool,
    is_unprefixed: bool,
) {
    check(rules::cookie(
        name,
        path,
        domain,
        secure,
        same_site_is_none,
        is_partitioned,
        is_unprefixed,
    ));
}

/// An origin whose pages may send requests with the cookie.
#[track_caller]
pub const fn origin(origin: &str) {
    check(rules::origin(origin));
}

/// The lifetime of a persistent cookie.
#[track_caller]
pub const fn cookie_lifetime(absolute: Duration) {
    check(rules::cookie_lifetime(milliseconds(absolute)));
}

/// The name of a query loader.
#[track_caller]
pub const fn query_name(name: &str) {
    check(rules::query_name(name));
}

/// The name of a path loader.
#[track_caller]
pub const fn path_name(name: &str) {
    check(rules::path_name(name));
}

/// The names of two header loaders, compared without regard to case.
#[track_caller]
pub const fn different_headers(a: &str, b: &str) {
    assert!(
        !rules::same_name(a, b),
        "two loaders read the same header (the case of its name does not count); leave one out"
    );
}

/// The names of two loaders of the same kind, except headers.
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
    check(rules::namespace(namespace));
}

/// The reason for an option that a standard advises against.
#[track_caller]
pub const fn reason(reason: &str) {
    assert!(
        !reason.trim_ascii().is_empty(),
        "the reason is empty; say why it is needed here"
    );
}

/// A duration on its own.
#[track_caller]
pub const fn duration(duration: Duration) {
    check(rules::duration(milliseconds(duration)));
}

/// A renewal's grace period on its own.
#[track_caller]
pub const fn grace(grace: Duration) {
    check(rules::grace(milliseconds(grace)));
}

/// The idle timeout, compared with the absolute timeout.
#[track_caller]
pub const fn idle_within_absolute(idle: Duration, absolute: Duration) {
    check(rules::idle_within_absolute(
        milliseconds(idle),
        milliseconds(absolute),
    ));
}

/// `first_use_timeout`, compared with the idle timeout.
#[track_caller]
pub const fn first_use_within_idle(first_use: Duration, idle: Duration) {
    check(rules::first_use_within_idle(
        milliseconds(first_use),
        milliseconds(idle),
    ));
}

/// `touch_every`, compared with the idle timeout.
#[track_caller]
pub const fn touch_within_idle(touch: Duration, idle: Duration) {
    check(rules::touch_within_idle(
        milliseconds(touch),
        milliseconds(idle),
    ));
}

/// `renew_every`, compared with the absolute timeout.
#[track_caller]
pub const fn renew_within_absolute(renew: Duration, absolute: Duration) {
    check(rules::renew_within_absolute(
        milliseconds(renew),
        milliseconds(absolute),
    ));
}

/// `renew_grace`, compared with `renew_every`.
#[track_caller]
pub const fn grace_within_renewal(grace: Duration, renew: Duration) {
    check(rules::grace_within_renewal(
        milliseconds(grace),
        milliseconds(renew),
    ));
}

/// The largest size of the encoded data, in bytes.
#[track_caller]
pub const fn size(bytes: u64) {
    check(rules::size(bytes));
}

/// The version of the data, or that under which it is written.
#[track_caller]
pub const fn version(number: u64) {
    check(rules::version(number));
}

/// The version under which data is written, and that of the data.
#[track_caller]
pub const fn write_within_data(written: u64, current: u64) {
    check(rules::write_within_data(written, current));
}

/// The number of sessions of a user.
#[track_caller]
pub const fn sessions(count: u64) {
    check(rules::sessions(count));
}

/// A handler's `fresh`, on its own and compared with the absolute timeout of its config.
#[track_caller]
pub const fn fresh<S: SessionArg>(fresh: Duration) {
    let fresh = milliseconds(fresh);
    check(rules::fresh(fresh));
    let absolute = <S::Config as SessionConfig>::OPTIONS.absolute_timeout;
    check(rules::fresh_within_absolute(fresh, milliseconds(absolute)));
}

/// A handler's `level`.
#[track_caller]
pub const fn level(level: u8) {
    #[allow(clippy::cast_lossless, reason = "`From` is not const")]
    check(rules::level(level as u64));
}

/// The largest number of fields of the data.
#[track_caller]
pub const fn fields(count: u64) {
    check(rules::fields(count));
}

/// A handler's `emit`, which needs a loader of its config that reads the sid there.
#[track_caller]
pub const fn emit<S: SessionArg>(emit: Emit) {
    let loaders = <S::Config as SessionConfig>::OPTIONS.loaders;
    let mut at = 0;
    while at < loaders.len() {
        let is_cookie = matches!(loaders[at], SidSource::Cookie(_));
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

/// Fails if no framework is enabled; every handler except a plain `http` one needs one.
#[track_caller]
#[allow(
    clippy::assertions_on_constants,
    reason = "it is constant because it depends on features"
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
