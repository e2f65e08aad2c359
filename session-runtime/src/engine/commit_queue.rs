//! Queues for commits: after a conflict, the requests of one process that change the same session
//! commit one after the other.

use std::any::Any;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::OwnedMutexGuard;

use super::wait;
use crate::error::Error;
use crate::record::Key;
use crate::sid::SessionId;
use crate::store::BoxFuture;
use crate::yield_now::yield_now;

/// The queues of all sessions. A session has one only while tasks hold or await its permit.
///
/// Sessions in one slot share only the short lock of its map: a client can get an id in any slot by
/// creating many sessions, and must not be able to delay the sessions of others.
static SLOTS: [Slot; 1_024] = [const { Slot::new() }; 1_024];

struct Slot {
    /// The number of tasks in the queues of the slot. If it is 0, as for most commits, no lock is needed
    /// to know that the session has no queue.
    members: AtomicUsize,
    queues: Mutex<BTreeMap<(SessionId, &'static str), Queue>>,
}

/// What the holder of a permit hands over to the next one.
type Handover = Option<Box<dyn Any + Send>>;

/// The queue of one session.
struct Queue {
    lock: Arc<tokio::sync::Mutex<Handover>>,
    /// The number of tasks that hold the permit or wait for it.
    members: usize,
}

impl Slot {
    const fn new() -> Self {
        Self {
            members: AtomicUsize::new(0),
            queues: Mutex::new(BTreeMap::new()),
        }
    }

    #[inline]
    fn of(key: Key) -> &'static Self {
        let [.., high, low] = *key.id.as_bytes();
        let random = usize::from(u16::from_be_bytes([high, low]));
        &SLOTS[random % SLOTS.len()]
    }

    fn queues(&self) -> MutexGuard<'_, BTreeMap<(SessionId, &'static str), Queue>> {
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[cold]
    fn has_queue(&self, key: Key) -> bool {
        self.queues().contains_key(&(key.id, key.namespace))
    }
}

/// A task's place in the queue of a session. Dropping it leaves the queue, also on cancellation.
struct Membership {
    key: Key,
    lock: Arc<tokio::sync::Mutex<Handover>>,
}

impl Membership {
    /// Joins the queue of a session, which the first member creates.
    fn new(key: Key) -> Self {
        let slot = Slot::of(key);
        slot.members.fetch_add(1, Ordering::Relaxed);
        let mut queues = slot.queues();
        let queue = queues
            .entry((key.id, key.namespace))
            .or_insert_with(|| Queue {
                lock: Arc::default(),
                members: 0,
            });
        queue.members += 1;
        Self {
            key,
            lock: queue.lock.clone(),
        }
    }
}

/// The last member removes the queue.
impl Drop for Membership {
    fn drop(&mut self) {
        let slot = Slot::of(self.key);
        let name = (self.key.id, self.key.namespace);
        let mut queues = slot.queues();
        if let Some(queue) = queues.get_mut(&name) {
            queue.members -= 1;
            if queue.members == 0 {
                queues.remove(&name);
            }
        }
        drop(queues);
        slot.members.fetch_sub(1, Ordering::Relaxed);
    }
}

/// While a permit is held, no other task of this process starts to commit to the session.
pub(super) struct Permit {
    /// Declared before the membership, so that it is released first.
    guard: OwnedMutexGuard<Handover>,
    _membership: Membership,
}

impl Permit {
    /// Hands a value over to the next holder. It is dropped with the queue.
    pub(super) fn hand_over(&mut self, value: impl Any + Send) {
        *self.guard = Some(Box::new(value));
    }

    /// The value that a previous holder handed over, if it has this type.
    pub(super) fn handed_over<T: Any>(&self) -> Option<&T> {
        self.guard.as_deref()?.downcast_ref()
    }
}

/// How to wait for a permit.
#[derive(Debug, Clone, Copy)]
pub(super) enum WaitPolicy {
    /// The holder is done in microseconds: polling the lock, and letting other tasks run in between, is
    /// faster than a wake-up from another thread.
    Spin,
    /// The holder waits for a server: sleep until woken.
    Sleep,
}

impl WaitPolicy {
    /// How often the lock is polled before the task sleeps. When two threads changed one session, it was free after sixty
    /// times on average.
    fn spins(self) -> u32 {
        match self {
            Self::Spin => 2_000,
            Self::Sleep => 0,
        }
    }
}

/// Whether no task holds or awaits a permit of the session.
#[inline]
pub(super) fn is_free(key: Key) -> bool {
    let slot = Slot::of(key);
    slot.members.load(Ordering::Relaxed) == 0 || !slot.has_queue(key)
}

