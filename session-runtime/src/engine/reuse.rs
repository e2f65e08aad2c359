//! What happens if a secret that a renewal replaced comes back.

use std::sync::Arc;

use super::ending;
use super::load::LoadResult;
use crate::config::{Options, SessionConfig};
use crate::event::{self, EventKind};
use crate::sid::SessionId;
use crate::store::StoreError;

/// The session whose replaced secret has come back.
pub(super) struct Reused {
    pub(super) options: &'static Options,
    pub(super) id: SessionId,
    pub(super) subject: Option<Arc<str>>,
}

impl Reused {
    /// The result of the load after the session was ended.
    #[cold]
    pub(super) fn ended<C: SessionConfig>(
        &self,
        ended: Result<bool, StoreError>,
    ) -> LoadResult<C::Data> {
        self.report::<C>(ended.is_ok());
        ended.map_err(|error| ending::failed::<C>(self.options, self.id, error))?;
        Ok(None)
    }

    /// Emits the event.
    #[cold]
    pub(super) fn report<C: SessionConfig>(&self, ended: bool) {
        let (listener, subject) = (self.options.on_event, self.subject.as_deref());
        let kind = EventKind::SecretReused { ended };
        event::emit_of_user(listener, C::NAME, Some(self.id), subject, kind, None);
    }
}
