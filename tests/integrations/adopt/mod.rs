//! The adoption of old sessions, while the calls of the stores wait, fail or never return.

mod crashes;
mod refusals;
mod slow_requests;
mod steps;

use std::marker::PhantomData;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use ::axum::Router;
use ::axum::body::Body;
use ::axum::routing::get;
use connect_session::adopt::{Adopt, Adopted, OldSessions as _};
use connect_session::store::{MemoryStore, Store};
use connect_session::testing::FakeClock;
use connect_session::{
    Error, Event, EventKind, Session, SessionConfig, SessionLayer, session, session_config,
};
use http::{Request, StatusCode};
use http_body_util::BodyExt as _;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::task::JoinHandle;
use tower::ServiceExt as _;

use self::steps::{OldStore, SteppedStore, Steps, Waiting, store_old};

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Cart {
    items: Vec<String>,
}

#[derive(Deserialize)]
struct OldSession {
    items: Vec<String>,
    user: String,
}

fn old_sessions() -> Adopt<Cart> {
    OldStore.adopt(|old: OldSession| {
        let cart = Cart { items: old.items };
        Some(Adopted::new(cart).of_user(Some(old.user)))
    })
}

session_config! {
    struct Shop {
        data: Cart,
        loaders: [cookie("__Host-sid")],
        adopt: old_sessions(),
        on_event: note,
    }
}

session_config! {
    struct AtMostOne {
        data: Cart,
        loaders: [cookie("__Host-sid")],
        max_sessions: 1,
        on_max_sessions: refuse,
        adopt: old_sessions(),
    }
}

session_config! {
    struct Latest {
        data: Cart,
        loaders: [cookie("__Host-sid")],
        max_sessions: 1,
        adopt: old_sessions(),
    }
}

static ADOPTED: Mutex<Vec<String>> = Mutex::new(Vec::new());

fn note(event: &Event<'_>) {
    if matches!(event.kind, EventKind::Adopted) {
        let id = event.id.map(|id| id.to_string());
        ADOPTED.lock().unwrap().extend(id);
    }
}

/// How many events say that this session was adopted.
fn adoptions_of(id: &str) -> usize {
    let events = ADOPTED.lock().unwrap();
    events.iter().filter(|other| *other == id).count()
}

#[session(load)]
async fn show<C: SessionConfig<Data = Cart>>(session: Session<C>) -> String {
    let user = session.subject().unwrap_or("nobody");
    format!("{} {user} {}", session.id(), session.items.join(","))
}

#[session(load)]
async fn log_out<C: SessionConfig<Data = Cart>>(session: Session<C>) -> Result<(), Error> {
    session.destroy().await
}

#[derive(Debug)]
struct Reply {
    status: StatusCode,
    body: String,
    /// The cookie of a new sid.
    sid: Option<String>,
}

/// Waits until a request has reached a step.
async fn until(step: &Waiting, request: &mut JoinHandle<Reply>) {
    tokio::select! {
        () = step.reached() => {}
        reply = request => panic!("does not reach the step: {reply:?}"),
    }
}

struct Server<C> {
    app: Router,
    store: SteppedStore,
    clock: FakeClock,
    config: PhantomData<C>,
}

impl<C: SessionConfig<Data = Cart>> Server<C> {
    fn new(layer: SessionLayer<C>) -> Self {
        let clock = FakeClock::new();
        let store = SteppedStore {
            store: MemoryStore::builder().clock(clock.clone()).build(),
            steps: Steps::default(),
        };
        let app = Router::new()
            .route("/", get(show::<C>))
            .route("/log-out", get(log_out::<C>))
            .layer(layer.with_store(store.clone()));
        Self {
            app,
            store,
            clock,
            config: PhantomData,
        }
    }

    fn steps(&self) -> &Steps {
        &self.store.steps
    }

    /// An old session of this user. Returns its cookie.
    fn old_session(&self, user: &str) -> String {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let id = format!("old-{}", COUNT.fetch_add(1, Ordering::Relaxed));
        let session = json!({ "items": ["tea"], "user": user });
        store_old(&id, session, self.steps());
        format!("old={id}")
    }

    /// Starts a request that runs on its own.
    fn start(&self, path: &'static str, cookie: &str) -> JoinHandle<Reply> {
        let request = Request::get(path).header("cookie", cookie);
        let request = request.body(Body::empty()).unwrap();
        let app = self.app.clone();
        tokio::spawn(async move {
            let response = app.oneshot(request).await.unwrap();
            let (head, body) = response.into_parts();
            let body = body.collect().await.unwrap().to_bytes();
            let cookies = head.headers.get_all("set-cookie").iter();
            let mut cookies = cookies.filter_map(|line| line.to_str().ok()?.split(';').next());
            Reply {
                status: head.status,
                body: String::from_utf8(body.to_vec()).unwrap(),
                sid: cookies
                    .find(|cookie| cookie.starts_with("__Host-sid="))
                    .map(str::to_owned),
            }
        })
    }

    async fn get(&self, path: &'static str, cookie: &str) -> Reply {
        self.start(path, cookie).await.unwrap()
    }

    async fn status(&self, path: &'static str, cookie: &str) -> u16 {
        self.get(path, cookie).await.status.as_u16()
    }

    async fn count(&self) -> u64 {
        let namespace = C::OPTIONS.namespace;
        Store::count(&self.store, namespace).await.unwrap()
    }

    /// Checks that the old cookie opens the one session that there is. Returns the cookie of its sid.
    async fn goes_on(&self, old: &str) -> String {
        let reply = self.get("/", old).await;
        assert_eq!(reply.status, 200, "{}", reply.body);
        assert!(reply.body.ends_with(" ann tea"), "{}", reply.body);
        assert!(!steps::is_stored(&old["old=".len()..]));
        assert_eq!(self.count().await, 1);
        let (id, _) = reply.body.split_once(' ').unwrap();
        assert!(adoptions_of(id) <= 1);
        if let Some(sid) = reply.sid {
            return sid;
        }
        // A response that was lost may have had one.
        self.clock.advance(Duration::from_secs(20));
        let again = self.get("/", old).await;
        assert_eq!(again.body, reply.body);
        again.sid.expect("a sid")
    }

    /// Checks that a logout is final.
    async fn logs_out(&self, old: &str, sid: &str) {
        assert_eq!(self.status("/", sid).await, 200);
        assert_eq!(self.status("/log-out", sid).await, 200);
        for cookie in [sid, old] {
            assert_eq!(self.status("/", cookie).await, 401);
        }
        assert_eq!(self.count().await, 0);
    }
}
