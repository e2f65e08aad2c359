//! The compiler error for a handler that lacks its attribute.

/// Never implemented. [`Session`](crate::session::Session) and [`LoggedIn`](crate::session::LoggedIn) are
/// extractors only under this bound, so that a handler without the attribute gets this message.
#[diagnostic::on_unimplemented(
    message = "a session can only be taken by a handler with `#[session(…)]`",
    label = "this handler takes a session, but no `#[session(…)]` has rewritten it",
    note = "write `#[session(create)]` or `#[session(load)]` above the handler, and above the framework's own attribute",
    note = "in an extractor of your own, take a `SessionView<…>`, which reads the session"
)]
pub trait NeedsSessionAttribute {}
