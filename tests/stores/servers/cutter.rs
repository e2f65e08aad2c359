//! Proxies that count round trips, and cut one connection at a chosen one.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// When a connection is cut: before the server receives a request, or after it has answered it. In both cases the
/// client receives nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    Before,
    After,
}

/// Counts the round trips of all its proxies together.
#[derive(Clone, Default)]
pub struct Cutter {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    is_armed: AtomicBool,
    is_after: AtomicBool,
    /// The round trips until the one that is cut.
    left: AtomicU64,
    /// The round trips since they were last asked for.
    trips: AtomicU64,
}

impl Cutter {
    /// Forwards the connections of a listener to a server.
    pub fn forward(&self, listener: TcpListener, server: String) {
        let shared = self.shared.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                if let Ok(server) = TcpStream::connect(&server).await {
                    tokio::spawn(forward(client, server, shared.clone()));
                }
            }
        });
    }

    /// Starts a proxy; returns its port.
    pub async fn to(&self, server: String) -> u16 {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        self.forward(listener, server);
        port
    }

    /// The number of round trips since the last call.
    pub fn trips(&self) -> u64 {
        self.shared.trips.swap(0, Ordering::SeqCst)
    }

    /// Cuts one round trip, after so many others.
    pub fn arm(&self, after: u64, cut: Cut) {
        self.shared.left.store(after, Ordering::SeqCst);
        let is_after = cut == Cut::After;
        self.shared.is_after.store(is_after, Ordering::SeqCst);
        self.shared.is_armed.store(true, Ordering::SeqCst);
    }

    /// Cuts nothing any more. Returns whether something was cut.
    pub fn disarm(&self) -> bool {
        !self.shared.is_armed.swap(false, Ordering::SeqCst)
    }
}

impl Shared {
    /// Counts a round trip. Returns how it is cut.
    fn count(&self) -> Option<Cut> {
        self.trips.fetch_add(1, Ordering::SeqCst);
        if !self.is_armed.load(Ordering::SeqCst) {
            return None;
        }
        let count = |left: u64| left.checked_sub(1);
        let left = (self.left).fetch_update(Ordering::SeqCst, Ordering::SeqCst, count);
        if left.is_ok() || !self.is_armed.swap(false, Ordering::SeqCst) {
            return None;
        }
        let is_after = self.is_after.load(Ordering::SeqCst);
        Some(if is_after { Cut::After } else { Cut::Before })
    }
}

/// Data from the client after an answer begins another round trip.
async fn forward(mut client: TcpStream, mut server: TcpStream, shared: Arc<Shared>) {
    let (mut asked, mut answered) = (vec![0; 1 << 16], vec![0; 1 << 16]);
    let (mut is_asking, mut is_cut) = (false, false);
    loop {
        tokio::select! {
            read = client.read(&mut asked) => {
                let Ok(size @ 1..) = read else { return };
                if !std::mem::replace(&mut is_asking, true) {
                    match shared.count() {
                        Some(Cut::Before) => return,
                        Some(Cut::After) => is_cut = true,
                        None => {}
                    }
                }
                if server.write_all(&asked[..size]).await.is_err() {
                    return;
                }
            }
            read = server.read(&mut answered) => {
                let Ok(size @ 1..) = read else { return };
                is_asking = false;
                if is_cut || client.write_all(&answered[..size]).await.is_err() {
                    return;
                }
            }
        }
    }
}
