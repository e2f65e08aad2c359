//! Servers that are down: requests fail at once, and work again when the server is back.

use std::time::Duration;

use connect_session::Untyped;
use connect_session::store::{MySqlStore, PostgresStore, Store, StoreError};
use serde_json::json;
use sqlx::mysql::{MySqlConnectOptions, MySqlPoolOptions};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};

use crate::fixture::{load, mint, new_record, open, set, try_load};
use crate::redis::tools::{no_hang, until};
use crate::servers::{unique, url};
use crate::sql_proxy::{Network, Protocol, Proxy};
use crate::{mysql, postgres};

/// So long that a request which waits for its timeout is reported as hanging.
const FOREVER: Duration = Duration::from_secs(3_600);

/// `store` has up to two connections, and no timeout that ends within the test.
async fn requests_fail_at_once<S: Store<Untyped> + Clone>(store: S, proxy: &Proxy) {
    let opened = open(&store, &json!({"n": 0})).await;
    for (round, network) in (1..).zip([Network::Broken, Network::Silent]) {
        let record = load(&store, opened).await;
        let change = set(&record, &json!({"n": round}));
        proxy.take_counts();
        proxy.set(network);
        // A request that was sent waits for its answer. The next one finds out that there is none.
        let sent = tokio::spawn({
            let store = store.clone();
            async move { try_load(&store, opened).await.is_err() }
        });
        let is_sent = async || sent.is_finished() || !proxy.take_counts().is_empty();
        until("a request is sent", is_sent).await;
        let mut next = no_hang("the first", try_load(&store, opened)).await;
        while next.is_ok() {
            next = no_hang("the first", try_load(&store, opened)).await;
        }
        for _ in 0..20 {
            let failed = [
                no_hang("load", try_load(&store, opened)).await.map(drop),
                no_hang("commit", store.commit(opened.key, &change))
                    .await
                    .map(drop),
                no_hang("destroy", store.destroy(opened.key))
                    .await
                    .map(drop),
                no_hang("count", store.count("test")).await.map(drop),
                {
                    let new = mint();
                    let record = new_record(new.secret, &json!({}));
                    no_hang("insert", store.insert(new.key, &record))
                        .await
                        .map(drop)
                },
            ];
            for failed in failed {
                assert!(
                    matches!(failed, Err(StoreError::Unavailable(_))),
                    "{failed:?}"
                );
            }
        }
        proxy.set(Network::Works);
        until("the store is back", async || {
            try_load(&store, opened).await.is_ok()
        })
        .await;
        let committed = store.commit(opened.key, &change).await;
        assert!(committed.is_ok(), "{committed:?}");
        sent.abort();
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL; scripts/test starts one"]
async fn postgres_requests_fail_at_once() {
    let options: PgConnectOptions = url("TEST_POSTGRES_URL").parse().unwrap();
    let server = format!("{}:{}", options.get_host(), options.get_port());
    let proxy = Proxy::before(server, Protocol::Postgres).await;
    let options = options.host("127.0.0.1").port(proxy.port);
    let user = options.get_username();
    let database = options.get_database().unwrap();
    let port = proxy.port;
    let url = format!("postgres://{user}@127.0.0.1:{port}/{database}?sslmode=disable");
    let own = PostgresStore::connect(&url).connections(2);
    let own = own.acquire_timeout(FOREVER).await.unwrap();
    let pool = PgPoolOptions::new().max_connections(2);
    let pool = pool.acquire_timeout(FOREVER).connect_with(options.clone());
    let pooled = PostgresStore::from_pool(pool.await.unwrap());
    let table = unique("sessions");
    let _cleanup = postgres::drop_table_later(&table);
    for store in [own, pooled] {
        let store = store.table(&table).unwrap().sweep_every(None);
        let store = store.statement_timeout(FOREVER).migrate().await.unwrap();
        requests_fail_at_once(store, &proxy).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs MySQL or MariaDB; scripts/test starts one"]
async fn mysql_requests_fail_at_once() {
    let options: MySqlConnectOptions = url("TEST_MYSQL_URL").parse().unwrap();
    let server = format!("{}:{}", options.get_host(), options.get_port());
    let proxy = Proxy::before(server, Protocol::MySql).await;
    let options = options.host("127.0.0.1").port(proxy.port);
    let user = options.get_username();
    let database = options.get_database().unwrap();
    let port = proxy.port;
    let url = format!("mysql://{user}@127.0.0.1:{port}/{database}?ssl-mode=DISABLED");
    let own = MySqlStore::connect(&url).connections(2);
    let own = own.acquire_timeout(FOREVER).await.unwrap();
    let pool = MySqlPoolOptions::new().max_connections(2);
    let pool = pool.acquire_timeout(FOREVER).connect_with(options.clone());
    let pooled = MySqlStore::from_pool(pool.await.unwrap());
    let table = unique("sessions");
    let _cleanup = mysql::drop_table_later(&table);
    for store in [own, pooled] {
        let store = store.table(&table).unwrap().sweep_every(None);
        let store = store.statement_timeout(FOREVER).migrate().await.unwrap();
        requests_fail_at_once(store, &proxy).await;
    }
}
