//! tower-sessions on a server, with its defaults. Its stores support an older version of it.

use axum::Router;
use axum::routing::post;
use tower_sessions_014::{Session, SessionManagerLayer, SessionStore};
use tower_sessions_redis_store::RedisStore;
use tower_sessions_redis_store::fred::clients::Pool;
use tower_sessions_redis_store::fred::interfaces::ClientLike as _;
use tower_sessions_redis_store::fred::types::config::Config;
use tower_sessions_sqlx_store::sqlx::mysql::MySqlPoolOptions;
use tower_sessions_sqlx_store::sqlx::postgres::PgPoolOptions;
use tower_sessions_sqlx_store::{MySqlStore, PostgresStore, sqlx};

use super::client::Client;
use super::place::{Kind, Place};
use crate::data::Data;

/// A client of a router with a number of connections.
pub async fn client(place: &Place, connections: u32) -> Client {
    let table = place.name_of("tower_sessions");
    match place.kind {
        Kind::Redis => {
            let config = Config::from_url(&place.url).expect("a URL");
            let pool = Pool::new(config, None, None, None, connections as usize).expect("a pool");
            pool.init().await.expect("a connection");
            router(RedisStore::new(pool))
        }
        Kind::Postgres => {
            let pool = PgPoolOptions::new().max_connections(connections);
            let pool = pool.connect(&place.url).await.expect("a pool");
            let schema = sqlx::query_scalar("SELECT current_schema()::text");
            let schema: String = schema.fetch_one(&pool).await.expect("a schema");
            let store = PostgresStore::new(pool).with_schema_name(schema);
            let store = store.and_then(|store| store.with_table_name(table));
            let store = store.expect("a name");
            store.migrate().await.expect("a table");
            router(store)
        }
        Kind::MySql => {
            let pool = MySqlPoolOptions::new().max_connections(connections);
            let pool = pool.connect(&place.url).await.expect("a pool");
            let database = sqlx::query_scalar("SELECT DATABASE()");
            let database: String = database.fetch_one(&pool).await.expect("a database");
            let store = MySqlStore::new(pool).with_schema_name(database);
            let store = store.and_then(|store| store.with_table_name(table));
            let store = store.expect("a name");
            store.migrate().await.expect("a table");
            router(store)
        }
        Kind::Sqlite => panic!("SQLite has no server"),
    }
}

fn router(store: impl SessionStore + Clone) -> Client {
    let router = Router::new()
        .route("/optional", post(optional))
        .route("/read", post(read))
        .route("/write", post(write))
        .route("/create", post(create))
        .route("/seed", post(seed))
        .route("/destroy", post(destroy))
        .route("/rotate", post(rotate))
        .route("/login", post(login))
        .layer(SessionManagerLayer::new(store));
    Client::by_cookie(router)
}

async fn visits(session: &Session) -> u64 {
    let visits = session.get("visits").await.expect("a store");
    visits.unwrap_or(0)
}

async fn changed(session: &Session) -> String {
    let visits = visits(session).await + 1;
    session.insert("visits", visits).await.expect("a store");
    visits.to_string()
}

/// Without a cookie, does not access the session.
async fn optional(session: Session) -> String {
    match session.id() {
        Some(_) => visits(&session).await.to_string(),
        None => 0.to_string(),
    }
}

async fn read(session: Session) -> String {
    visits(&session).await.to_string()
}

async fn write(session: Session) -> String {
    changed(&session).await
}

async fn create(session: Session) -> String {
    session.insert("visits", 1).await.expect("a store");
    let items = Data::seed().items;
    session.insert("items", items).await.expect("a store");
    1.to_string()
}

async fn seed(session: Session) -> String {
    session.insert("visits", 41).await.expect("a store");
    let items = Data::seed().items;
    session.insert("items", items).await.expect("a store");
    41.to_string()
}

async fn destroy(session: Session) -> String {
    session.flush().await.expect("a store");
    0.to_string()
}

async fn rotate(session: Session) -> String {
    session.cycle_id().await.expect("a store");
    changed(&session).await
}

async fn login(session: Session) -> String {
    session.cycle_id().await.expect("a store");
    session.insert("user", "ada").await.expect("a store");
    changed(&session).await
}
