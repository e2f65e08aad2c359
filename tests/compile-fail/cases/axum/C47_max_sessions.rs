//! A number of sessions that is none, and a store that cannot count them.

use connect_session::store::{
    Change, CommitOutcome, InsertOutcome, Key, LoadOutcome, LoadRequest, NewRecord, Store, StoreError,
};
use connect_session::{Untyped, session_config};

session_config! {
    pub struct Shop {
        max_sessions: 0,
    }
}

session_config! {
    pub struct Blog {
        max_sessions: 10_001,
    }
}

session_config! {
    pub struct Forum {
        on_max_sessions: refuse,
    }
}

session_config! {
    pub struct Chat {
        max_sessions: 5,
        on_max_sessions: end_newest,
    }
}

session_config! {
    pub struct Mail {
        store: Forgetful,
        max_sessions: 5,
    }
}

#[derive(Clone, Default)]
pub struct Forgetful;

impl Store<Untyped> for Forgetful {
    async fn insert(
        &self,
        _: Key,
        _: &NewRecord<Untyped>,
    ) -> Result<InsertOutcome<Untyped>, StoreError> {
        Ok(InsertOutcome::Exists)
    }

    async fn load(
        &self,
        _: Key,
        _: &LoadRequest,
    ) -> Result<LoadOutcome<Untyped>, StoreError> {
        Ok(LoadOutcome::Unknown)
    }

    async fn commit(
        &self,
        _: Key,
        _: &Change<Untyped>,
    ) -> Result<CommitOutcome<Untyped>, StoreError> {
        Ok(CommitOutcome::Ended)
    }

    async fn destroy(&self, _: Key) -> Result<bool, StoreError> {
        Ok(false)
    }

    async fn count(&self, _: &'static str) -> Result<u64, StoreError> {
        Ok(0)
    }
}

fn main() {}
