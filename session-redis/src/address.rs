//! How to find a server: by its address, or through Sentinel.

use std::fmt;
use std::sync::Arc;

use redis::{Client, ConnectionInfo};
use tokio::task::JoinSet;

use super::failure::Failure;
use super::timeouts::Timeouts;

/// Where a connection leads.
#[derive(Clone)]
pub(super) enum ServerAddress {
    /// A fixed address.
    Direct(Arc<Client>),
    /// The current primary, as reported by its sentinels.
    Sentinel(Arc<Sentinels>),
}

/// The sentinels that monitor one primary.
pub(super) struct Sentinels {
    pub(super) clients: Vec<Client>,
    /// The name of the primary in `sentinel monitor`.
    pub(super) name: String,
    /// Credentials, database and TLS settings for the primary. Its address is replaced by the one
    /// that the sentinels report.
    pub(super) template: ConnectionInfo,
}

impl Sentinels {
    /// Asks all sentinels concurrently, so that one that hangs does not delay the others.
    pub(super) fn find_primary(
        self: &Arc<Self>,
        timeouts: Timeouts,
    ) -> JoinSet<Result<Client, Failure>> {
        let mut replies = JoinSet::new();
        for client in &self.clients {
            let (this, client) = (self.clone(), client.clone());
            replies.spawn(async move {
                let primary = this.ask_sentinel(&client);
                let reply = tokio::time::timeout(timeouts.connect, primary).await;
                let sentinel = ServerAddress::direct(client.clone());
                reply
                    .unwrap_or_else(|_| Err(Failure::no_reply_in_time(&sentinel, timeouts.connect)))
            });
        }
        replies
    }

    async fn ask_sentinel(&self, client: &Client) -> Result<Client, Failure> {
        let sentinel = ServerAddress::direct(client.clone());
        let mut connection = client
            .get_multiplexed_async_connection()
            .await
            .map_err(|error| Failure::while_connecting(&sentinel, error))?;
        let address: Option<(String, u16)> = redis::cmd("SENTINEL")
            .arg("GET-MASTER-ADDR-BY-NAME")
            .arg(&self.name)
            .query_async(&mut connection)
            .await
            .map_err(|error| Failure::while_connecting(&sentinel, error))?;
        let Some((host, port)) = address else {
            let name = &self.name;
            return Err(Failure::not_sent(
                &sentinel,
                format_args!(
                    "this sentinel does not monitor a primary named `{name}`: use the name from \
                     its `sentinel monitor` line"
                ),
            ));
        };
        client_for(&self.template, host, port)
            .map_err(|error| Failure::while_connecting(&sentinel, error))
    }
}

/// Creates a client for another address with the credentials and TLS settings of `template`.
pub(super) fn client_for(
    template: &ConnectionInfo,
    host: String,
    port: u16,
) -> Result<Client, redis::RedisError> {
    use redis::ConnectionAddr::{Tcp, TcpTls};
    let addr = match template.addr() {
        TcpTls {
            insecure,
            tls_params,
            ..
        } => TcpTls {
            host,
            port,
            insecure: *insecure,
            tls_params: tls_params.clone(),
        },
        _ => Tcp(host, port),
    };
    Client::open(template.clone().set_addr(addr))
}

impl ServerAddress {
    pub(super) fn direct(client: Client) -> Self {
        Self::Direct(Arc::new(client))
    }

    pub(super) fn host(&self) -> Option<String> {
        use redis::ConnectionAddr::{Tcp, TcpTls};
        match self {
            Self::Direct(client) => match client.get_connection_info().addr() {
                Tcp(host, _) | TcpTls { host, .. } => Some(host.clone()),
                _ => None,
            },
            Self::Sentinel(_) => None,
        }
    }

    /// The number of the database on the server.
    pub(super) fn database(&self) -> i64 {
        let settings = match self {
            Self::Direct(client) => client.get_connection_info().redis_settings(),
            Self::Sentinel(sentinels) => sentinels.template.redis_settings(),
        };
        settings.db()
    }
}

/// Shows the address, never the credentials.
impl fmt::Display for ServerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Direct(client) => fmt::Display::fmt(client.get_connection_info().addr(), f),
            Self::Sentinel(sentinels) => {
                write!(f, "the primary `{}` of the sentinels at ", sentinels.name)?;
                for (at, client) in sentinels.clients.iter().enumerate() {
                    let comma = if at == 0 { "" } else { ", " };
                    write!(f, "{comma}{}", client.get_connection_info().addr())?;
                }
                Ok(())
            }
        }
    }
}

impl fmt::Debug for ServerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
