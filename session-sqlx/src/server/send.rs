//! Sending a statement to a server.

use std::sync::Arc;
use std::time::Duration;

use super::circuit::{Circuit, Outage};
use super::facts::Facts;
use super::lease::Lease;
use super::{Server, ServerState};
use crate::args::Args;
use crate::backend::Inner;
use crate::error::{ContextError, StatementError};
use crate::finish::Finish;
use crate::operations::{Answer, Work};

/// The number of times that work is done if the server keeps rolling it back, and that a read is
/// done if its connection turns out to be lost.
const TRIES: u32 = 4;

impl<B: Server> Inner<B> {
    /// Sends a statement. `args` is called once for each try.
    pub(crate) async fn send<T: Answer<B::Db>>(
        &self,
        text: &Arc<str>,
        args: impl Fn() -> Args<B::Db> + Send + Sync,
    ) -> Result<T, StatementError> {
        B::run(self, text, args).await
    }

    /// Does some work on a connection. It is done again if the server rolled it back, or refused it on a
    /// connection that was opened before the server was demoted; a read also if it was sent on a connection
    /// that had been lost. `work` is called once for each try.
    pub(crate) async fn perform<W: Work<B::Db>>(
        &self,
        work: impl Fn(bool) -> Result<W, StatementError> + Send + Sync,
    ) -> Result<W::Answer, StatementError> {
        let state = B::state(self);
        let not_sent = |outage: Outage| StatementError::NotApplied(outage.into());
        let Facts { has_pooler, .. } = self.facts().await.map_err(not_sent)?;
        let mut tries = 1;
        loop {
            let lease = state.circuit.unless_silent(self.acquire(W::IS_READ)).await;
            let lease = lease.map_err(not_sent)?;
            let (is_used, may_be_outdated) = (lease.is_used(), lease.may_be_outdated());
            let work = work(has_pooler)?;
            let (circuit, timeout) = (state.circuit.clone(), self.timeout);
            let sent = perform_once::<B, W>(lease, work, circuit, timeout);
            let failure = match Finish::new(sent).await {
                Ok(answer) => return Ok(answer),
                Err(failure) => failure,
            };
            let is_lost = W::IS_READ && is_used && failure.is_lost();
            let is_demoted = failure.not_applied().is_some_and(B::is_demoted);
            // The other connections lead to the same server. One that is shutting down may have executed the
            // statement, which is not sent again then.
            let is_leaving = failure.driver_error().is_some_and(B::is_demoted);
            if is_lost || is_leaving {
                state.retire_connections(&self.pool);
            }
            let is_rolled_back = failure.not_applied().is_some_and(B::is_rolled_back);
            let is_expected = is_demoted && state.refuses_writes();
            let most_tries = if is_expected {
                0
            } else if is_demoted && may_be_outdated {
                if !W::MAY_CHANGE_SERVER {
                    return Err(failure);
                }
                self.most_outdated_connections()
            } else if is_lost || is_rolled_back {
                TRIES
            } else {
                0
            };
            if tries >= most_tries {
                if is_demoted && !is_expected {
                    state.note_refused_write();
                }
                return Err(failure);
            }
            tries += 1;
        }
    }

    async fn acquire(&self, is_read: bool) -> Result<Lease<B::Db>, Outage> {
        let ServerState {
            connections,
            circuit,
            ..
        } = B::state(self);
        match connections {
            Some(connections) => connections.acquire(is_read, self.timeout).await,
            // Boxed, because the driver's future is large.
            None => Box::pin(Lease::pooled(&self.pool, circuit)).await,
        }
    }

    /// How often a statement is sent until its connection is a new one. A pool may hand out each of its
    /// connections before it opens one.
    fn most_outdated_connections(&self) -> u32 {
        match B::state(self).connections {
            Some(_) => TRIES,
            None => (self.pool.options().get_max_connections()).saturating_add(TRIES),
        }
    }
}

/// Does some work on a connection and waits for the answer. The connection is closed if it did not answer,
/// or leads to a server that was demoted.
async fn perform_once<B: Server, W: Work<B::Db>>(
    mut lease: Lease<B::Db>,
    work: W,
    circuit: Circuit,
    timeout: Duration,
) -> Result<W::Answer, StatementError> {
    let Some(connection) = lease.connection() else {
        return Err(StatementError::NotApplied(sqlx::Error::PoolClosed.into()));
    };
    let answer = work.run(connection);
    match circuit.within(timeout, answer).await {
        Some(Ok(answer)) => {
            lease.release(timeout);
            Ok(answer)
        }
        Some(Err(error)) if B::is_refusal(&error) => {
            if !B::is_demoted(&error) {
                lease.release(timeout);
            }
            Err(StatementError::NotApplied(error.into()))
        }
        Some(Err(error)) => Err(StatementError::Unknown(error.into())),
        None => {
            let late = format!("the server did not answer within {timeout:?}");
            Err(StatementError::Unknown(ContextError::new(late).into()))
        }
    }
}
