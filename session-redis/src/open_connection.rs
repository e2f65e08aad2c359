//! One connection to a server, while it lasts.

use std::convert::Infallible;
use std::sync::{Arc, Weak};

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, Value};

use super::address::ServerAddress;
use super::failure::Failure;
use super::timeouts::Timeouts;

/// An established connection. A clone uses the same connection.
#[derive(Clone)]
pub(super) struct OpenConnection {
    pub(super) multiplexed: MultiplexedConnection,
    /// Upgradable for as long as the driver reads from the connection.
    driver: Weak<()>,
}

impl OpenConnection {
    /// Connects, authenticates and selects the database.
    pub(super) async fn open(client: &Client, timeouts: Timeouts) -> Result<Self, Failure> {
        let alive = Arc::new(());
        let driver = Arc::downgrade(&alive);
        // The driver owns the push sender, and drops it when the connection ends.
        let push = move |_| {
            let _ = &alive;
            Ok::<(), Infallible>(())
        };
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(timeouts.connect))
            .set_response_timeout(Some(timeouts.command))
            .set_push_sender(push);
        let multiplexed = client
            .get_multiplexed_async_connection_with_config(&config)
            .await
            .map_err(|error| {
                Failure::while_connecting(&ServerAddress::direct(client.clone()), error)
            })?;
        Ok(Self {
            multiplexed,
            driver,
        })
    }

    /// Opens a connection to a server that a sentinel names as the primary. Fails if the server
    /// itself does not confirm that: a sentinel may not have noticed a failover yet.
    pub(super) async fn open_primary(client: &Client, timeouts: Timeouts) -> Result<Self, Failure> {
        let mut open = Self::open(client, timeouts).await?;
        let server = ServerAddress::direct(client.clone());
        let role = redis::cmd("ROLE").query_async(&mut open.multiplexed).await;
        let role: Vec<Value> = role.map_err(|error| Failure::while_connecting(&server, error))?;
        match role.first() {
            Some(Value::BulkString(role)) if role == b"master" => Ok(open),
            _ => Err(Failure::not_sent(
                &server,
                "a sentinel names it as the primary, but the server reports another role",
            )),
        }
    }

    pub(super) fn is_open(&self) -> bool {
        self.driver.strong_count() > 0
    }

    pub(super) fn is_same(&self, other: &Self) -> bool {
        self.driver.ptr_eq(&other.driver)
    }
}
