//! The message for a session that is answered as a whole.

use serde::{Serialize, Serializer};

use crate::config::SessionConfig;
use crate::session::Session;

/// Never implemented: a [`Session`] can be serialised only under this bound, so that a handler which
/// answers with the session is told to answer with its data.
#[diagnostic::on_unimplemented(
    message = "a `Session` is not answered as a whole: it holds more than its data",
    label = "this is the session, not its data",
    note = "answer with the data: `Json(session.data().clone())`, or `&*session` where a reference is enough"
)]
pub trait AnswersWithItsData {}

impl<C: SessionConfig + AnswersWithItsData> Serialize for Session<C> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.data().serialize(serializer)
    }
}
