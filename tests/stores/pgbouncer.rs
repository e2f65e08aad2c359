//! `PostgresStore` through `PgBouncer` in transaction mode, on the server of `TEST_PGBOUNCER_URL`.

use std::sync::Arc;
use std::time::Duration;

use connect_session::Untyped;
use connect_session::store::{CommitOutcome, PostgresStore, Store};
use connect_session::testing::conformance::{
    Harness, inspect_conformance, store_conformance, subject_index_conformance,
};
use serde_json::json;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use tokio::task::JoinSet;

use crate::fixture::{json, load, open, set};
use crate::postgres::drop_table_later;
use crate::servers::{unique, url};
use crate::shared;
use crate::temp_table::TempStore;

/// A store with more connections than the pooler has to the server. Cached statements are what the
/// documentation of poolers tells people to turn off.
async fn store() -> TempStore<PostgresStore> {
    let table = unique("sessions");
    let url = format!("{}?statement-cache-capacity=0", url("TEST_PGBOUNCER_URL"));
    let store = PostgresStore::connect(&url).connections(16);
    let store = store.acquire_timeout(Duration::from_secs(30)).await;
    let store = store.unwrap().sweep_every(None).table(&table).unwrap();
    let store = store.statement_timeout(Duration::from_secs(30));
    let store = store.migrate().await.unwrap();
    let cleanup = drop_table_later(&table);
    Store::<Untyped>::check_ready(&store).await.unwrap();
    TempStore { store, cleanup }
}

store_conformance! {
    #[ignore = "needs PgBouncer; scripts/test starts one"]
    mod conformance, || async {
        Harness::new(store().await).with_unit(Duration::from_millis(400))
    }
}

inspect_conformance! {
    #[ignore = "needs PgBouncer; scripts/test starts one"]
    mod inspect, || async {
        Harness::new(store().await).with_unit(Duration::from_millis(400))
    }
}

subject_index_conformance! {
    #[ignore = "needs PgBouncer; scripts/test starts one"]
    mod subject_index, || async {
        Harness::new(store().await).with_unit(Duration::from_millis(400))
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PgBouncer; scripts/test starts one"]
async fn concurrent_changes_are_all_applied() {
    shared::concurrent_changes_are_all_applied(Arc::new(store().await)).await;
}

/// Each of 64 requests reads and changes its own session, over and over: none reads another one's.
async fn no_request_gets_the_row_of_another(store: PostgresStore) {
    let mut requests = JoinSet::new();
    for client in 0..64 {
        let store = store.clone();
        requests.spawn(async move {
            let opened = open(&store, &json!({"client": client, "n": 0})).await;
            for n in 1..=10 {
                let record = load(&store, opened).await;
                assert_eq!(json(&record), json!({"client": client, "n": n - 1}));
                let change = set(&record, &json!({"client": client, "n": n}));
                let committed = store.commit(opened.key, &change).await.unwrap();
                assert!(matches!(committed, CommitOutcome::Applied { .. }));
            }
            assert!(Store::<Untyped>::destroy(&store, opened.key).await.unwrap());
        });
    }
    requests.join_all().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PgBouncer; scripts/test starts one"]
async fn concurrent_requests_do_not_mix_their_statements() {
    let temp = store().await;
    no_request_gets_the_row_of_another(temp.store.clone()).await;
}

/// Also on a pool of the application, without `start()`.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PgBouncer; scripts/test starts one"]
async fn a_pool_of_the_application_may_lead_through_a_pooler() {
    let options: PgConnectOptions = url("TEST_PGBOUNCER_URL").parse().unwrap();
    let options = options.extra_float_digits(None);
    let pool = PgPoolOptions::new().max_connections(16);
    let pool = pool.connect_with(options).await.unwrap();
    let table = unique("sessions");
    let store = PostgresStore::from_pool(pool).table(&table).unwrap();
    let store = store.sweep_every(None).migrate().await.unwrap();
    let _cleanup = drop_table_later(&table);
    no_request_gets_the_row_of_another(store).await;
}
