//! Whose turn it is: after a conflict, the requests of one process come one after the other.

use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::{Mutex, MutexGuard};

use crate::sid::SessionId;

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

    async fn take(&'static self) -> Turn {
        let wanted = Wanted::by_one_more(self);
        Turn {
            _held: self.queue.lock().await,
            _wanted: wanted,
        }
    }
}

/// While it is held, nobody else of this process begins to commit to the session.
pub(super) struct Turn {
    _held: MutexGuard<'static, ()>,
    _wanted: Wanted,
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

/// For the first try: a turn if others try again, for nobody may be overtaken for ever.
pub(super) async fn first(id: SessionId) -> Option<Turn> {
    let place = Place::of(id);
    if place.wanted.load(Ordering::Relaxed) == 0 {
        return None;
    }
    Some(place.take().await)
}

/// For another try.
pub(super) async fn again(id: SessionId) -> Turn {
    Place::of(id).take().await
}
