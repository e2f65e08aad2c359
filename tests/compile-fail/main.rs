//! Programs that must not compile, and the compiler's messages for them.
//!
//! `cases/FRAMEWORK/NAME.rs` contains mistakes of one kind, and `NAME.stderr` beside it the exact
//! output of the compiler. A name that begins with a letter and a number, such as `C06_…`, belongs
//! to that row of `docs/diagnostics.md`. The files in `pass` are one token away from a mistake and
//! compile; a comment names the rows that they are the counterpart of.
//!
//! `CATALOGUE=overwrite cargo test -p compile-fail-tests` rewrites the `.stderr` files. Review the
//! difference before you commit it.
#![allow(clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

mod counterparts;
mod expected;
mod normalize;
mod package;

use package::Framework;

#[test]
fn axum_mistakes_are_explained_and_their_counterparts_compile() {
    package::check(Framework::Axum);
}

#[test]
fn a_handler_without_any_framework_names_the_missing_feature() {
    package::check(Framework::None);
}

#[test]
#[cfg(feature = "actix-web")]
fn mistakes_on_actix_web_are_explained() {
    package::check(Framework::ActixWeb);
}

#[test]
#[cfg(feature = "poem")]
fn mistakes_on_poem_are_explained() {
    package::check(Framework::Poem);
}

#[test]
#[cfg(feature = "rocket")]
fn mistakes_on_rocket_are_explained() {
    package::check(Framework::Rocket);
}

#[test]
#[cfg(feature = "salvo")]
fn mistakes_on_salvo_are_explained() {
    package::check(Framework::Salvo);
}
