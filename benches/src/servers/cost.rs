//! What a request costs a Redis server: its processor time, the bytes on the wire, and the memory of a
//! session.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::http::HeaderValue;
use redis::aio::MultiplexedConnection;

use super::client::Client;
#[cfg(feature = "servers-peers")]
use super::cost_actix_session;
use super::place::{Kind, Place};
use super::rounds::CLIENTS;
use super::{plain_redis, shop};
#[cfg(feature = "servers-peers")]
use super::{trips_axum_session, trips_tower_sessions};

/// The number of requests of a measurement, unless the data is large.
const REQUESTS: usize = 20_000;
/// The number of sessions whose memory is measured, unless the data is large.
const SESSIONS: usize = 100_000;
/// The data of all sessions of a measurement, in bytes.
const MAX_DATA: usize = 64 << 20;
/// The default size of the data, in bytes.
pub const SIZE: usize = 200;

/// The title, the path, whether it takes a session, and the body of the response.
const COLUMNS: [(&str, &str, bool, &str); 4] = [
    ("read", "/read", true, "41"),
    ("change", "/write", true, "42"),
    ("create", "/create", false, "1"),
    ("destroy", "/destroy", true, "0"),
];

pub async fn print(size: usize) {
    crate::data::set_size(size);
    println!("## The cost for the Redis server, with {size} B of data\n");
    println!(
        "Microseconds of the server's time for one request, with the commands that a client sent; bytes on the \
         wire, up + down; bytes of memory for a session.\n"
    );
    let names: Vec<_> = COLUMNS.iter().map(|column| column.0).collect();
    println!("| by | {} | wire of a read | memory |", names.join(" | "));
    println!("| --- |{} ---: | ---: |", " ---: |".repeat(names.len()));
    super::at_every_place(|place| async move {
        if place.kind != Kind::Redis {
            return;
        }
        row(
            &place,
            "plain commands",
            size,
            &plain_redis::client(&place).await,
        )
        .await;
        row(&place, "ours", size, &shop::client_on_redis()).await;
        #[cfg(feature = "servers-peers")]
        row(
            &place,
            "tower-sessions",
            size,
            &trips_tower_sessions::client(&place, 1).await,
        )
        .await;
        #[cfg(feature = "servers-peers")]
        row(
            &place,
            "actix-session",
            size,
            &cost_actix_session::client(&place).await,
        )
        .await;
        // Reads from its own memory, and does not see what another process wrote.
        #[cfg(feature = "servers-peers")]
        row(
            &place,
            "axum_session",
            size,
            &trips_axum_session::client(&place).await,
        )
        .await;
    })
    .await;
    println!();
}

async fn row(place: &Place, by: &str, size: usize, client: &Client) {
    let requests = REQUESTS.min(MAX_DATA / size);
    let sessions = SESSIONS.min(MAX_DATA / size);
    let mut server = Server::connect(place).await;
    let mut cells = Vec::new();
    let mut wire = String::new();
    for (name, path, takes_session, body) in COLUMNS {
        // Loads scripts and opens connections.
        let warm = client.seeded().await;
        client
            .expect(path, takes_session.then_some(&warm), body)
            .await;
        let mut sids = Vec::new();
        for _ in 0..if takes_session { requests } else { 0 } {
            sids.push(client.seeded().await);
        }
        let before = server.counters().await;
        let sids = send(client, path, body, sids, requests).await;
        let spent = server.counters().await - before;
        cells.push(spent.per_request(requests));
        if name == "read" {
            wire = format!(
                "{} + {}",
                spent.received / requests as u64,
                spent.sent / requests as u64
            );
        }
        remove(client, sids).await;
    }
    let before = server.memory().await;
    let none = Vec::new();
    let sids = send(client, "/seed", "41", none, sessions).await;
    let memory = (server.memory().await - before) / sessions as u64;
    remove(client, sids).await;
    println!("| {by} | {} | {wire} | {memory} |", cells.join(" | "));
}

