//! The message for a session that is serialised as a whole.

use serde::{Serialize, Serializer};

use crate::config::SessionConfig;
use crate::session::Session;

/// Never implemented: a [`Session`] can be serialised only under this bound, so that a handler which
/// answers with its session is told to answer with the data.
#[diagnostic::on_unimplemented(
    message = "a `Session` is not serialised as a whole: it is more than its data",
    label = "this is the session, not its data",
    note = "write `Json(session.data().clone())`, or `&*session` where a reference is enough"
)]
pub trait SerializedAsAWhole {}

impl<C: SessionConfig + SerializedAsAWhole> Serialize for Session<C> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.data().serialize(serializer)
    }
}
