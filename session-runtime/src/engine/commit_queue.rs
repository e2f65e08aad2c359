//! Whose turn it is: after a conflict, the requests of one process come one after the other.

use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::{Mutex, MutexGuard};

use crate::sid::SessionId;
use crate::store::BoxFuture;
use crate::yield_now::yield_now;

/// Sessions that share a place wait for each other now and then, which does no harm; so many places
/// make it seldom.
static SLOTS: [Slot; 1_024] = [const { Slot::new() }; 1_024];

struct Slot {
    queue: Mutex<()>,
    /// How many have a turn or wait for one.
    waiters: AtomicUsize,
}

impl Slot {
    const fn new() -> Self {
        Self {
            queue: Mutex::const_new(()),
            waiters: AtomicUsize::new(0),
        }
    }

    fn of(id: SessionId) -> &'static Self {
        let [.., high, low] = *id.as_bytes();
        let random = usize::from(u16::from_be_bytes([high, low]));
        &SLOTS[random % SLOTS.len()]
    }

    /// A turn, and whether somebody else had one before.
    async fn take(&'static self, policy: SpinPolicy) -> (Permit, bool) {
        let counted = WaiterCount::new(self);
        let mut held = self.queue.try_lock().ok();
        let waited = held.is_none();
        for _ in 0..policy.looks() {
            if held.is_some() {
                break;
            }
            yield_now().await;
            held = self.queue.try_lock().ok();
        }
        let permit = Permit {
            _held: match held {
                Some(held) => held,
                None => self.queue.lock().await,
            },
            _waiter: counted,
        };
        (permit, waited)
    }
}

/// While it is held, nobody else of this process begins to commit to the session.
pub(super) struct Permit {
    _held: MutexGuard<'static, ()>,
    _waiter: WaiterCount,
}

/// How to wait for a turn.
#[derive(Debug, Clone, Copy)]
pub(super) enum SpinPolicy {
    /// The others are done in microseconds: looking again, and running other tasks meanwhile,
    /// takes less time than to be woken from another thread.
    Short,
    /// The others wait for a server.
    Long,
}

impl SpinPolicy {
    fn looks(self) -> u32 {
        match self {
            Self::Short => 100,
            Self::Long => 0,
        }
    }
}

/// Counted, whether it gets its turn or gives up.
struct WaiterCount(&'static Slot);

impl WaiterCount {
    fn new(slot: &'static Slot) -> Self {
        slot.waiters.fetch_add(1, Ordering::Relaxed);
        Self(slot)
    }
}

impl Drop for WaiterCount {
    fn drop(&mut self) {
        self.0.waiters.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Whether nobody has a turn or waits for one.
pub(super) fn is_free(id: SessionId) -> bool {
    Slot::of(id).waiters.load(Ordering::Relaxed) == 0
}

/// For the first try: a turn if others try again, for nobody may be overtaken for ever.
pub(super) async fn first(id: SessionId, policy: SpinPolicy) -> Option<Permit> {
    if is_free(id) {
        return None;
    }
    Some(boxed(Slot::of(id), policy).await.0)
}

/// For another try, and whether others came first.
pub(super) async fn again(id: SessionId, policy: SpinPolicy) -> (Permit, bool) {
    boxed(Slot::of(id), policy).await
}

/// In a box: conflicts are rare, and every commit's future would have to have room for it.
fn boxed(slot: &'static Slot, policy: SpinPolicy) -> BoxFuture<'static, (Permit, bool)> {
    Box::pin(slot.take(policy))
}
