//! Queues for commits: after a conflict, the requests of one process that change the same session
//! commit one after the other.

use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::{Mutex, MutexGuard};

use crate::sid::SessionId;
use crate::store::BoxFuture;
use crate::yield_now::yield_now;

/// Sessions that share a slot may wait for each other, which is harmless and, with this many slots,
/// rare.
static SLOTS: [Slot; 1_024] = [const { Slot::new() }; 1_024];

struct Slot {
    queue: Mutex<()>,
    /// The number of tasks that hold a permit or wait for one.
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

    /// Waits for a permit. Also returns whether another task held it.
    async fn acquire(&'static self, policy: SpinPolicy) -> (Permit, bool) {
        let waiter = WaiterCount::new(self);
        let mut guard = self.queue.try_lock().ok();
        let was_held = guard.is_none();
        for _ in 0..policy.spins() {
            if guard.is_some() {
                break;
            }
            yield_now().await;
            guard = self.queue.try_lock().ok();
        }
        let permit = Permit {
            _guard: match guard {
                Some(guard) => guard,
                None => self.queue.lock().await,
            },
            _waiter: waiter,
        };
        (permit, was_held)
    }
}

/// While a permit is held, no other task of this process starts to commit to the session.
pub(super) struct Permit {
    _guard: MutexGuard<'static, ()>,
    _waiter: WaiterCount,
}

/// How to wait for a permit.
#[derive(Debug, Clone, Copy)]
pub(super) enum SpinPolicy {
    /// The holder is done in microseconds: polling the lock, and letting other tasks run in between, is
    /// faster than a wake-up from another thread.
    Short,
    /// The holder waits for a server: sleep until woken.
    Long,
}

impl SpinPolicy {
    fn spins(self) -> u32 {
        match self {
            Self::Short => 100,
            Self::Long => 0,
        }
    }
}

/// RAII waiter count: decremented on cancellation too.
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

/// Whether no task holds or awaits a permit.
pub(super) fn is_free(id: SessionId) -> bool {
    Slot::of(id).waiters.load(Ordering::Relaxed) == 0
}

/// Before the first try: waits for a permit only if other tasks hold or await one, so that they are
/// not overtaken forever.
pub(super) async fn acquire_if_contended(id: SessionId, policy: SpinPolicy) -> Option<Permit> {
    if is_free(id) {
        return None;
    }
    Some(boxed(Slot::of(id), policy).await.0)
}

/// Before a retry: waits for a permit. Also returns whether another task held it.
pub(super) async fn acquire(id: SessionId, policy: SpinPolicy) -> (Permit, bool) {
    boxed(Slot::of(id), policy).await
}

/// Boxed, to keep the future of a commit small: conflicts are rare.
fn boxed(slot: &'static Slot, policy: SpinPolicy) -> BoxFuture<'static, (Permit, bool)> {
    Box::pin(slot.acquire(policy))
}
