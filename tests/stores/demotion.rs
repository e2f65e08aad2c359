//! SQL servers that are demoted to replicas: connections to one of them are closed, and the next request
//! reaches the new primary.

use std::time::Duration;

use connect_session::Untyped;
use connect_session::store::{
    CommitOutcome, MySqlStore, PostgresStore, Renewal, SecretHash, Store, StoreError,
};
use serde_json::json;
use sqlx::mysql::{MySqlConnectOptions, MySqlPoolOptions};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions, PgSslMode};
use sqlx::{AssertSqlSafe, Connection as _, Database, MySqlConnection, PgConnection, Pool};
use tokio::task::JoinSet;

use crate::fixture::{self, Opened, json, load, login, mint, new_record, open_as, request, set};
use crate::redis::tools::until;
use crate::servers::{unique, url};
use crate::sql_proxy::{Protocol, Proxy};
use crate::temp_table::Cleanup;

/// The open connections of a store.
const CONNECTIONS: u32 = 4;

/// A primary, and the server that takes over.
struct Pair<S> {
    proxy: Proxy,
    /// Stores that reach one of the servers without the proxy.
    old: S,
    new: S,
    old_address: String,
    new_address: String,
}

/// A store that reaches the servers through the proxy.
struct Connected<S> {
    store: S,
    /// Whether all its connections wait for a statement.
    is_idle: Box<dyn Fn() -> bool>,
}

impl<S> Connected<S> {
    /// A store that opened its own connections, which it keeps as soon as it has an answer.
    fn own(store: S) -> Self {
        Self {
            store,
            is_idle: Box::new(|| true),
        }
    }

    /// A pool takes its connections back in tasks.
    fn pooled<DB: Database>(store: S, pool: Pool<DB>) -> Self {
        let is_idle = Box::new(move || pool.num_idle() == usize::try_from(pool.size()).unwrap());
        Self { store, is_idle }
    }
}

#[derive(Debug, Clone, Copy)]
enum Verb {
    Insert,
    Change,
    Login,
    Destroy,
    Touch,
}

const VERBS: [Verb; 5] = [
    Verb::Insert,
    Verb::Change,
    Verb::Login,
    Verb::Destroy,
    Verb::Touch,
];

/// After a failover, the first request that writes succeeds, whatever it does.
///
/// `connect` connects to the proxy. `demote` makes the old primary read-only, or writable again. `age`
/// makes every session due for a touch, on both servers.
async fn the_next_request_reaches_the_new_primary<S: Store<Untyped> + Clone>(
    pair: &Pair<S>,
    connect: impl AsyncFn() -> Connected<S>,
    demote: impl AsyncFn(bool),
    age: impl AsyncFn(),
) {
    for verb in VERBS {
        let opened = mint();
        let record = new_record(opened.secret, &json!({"on": "both"}));
        open_as(&pair.old, opened, &record).await;
        open_as(&pair.new, opened, &record).await;
        let Connected { store, is_idle } = connect().await;
        open_connections(&store, opened).await;
        let loaded = load(&store, opened).await;
        until("all connections are idle", async || is_idle()).await;
        age().await;

        demote(true).await;
        pair.proxy.switch_to(pair.new_address.clone());
        match verb {
            Verb::Insert => {
                let other = mint();
                open_as(&store, other, &new_record(other.secret, &json!({}))).await;
                load(&pair.new, other).await;
            }
            Verb::Change => {
                let change = set(&loaded, &json!({"on": "the new one"}));
                let committed = store.commit(opened.key, &change).await.unwrap();
                assert!(matches!(committed, CommitOutcome::Applied { .. }));
                let stored = load(&pair.new, opened).await;
                assert_eq!(json(&stored), json!({"on": "the new one"}));
            }
            Verb::Login => {
                let secret = SecretHash::from_bytes([1; 32]);
                let change = login(&loaded, secret, "ada");
                let committed = store.commit(opened.key, &change).await.unwrap();
                assert!(matches!(committed, CommitOutcome::Applied { .. }));
            }
            Verb::Destroy => {
                assert!(store.destroy(opened.key).await.unwrap());
                let gone = fixture::try_load(&pair.new, opened).await.unwrap();
                assert!(gone.is_none());
            }
            // What the old primary still knows may be out of date.
            Verb::Touch => {
                let current = fixture::update(&pair.new, opened, |data| {
                    *data = json!({"on": "the new one"});
                });
                current.await;
                let touched = load(&store, opened).await;
                assert_eq!(json(&touched), json!({"on": "the new one"}));
                // As the request does that has loaded it.
                let change = set(&touched, &json!({"on": "both"}));
                let committed = store.commit(opened.key, &change).await.unwrap();
                assert!(matches!(committed, CommitOutcome::Applied { .. }));
            }
        }
        until("no connection leads to the old primary", async || {
            pair.proxy.open_to(&pair.old_address) == 0
        })
        .await;
        demote(false).await;
        pair.proxy.switch_to(pair.old_address.clone());
    }
}

