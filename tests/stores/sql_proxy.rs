//! A proxy before an SQL server that counts the client's messages, simulates network failures, and leads
//! to another server after a failover.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// The reply of MySQL to a statement that returns no rows.
const OK: [u8; 11] = [7, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0];

/// The framing of a client's messages.
#[derive(Clone, Copy)]
pub enum Protocol {
    Postgres,
    MySql,
}

impl Protocol {
    /// Whether a client's messages are only a ping.
    fn is_ping(self, kinds: &[char]) -> bool {
        match self {
            Self::Postgres => kinds == ['S'],
            Self::MySql => kinds == ['p'],
        }
    }

    /// An error in answer to a client's messages; empty if none of them is answered.
    fn refusal(self, kinds: &[char], code: &str) -> Vec<u8> {
        let answered = match self {
            Self::Postgres => &['S', 'Q'][..],
            Self::MySql => &['P', 'E', 'Q'],
        };
        if !kinds.iter().any(|kind| answered.contains(kind)) {
            return Vec::new();
        }
        match self {
            Self::Postgres => {
                let fields = format!("SERROR\0VERROR\0C{code}\0Mrefused\0\0");
                let length = u32::try_from(fields.len() + 4).unwrap();
                let ready = [b'Z', 0, 0, 0, 5, b'I'];
                [b"E", &length.to_be_bytes()[..], fields.as_bytes(), &ready].concat()
            }
            Self::MySql => {
                let number: u16 = code.parse().unwrap();
                let text = b"#HY000refused";
                let length = u8::try_from(text.len() + 3).unwrap();
                // The packet has the number 1, as it answers a command.
                [&[length, 0, 0, 1, 0xff], &number.to_le_bytes()[..], text].concat()
            }
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Network {
    Works,
    /// The server receives everything; its replies are lost.
    Silent,
    /// A connection receives nothing after its client has sent a ping.
    LosesPings,
    /// The proxy replies to prepared statements as if they had been executed, and does not send them to the server.
    LosesExecutions,
    /// Every connection is closed.
    Broken,
}

pub struct Proxy {
    pub port: u16,
    counts: Arc<Mutex<BTreeMap<char, u64>>>,
    /// The texts of statements, from MySQL's clients.
    texts: Arc<Mutex<Vec<Vec<u8>>>>,
    connections: Arc<AtomicU64>,
    network: watch::Sender<Network>,
    server: Arc<Mutex<String>>,
    /// The number of open connections to each server.
    open: Arc<Mutex<BTreeMap<String, u64>>>,
    refusal: watch::Sender<Refusal>,
}

/// The error that the first connections get in place of every answer.
#[derive(Clone, Copy, Default)]
struct Refusal {
    code: &'static str,
    connections: u64,
}

impl Proxy {
    pub async fn before(server: String, protocol: Protocol) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let counts: Arc<Mutex<BTreeMap<char, u64>>> = Arc::default();
        let (network, watched) = watch::channel(Network::Works);
        let (refusal, refused) = watch::channel(Refusal::default());
        let shared = counts.clone();
        let texts: Arc<Mutex<Vec<Vec<u8>>>> = Arc::default();
        let seen = texts.clone();
        let server = Arc::new(Mutex::new(server));
        let current = server.clone();
        let connections = Arc::<AtomicU64>::default();
        let accepted = connections.clone();
        let open: Arc<Mutex<BTreeMap<String, u64>>> = Arc::default();
        let opened = open.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let number = accepted.fetch_add(1, Ordering::SeqCst) + 1;
                let refused = refused.clone();
                let refusal = move || {
                    let refusal = *refused.borrow();
                    (number <= refusal.connections).then_some(refusal.code)
                };
                let (counts, network) = (shared.clone(), watched.clone());
                let frames = Frames::new(protocol, seen.clone());
                let server = current.lock().unwrap().clone();
                let upstream = TcpStream::connect(&server).await.unwrap();
                let open = opened.clone();
                *open.lock().unwrap().entry(server.clone()).or_default() += 1;
                tokio::spawn(async move {
                    forward(client, upstream, frames, counts, network, refusal).await;
                    *open.lock().unwrap().entry(server).or_default() -= 1;
                });
            }
        });
        Self {
            port,
            counts,
            texts,
            connections,
            network,
            server,
            open,
            refusal,
        }
    }

    /// Answers every statement on the connections that are open with an error of the server, which does not
    /// receive it.
    pub fn refuse(&self, code: &'static str) {
        let connections = self.connections();
        self.refusal.send_replace(Refusal { code, connections });
    }

    /// The number of connections that lead to a server.
    pub fn open_to(&self, server: &str) -> u64 {
        let open = self.open.lock().unwrap();
        open.get(server).copied().unwrap_or_default()
    }

    /// Leads new connections to another server. Those that are open stay where they are.
    pub fn switch_to(&self, server: String) {
        *self.server.lock().unwrap() = server;
    }

    /// The number of messages of each kind since the last call.
    pub fn take_counts(&self) -> BTreeMap<char, u64> {
        std::mem::take(&mut *self.counts.lock().unwrap())
    }

    /// The texts of MySQL's statements since the last call, those that were prepared and those that were not.
    pub fn take_texts(&self) -> Vec<Vec<u8>> {
        std::mem::take(&mut *self.texts.lock().unwrap())
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
    mut frames: Frames,
    counts: Arc<Mutex<BTreeMap<char, u64>>>,
    mut network: watch::Receiver<Network>,
    refusal: impl Fn() -> Option<&'static str>,
) {
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let protocol = frames.protocol;
    let mut is_lost = false;
    let (mut up, mut down) = (vec![0; 1 << 16], vec![0; 1 << 16]);
    loop {
        tokio::select! {
            read = from_client.read(&mut up) => {
                let Ok(1..) = read else { return };
                let bytes = &up[..read.unwrap()];
                let kinds = frames.count(bytes, &mut counts.lock().unwrap());
                let was_ping = protocol.is_ping(&kinds);
                is_lost |= was_ping && *network.borrow() == Network::LosesPings;
                if let Some(code) = refusal().filter(|_| !was_ping) {
                    let answer = protocol.refusal(&kinds, code);
                    if to_client.write_all(&answer).await.is_err() { return }
                    continue;
                }
                if kinds == ['E'] && *network.borrow() == Network::LosesExecutions {
                    if to_client.write_all(&OK).await.is_err() { return }
                    continue;
                }
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
    texts: Arc<Mutex<Vec<Vec<u8>>>>,
    rest: Vec<u8>,
    started: bool,
}

impl Frames {
    fn new(protocol: Protocol, texts: Arc<Mutex<Vec<Vec<u8>>>>) -> Self {
        Self {
            protocol,
            texts,
            rest: Vec::new(),
            started: false,
        }
    }

    /// Counts the messages, and returns their kinds.
    fn count(&mut self, bytes: &[u8], counts: &mut BTreeMap<char, u64>) -> Vec<char> {
        self.rest.extend_from_slice(bytes);
        let mut kinds = Vec::new();
        while let Some((kind, length)) = self.frame() {
            if self.rest.len() < length {
                break;
            }
            kinds.extend(kind);
            let message: Vec<u8> = self.rest.drain(..length).collect();
            if matches!((self.protocol, kind), (Protocol::MySql, Some('Q' | 'P'))) {
                self.texts.lock().unwrap().push(message[5..].to_vec());
            }
            self.started = true;
        }
        for kind in &kinds {
            *counts.entry(*kind).or_default() += 1;
        }
        kinds
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
