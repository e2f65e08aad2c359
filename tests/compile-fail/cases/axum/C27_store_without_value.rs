//! A store that has neither a default nor a value.

use connect_session::store::{
    Change, CommitOutcome, InsertOutcome, Key, LoadOutcome, LoadRequest, NewRecord, Store, StoreError,
};
use connect_session::{SessionData, session_config};

pub struct Remote(String);

impl<D: SessionData> Store<D> for Remote {
    async fn insert(&self, _: Key, _: &NewRecord<D>) -> Result<InsertOutcome<D>, StoreError> {
        Err(StoreError::Full)
    }

    async fn load(&self, _: Key, _: &LoadRequest) -> Result<LoadOutcome<D>, StoreError> {
        Err(StoreError::Full)
    }

    async fn commit(&self, _: Key, _: &Change<D>) -> Result<CommitOutcome<D>, StoreError> {
        Err(StoreError::Full)
    }

    async fn destroy(&self, _: Key) -> Result<bool, StoreError> {
        Err(StoreError::Full)
    }

    async fn count(&self, _: &'static str) -> Result<u64, StoreError> {
        Ok(self.0.len() as u64)
    }
}

session_config! {
    pub struct Shop {
        store: Remote,
    }
}

fn main() {}
