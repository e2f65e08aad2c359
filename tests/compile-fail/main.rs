//! What must not compile, and what its author reads.
//!
//! `cases/FRAMEWORK/NAME.rs` holds mistakes of one kind, `NAME.stderr` beside it exactly what the
//! compiler says about them. A name that begins with a letter and a number, such as `C06_…`, belongs to
//! that row of `docs/diagnostics.md`. The files in `pass` are one token away from a mistake, and
//! compile; a comment names the rows whose passing twins they hold.
//!
//! `CATALOGUE=overwrite cargo test -p compile-fail-tests` writes the `.stderr` files; read the difference
//! before you commit it.
#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod expected;
mod normalize;
mod package;
mod twins;

use package::Framework;

#[test]
fn mistakes_on_axum_are_explained_and_their_twins_compile() {
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
