//! The latency of 64 clients, compared with raw commands to the same server.

use std::sync::Arc;
use std::time::Duration;

use super::place::{Kind, Place};
use super::rounds::{self, Measured, Row, Work};
use super::sessions::{Changes, ChangesOfOne, Creates, Reads};
use super::{plain_redis, raw_sql, shop, sliding};

/// The default of the stores.
const CONNECTIONS: u32 = 10;

/// Prints every store and the raw commands that it is based on.
pub async fn print(requests: usize) {
    println!("## {} clients at once\n", rounds::CLIENTS);
    head("raw");
    super::at_every_place(move |place| async move {
        let mut rows = raw(&place).await;
        let store = place.store(CONNECTIONS).await;
        let sliding = sliding::client(store.clone());
        let router = match place.kind {
            Kind::Redis => shop::client_on_redis(),
            _ => shop::client(store),
        };
        let routers = std::slice::from_ref(&router);
        let ours = |what, work: Arc<dyn Work>| Row {
            what,
            by: "ours".to_owned(),
            work,
        };
        rows.push(ours("read", Arc::new(Reads::new(routers).await)));
        let slides = Reads::new(std::slice::from_ref(&sliding)).await;
        rows.push(ours("read that slides", Arc::new(slides)));
        rows.push(ours("change", Arc::new(Changes::new(routers).await)));
        let one = ChangesOfOne::new(&router).await;
        rows.push(ours("change one session", Arc::new(one)));
        rows.push(ours("create", Arc::new(Creates::new(&router))));
        #[cfg(feature = "servers-peers")]
        if place.kind != Kind::Sqlite {
            rows.extend(tower_sessions(&place).await);
        }
        show(place.kind, rounds::measure(rows, requests).await);
    })
    .await;
    println!();
}

/// Prints every store with several numbers of connections.
pub async fn connections(requests: usize) {
    println!("## {} clients, by connections\n", rounds::CLIENTS);
    head("the first");
    super::at_every_place(move |place| async move {
        let mut reads = Vec::new();
        let mut changes = Vec::new();
        for number in [1, 2, 5, 10, 20, 40] {
            let mut routers = Vec::new();
            match place.kind {
                // A store has one connection, so use several stores.
                Kind::Redis => {
                    for _ in 0..number {
                        routers.push(shop::client(place.store(1).await));
                    }
                }
                _ => routers.push(shop::client(place.store(number).await)),
            }
            let row = |what, work: Arc<dyn Work>| Row {
                what,
                by: format!("{number} connections"),
                work,
            };
            reads.push(row("read", Arc::new(Reads::new(&routers).await)));
            changes.push(row("change", Arc::new(Changes::new(&routers).await)));
        }
        reads.extend(changes);
        show(place.kind, rounds::measure(reads, requests).await);
    })
    .await;
    println!();
}

/// The minimum commands of a request.
async fn raw(place: &Place) -> Vec<Row> {
    let row = |what, by: &str, work: Arc<dyn Work>| Row {
        what,
        by: by.to_owned(),
        work,
    };
    if place.kind == Kind::Redis {
        let plain = plain_redis::client(place).await;
        let plains = std::slice::from_ref(&plain);
        let decoding = plain_redis::decoding_client(place).await;
        let decoded = Reads::new(std::slice::from_ref(&decoding)).await;
        return vec![
            row("read", "GET", Arc::new(Reads::new(plains).await)),
            row("read", "GET, decoded", Arc::new(decoded)),
            row("change", "GET, SET", Arc::new(Changes::new(plains).await)),
            row("create", "SET", Arc::new(Creates::new(&plain))),
        ];
    }
    let router = shop::client(place.store(1).await);
    use raw_sql::{Raw, What};
    let read = Raw::new(place, &router, CONNECTIONS, What::Read).await;
    let change = Raw::new(place, &router, CONNECTIONS, What::Change).await;
    let create = Raw::new(place, &router, CONNECTIONS, What::Create).await;
    vec![
        row("read", "SELECT", Arc::new(read)),
        row("change", "SELECT + UPDATE", Arc::new(change)),
        row("create", "INSERT", Arc::new(create)),
    ]
}

/// The same requests with tower-sessions.
#[cfg(feature = "servers-peers")]
async fn tower_sessions(place: &Place) -> Vec<Row> {
    let router = super::trips_tower_sessions::client(place, CONNECTIONS).await;
    let routers = std::slice::from_ref(&router);
    let row = |what, work: Arc<dyn Work>| Row {
        what,
        by: "tower-sessions".to_owned(),
        work,
    };
    vec![
        row("read", Arc::new(Reads::new(routers).await)),
        row("change", Arc::new(Changes::new(routers).await)),
        row("create", Arc::new(Creates::new(&router))),
    ]
}

fn head(compared: &str) {
    println!("| server | | by | requests/s | of {compared} | p50 ms | p99 ms |");
    println!("| --- | --- | --- | ---: | ---: | ---: | ---: |");
}

/// The first row of each kind of request is the reference for the others.
fn show(kind: Kind, measured: Vec<Measured>) {
    let millis = |time: Duration| time.as_secs_f64() * 1_000.0;
    for row in &measured {
        let kind_of = |row: &Measured| row.what.split(' ').next().expect("a word").to_owned();
        let first = measured.iter().find(|one| kind_of(one) == kind_of(row));
        let first = first.expect("at least the row itself").throughput;
        println!(
            "| {kind:?} | {} | {} | {:.0} | {:.2} | {:.2} | {:.2} |",
            row.what,
            row.by,
            row.throughput,
            row.throughput / first,
            millis(row.half_within),
            millis(row.nearly_all_within),
        );
    }
}
