//! What the enabled framework expects of a handler, as bounds with messages of this library.
//!
//! The expansion of `#[session]` states them at the user's own types, because the framework reports at
//! the route or at its own attribute, and axum without the reason. If several frameworks are enabled, a
//! handler may be for any of them, so nothing is expected. rocket reports everything at the user's types
//! itself.

#![allow(
    dead_code,
    unnameable_types,
    unreachable_pub,
    reason = "unused if several frameworks are enabled, which is only known for all together"
)]

#[cfg(feature = "actix-web")]
mod actix_web;
#[cfg(feature = "axum")]
mod axum;
mod nothing;
#[cfg(feature = "poem")]
mod poem;
mod probe;
#[cfg(feature = "salvo")]
mod salvo;

#[allow(unused_imports, reason = "a framework may replace all of it")]
pub use self::nothing::*;
pub use self::probe::{Argument, BeforeAny, OfAnyType, Plain, Verdict};

/// Replaces the expectations of [`nothing`] if only this framework is enabled.
macro_rules! only {
    ($framework:ident = $feature:literal, not $($other:literal),+: $($item:ident $(as $name:ident)?),+) => {
        #[cfg(all(feature = $feature, not(any($(feature = $other),+))))]
        pub use self::$framework::{$($item $(as $name)?),+};
    };
}

only!(actix_web = "actix-web", not "axum", "poem", "rocket", "salvo": ErrorResponse as Failure, LikeHead, Response as Returned);
only!(axum = "axum", not "actix-web", "poem", "rocket", "salvo": BeforeNext, ConsumesBody, ErrorResponse as Failure, LikeBody, LikeHead, KnownType, Response as Returned);
only!(poem = "poem", not "actix-web", "axum", "rocket", "salvo": ErrorResponse as Failure, Response as Returned);
only!(salvo = "salvo", not "actix-web", "axum", "poem", "rocket": ErrorResponse as Failure, Response as Returned);

/// A type that a handler returns.
pub fn returned<T: Returned<M>, M>() {}

/// The error type of a `Result` that a handler returns.
pub fn failure<T: Failure<M>, M>() {}

/// The future of a handler.
#[cfg(all(
    any(
        feature = "axum",
        feature = "poem",
        feature = "rocket",
        feature = "salvo"
    ),
    not(feature = "actix-web")
))]
#[allow(clippy::inline_always, reason = "the future is not moved once more")]
#[cfg_attr(not(debug_assertions), inline(always))]
pub const fn handler_must_be_send<F: Future + Send>(future: F) -> F {
    future
}

/// The future of a handler. actix-web runs it on one thread.
#[cfg(not(all(
    any(
        feature = "axum",
        feature = "poem",
        feature = "rocket",
        feature = "salvo"
    ),
    not(feature = "actix-web")
)))]
#[allow(clippy::inline_always, reason = "the future is not moved once more")]
#[cfg_attr(not(debug_assertions), inline(always))]
pub const fn handler_must_be_send<F: Future>(future: F) -> F {
    future
}
