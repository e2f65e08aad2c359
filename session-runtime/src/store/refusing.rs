//! A store that refuses every operation.

use super::{CommitOutcome, InsertOutcome, LoadOutcome, Store, StoreError};
use crate::data::SessionData;
use crate::record::{Change, Key, LoadRequest, NewRecord};
use crate::timestamp::Timestamp;

/// Takes the place of a store that must not be used, with the reason.
pub(crate) struct RefusingStore(pub(crate) String);

impl RefusingStore {
    fn refusal(&self) -> StoreError {
        StoreError::Unavailable(self.0.clone().into())
    }
}

impl<D: SessionData> Store<D> for RefusingStore {
    async fn check_ready(&self) -> Result<(), StoreError> {
        Err(self.refusal())
    }

    async fn insert(&self, _: Key, _: &NewRecord<D>) -> Result<InsertOutcome<D>, StoreError> {
        Err(self.refusal())
    }

    async fn load(&self, _: Key, _: &LoadRequest) -> Result<LoadOutcome<D>, StoreError> {
        Err(self.refusal())
    }

    async fn commit(&self, _: Key, _: &Change<D>) -> Result<CommitOutcome<D>, StoreError> {
        Err(self.refusal())
    }

    async fn destroy(&self, _: Key) -> Result<bool, StoreError> {
        Err(self.refusal())
    }

    async fn count(&self, _: &'static str) -> Result<u64, StoreError> {
        Err(self.refusal())
    }

    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}
