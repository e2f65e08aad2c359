//! A circuit breaker: while the server is down, requests fail at once instead of waiting for a connection.
//!
//! The circuit opens when a connection cannot be opened, or when the server leaves a request without an
//! answer and then a probe as well. A task tries to connect until that succeeds, which closes the circuit.

#[cfg(test)]
mod tests;

use std::fmt;
use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

use connect_session_runtime::store::BoxFuture;

/// How often a probe begins while the circuit is open. A probe that hangs does not delay the next.
const PROBE_EVERY: Duration = Duration::from_millis(500);

/// How long one probe may take.
const PROBE_TIMEOUT: Duration = Duration::from_secs(5);

/// After this time without an answer, the server is probed, and the circuit opens if the probe takes
/// as long.
const NO_ANSWER: Duration = Duration::from_secs(1);

/// Without news from the task that probes for this long, its runtime does not run it.
const STALLED: Duration = Duration::from_secs(2);

/// Why requests fail at once.
#[derive(Debug, Clone)]
pub(crate) struct Outage {
    /// Whether the server answers, but accepts no connection. Those that are open can be used.
    pub(crate) answers: bool,
    why: Arc<str>,
}

impl Outage {
    pub(crate) fn new(answers: bool, why: impl fmt::Display) -> Self {
        Self {
            answers,
            why: why.to_string().into(),
        }
    }
}

impl fmt::Display for Outage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no connection to the server can be opened: {}", self.why)
    }
}

impl std::error::Error for Outage {}

type Probe = Box<dyn Fn() -> BoxFuture<'static, Result<(), Outage>> + Send + Sync>;

/// Clones share the circuit.
#[derive(Clone)]
pub(crate) struct Circuit(Arc<Shared>);

struct Shared {
    state: watch::Sender<State>,
    /// Connects to the server, and disconnects.
    probe: Probe,
}

#[derive(Default)]
struct State {
    outage: Option<Outage>,
    /// When the task that probes last showed that it runs; `None` if there is none.
    probed_at: Option<Instant>,
}

impl State {
    fn is_probed(&self) -> bool {
        self.probed_at.is_some_and(|at| at.elapsed() < STALLED)
    }

    /// Why the circuit is open. An outage that nobody would see the end of does not count.
    fn outage(&self) -> Option<&Outage> {
        self.outage.as_ref().filter(|_| self.is_probed())
    }
}

impl fmt::Debug for Circuit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Circuit").finish_non_exhaustive()
    }
}

impl Circuit {
    pub(crate) fn new<F>(probe: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<(), Outage>> + Send + 'static,
    {
        Self(Arc::new(Shared {
            state: watch::Sender::new(State::default()),
            probe: Box::new(move || Box::pin(probe())),
        }))
    }

    /// Why no connection can be opened, if that is known.
    pub(crate) fn outage(&self) -> Option<Outage> {
        self.0.state.borrow().outage().cloned()
    }

    /// Waits for a result, but not for a server that is known not to answer.
    pub(crate) async fn unless_silent<T>(
        &self,
        result: impl Future<Output = Result<T, Outage>>,
    ) -> Result<T, Outage> {
        tokio::select! {
            biased;
            result = result => result,
            outage = self.silence() => Err(outage),
        }
    }

    async fn silence(&self) -> Outage {
        let mut state = self.0.state.subscribe();
        let is_silent = |state: &State| state.outage().is_some_and(|outage| !outage.answers);
        loop {
            // The sender is not dropped, as `self` has it.
            if let Ok(state) = state.wait_for(is_silent).await
                && let Some(outage) = state.outage()
            {
                return outage.clone();
            }
        }
    }

    /// Waits for a result for this long, and probes the server if that takes a second.
    pub(crate) async fn within<T>(
        &self,
        limit: Duration,
        result: impl Future<Output = T>,
    ) -> Option<T> {
        let mut result = pin!(result);
        let soon = limit.min(NO_ANSWER);
        if let Ok(result) = timeout(soon, &mut result).await {
            return Some(result);
        }
        self.suspect();
        timeout(limit.saturating_sub(soon), result).await.ok()
    }

    /// Probes the server, and opens the circuit if that fails.
    pub(crate) fn suspect(&self) {
        self.start_probing(None);
    }

    /// Opens the circuit until a probe succeeds.
    pub(crate) fn open(&self, outage: Outage) {
        self.start_probing(Some(outage));
    }

    fn start_probing(&self, outage: Option<Outage>) {
        let Ok(runtime) = Handle::try_current() else {
            return;
        };
        let mut is_first = false;
        self.0.state.send_modify(|state| {
            is_first = !state.is_probed();
            if is_first {
                state.probed_at = Some(Instant::now());
                state.outage = None;
            }
            state.outage = outage.or(state.outage.take());
        });
        if is_first {
            let circuit = Arc::downgrade(&self.0);
            // Created here, so that it exists even if the runtime ends before the task first runs.
            let closing = CloseWhenDropped(circuit.clone());
            drop(runtime.spawn(probe_until_it_answers(circuit, closing)));
        }
    }
}

/// Ends with the store, and together with its runtime.
async fn probe_until_it_answers(circuit: Weak<Shared>, _closing: CloseWhenDropped) {
    let began = Instant::now();
    let mut attempts = JoinSet::new();
    loop {
        let Some(shared) = circuit.upgrade() else {
            return;
        };
        attempts.spawn(timeout(PROBE_TIMEOUT, (shared.probe)()));
        drop(shared);
        let mut next = pin!(sleep(PROBE_EVERY));
        loop {
            tokio::select! {
                () = &mut next => break,
                Some(probed) = attempts.join_next() => match probed {
                    Ok(Ok(Ok(()))) => return,
                    Ok(Ok(Err(outage))) => note(&circuit, Some(outage)),
                    // It took too long, or panicked in the driver.
                    Ok(Err(_)) | Err(_) => {}
                },
            }
        }
        let is_silent = began.elapsed() >= NO_ANSWER;
        let silence = || {
            Outage::new(
                false,
                format_args!("it did not answer within {NO_ANSWER:?}"),
            )
        };
        note(&circuit, is_silent.then(silence));
    }
}

/// Notes that the task runs, and what it found. The first reason stays.
fn note(circuit: &Weak<Shared>, outage: Option<Outage>) {
    if let Some(shared) = circuit.upgrade() {
        shared.state.send_modify(|state| {
            state.probed_at = Some(Instant::now());
            state.outage = state.outage.take().or(outage);
        });
    }
}

/// Closes the circuit when the task ends, whether the server answered or the runtime is shutting down.
struct CloseWhenDropped(Weak<Shared>);

impl Drop for CloseWhenDropped {
    fn drop(&mut self) {
        if let Some(shared) = self.0.upgrade() {
            shared.state.send_replace(State::default());
        }
    }
}
