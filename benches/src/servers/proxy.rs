//! A proxy before a server that counts round trips.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::place::Place;

/// The messages of a server's clients.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct Said {
    /// The number of round trips.
    pub trips: u64,
    /// The number of pings that check whether a connection is alive.
    pub pings: u64,
}

pub struct Proxy {
    /// The place, with the proxy's address.
    pub place: Place,
    counts: Arc<Counts>,
}

#[derive(Default)]
struct Counts {
    trips: AtomicU64,
    pings: AtomicU64,
}

impl Proxy {
    pub async fn before(place: &Place) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address").to_string();
        let (server, url) = replaced(&place.url, &address);
        let counts = Arc::<Counts>::default();
        let shared = counts.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = TcpStream::connect(&server).await.expect("the server");
                carry(client, server, &shared);
            }
        });
        Self {
            place: Place {
                url,
                ..place.clone()
            },
            counts,
        }
    }

    /// The counts since the last call.
    pub fn said(&self) -> Said {
        Said {
            trips: self.counts.trips.swap(0, Ordering::SeqCst),
            pings: self.counts.pings.swap(0, Ordering::SeqCst),
        }
    }
}

/// The server's address in a URL, and the URL with another address.
fn replaced(url: &str, by: &str) -> (String, String) {
    let (scheme, rest) = url.split_once("://").expect("a URL");
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let (user, host) = authority.rsplit_once('@').unwrap_or(("", authority));
    let at = if user.is_empty() { "" } else { "@" };
    let default = match scheme {
        "redis" => 6_379,
        "mysql" => 3_306,
        _ => 5_432,
    };
    let server = match host.rsplit_once(':') {
        Some(_) => host.to_owned(),
        None => format!("{host}:{default}"),
    };
    // Without encryption, as the proxy must recognize messages.
    let plain = match (scheme, path.contains('?')) {
        ("postgres" | "postgresql", false) => "?sslmode=disable",
        ("postgres" | "postgresql", true) => "&sslmode=disable",
        _ => "",
    };
    (server, format!("{scheme}://{user}{at}{by}{path}{plain}"))
}

/// Forwards data in both directions. Data from the client after a reply begins another round trip.
fn carry(client: TcpStream, server: TcpStream, counts: &Arc<Counts>) {
    // Otherwise a packet would wait for the acknowledgment of the previous one.
    client.set_nodelay(true).expect("a socket");
    server.set_nodelay(true).expect("a socket");
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let is_asking = Arc::new(AtomicBool::new(false));
    let (counts, asking) = (counts.clone(), is_asking.clone());
    tokio::spawn(async move {
        let mut bytes = vec![0; 1 << 16];
        while let Ok(size @ 1..) = from_client.read(&mut bytes).await {
            if !asking.swap(true, Ordering::SeqCst) {
                let count = if is_ping(&bytes[..size]) {
                    &counts.pings
                } else {
                    &counts.trips
                };
                count.fetch_add(1, Ordering::SeqCst);
            }
            if to_server.write_all(&bytes[..size]).await.is_err() {
                return;
            }
        }
    });
    tokio::spawn(async move {
        let mut bytes = vec![0; 1 << 16];
        while let Ok(size @ 1..) = from_server.read(&mut bytes).await {
            is_asking.store(false, Ordering::SeqCst);
            if to_client.write_all(&bytes[..size]).await.is_err() {
                return;
            }
        }
    });
}

/// Whether a message only checks the connection: the `Sync` of PostgreSQL, the `COM_PING` of MySQL,
/// and the command of a Redis pool.
fn is_ping(said: &[u8]) -> bool {
    const UNWATCH: &[u8] = b"*1\r\n$7\r\nUNWATCH";
    said.starts_with(b"S\0\0\0\x04") || said == b"\x01\0\0\0\x0e" || said.starts_with(UNWATCH)
}
