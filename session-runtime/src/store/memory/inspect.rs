//! What an administrator may see of a session.

use super::MemoryStore;
use crate::data::{SessionData, encode};
use crate::record::Key;
use crate::store::{BoxFuture, Inspect, Inspected, LiveCount, Store, StoreError};

#[diagnostic::do_not_recommend]
impl<D: SessionData> Inspect for MemoryStore<D> {
    fn inspect(&self, key: Key) -> BoxFuture<'_, Result<Option<Inspected>, StoreError>> {
        Box::pin(async move {
            let records = &*self.records;
            let now = records.clock.millis();
            // Under the lock, nothing of the user's code runs.
            let found = records.get(key).filter(|entry| entry.is_alive(now));
            let found = found.map(|entry| entry.inspected(key.id, &records.clock));
            let Some((mut inspected, data)) = found else {
                return Ok(None);
            };
            inspected.fields = encode(&*data, None)?;
            Ok(Some(inspected))
        })
    }

    /// All are counted: in a store of one config, without a look at each.
    fn live_count(
        &self,
        namespace: &'static str,
        _at_most: u64,
    ) -> BoxFuture<'_, Result<LiveCount, StoreError>> {
        Box::pin(async move {
            let count = Store::<D>::count(self, namespace).await?;
            Ok(LiveCount::Exact(count))
        })
    }
}
