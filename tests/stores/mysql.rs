//! `MySqlStore`, on the server of `TEST_MYSQL_URL`.

use std::time::Duration;

use connect_session::store::MySqlStore;
use connect_session::testing::conformance::{UnderTest, store_conformance};
use sqlx::{AssertSqlSafe, Connection as _, MySqlConnection};

use crate::owned::{AtLast, Owned};
use crate::servers;

fn url() -> String {
    servers::url("TEST_MYSQL_URL")
}

async fn run(statement: String) {
    let mut connection = MySqlConnection::connect(&url()).await.unwrap();
    sqlx::raw_sql(AssertSqlSafe(statement))
        .execute(&mut connection)
        .await
        .unwrap();
}

/// A store with a table of its own.
async fn store() -> Owned<MySqlStore> {
    let table = servers::unique("sessions");
    let store = MySqlStore::connect(&url())
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
    #[ignore = "needs MySQL or MariaDB; scripts/test brings one"]
    mod conformance, || async {
        // A tenth of the idle time, 400 ms, is more than twenty loads take.
        UnderTest::new(store().await).with_unit(Duration::from_millis(400))
    }
}
