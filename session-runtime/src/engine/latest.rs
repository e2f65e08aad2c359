//! What a request hands to the next one in the commit queue of its session: the data that it committed.
//! The next request merges with that and need not send a change that can only conflict.

use super::commit_queue::Permit;
use super::session_core::SessionCore;
use crate::config::SessionConfig;
use crate::record::{Change, Snapshot};
use crate::store::StoreRef;

/// The data after the latest commit of this process. Another process may have changed it since; then the
/// next commit conflicts, as it would without this.
struct Latest<C: SessionConfig> {
    /// Two stores can hold copies of one session.
    store: StoreRef<C::Data, C::Store>,
    /// Data of another generation belongs to another user, and no closure of `update` may see it.
    generation: u64,
    snapshot: Snapshot<C::Data>,
}

impl<C: SessionConfig> SessionCore<C> {
    /// Leaves the data after a change that was applied to the next request of the queue.
    pub(super) fn hand_over(
        &self,
        permit: Option<&mut Permit>,
        change: &Change<C::Data>,
        snapshot: Option<&Snapshot<C::Data>>,
    ) {
        if let (Some(permit), Some(snapshot)) = (permit, snapshot) {
            permit.leave(Latest::<C> {
                store: self.store.clone(),
                generation: change.generation_after(),
                snapshot: snapshot.clone(),
            });
        }
    }

    /// The data that the previous request of the queue left, if it is newer than `base`.
    pub(super) fn handed_over(
        &self,
        permit: Option<&Permit>,
        base: &Snapshot<C::Data>,
        generation: u64,
    ) -> Option<Snapshot<C::Data>> {
        let latest: &Latest<C> = permit?.left()?;
        let is_newer = latest.generation == generation
            && latest.snapshot.version > base.version
            && latest.store.is_same(&self.store);
        is_newer.then(|| latest.snapshot.clone())
    }
}
