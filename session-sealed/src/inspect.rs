//! What an administrator may see of a sealed session: the values of its fields stay sealed.

use connect_session_runtime::record::Key;
use connect_session_runtime::store::{BoxFuture, Inspect, Inspected, LiveCount, StoreError};

use crate::Sealed;

impl<S: Inspect> Inspect for Sealed<S> {
    fn inspect(&self, key: Key) -> BoxFuture<'_, Result<Option<Inspected>, StoreError>> {
        self.store.inspect(key)
    }

    fn live_count(
        &self,
        namespace: &'static str,
        at_most: u64,
    ) -> BoxFuture<'_, Result<LiveCount, StoreError>> {
        self.store.live_count(namespace, at_most)
    }
}
