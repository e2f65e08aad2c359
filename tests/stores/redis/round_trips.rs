//! Round trips and writes of each operation.

use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use connect_session::Untyped;
use connect_session::store::{
    CommitOutcome, IdentityChange, LoadRequest, LoginChange, NewRecord, RedisStore, SecretHash,
    Store,
};
use serde_json::json;
use tower::ServiceExt as _;

use super::tools::{Redis, Session, change, command, load_scripts, opened, random, set};
use crate::servers::proxy::Proxy;

/// A server, a proxy, and a store that uses the server through the proxy. The scripts are loaded.
async fn behind_proxy() -> (Redis, Proxy, RedisStore) {
    let redis = Redis::start(&[]).await;
    let proxy = Proxy::to(redis.port).await;
    let store = RedisStore::connect(format!("redis://127.0.0.1:{}", proxy.port))
        .await
        .unwrap();
    load_scripts(&store).await;
    proxy.trips();
    (redis, proxy, store)
}

#[tokio::test]
#[ignore = "needs Redis; scripts/test starts one"]
async fn every_operation_takes_one_round_trip_and_a_touch_two() {
    let (mut redis, proxy, store) = behind_proxy().await;
    let session = opened(&store, &json!({"a": 1})).await;
    assert_eq!(proxy.trips(), 1, "an insertion");
    assert!(session.load(&store).await.unwrap().is_some());
    assert_eq!(proxy.trips(), 1, "a load");
    let touch = LoadRequest {
        touch_every: Some(Duration::from_nanos(1)),
        ..session.request()
    };
    tokio::time::sleep(Duration::from_millis(5)).await;
    let touched = Store::<Untyped>::load(&store, session.key, &touch).await;
    let record = touched.unwrap().found().unwrap();
    assert_eq!(proxy.trips(), 2, "a load that extends the deadline");
    let first = set(&record, &json!({"a": 2}));
    let Ok(CommitOutcome::Applied { snapshot, .. }) = session.commit(&store, &first).await else {
        panic!("it was not applied");
    };
    assert_eq!(proxy.trips(), 1, "a change of what a touch has not changed");
    let mut again = record.clone();
    again.snapshot = snapshot.unwrap();
    let changed = session.commit(&store, &set(&again, &json!({"a": 4}))).await;
    assert!(matches!(changed, Ok(CommitOutcome::Applied { .. })));
    assert_eq!(proxy.trips(), 1, "a change based on the one before");
    let conflict = session
        .commit(&store, &set(&record, &json!({"a": 3})))
        .await
        .unwrap();
    assert!(matches!(conflict, CommitOutcome::Conflict(_)));
    assert_eq!(proxy.trips(), 1, "a conflict, with the record");
    let mut rotation = set(&record, &json!({"a": 1, "b": 2}));
    rotation.identity = Some(IdentityChange {
        secret: SecretHash::from_bytes(random()),
        new_generation: false,
        login: LoginChange::Keep,
    });
    session.commit(&store, &rotation).await.unwrap();
    assert_eq!(proxy.trips(), 1, "a rotation with data");
    // After a restart, the server does not know the script.
    let _: String = command(&mut redis.raw(), &["SCRIPT", "FLUSH"]);
    session.commit(&store, &change(&record)).await.unwrap();
    assert_eq!(proxy.trips(), 2, "an unknown script");
    session.destroy(&store).await.unwrap();
    assert_eq!(proxy.trips(), 1, "a destroy");
    redis.kill();
}

/// The first use is a write, so it takes a second round trip.
#[tokio::test]
#[ignore = "needs Redis; scripts/test starts one"]
async fn only_the_first_use_takes_two_round_trips() {
    let (_redis, proxy, store) = behind_proxy().await;
    let session = Session::mint();
    let record = NewRecord {
        first_use_timeout: Some(Duration::from_secs(60)),
        ..session.new_record(&json!({}))
    };
    store.insert(session.key, &record).await.unwrap();
    assert_eq!(proxy.trips(), 1, "an insertion");
    for expected in [2, 1, 1] {
        assert!(session.load(&store).await.unwrap().is_some());
        assert_eq!(proxy.trips(), expected);
    }
}

