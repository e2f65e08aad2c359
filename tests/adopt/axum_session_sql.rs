//! Sessions that axum_session has stored in SQL databases.

use connect_session::adopt::{AxumSessions, OldSessions as _, SqlRecords};
use sqlx::AssertSqlSafe;
use tokio::sync::OnceCell;

use crate::axum_session::{logged_in_to, settings};
use crate::servers;
use crate::shop::{Server, config};

/// The URL of a database in a file.
fn file(name: &str) -> String {
    format!("sqlite:{}/{name}.db?mode=rwc", env!("CARGO_TARGET_TMPDIR"))
}

/// The tests of one database. Each module has one, because the pools stay in the runtime of their test.
macro_rules! database {
    ($(#[$ignored:meta])? $name:ident, $pool:ident, $old_pool:ident, $url:expr) => {
        mod $name {
            use axum_session_sqlx::$old_pool;
            use sqlx::$pool;

            use super::*;

            static POOL: OnceCell<$pool> = OnceCell::const_new();

            async fn pool() -> $pool {
                let connect = || async { $pool::connect(&$url).await.unwrap() };
                POOL.get_or_init(connect).await.clone()
            }

            config!(Shop, TABLE, {
                AxumSessions::new(SqlRecords::from(pool().await)).table_name(&**TABLE)
            });

            async fn count() -> i64 {
                let count = format!("SELECT COUNT(*) FROM {}", *TABLE);
                let count = sqlx::query_scalar(AssertSqlSafe(count));
                count.fetch_one(&pool().await).await.unwrap()
            }

            #[tokio::test(flavor = "multi_thread")]
            $(#[$ignored])?
            async fn its_sessions_are_adopted() {
                let server = Server::<Shop>::start(Shop::layer()).await;
                let log_in = || async {
                    logged_in_to($old_pool::from(pool().await), settings(&TABLE)).await
                };
                let (old, another) = (log_in().await, log_in().await);
                assert_eq!(count().await, 2);
                // Where MySQL would find the same row.
                let (name, id) = old.split_once('=').unwrap();
                server.refuses(&format!("{name}={}", id.to_uppercase())).await;
                let new = server.adopts_once(&old, "session", " ann tea,büro").await;
                assert_eq!(count().await, 1, "that of the other cookie");
                server.logs_out(&old, &new).await;
                server.shares_it_in_a_request(&another).await;

                let old = log_in().await;
                let expire = format!("UPDATE {} SET expires = expires - 1000000000", *TABLE);
                let expire = sqlx::query(AssertSqlSafe(expire));
                expire.execute(&pool().await).await.unwrap();
                server.refuses(&old).await;
                assert_eq!(count().await, 1, "axum_session removes it");
                let drop = sqlx::query(AssertSqlSafe(format!("DROP TABLE {}", *TABLE)));
                drop.execute(&pool().await).await.unwrap();
                let reply = server.post("/visit", &old).await;
                assert_eq!(reply.status, 503, "{reply:?}");
            }
        }
    };
}

database!(
    #[ignore = "needs PostgreSQL; scripts/test starts one"]
    postgres,
    PgPool,
    SessionPgPool,
    servers::url("TEST_POSTGRES_URL")
);
database!(
    #[ignore = "needs MySQL; scripts/test starts one"]
    mysql,
    MySqlPool,
    SessionMySqlPool,
    servers::url("TEST_MYSQL_URL")
);
database!(
    #[ignore = "needs Redis for the new sessions; scripts/test starts one"]
    sqlite,
    SqlitePool,
    SessionSqlitePool,
    file(&TABLE)
);

/// Records of a database that this library does not know.
mod own_records {
    use std::sync::atomic::{AtomicBool, Ordering};

    use axum_session::DatabasePool as _;
    use axum_session_sqlx::SessionSqlitePool;
    use connect_session::adopt::AxumRecords;
    use connect_session::store::BoxError;
    use sqlx::SqlitePool;

    use super::*;

    struct OwnRecords(SessionSqlitePool);

    static CANNOT_REMOVE: AtomicBool = AtomicBool::new(true);

    impl AxumRecords for OwnRecords {
        async fn read(&self, id: &str, table: &str) -> Result<Option<String>, BoxError> {
            Ok(self.0.load(id, table).await?)
        }

        async fn remove(&self, id: &str, table: &str) -> Result<(), BoxError> {
            if CANNOT_REMOVE.load(Ordering::Relaxed) {
                return Err("it is read-only".into());
            }
            Ok(self.0.delete_one_by_id(id, table).await?)
        }
    }

    async fn pool() -> SessionSqlitePool {
        SqlitePool::connect(&file(&TABLE)).await.unwrap().into()
    }

    config!(Shop, TABLE, {
        AxumSessions::new(OwnRecords(pool().await)).table_name(&**TABLE)
    });

    #[tokio::test(flavor = "multi_thread")]
    #[ignore = "needs Redis for the new sessions; scripts/test starts one"]
    async fn a_session_that_cannot_be_removed_is_adopted_later() {
        let server = Server::<Shop>::start(Shop::layer()).await;
        let old = logged_in_to(pool().await, settings(&TABLE)).await;
        for _ in 0..2 {
            let reply = server.post("/visit", &old).await;
            assert_eq!(reply.status, 503, "{reply:?}");
            assert!(reply.cookie("__Host-sid").is_none(), "{reply:?}");
        }
        assert_eq!(pool().await.count(&TABLE).await.unwrap(), 1);
        CANNOT_REMOVE.store(false, Ordering::Relaxed);
        let reply = server.post("/visit", &old).await;
        assert_eq!(reply.status, 200, "{reply:?}");
        assert!(reply.body.ends_with(" ann tea,büro"), "{reply:?}");
        assert_eq!(pool().await.count(&TABLE).await.unwrap(), 0);
        // The old cookie opens the session until the next offer of a sid.
        assert_eq!(server.post("/log-out", &old).await.status, 200);
        server.refuses(&old).await;
        assert_eq!(server.count().await, 0);
    }
}