/// A server that stays read-only: what it has is served, and a change is refused for now.
async fn a_read_only_server_serves_what_it_has<S: Store<Untyped> + Clone>(
    pair: &Pair<S>,
    connect: impl AsyncFn() -> Connected<S>,
    demote: impl AsyncFn(bool),
    age: impl AsyncFn(),
) {
    let opened = mint();
    let record = new_record(opened.secret, &json!({"a": 1}));
    open_as(&pair.old, opened, &record).await;
    let Connected { store, .. } = connect().await;
    open_connections(&store, opened).await;
    demote(true).await;
    for _ in 0..3 {
        age().await;
        let touched = load(&store, opened).await;
        assert_eq!(json(&touched), json!({"a": 1}));
        let mut renewing = request(opened.secret);
        renewing.renewal = Some(Renewal {
            every: Duration::ZERO,
            grace: Duration::from_secs(30),
            candidate: SecretHash::from_bytes([1; 32]),
        });
        let shown = store
            .load(opened.key, &renewing)
            .await
            .unwrap()
            .found()
            .unwrap();
        assert!(!shown.renewed, "no offer that the server does not know");
        let change = set(&touched, &json!({"a": 2}));
        let refused = store.commit(opened.key, &change).await;
        assert!(
            matches!(refused, Err(StoreError::Unavailable(_))),
            "{refused:?}"
        );
    }
    demote(false).await;
    fixture::update(&store, opened, |data| data["a"] = json!(3)).await;
}