#[tokio::test]
#[ignore = "needs Redis; scripts/test starts one"]
async fn reading_writes_nothing_until_a_touch_is_due() {
    let (redis, _proxy, store) = behind_proxy().await;
    let session = opened(&store, &json!({"a": 1})).await;
    let mut raw = redis.raw();
    let mut writes = || {
        let info: String = command(&mut raw, &["INFO", "persistence"]);
        let line = info
            .lines()
            .find_map(|line| line.strip_prefix("rdb_changes_since_last_save:"));
        line.unwrap().parse::<u64>().unwrap()
    };
    let before = writes();
    for _ in 0..100 {
        assert!(session.load(&store).await.unwrap().is_some());
    }
    let stranger = Session {
        secret: Session::mint().secret,
        ..session
    };
    assert!(stranger.load(&store).await.unwrap().is_none());
    assert_eq!(writes(), before);
    let touch = LoadRequest {
        touch_every: Some(Duration::from_nanos(1)),
        ..session.request()
    };
    tokio::time::sleep(Duration::from_millis(5)).await;
    Store::<Untyped>::load(&store, session.key, &touch)
        .await
        .unwrap()
        .found()
        .unwrap();
    assert!(writes() > before, "a touch is a write");
}

/// An application whose round trips are counted.
mod app {
    use axum::http::StatusCode;
    use axum::routing::{delete, get, post};
    use axum::{Json, Router};
    use connect_session::store::RedisStore;
    use connect_session::{Error, Session, session, session_config};

    pub fn router() -> Router {
        Router::new()
            .route("/", post(create).get(read).put(write))
            .route("/shop", post(open).put(visit))
            .route("/look", get(look))
            .route("/rotate", post(rotate))
            .route("/close", delete(close))
    }

    session_config! {
        /// Sessions in Redis.
        pub struct Counted {
            loaders: [header("X-User-Session")],
            namespace: "shop",
            store: RedisStore = RedisStore::connect("redis://nowhere.invalid").await?,
        }
    }

    #[session(create)]
    async fn create(session: Session<Counted>) -> String {
        session.sid().map(|sid| sid.expose()).unwrap_or_default()
    }

    /// 200 bytes in five fields.
    #[session(create)]
    async fn open(mut session: Session<Counted>) -> Result<String, Error> {
        session.insert("user", "0199f0c3-7a5e-7cc1-9c44-1d8f2b6a7e30")?;
        session.insert("items", ["tea", "cups", "kettle", "biscuits"])?;
        session.insert("address", "12 St James's Square, London")?;
        session.insert("visits", 41)?;
        session.insert("note", "please ring the bell twice and wait a bit")?;
        Ok(session.sid().map(|sid| sid.expose()).unwrap_or_default())
    }

    #[session(load)]
    async fn visit(mut session: Session<Counted>) -> Result<StatusCode, Error> {
        let visits: u32 = session.get("visits")?.unwrap_or_default();
        session.insert("visits", 83 - visits)?;
        Ok(StatusCode::NO_CONTENT)
    }

    #[session(load)]
    async fn read(session: Session<Counted>) -> Json<usize> {
        Json(session.len())
    }

    #[session(load)]
    async fn look(session: Option<Session<Counted>>) -> Json<bool> {
        Json(session.is_some())
    }

    #[session(load)]
    async fn write(mut session: Session<Counted>) -> Result<StatusCode, Error> {
        session.insert("a", 1)?;
        Ok(StatusCode::NO_CONTENT)
    }

