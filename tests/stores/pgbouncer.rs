//! `PostgresStore` through `PgBouncer`: that of `TEST_PGBOUNCER_URL` has no prepared statements and refuses settings
//! that it does not know, that of `TEST_PGBOUNCER_LENIENT_URL` has them, from version 1.21, and drops such settings.
//! Each has a database for each pool mode.

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

use crate::fixture::{error_chain, json, load, open, set};
use crate::postgres::drop_table_later;
use crate::servers::{unique, url};
use crate::shared;
use crate::temp_table::TempStore;

const STRICT: &str = "TEST_PGBOUNCER_URL";
const LENIENT: &str = "TEST_PGBOUNCER_LENIENT_URL";

async fn store() -> TempStore<PostgresStore> {
    store_through(STRICT, "transaction").await
}

/// A store with more connections than the pooler has to the server in transaction mode. Cached statements are what
/// the documentation of poolers tells people to turn off.
async fn store_through(pooler: &str, mode: &str) -> TempStore<PostgresStore> {
    let table = unique("sessions");
    let url = format!("{}/{mode}?statement-cache-capacity=0", url(pooler));
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

/// Also on a pool of the application, without `start()`.
async fn a_pool_of_the_application_may_lead_through(pooler: &str, mode: &str) {
    let url = format!("{}/{mode}", url(pooler));
    let options: PgConnectOptions = url.parse().unwrap();
    let options = options.extra_float_digits(None);
    let pool = PgPoolOptions::new().max_connections(16);
    let pool = pool.connect_with(options).await.unwrap();
    let table = unique("sessions");
    let store = PostgresStore::from_pool(pool).table(&table).unwrap();
    let store = store.sweep_every(None).migrate().await.unwrap();
    let _cleanup = drop_table_later(&table);
    no_request_gets_the_row_of_another(store).await;
}

macro_rules! concurrency {
    ($($name:ident: $pooler:ident $mode:literal)*) => {
        $(
            mod $name {
                use super::*;

                #[tokio::test(flavor = "multi_thread")]
                #[ignore = "needs PgBouncer; scripts/test starts one"]
                async fn concurrent_changes_are_all_applied() {
                    let store = store_through($pooler, $mode).await;
                    shared::concurrent_changes_are_all_applied(Arc::new(store)).await;
                }

                #[tokio::test(flavor = "multi_thread")]
                #[ignore = "needs PgBouncer; scripts/test starts one"]
                async fn concurrent_requests_do_not_mix_their_statements() {
                    let temp = store_through($pooler, $mode).await;
                    no_request_gets_the_row_of_another(temp.store.clone()).await;
                }

                #[tokio::test(flavor = "multi_thread")]
                #[ignore = "needs PgBouncer; scripts/test starts one"]
                async fn a_pool_of_the_application_may_lead_through_a_pooler() {
                    a_pool_of_the_application_may_lead_through($pooler, $mode).await;
                }
            }
        )*
    };
}

concurrency! {
    strict_transactions: STRICT "transaction"
    strict_sessions: STRICT "session"
    lenient_transactions: LENIENT "transaction"
    lenient_sessions: LENIENT "session"
}

/// It has no transactions, so statements could be mixed.
#[tokio::test]
#[ignore = "needs PgBouncer; scripts/test starts one"]
async fn the_mode_statement_is_refused_at_startup() {
    for pooler in [STRICT, LENIENT] {
        let store = PostgresStore::connect(&format!("{}/statement", url(pooler)));
        let store = store.await.unwrap().sweep_every(None);
        let refused = Store::<Untyped>::check_ready(&store).await.unwrap_err();
        let text = error_chain(&refused);
        assert!(text.contains("`pool_mode`"), "{text}");
        assert!(text.contains("statement pooling mode"), "{text}");
        let refused = store.migrate().await.unwrap_err();
        assert!(error_chain(&refused).contains("`pool_mode`"), "{refused:?}");
    }
}
