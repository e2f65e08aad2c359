//! An option of `session_config!` as written.

use proc_macro2::{Ident, Span};
use syn::{Expr, Path, Type};

use crate::loaders::Raw;
use crate::quantity::Measure;
use crate::units::{COUNT, DURATION, SESSIONS, SIZE, VERSION};

/// An option as written: `key: value`.
pub(super) struct Entry {
    pub(super) key: Ident,
    pub(super) value: Value,
}

/// The value of an option, by its syntax.
pub(super) enum Value {
    Type(Type),
    Store(Type, Option<Expr>),
    Loaders {
        brackets: Span,
        loaders: Vec<Raw>,
        broken: bool,
    },
    Words(Vec<Ident>),
    Expr(Expr),
    Rules(Vec<(Ident, Ident)>),
    Library(Path),
    /// Unreadable; the error is already reported.
    Broken,
}

/// The unit family of an option that takes a quantity.
pub(super) fn measure(option: &str) -> Option<&'static Measure> {
    match option {
        "idle_timeout" | "absolute_timeout" | "first_use_timeout" | "touch_every"
        | "renew_every" | "renew_grace" => Some(&DURATION),
        "max_size" => Some(&SIZE),
        "max_fields" => Some(&COUNT),
        "max_sessions" => Some(&SESSIONS),
        "data_version" | "write_version" => Some(&VERSION),
        _ => None,
    }
}
