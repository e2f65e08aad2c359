//! Which server a link leads to.

use std::fmt;

use redis::Client;

/// A server, by its address or by what is known of it elsewhere.
#[derive(Clone)]
pub(super) enum Target {
    /// The one at this address.
    Server(Client),
}

impl Target {
    pub(super) fn client(&self) -> Client {
        match self {
            Self::Server(client) => client.clone(),
        }
    }
}

/// Where it is; never how to get in.
impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Server(client) => fmt::Display::fmt(client.get_connection_info().addr(), f),
        }
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
