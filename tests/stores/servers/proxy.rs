//! A proxy between a store and its server that counts round trips, can lose replies, can lead to another
//! server, and can tell the wrong time.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU16, AtomicU64, Ordering};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

pub struct Proxy {
    pub port: u16,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

#[derive(Default)]
struct Shared {
    trips: AtomicU64,
    asked: AtomicU64,
    answered: AtomicU64,
    loses_answers: AtomicBool,
    server: AtomicU16,
    seconds_ahead: AtomicI64,
}

impl Proxy {
    /// Starts a proxy to a local port.
    pub async fn to(server: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let shared = Arc::<Shared>::default();
        shared.server.store(server, Ordering::SeqCst);
        let task = tokio::spawn({
            let shared = shared.clone();
            async move {
                while let Ok((client, _)) = listener.accept().await {
                    let server = shared.server.load(Ordering::SeqCst);
                    let server = TcpStream::connect(("127.0.0.1", server)).await;
                    tokio::spawn(forward(client, server.unwrap(), shared.clone()));
                }
            }
        });
        Self { port, shared, task }
    }

    /// The number of round trips since the last call.
    pub fn trips(&self) -> u64 {
        self.shared.trips.swap(0, Ordering::SeqCst)
    }

    /// Leads new connections to another local port. Those that are open stay where they are.
    pub fn switch_to(&self, server: u16) {
        self.shared.server.store(server, Ordering::SeqCst);
    }

    /// The bytes from and to the client since the last call.
    pub fn bytes(&self) -> [u64; 2] {
        let Shared {
            asked, answered, ..
        } = &*self.shared;
        [asked, answered].map(|count| count.swap(0, Ordering::SeqCst))
    }

    /// Adds so many seconds to the replies of `TIME`.
    pub fn set_seconds_ahead(&self, seconds: i64) {
        self.shared.seconds_ahead.store(seconds, Ordering::SeqCst);
    }

    /// Whether to drop the server's replies and close the connection.
    pub fn lose_answers(&self, whether: bool) {
        self.shared.loses_answers.store(whether, Ordering::SeqCst);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Forwards data in both directions. Data from the client after a reply begins another round trip.
async fn forward(mut client: TcpStream, mut server: TcpStream, shared: Arc<Shared>) {
    let (mut asked, mut answered) = (vec![0; 64 * 1024], vec![0; 64 * 1024]);
    let mut is_asking = false;
    loop {
        tokio::select! {
            read = client.read(&mut asked) => match read {
                Ok(size) if size > 0 => {
                    if !std::mem::replace(&mut is_asking, true) {
                        shared.trips.fetch_add(1, Ordering::SeqCst);
                    }
                    shared.asked.fetch_add(size as u64, Ordering::SeqCst);
                    if server.write_all(&asked[..size]).await.is_err() {
                        return;
                    }
                }
                _ => return,
            },
            read = server.read(&mut answered) => match read {
                Ok(size) if size > 0 => {
                    is_asking = false;
                    shared.answered.fetch_add(size as u64, Ordering::SeqCst);
                    shift_time(&mut answered[..size], shared.seconds_ahead.load(Ordering::SeqCst));
                    if shared.loses_answers.load(Ordering::SeqCst)
                        || client.write_all(&answered[..size]).await.is_err()
                    {
                        return;
                    }
                }
                _ => return,
            },
        }
    }
}

/// Adds seconds to the replies of Redis to `TIME`, each a list of two texts.
fn shift_time(replies: &mut [u8], seconds: i64) {
    let begin = b"*2\r\n$10\r\n";
    let found = replies.windows(begin.len()).position(|at| at == begin);
    if let Some(digits) = found.and_then(|at| replies[at + begin.len()..].get_mut(..10)) {
        let time: i64 = std::str::from_utf8(digits).unwrap().parse().unwrap();
        digits.copy_from_slice((time + seconds).to_string().as_bytes());
    }
}
