//! Which server a link leads to.

use std::fmt;
use std::sync::Arc;

use redis::{Client, ConnectionInfo};
use tokio::task::JoinSet;

use super::failure::Failure;
use super::link::Patience;

/// A server, by its address or by what others know of it.
#[derive(Clone)]
pub(super) enum Target {
    /// The one at this address.
    Server(Arc<Client>),
    /// Whichever is the primary now.
    Primary(Arc<Sentinels>),
}

/// The sentinels that watch over a primary.
pub(super) struct Sentinels {
    pub(super) clients: Vec<Client>,
    pub(super) name: String,
    /// How to get into the primary; its address is what the sentinels say.
    pub(super) template: ConnectionInfo,
}

impl Sentinels {
    /// Asks each for the primary, all at once: one that hangs keeps nobody waiting.
    pub(super) fn ask(self: &Arc<Self>, patience: Patience) -> JoinSet<Result<Client, Failure>> {
        let mut answers = JoinSet::new();
        for client in &self.clients {
            let (this, client) = (self.clone(), client.clone());
            answers.spawn(async move {
                let asked = this.ask_one(&client);
                let answer = tokio::time::timeout(patience.connect, asked).await;
                let sentinel = Target::server(client.clone());
                answer.unwrap_or_else(|_| Err(Failure::no_connection(&sentinel, patience.connect)))
            });
        }
        answers
    }

    async fn ask_one(&self, client: &Client) -> Result<Client, Failure> {
        let sentinel = Target::server(client.clone());
        let mut connection = client
            .get_multiplexed_async_connection()
            .await
            .map_err(|error| Failure::of_connecting(&sentinel, error))?;
        let address: Option<(String, u16)> = redis::cmd("SENTINEL")
            .arg("GET-MASTER-ADDR-BY-NAME")
            .arg(&self.name)
            .query_async(&mut connection)
            .await
            .map_err(|error| Failure::of_connecting(&sentinel, error))?;
        let Some((host, port)) = address else {
            let name = &self.name;
            return Err(Failure::not_sent(
                &sentinel,
                format_args!(
                    "this sentinel watches no primary of the name `{name}`: it is the one in its \
                     `sentinel monitor`"
                ),
            ));
        };
        open(&self.template, host, port).map_err(|error| Failure::of_connecting(&sentinel, error))
    }
}

/// A client that gets into the server at that address as into the one it is like.
pub(super) fn open(
    like: &ConnectionInfo,
    host: String,
    port: u16,
) -> Result<Client, redis::RedisError> {
    use redis::ConnectionAddr::{Tcp, TcpTls};
    let addr = match like.addr() {
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
    Client::open(like.clone().set_addr(addr))
}

impl Target {
    pub(super) fn server(client: Client) -> Self {
        Self::Server(Arc::new(client))
    }

    pub(super) fn host(&self) -> Option<String> {
        use redis::ConnectionAddr::{Tcp, TcpTls};
        match self {
            Self::Server(client) => match client.get_connection_info().addr() {
                Tcp(host, _) | TcpTls { host, .. } => Some(host.clone()),
                _ => None,
            },
            Self::Primary(_) => None,
        }
    }
}

/// Where it is; never how to get in.
impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Server(client) => fmt::Display::fmt(client.get_connection_info().addr(), f),
            Self::Primary(sentinels) => {
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

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
