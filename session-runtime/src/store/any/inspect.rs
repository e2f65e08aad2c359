//! What the store behind an [`AnyStore`] shows to an administrator.

use super::AnyStore;
use crate::data::SessionData;
use crate::record::Key;
use crate::store::{BoxFuture, Inspect, Inspected, LiveCount, StoreError};

impl<D> AnyStore<D> {
    fn inspected(&self) -> Result<&dyn Inspect, StoreError> {
        let inspect = self.0.as_inspect();
        inspect.ok_or_else(|| {
            StoreError::Unavailable("the store cannot show a session to an administrator".into())
        })
    }
}

/// Each method fails if the store behind it does not implement [`Inspect`]; check that with
/// [`Store::as_inspect`](crate::store::Store::as_inspect).
#[diagnostic::do_not_recommend]
impl<D: SessionData> Inspect for AnyStore<D> {
    fn inspect(&self, key: Key) -> BoxFuture<'_, Result<Option<Inspected>, StoreError>> {
        Box::pin(async move { self.inspected()?.inspect(key).await })
    }

    fn live_count(
        &self,
        namespace: &'static str,
        at_most: u64,
    ) -> BoxFuture<'_, Result<LiveCount, StoreError>> {
        Box::pin(async move { self.inspected()?.live_count(namespace, at_most).await })
    }
}
