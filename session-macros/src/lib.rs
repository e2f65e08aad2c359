//! The macros of connect-session; use the `connect-session` crate.
