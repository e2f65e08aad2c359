//! How long to wait for a server.

use std::time::Duration;

/// The two timeouts of a connection.
#[derive(Debug, Clone, Copy)]
pub(super) struct Timeouts {
    /// To establish a connection, including its handshake.
    pub(super) connect: Duration,
    /// From sending a command to its reply.
    pub(super) command: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(2),
            command: Duration::from_secs(2),
        }
    }
}
