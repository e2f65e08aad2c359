//! `PostgresStore`, on the server of `TEST_POSTGRES_URL`.

use std::time::Duration;

use connect_session::store::PostgresStore;
use connect_session::testing::conformance::{UnderTest, store_conformance};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

use crate::owned::{AtLast, Owned};
use crate::servers;

fn url() -> String {
    servers::url("TEST_POSTGRES_URL")
}

async fn run(statement: String) {
    let mut connection = PgConnection::connect(&url()).await.unwrap();
    sqlx::raw_sql(AssertSqlSafe(statement))
        .execute(&mut connection)
        .await
        .unwrap();
}

/// A store with a table of its own.
async fn store() -> Owned<PostgresStore> {
    let table = servers::unique("sessions");
    let store = PostgresStore::connect(&url())
        .acquire_timeout(Duration::from_secs(30))
        .await
        .unwrap();
    let store = store.table(&table).unwrap().migrate().await.unwrap();
    let drop = move || run(format!("DROP TABLE IF EXISTS {table}"));
    Owned {
        store,
        at_last: AtLast::block_on(drop),
    }
}

store_conformance! {
    #[ignore = "needs PostgreSQL; scripts/test brings one"]
    mod conformance, || async {
        // A tenth of the idle time, 400 ms, is more than twenty loads take.
        UnderTest::new(store().await).with_unit(Duration::from_millis(400))
    }
}
