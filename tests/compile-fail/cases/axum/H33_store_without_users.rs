//! The sessions of a user in a store that does not know them.

use connect_session::store::{
    Change, CommitOutcome, InsertOutcome, Key, LoadOutcome, LoadRequest, NewRecord, Store, StoreError,
};
use connect_session::{Error, Session, Untyped, session, session_config};

session_config! {
    pub struct Shop {
        store: Forgetful,
    }
}

#[session(load)]
async fn devices(session: Session<Shop>) -> Result<String, Error> {
    Ok(format!("{:?}", session.of_user()))
}

#[session(create)]
async fn login(mut session: Session<Shop>) -> Result<(), Error> {
    let attempt = Shop::begin_login("ada").await?;
    session.login(attempt)
}

async fn log_out_everywhere(user: &str) -> Result<usize, Error> {
    Shop::sessions().of(user).end_all().await
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

fn main() {
    let _ = (devices, login, log_out_everywhere);
}
