//! The connection of one runtime to a server, and what is known about an outage.

use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError, RwLock, Weak};
use std::time::Duration;

use tokio::runtime::Id;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::failure::Failure;
use super::open_connection::OpenConnection;

/// How often an attempt to connect begins during an outage. One that hangs does not delay the next.
const TRY_EVERY: Duration = Duration::from_millis(500);

/// Without news from the task that connects for this long, its runtime does not run it.
const STALLED: Duration = Duration::from_secs(2);

/// The state of a connection in one runtime.
pub(super) struct Local {
    runtime: Id,
    current: RwLock<Option<OpenConnection>>,
    /// Locked while a request connects, so that concurrent ones wait for one attempt and share its result.
    pub(super) connecting: tokio::sync::Mutex<()>,
    /// The failure of the last attempt, while a task tries to connect. Requests do not wait for it.
    outage: Mutex<Option<Outage>>,
}

struct Outage {
    failure: Failure,
    /// When the task last showed that it runs.
    seen_at: Instant,
}

impl Outage {
    fn new(failure: Failure) -> Self {
        Self {
            failure,
            seen_at: Instant::now(),
        }
    }
}

impl Local {
    pub(super) fn new(runtime: Id) -> Self {
        Self {
            runtime,
            current: RwLock::default(),
            connecting: tokio::sync::Mutex::default(),
            outage: Mutex::default(),
        }
    }

    pub(super) fn is_of(&self, runtime: Id) -> bool {
        self.runtime == runtime
    }

    pub(super) fn open_connection(&self) -> Option<OpenConnection> {
        let open = self.current.read().unwrap_or_else(PoisonError::into_inner);
        open.clone().filter(OpenConnection::is_open)
    }

    pub(super) fn set(&self, open: OpenConnection) {
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Some(open);
    }

    /// Forgets a connection, unless it was replaced.
    pub(super) fn discard(&self, dead: &OpenConnection) {
        let mut open = self.current.write().unwrap_or_else(PoisonError::into_inner);
        if open.as_ref().is_some_and(|open| open.is_same(dead)) {
            *open = None;
        }
    }

    /// Why there is no connection, if that is known. An outage that nobody would see the end of does not
    /// count.
    pub(super) fn outage(&self) -> Option<Failure> {
        let outage = self.lock_outage();
        let outage = outage.as_ref()?;
        (outage.seen_at.elapsed() < STALLED).then(|| outage.failure.clone())
    }

    fn lock_outage(&self) -> std::sync::MutexGuard<'_, Option<Outage>> {
        self.outage.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets requests fail at once, until a task has connected. `establish` begins an attempt, unless the store
    /// was dropped.
    pub(super) fn wait_for_the_server<F>(
        self: &Arc<Self>,
        failure: Failure,
        establish: impl Fn() -> Option<F> + Send + Sync + 'static,
    ) where
        F: Future<Output = Result<OpenConnection, Failure>> + Send + 'static,
    {
        *self.lock_outage() = Some(Outage::new(failure));
        // Created here, so that it exists even if the runtime ends before the task first runs.
        let over = Over(Arc::downgrade(self));
        tokio::spawn(async move { connect_repeatedly(&over.0, establish).await });
    }
}

async fn connect_repeatedly<F>(
    local: &Weak<Local>,
    establish: impl Fn() -> Option<F> + Send + Sync + 'static,
) where
    F: Future<Output = Result<OpenConnection, Failure>> + Send + 'static,
{
    let mut attempts = JoinSet::new();
    loop {
        let next = tokio::time::sleep(TRY_EVERY);
        tokio::pin!(next);
        loop {
            tokio::select! {
                () = &mut next => break,
                Some(established) = attempts.join_next() => {
                    let Some(local) = local.upgrade() else { return };
                    match established {
                        Ok(Ok(open)) => return local.set(open),
                        Ok(Err(failure)) => *local.lock_outage() = Some(Outage::new(failure)),
                        // It panicked in the driver.
                        Err(_) => {}
                    }
                }
            }
        }
        if let Some(local) = local.upgrade()
            && let Some(outage) = &mut *local.lock_outage()
        {
            outage.seen_at = Instant::now();
        }
        match establish() {
            Some(attempt) => attempts.spawn(attempt),
            None => return,
        };
    }
}

/// Ends the outage when the task ends: it has connected, or its runtime is shutting down.
struct Over(Weak<Local>);

impl Drop for Over {
    fn drop(&mut self) {
        if let Some(local) = self.0.upgrade() {
            *local.lock_outage() = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::runtime::Handle;
    use tokio::time::{advance, sleep};

    use super::*;
    use crate::address::ServerAddress;

    #[tokio::test(start_paused = true)]
    async fn an_outage_counts_as_long_as_a_task_runs() {
        let client = redis::Client::open("redis://127.0.0.1").expect("a URL");
        let failure = Failure::not_sent(&ServerAddress::direct(client), "it is down");
        let new = || Arc::new(Local::new(Handle::current().id()));
        let local = new();
        let failing = failure.clone();
        let establish = move || {
            let failure = failing.clone();
            Some(async move { Err(failure) })
        };
        local.wait_for_the_server(failure.clone(), establish);
        sleep(STALLED * 5).await;
        assert!(local.outage().is_some());

        let without_task = new();
        *without_task.lock_outage() = Some(Outage::new(failure));
        assert!(without_task.outage().is_some());
        advance(STALLED).await;
        assert!(without_task.outage().is_none());
    }
}
