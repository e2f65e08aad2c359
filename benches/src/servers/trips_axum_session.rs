//! axum_session on a server, with its defaults.

use std::fmt::Debug;

use axum::Router;
use axum::routing::post;
use axum_session::{DatabasePool, Session, SessionConfig, SessionLayer, SessionStore};
use axum_session_redispool::SessionRedisPool;
use axum_session_sqlx::{SessionMySqlPool, SessionPgPool};
use redis_pool::SingleRedisPool;
use sqlx::mysql::MySqlPoolOptions;
use sqlx::postgres::PgPoolOptions;

use super::client::Client;
use super::place::{Kind, Place};
use crate::data::Data;

/// A client of a router with one connection.
pub async fn client(place: &Place) -> Client {
    let table = place.name_of("axum_session");
    match place.kind {
        Kind::Redis => {
            let server = redis::Client::open(&*place.url).expect("a URL");
            router::<SessionRedisPool>(SingleRedisPool::new(server, 1, Some(1)).into(), table).await
        }
        Kind::Postgres => {
            let pool = PgPoolOptions::new().max_connections(1);
            let pool = pool.connect(&place.url).await.expect("a pool");
            router::<SessionPgPool>(pool.into(), table).await
        }
        Kind::MySql => {
            let pool = MySqlPoolOptions::new().max_connections(1);
            let pool = pool.connect(&place.url).await.expect("a pool");
            router::<SessionMySqlPool>(pool.into(), table).await
        }
        Kind::Sqlite => panic!("SQLite has no server"),
    }
}

async fn router<S>(pool: S, table: String) -> Client
where
    S: DatabasePool + Clone + Debug + Sync + Send + 'static,
{
    let config = SessionConfig::default().with_table_name(table);
    let store = SessionStore::new(Some(pool), config);
    let router = Router::new()
        .route("/optional", post(read::<S>))
        .route("/read", post(read::<S>))
        .route("/write", post(write::<S>))
        .route("/create", post(create::<S>))
        .route("/seed", post(seed::<S>))
        .route("/destroy", post(destroy::<S>))
        .route("/rotate", post(rotate::<S>))
        .route("/login", post(login::<S>))
        .layer(SessionLayer::new(store.await.expect("a store")));
    Client::by_cookie(router)
}

fn changed<S>(session: &Session<S>) -> String
where
    S: DatabasePool + Clone + Debug + Sync + Send + 'static,
{
    let visits = session.get("visits").unwrap_or(0) + 1;
    session.set("visits", visits);
    visits.to_string()
}

async fn read<S>(session: Session<S>) -> String
where
    S: DatabasePool + Clone + Debug + Sync + Send + 'static,
{
    session.get("visits").unwrap_or(0).to_string()
}

async fn write<S>(session: Session<S>) -> String
where
    S: DatabasePool + Clone + Debug + Sync + Send + 'static,
{
    changed(&session)
}

async fn create<S>(session: Session<S>) -> String
where
    S: DatabasePool + Clone + Debug + Sync + Send + 'static,
{
    session.set("visits", 1);
    session.set("items", Data::seed().items);
    1.to_string()
}

async fn seed<S>(session: Session<S>) -> String
where
    S: DatabasePool + Clone + Debug + Sync + Send + 'static,
{
    session.set("visits", 41);
    session.set("items", Data::seed().items);
    41.to_string()
}

async fn destroy<S>(session: Session<S>) -> String
where
    S: DatabasePool + Clone + Debug + Sync + Send + 'static,
{
    session.destroy();
    0.to_string()
}

async fn rotate<S>(session: Session<S>) -> String
where
    S: DatabasePool + Clone + Debug + Sync + Send + 'static,
{
    session.renew();
    changed(&session)
}

async fn login<S>(session: Session<S>) -> String
where
    S: DatabasePool + Clone + Debug + Sync + Send + 'static,
{
    session.renew();
    session.set("user", "ada");
    changed(&session)
}