/// The errors of a server that is leaving, each on all connections of the store: they are closed, so that the
/// next request works. Where the error means that the statement was not executed, it is sent again.
async fn connections_to_a_leaving_server_are_closed<S: Store<Untyped> + Clone>(
    pair: &Pair<S>,
    connect: impl AsyncFn() -> Connected<S>,
    codes: &[(&'static str, bool)],
) {
    for &(code, is_sent_again) in codes {
        let Connected { store, is_idle } = connect().await;
        let opened = mint();
        open_as(&store, opened, &new_record(opened.secret, &json!({}))).await;
        open_connections(&store, opened).await;
        until("all connections are idle", async || is_idle()).await;
        pair.proxy.refuse(code);
        let other = mint();
        let record = new_record(other.secret, &json!({}));
        let inserted = store.insert(other.key, &record).await;
        if is_sent_again {
            inserted.expect(code);
        } else {
            let is_unknown = matches!(inserted, Err(StoreError::OutcomeUnknown(_)));
            assert!(is_unknown, "{code}: {inserted:?}");
            store.insert(other.key, &record).await.expect(code);
        }
        load(&store, other).await;
    }
}

/// Opens all connections of a store, and leaves them idle.
async fn open_connections<S: Store<Untyped> + Clone>(store: &S, opened: Opened) {
    let mut loads = JoinSet::new();
    for _ in 0..CONNECTIONS * 4 {
        let store = store.clone();
        loads.spawn(async move { load(&store, opened).await });
    }
    loads.join_all().await;
}

async fn run_on_postgres(url: &str, statement: &str) {
    let mut connection = PgConnection::connect(url).await.unwrap();
    let script = sqlx::raw_sql(AssertSqlSafe(statement.to_owned()));
    script.execute(&mut connection).await.unwrap();
}

async fn run_on_mysql(url: &str, statement: &str) {
    let mut connection = MySqlConnection::connect(url).await.unwrap();
    let script = sqlx::raw_sql(AssertSqlSafe(statement.to_owned()));
    script.execute(&mut connection).await.unwrap();
}

async fn demote_postgres(url: &str, is_demoted: bool) {
    let change = if is_demoted { "SET" } else { "RESET" };
    let value = if is_demoted { " = on" } else { "" };
    let alter = format!("ALTER SYSTEM {change} default_transaction_read_only{value}");
    run_on_postgres(url, &alter).await;
    run_on_postgres(url, "SELECT pg_reload_conf()").await;
    let expected = if is_demoted { "on" } else { "off" };
    loop {
        let mut connection = PgConnection::connect(url).await.unwrap();
        let shown = sqlx::query_scalar::<_, String>("SHOW default_transaction_read_only");
        if shown.fetch_one(&mut connection).await.unwrap() == expected {
            break;
        }
        tokio::task::yield_now().await;
    }
}

/// One test, because it changes a whole server.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL; scripts/test starts one"]
async fn postgres() {
    let (old_url, new_url) = (url("TEST_POSTGRES_SPARE_URL"), url("TEST_POSTGRES_URL"));
    let address = |url: &str| {
        let options: PgConnectOptions = url.parse().unwrap();
        format!("{}:{}", options.get_host(), options.get_port())
    };
    let table = unique("sessions");
    let direct = async |url: &str| {
        let store = PostgresStore::connect(url).await.unwrap();
        let store = store.table(&table).unwrap().sweep_every(None);
        store.migrate().await.unwrap()
    };
    let drop_table = format!("DROP TABLE IF EXISTS {table}");
    let _cleanup = Cleanup::block_on({
        let (old_url, new_url) = (old_url.clone(), new_url.clone());
        move || async move {
            demote_postgres(&old_url, false).await;
            run_on_postgres(&old_url, &drop_table).await;
            run_on_postgres(&new_url, &drop_table).await;
        }
    });
    let pair = Pair {
        proxy: Proxy::before(address(&old_url), Protocol::Postgres).await,
        old: direct(&old_url).await,
        new: direct(&new_url).await,
        old_address: address(&old_url),
        new_address: address(&new_url),
    };
    let options: PgConnectOptions = old_url.parse().unwrap();
    let options = options.host("127.0.0.1").port(pair.proxy.port);
    // The proxy reads the messages.
    let options = options.ssl_mode(PgSslMode::Disable);
    let proxied = format!(
        "postgres://{}@127.0.0.1:{}/{}?sslmode=disable",
        options.get_username(),
        pair.proxy.port,
        options.get_database().unwrap()
    );
    let own = async || {
        let store = PostgresStore::connect(&proxied).connections(CONNECTIONS);
        let store = store.await.unwrap().sweep_every(None);
        Connected::own(store.table(&table).unwrap())
    };
    let pooled = async || {
        let pool = PgPoolOptions::new().max_connections(CONNECTIONS);
        let pool = pool.connect_with(options.clone()).await.unwrap();
        let store = PostgresStore::from_pool(pool.clone()).sweep_every(None);
        Connected::pooled(store.table(&table).unwrap(), pool)
    };
    let demote = async |is_demoted| demote_postgres(&old_url, is_demoted).await;
    let slide = format!("UPDATE {table} SET idle_until = idle_until - idle / 8");
    // Also on a server that is read-only.
    let slide = format!("SET transaction_read_only = off; {slide}");
    let age = async || {
        run_on_postgres(&old_url, &slide).await;
        run_on_postgres(&new_url, &slide).await;
    };
    the_next_request_reaches_the_new_primary(&pair, own, demote, age).await;
    the_next_request_reaches_the_new_primary(&pair, pooled, demote, age).await;
    a_read_only_server_serves_what_it_has(&pair, own, demote, age).await;
    a_read_only_server_serves_what_it_has(&pair, pooled, demote, age).await;
    let codes = [
        ("25006", true),
        ("57P01", false),
        ("57P02", false),
        ("57P03", false),
        ("57P04", false),
    ];
    connections_to_a_leaving_server_are_closed(&pair, own, &codes).await;
    connections_to_a_leaving_server_are_closed(&pair, pooled, &codes).await;
}

/// One test, because it changes a whole server.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs MySQL or MariaDB; scripts/test starts one"]
async fn mysql() {
    let (old_url, new_url) = (url("TEST_MYSQL_SPARE_URL"), url("TEST_MYSQL_URL"));
    let address = |url: &str| {
        let options: MySqlConnectOptions = url.parse().unwrap();
        format!("{}:{}", options.get_host(), options.get_port())
    };
    let table = unique("sessions");
    let user = unique("u");
    let direct = async |url: &str| {
        // The administrator may also write to a server that is read-only.
        let store = MySqlStore::connect(url).await.unwrap();
        let store = store.table(&table).unwrap().sweep_every(None);
        store.migrate().await.unwrap()
    };
    let undo = format!("DROP TABLE IF EXISTS {table}; DROP USER IF EXISTS {user}");
    let _cleanup = Cleanup::block_on({
        let (old_url, new_url) = (old_url.clone(), new_url.clone());
        move || async move {
            run_on_mysql(&old_url, "SET GLOBAL read_only = 0").await;
            run_on_mysql(&old_url, &undo).await;
            run_on_mysql(&new_url, &undo).await;
        }
    });
    let pair = Pair {
        proxy: Proxy::before(address(&old_url), Protocol::MySql).await,
        old: direct(&old_url).await,
        new: direct(&new_url).await,
        old_address: address(&old_url),
        new_address: address(&new_url),
    };
    let options: MySqlConnectOptions = old_url.parse().unwrap();
    let database = options.get_database().unwrap().to_owned();
    let create = format!("CREATE USER {user}; GRANT ALL ON {database}.* TO {user}");
    run_on_mysql(&old_url, &create).await;
    run_on_mysql(&new_url, &create).await;
    let options = options.host("127.0.0.1").port(pair.proxy.port);
    let options = options.username(&user);
    let proxied = format!(
        "mysql://{user}@127.0.0.1:{}/{database}?ssl-mode=DISABLED",
        pair.proxy.port
    );
    let own = async || {
        let store = MySqlStore::connect(&proxied).connections(CONNECTIONS);
        let store = store.await.unwrap().sweep_every(None);
        Connected::own(store.table(&table).unwrap())
    };
    let pooled = async || {
        let pool = MySqlPoolOptions::new().max_connections(CONNECTIONS);
        let pool = pool.connect_with(options.clone()).await.unwrap();
        let store = MySqlStore::from_pool(pool.clone()).sweep_every(None);
        Connected::pooled(store.table(&table).unwrap(), pool)
    };
    let demote = async |is_demoted: bool| {
        let value = u8::from(is_demoted);
        run_on_mysql(&old_url, &format!("SET GLOBAL read_only = {value}")).await;
    };
    let slide = format!("UPDATE {table} SET idle_until = idle_until - idle DIV 8");
    let age = async || {
        run_on_mysql(&old_url, &slide).await;
        run_on_mysql(&new_url, &slide).await;
    };
    the_next_request_reaches_the_new_primary(&pair, own, demote, age).await;
    the_next_request_reaches_the_new_primary(&pair, pooled, demote, age).await;
    a_read_only_server_serves_what_it_has(&pair, own, demote, age).await;
    a_read_only_server_serves_what_it_has(&pair, pooled, demote, age).await;
    let codes = [
        ("1047", true),
        ("1290", true),
        ("1792", true),
        ("1836", true),
        ("3032", true),
        ("1053", false),
    ];
    connections_to_a_leaving_server_are_closed(&pair, own, &codes).await;
    connections_to_a_leaving_server_are_closed(&pair, pooled, &codes).await;
}
