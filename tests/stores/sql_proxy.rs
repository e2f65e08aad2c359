//! A proxy before an SQL server that counts the client's messages, simulates network failures, and leads
//! to another server after a failover.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// The framing of a client's messages.
#[derive(Clone, Copy)]
pub enum Protocol {
    Postgres,
    MySql,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Network {
    Works,
    /// The server receives everything; its replies are lost.
    Silent,
    /// A connection receives nothing after its client has sent a ping.
    LosesPings,
    /// Every connection is closed.
    Broken,
}

pub struct Proxy {
    pub port: u16,
    counts: Arc<Mutex<BTreeMap<char, u64>>>,
    connections: Arc<AtomicU64>,
    network: watch::Sender<Network>,
    server: Arc<Mutex<String>>,
}

impl Proxy {
    pub async fn before(server: String, protocol: Protocol) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let counts: Arc<Mutex<BTreeMap<char, u64>>> = Arc::default();
        let (network, watched) = watch::channel(Network::Works);
        let shared = counts.clone();
        let server = Arc::new(Mutex::new(server));
        let current = server.clone();
        let connections = Arc::<AtomicU64>::default();
        let accepted = connections.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                accepted.fetch_add(1, Ordering::SeqCst);
                let (counts, network) = (shared.clone(), watched.clone());
                let server = current.lock().unwrap().clone();
                let upstream = TcpStream::connect(&server).await.unwrap();
                tokio::spawn(forward(client, upstream, protocol, counts, network));
            }
        });
        Self {
            port,
            counts,
            connections,
            network,
            server,
        }
    }

    /// Leads new connections to another server. Those that are open stay where they are.
    pub fn switch_to(&self, server: String) {
        *self.server.lock().unwrap() = server;
    }

    /// The number of messages of each kind since the last call.
    pub fn take_counts(&self) -> BTreeMap<char, u64> {
        std::mem::take(&mut *self.counts.lock().unwrap())
    }

    /// The number of connections that clients have opened so far.
    pub fn connections(&self) -> u64 {
        self.connections.load(Ordering::SeqCst)
    }

    pub fn set(&self, network: Network) {
        self.network.send_replace(network);
    }
}

async fn forward(
    client: TcpStream,
    server: TcpStream,
    protocol: Protocol,
    counts: Arc<Mutex<BTreeMap<char, u64>>>,
    mut network: watch::Receiver<Network>,
) {
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let mut frames = Frames::new(protocol);
    let mut is_lost = false;
    let (mut up, mut down) = (vec![0; 1 << 16], vec![0; 1 << 16]);
    loop {
        tokio::select! {
            read = from_client.read(&mut up) => {
                let Ok(1..) = read else { return };
                let bytes = &up[..read.unwrap()];
                let was_ping = frames.count(bytes, &mut counts.lock().unwrap());
                is_lost |= was_ping && *network.borrow() == Network::LosesPings;
                if to_server.write_all(bytes).await.is_err() { return }
            }
            read = from_server.read(&mut down) => {
                let Ok(1..) = read else { return };
                if is_lost || *network.borrow() == Network::Silent { continue }
                if to_client.write_all(&down[..read.unwrap()]).await.is_err() { return }
            }
            changed = network.changed() => {
                if changed.is_err() || *network.borrow_and_update() == Network::Broken { return }
            }
        }
        if *network.borrow() == Network::Broken {
            return;
        }
    }
}

/// Parses the messages that a client sends.
struct Frames {
    protocol: Protocol,
    rest: Vec<u8>,
    started: bool,
}

impl Frames {
    fn new(protocol: Protocol) -> Self {
        Self {
            protocol,
            rest: Vec::new(),
            started: false,
        }
    }

    /// Counts the messages; returns whether they were only a ping.
    fn count(&mut self, bytes: &[u8], counts: &mut BTreeMap<char, u64>) -> bool {
        self.rest.extend_from_slice(bytes);
        let mut kinds = Vec::new();
        while let Some((kind, length)) = self.frame() {
            if self.rest.len() < length {
                break;
            }
            kinds.extend(kind);
            self.rest.drain(..length);
            self.started = true;
        }
        for kind in &kinds {
            *counts.entry(*kind).or_default() += 1;
        }
        match self.protocol {
            Protocol::Postgres => kinds == ['S'],
            Protocol::MySql => kinds == ['p'],
        }
    }

    /// The kind of the first message, if it is a command, and the message's length.
    fn frame(&self) -> Option<(Option<char>, usize)> {
        match self.protocol {
            // A letter, and a length that includes itself; the first message has no letter.
            Protocol::Postgres => {
                let at = usize::from(self.started);
                let length = self.rest.get(at..at + 4)?.try_into().unwrap();
                let length = usize::try_from(u32::from_be_bytes(length)).unwrap();
                let kind = self.started.then(|| char::from(self.rest[0]));
                Some((kind, at + length))
            }
            // A length of three bytes and a sequence number, which is 0 for a command.
            Protocol::MySql => {
                let head: [u8; 5] = self.rest.get(..5)?.try_into().unwrap();
                let length = u32::from_le_bytes([head[0], head[1], head[2], 0]);
                let kind = match head[4] {
                    0x03 => 'Q',
                    0x0e => 'p',
                    0x16 => 'P',
                    0x17 => 'E',
                    0x19 => 'C',
                    _ => '?',
                };
                let kind = (head[3] == 0).then_some(kind);
                Some((kind, usize::try_from(length).unwrap() + 4))
            }
        }
    }
}
