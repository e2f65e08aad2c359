//! What a store has to know about its server before the first statement.

use super::Server;
use super::circuit::Outage;
use super::outage::{cannot_connect, no_answer_within};
use crate::backend::Inner;
use crate::timeout;

/// What a store has to know about its server.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Facts {
    /// Whether there is a connection pooler between, which may send each transaction to the server on
    /// another connection.
    pub(crate) has_pooler: bool,
    /// The size in bytes of the largest statement that the server accepts, if it is limited.
    pub(crate) largest_statement: Option<u64>,
    /// Whether the connection is not encrypted although the options prefer encryption.
    pub(crate) is_unexpectedly_plain: bool,
}

/// The room that a statement needs beside the data and the subject.
const OVERHEAD: u64 = 1_024;

impl Facts {
    /// What is assumed as long as the server cannot be examined: a transaction does no harm without a pooler.
    const UNKNOWN: Self = Self {
        has_pooler: true,
        largest_statement: None,
        is_unexpectedly_plain: false,
    };

    /// The size of the largest session that fits into a statement.
    pub(crate) fn largest_session(&self) -> Option<u64> {
        self.largest_statement
            .map(|bytes| bytes.saturating_sub(OVERHEAD))
    }

    /// Warns about a connection that can be read on its way.
    pub(super) fn warn(&self, place: &str) {
        if self.is_unexpectedly_plain {
            tracing::warn!(
                target: "connect_session",
                place,
                "the connection to the session store is not encrypted, because the server does not offer \
                 TLS: to insist on TLS, add `sslmode=require` to the URL of a PostgreSQL server or \
                 `ssl-mode=REQUIRED` to that of a MySQL server; to do without, add `sslmode=disable` or \
                 `ssl-mode=DISABLED`"
            );
        }
    }
}

impl<B: Server> Inner<B> {
    /// Examines the server, unless that was done before.
    pub(super) async fn facts(&self) -> Result<Facts, Outage> {
        let state = B::state(self);
        if let Some(facts) = state.facts.get() {
            return Ok(*facts);
        }
        if state.refused_examination.is_noted() {
            return Ok(Facts::UNKNOWN);
        }
        // Boxed, so that the futures of statements stay small.
        match Box::pin(self.examine()).await {
            // The pool may have all connections that the user may open.
            Err(outage) if outage.answers => {
                state.refused_examination.note();
                Ok(Facts::UNKNOWN)
            }
            examined => examined,
        }
    }

    async fn examine(&self) -> Result<Facts, Outage> {
        let options = self.pool.connect_options();
        let examining = B::state(self).facts.get_or_try_init(|| async move {
            let facts = B::examine(&options).await;
            let facts = facts.map_err(|error| cannot_connect(&error))?;
            facts.warn(&B::place(self));
            Ok(facts)
        });
        let limit = timeout::DEFAULT;
        let examined = B::state(self).circuit.within(limit, examining).await;
        examined.unwrap_or(Err(no_answer_within(limit))).copied()
    }
}
