//! The state that the three stores share, and what each database defines of it.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use sqlx::{Database, Pool};

use connect_session_runtime::store::StoreError;

use crate::sweeper::Sweeper;
use crate::table::Table;
use crate::timeout;

/// A kind of database, with the state that only stores of this kind have.
pub(crate) trait Backend: Clone + Send + Sync + Sized + 'static {
    type Db: Database;
    type Statements: Send + Sync;

    /// The SQL of the tables and their indexes, for the default name of the table.
    const SCHEMA: &str;
    /// The quotation mark of names.
    const QUOTE: char;
    /// The number of rows that a sweep visits in one step.
    const BATCH: usize;

    /// The texts of the statements for a table.
    fn statements(table: &Table) -> Self::Statements;

    /// Checks that the database is supported and that the table can be used.
    fn check_ready(inner: &Inner<Self>) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Creates the tables and their indexes unless they exist.
    fn migrate(inner: &Inner<Self>) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Removes rows of subjects that nothing needs any more, and returns whether another step is likely to
    /// find more.
    fn sweep_subjects(inner: &Inner<Self>)
    -> impl Future<Output = Result<bool, StoreError>> + Send;

    /// Visits at most `limit` rows that are due, and removes those that have ended.
    fn sweep_batch(
        inner: &Inner<Self>,
        limit: usize,
    ) -> impl Future<Output = Result<Swept, StoreError>> + Send;
}

/// The result of one step of a sweep.
pub(crate) struct Swept {
    pub(crate) removed: usize,
    /// Whether another step is likely to find more.
    pub(crate) has_more: bool,
}

/// The state of a store without its sweeper, so that the sweeper's task can own it.
pub(crate) struct Inner<B: Backend> {
    pub(crate) pool: Pool<B::Db>,
    pub(crate) table: Table,
    pub(crate) statements: Arc<B::Statements>,
    pub(crate) timeout: Duration,
    pub(crate) backend: B,
}

// A derived implementation would require the statements to be `Clone`.
impl<B: Backend> Clone for Inner<B> {
    fn clone(&self) -> Self {
        Self {
            pool: self.pool.clone(),
            table: self.table.clone(),
            statements: self.statements.clone(),
            timeout: self.timeout,
            backend: self.backend.clone(),
        }
    }
}

impl<B: Backend> Inner<B> {
    pub(crate) async fn sweep(&self, limit: usize) -> Result<usize, StoreError> {
        let mut removed = 0;
        loop {
            let batch = B::BATCH.min(limit - removed);
            let swept = B::sweep_batch(self, batch).await?;
            removed += swept.removed;
            if !swept.has_more || removed >= limit {
                break;
            }
        }
        while B::sweep_subjects(self).await? {}
        Ok(removed)
    }
}

/// A store: its state, and the task that removes ended sessions.
#[derive(Clone)]
pub(crate) struct Handle<B: Backend> {
    pub(crate) inner: Arc<Inner<B>>,
    sweeper: Arc<Sweeper>,
}

impl<B: Backend> Handle<B> {
    pub(crate) fn new(pool: Pool<B::Db>, backend: B) -> Self {
        let table = Table::default();
        let inner = Inner {
            pool,
            statements: Arc::new(B::statements(&table)),
            table,
            timeout: timeout::DEFAULT,
            backend,
        };
        Self {
            inner: Arc::new(inner),
            sweeper: Arc::default(),
        }
    }

    pub(crate) fn with(mut self, change: impl FnOnce(&mut Inner<B>)) -> Self {
        let mut inner = Arc::unwrap_or_clone(self.inner);
        change(&mut inner);
        self.inner = Arc::new(inner);
        self
    }

    pub(crate) fn table(self, name: &str) -> Result<Self, StoreError> {
        let table = Table::parse(name)?;
        Ok(self.with(|inner| {
            inner.statements = Arc::new(B::statements(&table));
            inner.table = table;
        }))
    }

    pub(crate) fn sweep_every(mut self, every: Option<Duration>) -> Self {
        self.sweeper = Arc::new(Sweeper::new(every));
        self
    }

    pub(crate) fn schema(&self) -> String {
        self.inner.table.in_schema(B::SCHEMA, B::QUOTE)
    }

    pub(crate) async fn check_ready(&self) -> Result<(), StoreError> {
        B::check_ready(&self.inner).await?;
        self.start_sweeper();
        Ok(())
    }

    pub(crate) fn start_sweeper(&self) {
        let inner = self.inner.clone();
        self.sweeper.start(move || {
            let inner = inner.clone();
            async move { inner.sweep(usize::MAX).await }
        });
    }
}
