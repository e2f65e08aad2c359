//! Whose turn it is: after a conflict, the requests of one process come one after the other.

use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::{Mutex, MutexGuard};

use crate::give_way::let_others_run;
use crate::sid::SessionId;
use crate::store::BoxFuture;

/// Sessions that share a place wait for each other now and then, which does no harm; so many places
/// make it seldom.
static PLACES: [Place; 1_024] = [const { Place::new() }; 1_024];

struct Place {
    queue: Mutex<()>,
    /// How many have a turn or wait for one.
    wanted: AtomicUsize,
}

impl Place {
    const fn new() -> Self {
        Self {
            queue: Mutex::const_new(()),
            wanted: AtomicUsize::new(0),
        }
    }

    fn of(id: SessionId) -> &'static Self {
        let [.., high, low] = *id.as_bytes();
        let random = usize::from(u16::from_be_bytes([high, low]));
        &PLACES[random % PLACES.len()]
    }

    /// A turn, and whether somebody else had one before.
    async fn take(&'static self, patience: Patience) -> (Turn, bool) {
        let counted = Wanted::by_one_more(self);
        let mut held = self.queue.try_lock().ok();
        let waited = held.is_none();
        for _ in 0..patience.looks() {
            if held.is_some() {
                break;
            }
            let_others_run().await;
            held = self.queue.try_lock().ok();
        }
        let turn = Turn {
            _held: match held {
                Some(held) => held,
                None => self.queue.lock().await,
            },
            _wanted: counted,
        };
        (turn, waited)
    }
}

/// While it is held, nobody else of this process begins to commit to the session.
pub(super) struct Turn {
    _held: MutexGuard<'static, ()>,
    _wanted: Wanted,
}

/// How to wait for a turn.
#[derive(Debug, Clone, Copy)]
pub(super) enum Patience {
    /// The others are done in microseconds: looking again, and running other tasks meanwhile,
    /// takes less time than to be woken from another thread.
    Short,
    /// The others wait for a server.
    Long,
}

impl Patience {
    fn looks(self) -> u32 {
        match self {
            Self::Short => 100,
            Self::Long => 0,
        }
    }
}

/// Counted, whether it gets its turn or gives up.
struct Wanted(&'static Place);

impl Wanted {
    fn by_one_more(place: &'static Place) -> Self {
        place.wanted.fetch_add(1, Ordering::Relaxed);
        Self(place)
    }
}

impl Drop for Wanted {
    fn drop(&mut self) {
        self.0.wanted.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Whether nobody has a turn or waits for one.
pub(super) fn is_free(id: SessionId) -> bool {
    Place::of(id).wanted.load(Ordering::Relaxed) == 0
}

/// For the first try: a turn if others try again, for nobody may be overtaken for ever.
pub(super) async fn first(id: SessionId, patience: Patience) -> Option<Turn> {
    if is_free(id) {
        return None;
    }
    Some(boxed(Place::of(id), patience).await.0)
}

/// For another try, and whether others came first.
pub(super) async fn again(id: SessionId, patience: Patience) -> (Turn, bool) {
    boxed(Place::of(id), patience).await
}

/// In a box: conflicts are rare, and every commit's future would have to have room for it.
fn boxed(place: &'static Place, patience: Patience) -> BoxFuture<'static, (Turn, bool)> {
    Box::pin(place.take(patience))
}
