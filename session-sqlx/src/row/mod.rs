//! A row, for the stores that use the state machine of the runtime.

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
