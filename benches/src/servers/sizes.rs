//! The bytes that a session takes on a SQL server, with its indexes.

use axum::http::HeaderValue;
use sqlx::{AssertSqlSafe, Connection as _};
use tokio::task::JoinSet;

use super::client::Client;
use super::place::{Kind, Place};
use super::shop;
#[cfg(feature = "servers-peers")]
use super::trips_tower_sessions;

const CONNECTIONS: u32 = 10;
/// The number of clients that create and change sessions.
const WRITERS: usize = 32;
const CHANGES: usize = 10;

/// Prints the bytes a session, of new sessions and after each was changed ten times.
pub async fn print(sessions: usize) {
    println!("## Bytes a session, of {sessions} with 200 B of data\n");
    println!("| server | library | new | vacuumed | changed {CHANGES} times | vacuumed |");
    println!("| --- | --- | ---: | ---: | ---: | ---: |");
    super::at_every_place(move |place| async move {
        if matches!(place.kind, Kind::Postgres | Kind::MySql) {
            let ours = shop::client(place.store(CONNECTIONS).await);
            row(&place, "ours", &ours, &place.name, sessions).await;
            #[cfg(feature = "servers-peers")]
            {
                let client = trips_tower_sessions::client(&place, CONNECTIONS).await;
                let table = place.name_of("tower_sessions");
                row(&place, "tower-sessions", &client, &table, sessions).await;
            }
        }
    })
    .await;
    println!();
}

async fn row(place: &Place, library: &str, client: &Client, table: &str, sessions: usize) {
    let sids = seeded(client, sessions).await;
    let new = bytes(place, table).await;
    let vacuumed = compacted(place, table).await;
    for _ in 0..CHANGES {
        changed(client, &sids).await;
    }
    let changed = bytes(place, table).await;
    let changed_vacuumed = compacted(place, table).await;
    let each = [new, vacuumed, changed, changed_vacuumed].map(|bytes| bytes / sessions as u64);
    let [new, vacuumed, changed, changed_vacuumed] = each;
    println!(
        "| {:?} | {library} | {new} | {vacuumed} | {changed} | {changed_vacuumed} |",
        place.kind
    );
}

/// The sids of new sessions.
async fn seeded(client: &Client, sessions: usize) -> Vec<HeaderValue> {
    let mut writers = JoinSet::new();
    for writer in 0..WRITERS {
        let client = client.clone();
        writers.spawn(async move {
            let mut sids = Vec::new();
            for _ in (writer..sessions).step_by(WRITERS) {
                sids.push(client.seeded().await);
            }
            sids
        });
    }
    writers.join_all().await.concat()
}

/// Changes each session once.
async fn changed(client: &Client, sids: &[HeaderValue]) {
    let mut writers = JoinSet::new();
    for part in sids.chunks(sids.len().div_ceil(WRITERS)) {
        let (client, part) = (client.clone(), part.to_vec());
        writers.spawn(async move {
            for sid in part {
                assert_eq!(client.ask("/write", Some(&sid)).await.status, 200);
            }
        });
    }
    writers.join_all().await;
}

async fn bytes(place: &Place, table: &str) -> u64 {
    let statement = match place.kind {
        Kind::Postgres => format!("SELECT pg_total_relation_size('{table}')"),
        _ => format!(
            "SELECT CAST(data_length + index_length AS SIGNED) FROM information_schema.tables
            WHERE table_schema = DATABASE() AND table_name = '{table}'"
        ),
    };
    if place.kind == Kind::MySql {
        run(place, format!("ANALYZE TABLE {table}")).await;
    }
    let bytes: i64 = match place.kind {
        Kind::Postgres => {
            let connection = sqlx::PgConnection::connect(&place.url).await;
            let query = sqlx::query_scalar(AssertSqlSafe(statement));
            query
                .fetch_one(&mut connection.expect("a connection"))
                .await
        }
        _ => {
            let connection = sqlx::MySqlConnection::connect(&place.url).await;
            let query = sqlx::query_scalar(AssertSqlSafe(statement));
            query
                .fetch_one(&mut connection.expect("a connection"))
                .await
        }
    }
    .expect("a size");
    u64::try_from(bytes).expect("a size")
}

/// The size after the server has removed what is dead, as its own background work does.
async fn compacted(place: &Place, table: &str) -> u64 {
    if place.kind == Kind::Postgres {
        run(place, format!("VACUUM {table}")).await;
    }
    bytes(place, table).await
}

async fn run(place: &Place, statement: String) {
    let statement = sqlx::raw_sql(AssertSqlSafe(statement));
    match place.kind {
        Kind::Postgres => {
            let connection = sqlx::PgConnection::connect(&place.url).await;
            let mut connection = connection.expect("a connection");
            statement.execute(&mut connection).await.map(drop)
        }
        _ => {
            let connection = sqlx::MySqlConnection::connect(&place.url).await;
            let mut connection = connection.expect("a connection");
            statement.execute(&mut connection).await.map(drop)
        }
    }
    .expect("the statement is run");
}
