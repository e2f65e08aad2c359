//! Connections that are not encrypted although the driver prefers it: a warning is logged once.

use connect_session::Untyped;
use connect_session::store::{MySqlStore, PostgresStore, Store, StoreError};
use sqlx::mysql::MySqlPoolOptions;
use sqlx::postgres::PgPoolOptions;

use crate::fixture::error_chain;
use crate::servers::{unique, url};
use crate::warnings::Warnings;
use crate::{mysql, postgres};

/// The test servers offer no TLS.
fn check(warnings: &Warnings, is_told: bool) {
    let texts = warnings.take();
    assert_eq!(texts.len(), usize::from(is_told), "{texts:?}");
    for text in texts {
        assert!(text.contains("not encrypted"), "{text}");
    }
}

#[tokio::test]
#[ignore = "needs PostgreSQL; scripts/test starts one"]
async fn postgres_falls_back_to_plain_text() {
    let warnings = Warnings::record();
    let (url, table) = (url("TEST_POSTGRES_URL"), unique("sessions"));
    let _cleanup = postgres::drop_table_later(&table);
    for (mode, is_told) in [
        ("", true),
        ("?sslmode=prefer", true),
        ("?sslmode=disable", false),
    ] {
        let store = PostgresStore::connect(&format!("{url}{mode}"))
            .await
            .unwrap();
        let store = store.sweep_every(None).table(&table).unwrap();
        let store = store.migrate().await.unwrap();
        Store::<Untyped>::check_ready(&store).await.unwrap();
        check(&warnings, is_told);
    }
    let pool = PgPoolOptions::new().connect(&url).await.unwrap();
    let store = PostgresStore::from_pool(pool).sweep_every(None);
    let store = store.table(&table).unwrap();
    for is_told in [true, false] {
        Store::<Untyped>::check_ready(&store).await.unwrap();
        check(&warnings, is_told);
    }
    let refused = PostgresStore::connect(&format!("{url}?sslmode=require")).await;
    let refused: StoreError = refused.map(drop).unwrap_err();
    assert!(error_chain(&refused).contains("TLS"), "{refused:?}");
}

#[tokio::test]
#[ignore = "needs MySQL or MariaDB; scripts/test starts one"]
async fn mysql_falls_back_to_plain_text() {
    let warnings = Warnings::record();
    let (url, table) = (url("TEST_MYSQL_URL"), unique("sessions"));
    let _cleanup = mysql::drop_table_later(&table);
    for (mode, is_told) in [
        ("", true),
        ("?ssl-mode=PREFERRED", true),
        ("?ssl-mode=DISABLED", false),
    ] {
        let store = MySqlStore::connect(&format!("{url}{mode}")).await.unwrap();
        let store = store.sweep_every(None).table(&table).unwrap();
        let store = store.migrate().await.unwrap();
        Store::<Untyped>::check_ready(&store).await.unwrap();
        check(&warnings, is_told);
    }
    let pool = MySqlPoolOptions::new().connect(&url).await.unwrap();
    let store = MySqlStore::from_pool(pool).sweep_every(None);
    let store = store.table(&table).unwrap();
    for is_told in [true, false] {
        Store::<Untyped>::check_ready(&store).await.unwrap();
        check(&warnings, is_told);
    }
    let refused = MySqlStore::connect(&format!("{url}?ssl-mode=REQUIRED")).await;
    let refused: StoreError = refused.map(drop).unwrap_err();
    assert!(error_chain(&refused).contains("TLS"), "{refused:?}");
}
