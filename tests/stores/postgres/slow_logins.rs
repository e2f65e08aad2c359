//! Logins that take minutes, while a sweep removes the row by which others know of them. The clock of the server is
//! moved for the connections of these tests.

use super::interleavings::{END, Login, Stage, login};
use super::*;
use crate::redis::tools::until;

/// How long a login is stopped: longer than the row of a subject stays.
const SECONDS: u64 = 360;

/// Has `clock_timestamp()`, which is some seconds ahead, and `statement_timestamp()`, which is so for the connections of
/// the last login alone: the other statements have begun before. The last login also waits for the advisory lock before
/// it writes the row of its subject.
fn clock_and_trigger(table: &str) -> String {
    format!(
        "CREATE SCHEMA {table}_clock;
        CREATE SEQUENCE {table}_clock.ahead MINVALUE 0 START 0;
        CREATE FUNCTION {table}_clock.clock_timestamp() RETURNS timestamptz VOLATILE LANGUAGE sql AS
            'SELECT pg_catalog.clock_timestamp() + last_value * interval ''1 second'' FROM {table}_clock.ahead';
        CREATE FUNCTION {table}_clock.statement_timestamp() RETURNS timestamptz STABLE LANGUAGE sql AS
            'SELECT pg_catalog.statement_timestamp() + CASE WHEN current_setting(''logins.is_last'') = ''on''
                THEN {SECONDS} ELSE 0 END * interval ''1 second''';
        CREATE FUNCTION {table}_clock.wait() RETURNS trigger LANGUAGE plpgsql AS
            'BEGIN
                IF current_setting(''logins.is_last'', true) = ''on'' THEN
                    PERFORM pg_advisory_xact_lock(hashtext(''{table}''));
                END IF;
                RETURN NEW;
            END';
        CREATE TRIGGER wait BEFORE INSERT ON {table}_subjects
            FOR EACH ROW EXECUTE FUNCTION {table}_clock.wait()"
    )
}

/// The same table, by the clock of the schema.
async fn by_the_clock(owner: &Stage, is_last: &str) -> Arc<Stage> {
    let path = format!("{}_clock,pg_catalog,public", owner.table);
    let options = options().options([("search_path", &*path), ("logins.is_last", is_last)]);
    let pool = PgPoolOptions::new().connect_with(options).await.unwrap();
    let store = PostgresStore::from_pool(pool).sweep_every(None);
    let store = store.table(&owner.table).unwrap();
    let store = store.statement_timeout(Duration::from_secs(60));
    let cleanup = Cleanup::block_on(async || ());
    Arc::new(Stage {
        store: Arc::new(TempStore { store, cleanup }),
        table: owner.table.clone(),
        namespace: owner.namespace,
    })
}

/// A connection that has run a script.
async fn after(script: String) -> PgConnection {
    let mut connection = PgConnection::connect(&url()).await.unwrap();
    let script = sqlx::raw_sql(AssertSqlSafe(script));
    script.execute(&mut connection).await.unwrap();
    connection
}

async fn commit(mut connection: PgConnection) {
    let commit = sqlx::raw_sql("COMMIT");
    commit.execute(&mut connection).await.unwrap();
}

/// Waits until so many statements that begin like this wait for a lock.
async fn until_waiting(start: &str, table: &str, how_many: &str) {
    let waiting = format!(
        "SELECT count(*)::text FROM pg_stat_activity
        WHERE wait_event_type = 'Lock' AND query LIKE '{start}%{table}%'"
    );
    until("the logins wait", || async {
        query_text(waiting.clone()).await == how_many
    })
    .await;
}

/// A login is stopped after it has locked its user, and goes on when its lock can be swept. The next login has its
/// snapshot from before that, and does not find the row of the user after the sweep.
async fn the_limit_is_kept(is_transaction: bool) {
    let owner = Stage::new().await;
    let table = &owner.table;
    run(clock_and_trigger(table)).await;
    let drop_schema = format!("DROP SCHEMA {table}_clock CASCADE");
    let _cleanup = Cleanup::block_on(move || run(drop_schema));
    let slow = by_the_clock(&owner, "off").await;
    let last = by_the_clock(&owner, "on").await;

    owner.open(Some("ada")).await;
    let stopped = owner.open(None).await;
    let id = stopped.key.id;
    let record = after(format!(
        "BEGIN; UPDATE {table} SET due = due WHERE id = '{id}'"
    ))
    .await;
    // A login that has waited for another one of its user is a transaction.
    let ada = owner.subject_key("ada");
    let other = after(format!(
        "BEGIN; INSERT INTO {table}_subjects VALUES ({ada}, 0, 0)"
    ));
    let other = if is_transaction {
        Some(other.await)
    } else {
        None
    };
    let slow_login = {
        let slow = slow.clone();
        tokio::spawn(async move { slow.log_in_to(stopped, login(END)).await })
    };
    until_waiting("WITH", table, "1").await;
    if let Some(other) = other {
        commit(other).await;
        until_waiting("UPDATE", table, "1").await;
    }
    run(format!("SELECT setval('{table}_clock.ahead', {SECONDS})")).await;
    let gate = after(format!(
        "BEGIN; SELECT pg_advisory_xact_lock(hashtext('{table}'))"
    ))
    .await;
    let last_login = tokio::spawn(async move { last.log_in(END, true).await });
    until_waiting("", table, "2").await;
    commit(record).await;
    assert_eq!(slow_login.await.unwrap(), Login::Done { ended: vec![] });
    Store::<Untyped>::sweep(&*slow.store, 1_000).await.unwrap();
    commit(gate).await;
    assert!(matches!(last_login.await.unwrap(), Login::Done { .. }));
    assert_eq!(owner.of_ada().await.len(), 2);
}

#[tokio::test]
#[ignore = "needs PostgreSQL; scripts/test starts one"]
async fn a_slow_statement_keeps_the_limit() {
    the_limit_is_kept(false).await;
}

#[tokio::test]
#[ignore = "needs PostgreSQL; scripts/test starts one"]
async fn a_slow_transaction_keeps_the_limit() {
    the_limit_is_kept(true).await;
}