    #[session(load)]
    async fn rotate(mut session: Session<Counted>) -> Result<String, Error> {
        session.rotate()?;
        session.insert("b", 1)?;
        Ok(session.sid().map(|sid| sid.expose()).unwrap_or_default())
    }

    #[session(load)]
    async fn close(session: Session<Counted>) -> Result<StatusCode, Error> {
        session.destroy().await?;
        Ok(StatusCode::NO_CONTENT)
    }
}

/// Sends a request; returns the status and the body.
async fn ask(app: &Router, method: &str, path: &str, sid: &str) -> (u16, String) {
    let mut request = Request::builder().method(method).uri(path);
    if !sid.is_empty() {
        request = request.header("X-User-Session", sid);
    }
    let response = app.clone().oneshot(request.body(Body::empty()).unwrap());
    let (head, body) = response.await.unwrap().into_parts();
    let body = axum::body::to_bytes(body, 10_000).await.unwrap();
    let body = String::from_utf8(body.to_vec()).unwrap();
    (head.status.as_u16(), body)
}

/// The bytes that requests cost on the wire: a budget, beside that of the round trips.
#[tokio::test]
#[ignore = "needs Redis; scripts/test starts one"]
async fn bytes_of_requests() {
    let (_redis, proxy, store) = behind_proxy().await;
    let app = app::router().layer(app::Counted::layer().with_store(store));
    let mut sent = Vec::new();
    let mut least = [[u64::MAX; 2]; 4];
    // Of several, because one request in ten seconds also asks for the server's time.
    for _ in 0..3 {
        proxy.bytes();
        let sid = ask(&app, "POST", "/shop", "").await.1;
        sent.push(proxy.bytes());
        ask(&app, "GET", "/", &sid).await;
        sent.push(proxy.bytes());
        ask(&app, "PUT", "/shop", &sid).await;
        sent.push(proxy.bytes());
        ask(&app, "DELETE", "/close", &sid).await;
        sent.push(proxy.bytes());
        for (least, sent) in least.iter_mut().zip(sent.drain(..)) {
            *least = (*least).min(sent);
        }
    }
    let [create, read, change, destroy] = least;
    assert_eq!(create, [384, 5], "create: up and down");
    assert_eq!(read, [50, 305], "read");
    assert_eq!(change, [526, 310], "load and change");
    assert_eq!(destroy, [103, 610], "load and destroy");
}

#[tokio::test]
#[ignore = "needs Redis; scripts/test starts one"]
async fn round_trips_of_requests() {
    let (_redis, proxy, store) = behind_proxy().await;
    let app = app::router().layer(app::Counted::layer().with_store(store));
    let send = |method, path, sid: &str| {
        let (app, sid) = (app.clone(), sid.to_owned());
        async move { ask(&app, method, path, &sid).await }
    };
    assert_eq!(send("GET", "/", "").await.0, 401);
    assert_eq!(send("GET", "/look", "").await, (200, "false".to_owned()));
    assert_eq!(send("GET", "/", "malformed").await.0, 401);
    assert_eq!(proxy.trips(), 0, "without a valid sid");
    let (status, sid) = send("POST", "/", "").await;
    assert_eq!((status, proxy.trips()), (200, 1), "create");
    assert_eq!(send("GET", "/", &sid).await, (200, "0".to_owned()));
    assert_eq!(proxy.trips(), 1, "read");
    assert_eq!(send("PUT", "/", &sid).await.0, 204);
    assert_eq!(proxy.trips(), 2, "load and change");
    let (status, sid) = send("POST", "/rotate", &sid).await;
    assert_eq!(
        (status, proxy.trips()),
        (200, 2),
        "load, and one change that rotates too"
    );
    assert_eq!(send("DELETE", "/close", &sid).await.0, 204);
    assert_eq!(proxy.trips(), 2, "load and destroy");
    assert_eq!(send("GET", "/", &sid).await.0, 401);
    assert_eq!(proxy.trips(), 1, "unknown");
}
