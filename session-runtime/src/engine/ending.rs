//! Sessions that a load ends.

use super::load::LoadResult;
use super::reuse::Reused;
use crate::config::{Options, SessionConfig};
use crate::error::Error;
use crate::event::{self, EventKind};
use crate::record::Key;
use crate::sid::SessionId;
use crate::store::StoreError;

/// A session that has to end before the load is answered.
pub(super) enum Ending {
    Undecodable(Undecodable),
    Reused(Reused),
}

impl Ending {
    /// The result of the load after the session was ended.
    #[cold]
    pub(super) fn finish<C: SessionConfig>(
        self,
        ended: Result<bool, StoreError>,
    ) -> LoadResult<C::Data> {
        match self {
            Self::Undecodable(undecodable) => undecodable.replaced::<C>(ended),
            Self::Reused(reused) => reused.ended::<C>(ended),
        }
    }
}

/// A session whose data does not decode, and that is to be replaced.
pub(super) struct Undecodable {
    pub(super) options: &'static Options,
    pub(super) id: SessionId,
}

impl Undecodable {
    /// The session of this sid, if it was found with the right secret.
    #[cold]
    pub(super) fn of(error: &Error, options: &'static Options, id: SessionId) -> Option<Self> {
        let error = error.store_error()?;
        error.is_replaceable().then_some(Self { options, id })
    }

    pub(super) fn key(&self) -> Key {
        Key {
            namespace: self.options.namespace,
            id: self.id,
        }
    }

    /// The result of the load after the session was ended.
    #[cold]
    fn replaced<C: SessionConfig>(self, ended: Result<bool, StoreError>) -> LoadResult<C::Data> {
        let (listener, id) = (self.options.on_event, Some(self.id));
        self.ended::<C>(ended)?;
        event::emit(listener, C::NAME, id, EventKind::UnknownSid, None);
        Ok(None)
    }

    /// Emits the event of the end.
    #[cold]
    pub(super) fn ended<C: SessionConfig>(
        &self,
        ended: Result<bool, StoreError>,
    ) -> Result<(), Error> {
        ended.map_err(|error| failed::<C>(self.options, self.id, error))?;
        let (listener, id) = (self.options.on_event, Some(self.id));
        event::emit(listener, C::NAME, id, EventKind::Discarded, None);
        Ok(())
    }
}

/// Emits the event of an end that the store did not confirm, and converts its error.
#[cold]
pub(super) fn failed<C: SessionConfig>(
    options: &Options,
    id: SessionId,
    error: StoreError,
) -> Error {
    let kind = EventKind::StoreError {
        operation: "destroy",
        error: &error,
    };
    event::emit(options.on_event, C::NAME, Some(id), kind, None);
    error.into()
}
