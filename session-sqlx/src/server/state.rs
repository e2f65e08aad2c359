//! The state of every store on a server.

use std::sync::Arc;
use std::time::Duration;

use sqlx::{ConnectOptions as _, Connection as _, Database, Pool};
use tokio::sync::OnceCell;

use super::circuit::Circuit;
use super::clock::ServerClock;
use super::connections::Connections;
use super::facts::Facts;
use super::outage::cannot_connect;
use super::recent::Recent;

/// The state of every store on a server. Clones share it.
pub(crate) struct ServerState<DB: Database> {
    pub(crate) clock: ServerClock,
    /// The connections that the store opened itself; `None` if it uses the pool of an application.
    pub(super) connections: Option<Arc<Connections<DB>>>,
    pub(super) circuit: Circuit,
    /// The server has refused a write on a new connection. A read-only server would otherwise cost every
    /// load a refused write and a new connection, and every change one for each of a pool.
    pub(super) refused_write: Recent,
    pub(super) facts: Arc<OnceCell<Facts>>,
    /// The server answered, but could not be examined.
    pub(super) refused_examination: Recent,
}

// A derived implementation would require the driver to be `Clone`.
impl<DB: Database> Clone for ServerState<DB> {
    fn clone(&self) -> Self {
        Self {
            clock: self.clock.clone(),
            connections: self.connections.clone(),
            circuit: self.circuit.clone(),
            refused_write: self.refused_write.clone(),
            facts: self.facts.clone(),
            refused_examination: self.refused_examination.clone(),
        }
    }
}

impl<DB: Database> ServerState<DB> {
    /// For a store that opens its own connections.
    pub(super) fn of_own(
        pool: &Pool<DB>,
        facts: Facts,
        connections: u32,
        acquire_timeout: Duration,
    ) -> Self {
        let mut state = Self::of_pool(pool);
        state.facts = Arc::new(OnceCell::new_with(Some(facts)));
        let options = pool.connect_options().as_ref().clone();
        let circuit = state.circuit.clone();
        let connections = Connections::new(options, circuit, connections, acquire_timeout);
        state.connections = Some(connections);
        state
    }

    /// For a store that uses the pool of an application.
    pub(crate) fn of_pool(pool: &Pool<DB>) -> Self {
        Self {
            clock: ServerClock::new(),
            connections: None,
            circuit: circuit(pool),
            refused_write: Recent::default(),
            facts: Arc::default(),
            refused_examination: Recent::default(),
        }
    }

    /// Whether the server has just refused a write.
    pub(crate) fn refuses_writes(&self) -> bool {
        self.refused_write.is_noted()
    }

    pub(crate) fn note_refused_write(&self) {
        self.refused_write.note();
    }

    /// The size of the largest session that fits into a statement, if it is known.
    pub(crate) fn max_session_size(&self) -> Option<u64> {
        self.facts.get()?.largest_session()
    }

    /// Closes the connections that are open: a new one may lead to another server. Of `pool`, whose
    /// connections are used if the store has none of its own, those that are idle.
    pub(super) fn retire_connections(&self, pool: &Pool<DB>) {
        match &self.connections {
            Some(connections) => connections.retire(),
            None => {
                while let Some(connection) = pool.try_acquire() {
                    drop(connection.detach());
                }
            }
        }
    }
}

/// A circuit that connects with the options of a pool, but not through it: the application may have taken
/// all its connections.
fn circuit<DB: Database>(pool: &Pool<DB>) -> Circuit {
    let options = pool.connect_options();
    Circuit::new(move || {
        let options = options.clone();
        async move {
            let connected = options.connect().await;
            let connection = connected.map_err(|error| cannot_connect(&error))?;
            // It answered, and that is all.
            let _ = connection.close().await;
            Ok(())
        }
    })
}
