//! The number of round trips to the server of one request (W11).

use std::time::Duration;

use axum::http::HeaderValue;

use super::client::Client;
use super::place::{Kind, Place};
use super::proxy::{Proxy, Said};
use super::shop;
#[cfg(feature = "servers-peers")]
use super::{trips_axum_session, trips_tower_sessions};

/// The number of measurements of each request.
const TIMES: u64 = 10;
/// The idle time before the next request. A pool may ping a connection after it was returned, and no
/// request waits for that ping.
const QUIET: Duration = Duration::from_millis(20);

#[derive(Clone, Copy, PartialEq, Eq)]
enum Sid {
    None,
    Malformed,
    /// The sid of a session that was not loaded yet.
    Living,
    /// The sid of a destroyed session.
    Dead,
}

/// A column: its title, the path, the sid, and the body of the response.
const REQUESTS: [(&str, &str, Sid, &str); 9] = [
    ("no sid", "/optional", Sid::None, "0"),
    ("malformed", "/optional", Sid::Malformed, "0"),
    ("read", "/read", Sid::Living, "41"),
    ("change", "/write", Sid::Living, "42"),
    ("create", "/create", Sid::None, "1"),
    ("destroy", "/destroy", Sid::Living, "0"),
    ("unknown", "/optional", Sid::Dead, "0"),
    ("rotate, change", "/rotate", Sid::Living, "42"),
    ("login, change", "/login", Sid::Living, "42"),
];

pub async fn print() {
    println!("## Round trips of a request (W11)\n");
    let names: Vec<&str> = REQUESTS.iter().map(|request| request.0).collect();
    println!("| server | library | {} |", names.join(" | "));
    println!("| --- | --- |{}", " ---: |".repeat(names.len()));
    super::at_every_place(|place| async move {
        // SQLite has no server, so no round trips.
        if place.kind != Kind::Sqlite {
            rows(&place).await;
        }
    })
    .await;
    println!();
}

async fn rows(place: &Place) {
    let proxy = Proxy::before(place).await;
    // One connection, so that the statements of every request are prepared.
    let ours = shop::client(proxy.place.store(1).await);
    row(&proxy, "ours", &ours).await;
    #[cfg(feature = "servers-peers")]
    {
        let client = trips_tower_sessions::client(&proxy.place, 1).await;
        row(&proxy, "tower-sessions", &client).await;
        let client = trips_axum_session::client(&proxy.place).await;
        row(&proxy, "axum_session", &client).await;
    }
}

async fn row(proxy: &Proxy, library: &str, client: &Client) {
    let mut left = Vec::new();
    let mut cells = Vec::new();
    for (_, path, sid, body) in REQUESTS {
        // The first request prepares statements or loads scripts.
        let mut said = Said::default();
        for time in 0..=TIMES {
            let sent = sent(client, sid, &mut left).await;
            tokio::time::sleep(QUIET).await;
            proxy.said();
            let reply = client.expect(path, sent.as_ref(), body).await;
            tokio::time::sleep(QUIET).await;
            let now = proxy.said();
            left.extend(reply.sid);
            if time > 0 {
                said.trips += now.trips;
                said.pings += now.pings;
            }
        }
        cells.push(cell(said));
    }
    println!(
        "| {:?} | {library} | {} |",
        proxy.place.kind,
        cells.join(" | ")
    );
    // Not every library has a prefix by which its sessions can be removed.
    for sid in left {
        client.ask("/destroy", Some(&sid)).await;
    }
}

async fn sent(client: &Client, sid: Sid, left: &mut Vec<HeaderValue>) -> Option<HeaderValue> {
    if sid == Sid::None {
        return None;
    }
    let seeded = client.seeded().await;
    left.push(seeded.clone());
    if sid == Sid::Malformed {
        return Some(client.malformed(&seeded));
    }
    if sid == Sid::Dead {
        client.expect("/destroy", Some(&seeded), "0").await;
    }
    Some(seeded)
}

/// The averages of round trips and of pings.
fn cell(said: Said) -> String {
    let each = |total: u64| {
        let average = total as f64 / TIMES as f64;
        let text = format!("{average:.1}");
        text.trim_end_matches(".0").to_owned()
    };
    match said.pings {
        0 => each(said.trips),
        pings => format!("{} + {}", each(said.trips), each(pings)),
    }
}
