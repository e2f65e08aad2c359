//! A request whose every attempt conflicts with a faster request.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::Poll;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use axum::routing::post;
use connect_session::store::Timestamp;
use connect_session::store::{
    Change, CommitOutcome, InsertOutcome, Key, LoadOutcome, LoadRequest, MemoryStore, NewRecord,
    Store, StoreError,
};
use connect_session::{Session, session, session_config};
use serde::{Deserialize, Serialize};
use tower::ServiceExt as _;

#[derive(Clone, Default, Serialize, Deserialize)]
struct Data {
    slow: u64,
    fast: u64,
}

session_config! {
    struct Rivals {
        data: Data,
        merge: { slow: add, fast: add },
    }
}

#[session(create)]
async fn create(_session: Session<Rivals>) {}

#[session(load)]
async fn slow(mut session: Session<Rivals>) {
    session.slow += 1;
}

#[session(load)]
async fn update(mut session: Session<Rivals>) -> Result<(), connect_session::Error> {
    session.update(|data| data.slow += 1).await
}

#[session(load)]
async fn fast(mut session: Session<Rivals>) {
    session.fast += 1;
}

#[session(load)]
async fn read(session: Session<Rivals>) -> String {
    format!("{} {}", session.slow, session.fast)
}

type Rival = Pin<Box<dyn Future<Output = StatusCode> + Send>>;

/// A store that runs another request before each commit.
#[derive(Clone, Default)]
struct ContendedStore {
    inner: MemoryStore<Data>,
    rivals: Arc<Contention>,
}

#[derive(Default)]
struct Contention {
    next: Mutex<Option<Box<dyn Fn() -> Rival + Send>>>,
    running: AtomicBool,
    /// Whether each commit lets other requests run first.
    yields: AtomicBool,
    commits: AtomicUsize,
    pending: Mutex<Vec<Rival>>,
    finished: Mutex<Vec<StatusCode>>,
}

impl Contention {
    /// Starts another request and polls it once.
    async fn run_rival(&self) {
        if self.running.swap(true, Ordering::SeqCst) {
            return;
        }
        let rival = self.next.lock().unwrap().as_ref().map(|next| next());
        if let Some(mut rival) = rival {
            match poll_fn(|context| Poll::Ready(rival.as_mut().poll(context))).await {
                Poll::Ready(status) => self.finished.lock().unwrap().push(status),
                Poll::Pending => self.pending.lock().unwrap().push(rival),
            }
        }
        self.running.store(false, Ordering::SeqCst);
    }
}

impl Store<Data> for ContendedStore {
    fn is_serializing(&self) -> bool {
        false
    }

    async fn insert(
        &self,
        key: Key,
        record: &NewRecord<Data>,
    ) -> Result<InsertOutcome<Data>, StoreError> {
        self.inner.insert(key, record).await
    }

    async fn load(&self, key: Key, request: &LoadRequest) -> Result<LoadOutcome<Data>, StoreError> {
        self.inner.load(key, request).await
    }

    async fn commit(
        &self,
        key: Key,
        change: &Change<Data>,
    ) -> Result<CommitOutcome<Data>, StoreError> {
        self.rivals.run_rival().await;
        if self.rivals.yields.load(Ordering::SeqCst) {
            tokio::task::yield_now().await;
        }
        self.rivals.commits.fetch_add(1, Ordering::SeqCst);
        self.inner.commit(key, change).await
    }

    async fn destroy(&self, key: Key) -> Result<bool, StoreError> {
        self.inner.destroy(key).await
    }

    async fn count(&self, namespace: &'static str) -> Result<u64, StoreError> {
        self.inner.count(namespace).await
    }

    fn now(&self) -> Timestamp {
        self.inner.now()
    }
}

fn ask(path: &str, sid: &str) -> Request<Body> {
    let request = Request::post(path).header("X-User-Session", sid);
    request.body(Body::empty()).unwrap()
}

/// The application, and the sid of a new session.
async fn start(store: ContendedStore) -> (Router, String) {
    let app = Router::new()
        .route("/create", post(create))
        .route("/slow", post(slow))
        .route("/update", post(update))
        .route("/fast", post(fast))
        .route("/read", post(read))
        .layer(Rivals::layer().with_store(store));
    let created = app.clone().oneshot(ask("/create", "")).await.unwrap();
    let sid = created.headers()["X-User-Session"].to_str().unwrap();
    let sid = sid.to_owned();
    (app, sid)
}

/// The counters of the session.
async fn counters(app: Router, sid: &str) -> String {
    let read = app.oneshot(ask("/read", sid)).await.unwrap();
    let read = axum::body::to_bytes(read.into_body(), 64).await.unwrap();
    String::from_utf8(read.to_vec()).unwrap()
}

/// While a request retries, later ones wait. Otherwise a slow request would conflict at every
/// attempt and give up.
async fn assert_is_not_starved(path: &str) {
    let store = ContendedStore::default();
    let (app, sid) = start(store.clone()).await;
    let next = {
        let (app, sid) = (app.clone(), sid.clone());
        move || -> Rival {
            let rival = app.clone().oneshot(ask("/fast", &sid));
            Box::pin(async { rival.await.unwrap().status() })
        }
    };
    *store.rivals.next.lock().unwrap() = Some(Box::new(next));
    let slow = app.clone().oneshot(ask(path, &sid)).await.unwrap();
    *store.rivals.next.lock().unwrap() = None;
    assert_eq!(slow.status(), StatusCode::OK);

    let mut fast = std::mem::take(&mut *store.rivals.finished.lock().unwrap());
    assert!(!fast.is_empty(), "the first attempt did not conflict");
    let pending = std::mem::take(&mut *store.rivals.pending.lock().unwrap());
    for rival in pending {
        fast.push(rival.await);
    }
    assert!(fast.iter().all(|status| *status == StatusCode::OK));
    let counters = counters(app, &sid).await;
    assert_eq!(
        counters,
        format!("1 {}", fast.len()),
        "an increment is lost"
    );
}

#[tokio::test]
async fn a_change_is_not_starved() {
    assert_is_not_starved("/slow").await;
}

#[tokio::test]
async fn an_update_is_not_starved() {
    assert_is_not_starved("/update").await;
}

/// After its first conflict, a request waits for the one before it and continues with the data of that one.
#[tokio::test]
async fn overlapping_requests_conflict_at_most_once() {
    for path in ["/slow", "/update"] {
        let store = ContendedStore::default();
        let (app, sid) = start(store.clone()).await;
        store.rivals.yields.store(true, Ordering::SeqCst);
        let send = |_| tokio::spawn(app.clone().oneshot(ask(path, &sid)));
        let requests: Vec<_> = (0..16).map(send).collect();
        for request in requests {
            assert_eq!(request.await.unwrap().unwrap().status(), StatusCode::OK);
        }
        let commits = store.rivals.commits.load(Ordering::SeqCst);
        assert_eq!(commits, 1 + 15 * 2, "{path}");
        assert_eq!(counters(app, &sid).await, "16 0", "{path}");
    }
}
