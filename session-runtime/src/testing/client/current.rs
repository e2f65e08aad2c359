//! The stores of the clients whose applications are running on this thread, for `Shop::sessions()` in a handler.

use std::any::Any;
use std::cell::RefCell;
use std::future::poll_fn;

use super::LocalFuture;
use crate::config::SessionConfig;
use crate::store::AnyStore;

thread_local! {
    /// The innermost client comes last.
    static RUNNING: RefCell<Vec<Box<dyn Any>>> = const { RefCell::new(Vec::new()) };
}

/// The store of a client of this config.
struct StoreOf<C: SessionConfig>(AnyStore<C::Data>);

/// Runs an application. Whenever it is polled, [`store_of`] returns this store, and not while it waits: requests
/// of other clients may run on the same thread then.
pub(super) async fn run<C: SessionConfig, T>(
    store: AnyStore<C::Data>,
    mut application: LocalFuture<'_, T>,
) -> T {
    poll_fn(|context| {
        let _running = Running::enter(StoreOf::<C>(store.clone()));
        application.as_mut().poll(context)
    })
    .await
}

/// The store of the client whose application is being polled; `None` outside of one.
pub(crate) fn store_of<C: SessionConfig>() -> Option<AnyStore<C::Data>> {
    RUNNING.with_borrow(|running| {
        let mut stores = running.iter().rev();
        stores.find_map(|store| Some(store.downcast_ref::<StoreOf<C>>()?.0.clone()))
    })
}

/// Removes the entry, also if the application panics.
struct Running;

impl Running {
    fn enter(store: impl Any) -> Self {
        RUNNING.with_borrow_mut(|running| running.push(Box::new(store)));
        Self
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Dropped outside of the borrow, because it may be the last one that refers to the store.
        drop(RUNNING.with_borrow_mut(Vec::pop));
    }
}
