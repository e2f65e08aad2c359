//! Two configs with one namespace cannot use one store: each would accept sids of the other.

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode};
use axum::routing::post;
use connect_session::store::{AnyStore, TowerStore};
use connect_session::store::{
    MemoryStore, MySqlStore, PostgresStore, RedisStore, SqliteStore, Store,
};
use connect_session::{Session, SessionConfig, Untyped, session, session_config};
use tower::ServiceExt as _;

use crate::servers;

mod api {
    use super::*;

    session_config! {
        pub struct Shop {}
    }
}

mod admin {
    use super::*;

    // The same name in another module: the same default namespace.
    session_config! {
        pub struct Shop {}
    }

    session_config! {
        pub struct Other {}
    }
}

#[session(create)]
async fn open<C: SessionConfig>(session: Session<C>) -> String {
    session.id().to_string()
}

/// Opens a session in an application of its own.
async fn open_in<C: SessionConfig<Data = Untyped>>(store: &AnyStore<Untyped>) -> StatusCode {
    let layer = connect_session::SessionLayer::<C>::new().with_store(store.clone());
    let app = Router::new().route("/", post(open::<C>)).layer(layer);
    let response = app.oneshot(Request::post("/").body(Body::empty()).unwrap());
    let (head, body) = response.await.unwrap().into_parts();
    let body = to_bytes(body, 1 << 16).await.unwrap();
    let body = String::from_utf8(body.to_vec()).unwrap();
    assert!(
        !body.contains("Shop"),
        "the response names a config: {body}"
    );
    head.status
}

/// `second` has the records of `first`, perhaps over connections of its own.
async fn assert_refused(first: impl Store<Untyped>, second: impl Store<Untyped>) {
    let (first, second) = (AnyStore::new(first), AnyStore::new(second));
    assert_eq!(open_in::<api::Shop>(&first).await, StatusCode::OK);
    let refused = StatusCode::SERVICE_UNAVAILABLE;
    assert_eq!(open_in::<admin::Shop>(&second).await, refused);
    assert_eq!(open_in::<admin::Other>(&second).await, StatusCode::OK);
    assert_eq!(open_in::<api::Shop>(&second).await, StatusCode::OK);
}

#[tokio::test]
async fn two_configs_of_one_name_cannot_share_a_store_in_memory() {
    let store = MemoryStore::new();
    assert_refused(store.clone(), store).await;
    let store = SqliteStore::memory().await.unwrap();
    assert_refused(store.clone(), store).await;
    let store = TowerStore::new(tower_sessions_memory_store::MemoryStore::default());
    assert_refused(store.clone(), store).await;
}

#[tokio::test]
async fn two_configs_of_one_name_can_use_different_stores() {
    for store in [MemoryStore::new(), MemoryStore::new()] {
        let store = AnyStore::new(store);
        assert_eq!(open_in::<api::Shop>(&store).await, StatusCode::OK);
    }
    let store = AnyStore::new(MemoryStore::new());
    assert_eq!(open_in::<admin::Shop>(&store).await, StatusCode::OK);
}

#[tokio::test]
async fn two_configs_of_one_name_cannot_share_a_file() {
    let directory = std::env::temp_dir().join(servers::unique("connect-session"));
    std::fs::create_dir(&directory).unwrap();
    let open = || SqliteStore::open(directory.join("sessions.db"));
    let (first, second) = (open().await.unwrap(), open().await.unwrap());
    assert_refused(first, second).await;
    std::fs::remove_dir_all(directory).unwrap();
}

#[tokio::test]
#[ignore = "needs Redis; scripts/test starts one"]
async fn two_configs_of_one_name_cannot_share_redis() {
    let url = servers::url("TEST_REDIS_URL");
    let open = || RedisStore::connect(url.clone());
    assert_refused(open().await.unwrap(), open().await.unwrap()).await;
    let cluster = servers::url("TEST_REDIS_CLUSTER_URLS");
    let open = || RedisStore::builder().cluster(cluster.split(',')).build();
    assert_refused(open().await.unwrap(), open().await.unwrap()).await;
}

#[tokio::test]
#[ignore = "needs PostgreSQL; scripts/test starts one"]
async fn two_configs_of_one_name_cannot_share_postgres() {
    let url = servers::url("TEST_POSTGRES_URL");
    let table = servers::unique("sessions");
    let _cleanup = crate::postgres::drop_table_later(&table);
    let mut stores = Vec::new();
    for _ in 0..2 {
        let store = PostgresStore::connect(&url).await.unwrap();
        stores.push(store.table(&table).unwrap().migrate().await.unwrap());
    }
    assert_refused(stores.remove(0), stores.remove(0)).await;
}

#[tokio::test]
#[ignore = "needs MariaDB; scripts/test starts one"]
async fn two_configs_of_one_name_cannot_share_mysql() {
    let url = servers::url("TEST_MYSQL_URL");
    let table = servers::unique("sessions");
    let _cleanup = crate::mysql::drop_table_later(&table);
    let mut stores = Vec::new();
    for _ in 0..2 {
        let store = MySqlStore::connect(&url).await.unwrap();
        stores.push(store.table(&table).unwrap().migrate().await.unwrap());
    }
    assert_refused(stores.remove(0), stores.remove(0)).await;
}

mod named {
    use std::sync::Mutex;

    use connect_session::{Event, session_config};

    session_config! {
        pub struct Api { namespace: "named" }
    }

    session_config! {
        pub struct Admin { namespace: "named", on_event: record }
    }

    pub(super) static EVENTS: Mutex<Vec<String>> = Mutex::new(Vec::new());

    fn record(event: &Event<'_>) {
        EVENTS.lock().unwrap().push(event.to_string());
    }
}

#[tokio::test]
async fn the_event_of_a_refused_store_names_both_configs_and_the_namespace() {
    let store = AnyStore::new(MemoryStore::new());
    assert_eq!(open_in::<named::Api>(&store).await, StatusCode::OK);
    let refused = StatusCode::SERVICE_UNAVAILABLE;
    assert_eq!(open_in::<named::Admin>(&store).await, refused);
    let events = named::EVENTS.lock().unwrap().join("\n");
    for name in ["Api", "Admin", "`named`", "give one of them another"] {
        assert!(events.contains(name), "{name} is not in {events}");
    }
}

mod built {
    use std::sync::LazyLock;

    use super::*;

    pub(super) static STORE: LazyLock<MemoryStore<Untyped>> = LazyLock::new(MemoryStore::new);

    session_config! {
        pub struct Own {
            namespace: "built",
            // A header of its own, because `start` refuses one that a config of another test has.
            loaders: [header("X-Built")],
            store: MemoryStore<Untyped> = STORE.clone(),
        }
    }

    session_config! {
        pub struct Other { namespace: "built" }
    }
}

#[tokio::test]
async fn the_store_of_a_config_cannot_be_given_to_another_config_of_its_namespace() {
    built::Own::start().await.unwrap();
    let store = AnyStore::new(built::STORE.clone());
    let refused = StatusCode::SERVICE_UNAVAILABLE;
    assert_eq!(open_in::<built::Other>(&store).await, refused);
    // Its own config may have it twice.
    assert_eq!(open_in::<built::Own>(&store).await, StatusCode::OK);
}
