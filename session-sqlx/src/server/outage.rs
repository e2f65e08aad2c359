//! What the failure of a connection attempt says about the server.

use std::time::Duration;

use super::circuit::Outage;

/// A connection that could not be opened.
pub(super) fn cannot_connect(error: &sqlx::Error) -> Outage {
    Outage::new(matches!(error, sqlx::Error::Database(_)), error)
}

/// A server that does not answer.
pub(super) fn no_answer_within(limit: Duration) -> Outage {
    Outage::new(
        false,
        format_args!("the server did not answer within {limit:?}"),
    )
}
