//! A row, for the state machine of the runtime.

mod read;

use connect_session_runtime::store::state::RecordState;

/// Everything of a record except its data. Times are milliseconds since 1970.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    pub(crate) state: RecordState,
    /// When the sweep visits the row next; at most its deadline.
    #[cfg(feature = "sqlite")]
    pub(crate) due: u64,
}

/// A row as a store on a server reads it.
#[cfg(any(feature = "mysql", feature = "postgres"))]
pub(crate) struct Stored {
    pub(crate) state: RecordState,
    /// The time of the server.
    pub(crate) now: u64,
    /// The version of the data's type.
    pub(crate) data_version: u32,
    pub(crate) fields: Vec<u8>,
}
