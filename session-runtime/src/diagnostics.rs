//! The compiler error for serializing a session instead of its data.

use serde::{Serialize, Serializer};

use crate::config::SessionConfig;
use crate::session::Session;

/// Never implemented. [`Session`] implements `Serialize` only under this bound, so that the error for
/// a handler that returns its session suggests to return the data.
#[diagnostic::on_unimplemented(
    message = "a `Session` cannot be serialized; serialize its data",
    label = "this is the session, not its data",
    note = "write `Json(session.data().clone())`, or `&*session` where a reference is enough"
)]
pub trait SerializedAsAWhole {}

impl<C: SessionConfig + SerializedAsAWhole> Serialize for Session<C> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.data().serialize(serializer)
    }
}