/// Sends requests by concurrent clients, each with one of the sids if there are any. Returns the sids,
/// or those of the responses.
async fn send(
    client: &Client,
    path: &'static str,
    body: &'static str,
    sids: Vec<HeaderValue>,
    requests: usize,
) -> Vec<HeaderValue> {
    let sids = Arc::new(sids);
    let clients = (0..CLIENTS).map(|number| {
        let (client, sids) = (client.clone(), sids.clone());
        tokio::spawn(async move {
            let mut sent = Vec::new();
            for at in (number..requests).step_by(CLIENTS) {
                let answer = client.expect(path, sids.get(at), body).await;
                sent.extend(sids.get(at).cloned().or(answer.sid));
            }
            sent
        })
    });
    let mut all = Vec::new();
    for client in clients.collect::<Vec<_>>() {
        all.extend(client.await.expect("no client panics"));
    }
    all
}

/// Not every library has a prefix by which its sessions can be removed.
async fn remove(client: &Client, sids: Vec<HeaderValue>) {
    for sid in sids {
        client.ask("/destroy", Some(&sid)).await;
    }
}

struct Server(MultiplexedConnection);

/// What the server has counted.
struct Counters {
    /// Calls and microseconds of each command.
    commands: BTreeMap<String, (u64, u64)>,
    received: u64,
    sent: u64,
}

impl Server {
    async fn connect(place: &Place) -> Self {
        let client = redis::Client::open(&*place.url).expect("a URL");
        let connection = client.get_multiplexed_async_connection().await;
        Self(connection.expect("a connection"))
    }

    async fn info(&mut self, section: &str) -> String {
        let mut info = redis::cmd("INFO");
        let info = info.arg(section).query_async(&mut self.0);
        info.await.expect("a text")
    }

    async fn memory(&mut self) -> u64 {
        field(&self.info("memory").await, "used_memory")
    }

    async fn counters(&mut self) -> Counters {
        let stats = self.info("stats").await;
        let commands = self.info("commandstats").await;
        let commands = commands.lines().filter_map(|line| {
            let (name, numbers) = line.strip_prefix("cmdstat_")?.split_once(':')?;
            let number = |key: &str| {
                let mut parts = numbers.split(',').filter_map(|part| part.split_once('='));
                let found = parts.find(|(name, _)| *name == key)?;
                found.1.parse().ok()
            };
            Some((name.to_owned(), (number("calls")?, number("usec")?)))
        });
        Counters {
            commands: commands.collect(),
            received: field(&stats, "total_net_input_bytes"),
            sent: field(&stats, "total_net_output_bytes"),
        }
    }
}

fn field(info: &str, name: &str) -> u64 {
    let value = info.lines().find_map(|line| line.strip_prefix(name));
    let value = value.and_then(|value| value.strip_prefix(':'));
    value
        .and_then(|value| value.parse().ok())
        .expect("a number")
}

impl std::ops::Sub for Counters {
    type Output = Self;

    fn sub(mut self, before: Self) -> Self {
        for (name, (calls, micros)) in before.commands {
            if let Some(now) = self.commands.get_mut(&name) {
                now.0 -= calls;
                now.1 -= micros;
            }
        }
        self.received -= before.received;
        self.sent -= before.sent;
        self
    }
}

impl Counters {
    /// The time of a request, and the commands of a client. The time of a script includes that of its
    /// commands, which the server counts a second time; all of them are short.
    fn per_request(&self, requests: usize) -> String {
        let each = |number: u64| number as f64 / requests as f64;
        let sent = [
            "evalsha", "get", "set", "del", "unlink", "pexpire", "expire", "expireat",
        ];
        let scripts = self.commands.get("evalsha").map_or(0, |counted| counted.0);
        let mut time = 0.0;
        let mut names = Vec::new();
        for name in sent {
            let Some((calls, micros)) = self.commands.get(name).filter(|counted| counted.0 > 0)
            else {
                continue;
            };
            // Commands that a script has called. Each script of a store calls a command at most once.
            let nested = if name == "evalsha" {
                0
            } else {
                scripts.min(*calls)
            };
            let direct = match (name, scripts) {
                ("evalsha", _) | (_, 0) => *calls,
                // A request begins with a read of its own.
                ("get", _) => (*calls - nested).max(requests as u64),
                _ => 0,
            };
            if direct > 0 {
                time += each(*micros) * direct as f64 / *calls as f64;
                names.push(name);
            }
        }
        format!("{time:.1} ({})", names.join(", "))
    }
}
