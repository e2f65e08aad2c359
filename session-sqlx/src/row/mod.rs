//! A row, for the databases on which the state machine of the runtime decides.

mod columns;

use connect_session_runtime::store::state::RecordState;

pub(crate) use self::columns::COLUMNS;

/// Everything of a record except its data. Times are milliseconds since 1970.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    pub(crate) state: RecordState,
    /// When the sweep visits the row next; at most its deadline.
    #[cfg(feature = "sqlite")]
    pub(crate) due: u64,
}