/// Before the first try: waits for a permit only if other tasks hold or await one, so that they do not
/// starve.
pub(super) async fn acquire_if_contended(
    key: Key,
    policy: WaitPolicy,
) -> Result<Option<Permit>, Error> {
    if is_free(key) {
        return Ok(None);
    }
    let (permit, _) = acquire(key, policy).await?;
    Ok(Some(permit))
}

/// Before a retry: waits for a permit. Also returns whether another task held it.
///
/// Boxed, to keep the future of a commit small: conflicts are rare.
pub(super) fn acquire(
    key: Key,
    policy: WaitPolicy,
) -> BoxFuture<'static, Result<(Permit, bool), Error>> {
    Box::pin(async move {
        let membership = Membership::new(key);
        let try_lock = || membership.lock.clone().try_lock_owned().ok();
        let mut guard = try_lock();
        let was_held = guard.is_none();
        for _ in 0..policy.spins() {
            if guard.is_some() {
                break;
            }
            yield_now().await;
            guard = try_lock();
        }
        let guard = if let Some(guard) = guard {
            guard
        } else {
            wait::in_time(membership.lock.clone().lock_owned()).await?
        };
        let permit = Permit {
            guard,
            _membership: membership,
        };
        Ok((permit, was_held))
    })
}

#[cfg(test)]
#[allow(clippy::expect_used, reason = "a test reports by panicking")]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    /// Keys that only these tests use, all in one slot.
    fn key(number: u8) -> Key {
        let mut id = [number; 16];
        [id[14], id[15]] = [0xfe, 0xdc];
        Key {
            namespace: "commit_queue",
            id: SessionId::from_bytes(id),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_waits_forever_for_a_holder_that_does_not_finish() {
        let (holder, _) = acquire(key(3), WaitPolicy::Spin).await.expect("a permit");
        for policy in [WaitPolicy::Spin, WaitPolicy::Sleep] {
            let refused = acquire(key(3), policy).await.map(drop);
            let kind = refused.expect_err("the permit is held").kind();
            assert_eq!(kind, ErrorKind::Contention, "{policy:?}");
        }
        drop(holder);
        assert!(is_free(key(3)));
    }

    #[tokio::test]
    async fn the_next_holder_gets_what_the_previous_one_handed_over() {
        let (mut permit, _) = acquire(key(4), WaitPolicy::Spin).await.expect("a permit");
        assert_eq!(permit.handed_over::<u8>(), None);
        let next = tokio::spawn(acquire(key(4), WaitPolicy::Sleep));
        while Slot::of(key(4)).queues()[&(key(4).id, key(4).namespace)].members < 2 {
            yield_now().await;
        }
        permit.hand_over(7_u8);
        drop(permit);
        let (permit, was_held) = next.await.expect("no panic").expect("a permit");
        assert!(was_held);
        assert_eq!(
            (permit.handed_over::<u8>(), permit.handed_over::<i8>()),
            (Some(&7), None)
        );
        drop(permit);
        let (permit, _) = acquire(key(4), WaitPolicy::Spin).await.expect("a permit");
        assert_eq!(
            permit.handed_over::<u8>(),
            None,
            "it is dropped with the queue"
        );
    }

    #[tokio::test]
    async fn a_queue_exists_while_it_has_members() {
        let (permit, was_held) = acquire(key(1), WaitPolicy::Spin).await.expect("a permit");
        assert!(!was_held && !is_free(key(1)));
        // Sessions in the same slot, or with the same id in another namespace, have their own queues.
        let elsewhere = Key {
            namespace: "other",
            ..key(1)
        };
        assert!(is_free(key(2)) && is_free(elsewhere));
        let (other, was_held) = acquire(key(2), WaitPolicy::Sleep).await.expect("a permit");
        assert!(!was_held);
        let mut waiting = acquire(key(1), WaitPolicy::Sleep);
        let poll = std::future::poll_fn(|cx| std::task::Poll::Ready(waiting.as_mut().poll(cx)));
        assert!(poll.await.is_pending());
        drop(permit);
        assert!(!is_free(key(1)), "another task still waits");
        let (permit, was_held) = waiting.await.expect("a permit");
        assert!(was_held);
        let mut cancelled = acquire(key(1), WaitPolicy::Sleep);
        let poll = std::future::poll_fn(|cx| std::task::Poll::Ready(cancelled.as_mut().poll(cx)));
        assert!(poll.await.is_pending());
        drop(cancelled);
        drop((permit, other));
        assert!(is_free(key(1)) && is_free(key(2)));
        let slot = Slot::of(key(1));
        assert_eq!(slot.members.load(Ordering::Relaxed), 0);
        assert!(slot.queues().is_empty());
    }
}
