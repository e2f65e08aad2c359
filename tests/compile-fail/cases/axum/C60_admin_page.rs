//! A page for administrators with a store that cannot show them a session, without a function that says who may use it,
//! and with one that does not.

use connect_session::admin::Access;
use connect_session::store::{
    Change, CommitOutcome, InsertOutcome, Key, LoadOutcome, LoadRequest, NewRecord, Store, StoreError,
};
use connect_session::{Untyped, session_config};
use http::Request;

session_config! {
    pub struct Shop {
        store: Forgetful,
    }
}

session_config! {
    pub struct Forum {}
}

async fn administrators(_: Request<()>) -> Result<Access, std::io::Error> {
    Ok(Access::Read)
}

async fn anybody(_: Request<()>) -> bool {
    true
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
    let _ = Shop::admin(administrators);
    let _ = Forum::admin();
    let _ = Forum::admin(anybody);
}
