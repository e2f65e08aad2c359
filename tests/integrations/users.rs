//! The sessions of a user: logins, lists, and what ends them.

mod reused_sids;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use ::axum::body::Body;
use ::axum::extract::{Path, State};
use ::axum::routing::{get, post};
use ::axum::{Json, Router};
use connect_session::store::{
    AnyStore, Change, CommitOutcome, InsertOutcome, Key, LoadOutcome, LoadRequest, MemoryStore,
    NewRecord, Store, StoreError, SubjectIndex,
};
use connect_session::testing::{FailingStore, FakeClock, Faults};
use connect_session::{
    Error, ErrorKind, Event, EventKind, Session, SessionConfig, SessionId, SessionView, Untyped,
    session, session_config,
};
use http::{Request, StatusCode};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tokio::sync::Notify;
use tower::ServiceExt as _;

session_config! {
    struct Plain {}
}

session_config! {
    struct Two { max_sessions: 2, on_event: note }
}

session_config! {
    struct AtMostTwo { max_sessions: 2, on_max_sessions: refuse }
}

session_config! {
    struct Renewing { renew_every: 10m, on_event: note }
}

session_config! {
    struct Strict { renew_every: 10m, on_reuse: end, on_event: note }
}

static EVENTS: Mutex<Vec<String>> = Mutex::new(Vec::new());

fn note(event: &Event<'_>) {
    if !matches!(event.kind, EventKind::Loaded | EventKind::Committed) {
        let id = event.id.map(|id| id.to_string()).unwrap_or_default();
        let name = match event.kind {
            EventKind::SecretReused { ended } => {
                format!(
                    "secret_reused {} {ended}",
                    event.subject.unwrap_or_default()
                )
            }
            kind => kind.name().to_owned(),
        };
        EVENTS.lock().unwrap().push(format!("{name} {id}"));
    }
}

/// Lets a login wait after its attempt has begun.
#[derive(Clone, Default)]
struct Gates {
    begun: Arc<Notify>,
    checked: Arc<Notify>,
}

/// The handlers of a config.
macro_rules! handlers {
    ($module:ident, $config:ident) => {
        mod $module {
            use super::*;

            #[session(create)]
            async fn open(session: Session<$config>) -> String {
                session.id().to_string()
            }

            #[session(create)]
            async fn login(
                mut session: Session<$config>,
                Path(user): Path<String>,
            ) -> Result<String, Error> {
                session.label(format!("device of {user}"));
                session.login(&user)?;
                Ok(session.id().to_string())
            }

            #[session(create)]
            async fn slow_login(
                mut session: Session<$config>,
                Path(user): Path<String>,
                State(gates): State<Gates>,
            ) -> Result<String, Error> {
                let attempt = session.begin_login(&user).await?;
                gates.begun.notify_one();
                gates.checked.notified().await;
                session.login(attempt)?;
                Ok(session.id().to_string())
            }

            /// Begins in the store of the config, which is not that of the request.
            #[session(create)]
            async fn foreign_login(
                mut session: Session<$config>,
                Path(user): Path<String>,
            ) -> Result<(), Error> {
                session.login($config::begin_login(&user).await?)
            }

            #[session(load)]
            async fn me(session: Session<$config>) -> Json<Value> {
                Json(json!({
                    "user": session.subject(),
                    "level": session.level(),
                    "proved": session.authenticated_at().is_some(),
                }))
            }

            #[session(load)]
            async fn prove(mut session: Session<$config>) -> Result<(), Error> {
                session.reauthenticate()
            }

            /// Answers 200 though the login was not stored.
            #[session(create)]
            async fn ignoring(
                mut session: Session<$config>,
                Path(user): Path<String>,
            ) -> Result<String, Error> {
                session.login(&user)?;
                Ok(session.save().await.is_ok().to_string())
            }

            #[session(load)]
            async fn end(
                session: Session<$config>,
                Path(id): Path<SessionId>,
            ) -> Result<Json<bool>, Error> {
                let sessions = session.of_user().expect("logged in");
                Ok(Json(sessions.end(id).await?))
            }

            #[session(load)]
            async fn change(
                mut session: Session<$config>,
                State(gates): State<Gates>,
            ) -> Result<(), Error> {
                gates.begun.notify_one();
                gates.checked.notified().await;
                session.insert("changed", true)
            }

            #[session(load)]
            async fn reload(
                mut session: Session<$config>,
                State(gates): State<Gates>,
            ) -> Result<(), Error> {
                gates.begun.notify_one();
                gates.checked.notified().await;
                session.reload().await
            }

            #[session(load)]
            async fn maybe(session: Option<Session<$config>>) -> String {
                session.is_some().to_string()
            }

            async fn view(view: SessionView<$config>) -> String {
                view.id().to_string()
            }

            async fn maybe_view(view: Option<SessionView<$config>>) -> String {
                view.is_some().to_string()
            }

            pub(super) fn app(store: AnyStore<Untyped>, gates: &Gates) -> Router {
                Router::new()
                    .route("/open", post(open))
                    .route("/login/{user}", post(login))
                    .route("/slow-login/{user}", post(slow_login))
                    .route("/foreign-login/{user}", post(foreign_login))
                    .route("/me", get(me))
                    .route("/change", post(change))
                    .route("/reload", post(reload))
                    .route("/maybe", get(maybe))
                    .route("/view", get(view))
                    .route("/maybe-view", get(maybe_view))
                    .route("/prove", post(prove))
                    .route("/ignoring/{user}", post(ignoring))
                    .route("/end/{id}", post(end))
                    .with_state(gates.clone())
                    .layer($config::layer().with_store(store))
            }
        }
    };
}

handlers!(plain, Plain);
handlers!(two, Two);
handlers!(at_most_two, AtMostTwo);
handlers!(renewing, Renewing);
handlers!(strict, Strict);

/// A session as its client knows it.
#[derive(Clone, Default)]
struct Client {
    sid: String,
    id: String,
}

struct Server {
    app: Router,
    clock: FakeClock,
    store: MemoryStore<Untyped>,
    gates: Gates,
    faults: Faults,
}

impl Server {
    fn new(app: fn(AnyStore<Untyped>, &Gates) -> Router) -> Self {
        let clock = FakeClock::new();
        let store = MemoryStore::builder().clock(clock.clone()).build();
        let gates = Gates::default();
        // Each test has a store of its own.
        let own = FailingStore::new(store.clone()).of_another_process();
        let faults = own.faults();
        Self {
            app: app(AnyStore::new(own), &gates),
            clock,
            store,
            gates,
            faults,
        }
    }

    /// Sends a request; returns the status, the body, and the sid of the response.
    async fn send(
        &self,
        method: &str,
        path: &str,
        sid: &str,
    ) -> (StatusCode, String, Option<String>) {
        let mut request = Request::builder().method(method).uri(path);
        if !sid.is_empty() {
            request = request.header("X-User-Session", sid);
        }
        let request = request.body(Body::empty()).unwrap();
        let response = self.app.clone().oneshot(request).await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        let sid = headers.get("x-user-session");
        let sid = sid.map(|sid| sid.to_str().unwrap().to_owned());
        let body = response.into_body().collect().await.unwrap().to_bytes();
        (status, String::from_utf8(body.to_vec()).unwrap(), sid)
    }

    async fn log_in(&self, user: &str) -> Client {
        self.clock.advance(Duration::from_secs(1));
        let (status, id, sid) = self.send("POST", &format!("/login/{user}"), "").await;
        assert_eq!(status, 200, "{id}");
        Client {
            sid: sid.unwrap(),
            id,
        }
    }

    async fn json(&self, method: &str, path: &str, client: &Client) -> Value {
        let (status, body, _) = self.send(method, path, &client.sid).await;
        assert_eq!(status, 200, "{body}");
        serde_json::from_str(&body).unwrap()
    }

    async fn is_alive(&self, client: &Client) -> bool {
        let (status, ..) = self.send("GET", "/me", &client.sid).await;
        status == 200
    }

    async fn end_all<C: SessionConfig>(&self, user: &str) -> Vec<SessionId> {
        let key = connect_session::store::SubjectKey::new(C::OPTIONS.namespace, user);
        self.store.end_all(key, None).await.unwrap()
    }
}

fn problem(body: &str) -> String {
    let body: Value = serde_json::from_str(body).unwrap();
    let of_type = body["type"].as_str().unwrap();
    of_type.rsplit('#').next().unwrap().to_owned()
}

#[tokio::test]
async fn row_95_a_login_that_began_before_all_were_ended_is_refused() {
    let server = Arc::new(Server::new(plain::app));
    let other = server.log_in("ada").await;
    let login = tokio::spawn({
        let server = server.clone();
        async move { server.send("POST", "/slow-login/ada", "").await }
    });
    server.gates.begun.notified().await;
    assert_eq!(server.end_all::<Plain>("ada").await.len(), 1);
    server.gates.checked.notify_one();
    let (status, body, sid) = login.await.unwrap();
    assert_eq!(
        (status.as_u16(), problem(&body)),
        (409, "login-revoked".to_owned())
    );
    assert_eq!(sid, None);
    assert!(!server.is_alive(&other).await);

    // The same without an interruption, and one that takes too long.
    for (minutes, expected) in [(0, 200), (14, 200), (16, 409), (1_000, 409)] {
        let login = tokio::spawn({
            let server = server.clone();
            async move { server.send("POST", "/slow-login/ada", "").await }
        });
        server.gates.begun.notified().await;
        server.clock.advance(Duration::from_secs(60 * minutes));
        server.gates.checked.notify_one();
        let (status, body, _) = login.await.unwrap();
        assert_eq!(status.as_u16(), expected, "after {minutes} minutes: {body}");
    }
}

/// The mark of an end of all is forgotten after half an hour, also while a login is in progress.
#[tokio::test]
async fn row_95_a_login_during_which_a_mark_is_forgotten_is_accepted() {
    let server = Arc::new(Server::new(plain::app));
    server.end_all::<Plain>("ada").await;
    server.clock.advance(Duration::from_secs(60 * 29));
    let login = tokio::spawn({
        let server = server.clone();
        async move { server.send("POST", "/slow-login/ada", "").await }
    });
    server.gates.begun.notified().await;
    server.clock.advance(Duration::from_secs(60 * 2));
    // Whatever the store does for others meanwhile.
    for user in 0..1_000 {
        server.end_all::<Plain>(&user.to_string()).await;
    }
    server.gates.checked.notify_one();
    let (status, body, _) = login.await.unwrap();
    assert_eq!(status.as_u16(), 200, "{body}");
}

/// A text of this many bytes, with what a database may treat in another way.
fn long_user(bytes: usize) -> String {
    let part = "\0\"'\\`é🦀";
    let mut user = part.repeat(bytes / part.len());
    user.push_str(&"x".repeat(bytes - user.len()));
    user
}

#[tokio::test]
async fn row_94b_the_id_of_a_user_has_at_most_a_megabyte() {
    const MEGABYTE: usize = 1 << 20;
    session_config! {
        struct Long {}
    }
    #[session(create)]
    async fn login(mut session: Session<Long>, Path(bytes): Path<usize>) -> Result<(), Error> {
        session.login(long_user(bytes))
    }
    let app: Router = Router::new().route("/login/{bytes}", post(login));
    for (bytes, expected) in [(MEGABYTE, 200), (MEGABYTE + 1, 500)] {
        let request = Request::post(format!("/login/{bytes}")).body(Body::empty());
        let response = app.clone().oneshot(request.unwrap()).await.unwrap();
        assert_eq!(response.status().as_u16(), expected, "{bytes}");
        let body = response.into_body().collect().await.unwrap().to_bytes();
        if expected == 500 {
            assert_eq!(problem(&String::from_utf8_lossy(&body)), "unencodable");
        }
    }
    let sessions = Long::sessions();
    assert_eq!(sessions.count().await.unwrap(), 1);
    let user = long_user(MEGABYTE);
    assert_eq!(sessions.of(&user).list().await.unwrap().sessions.len(), 1);
    assert_eq!(sessions.of(&user).end_all().await.unwrap(), 1);
}

/// The marks of two stores say nothing about each other.
#[tokio::test]
async fn row_95a_an_attempt_of_another_store_is_a_mistake() {
    let server = Server::new(plain::app);
    let (status, body, sid) = server.send("POST", "/foreign-login/ada", "").await;
    let expected = (500, "store-mismatch".to_owned());
    assert_eq!((status.as_u16(), problem(&body)), expected);
    assert_eq!(sid, None);
    assert!(!body.contains("ada"), "{body}");
}

/// Wherever a session is optional or new, one that was replaced is none.
#[tokio::test]
async fn row_96_a_replaced_session_is_none() {
    let server = Server::new(two::app);
    let first = server.log_in("grace").await;
    server.log_in("grace").await;
    server.log_in("grace").await;
    for path in ["/maybe", "/maybe-view"] {
        let (status, body, sid) = server.send("GET", path, &first.sid).await;
        assert_eq!(
            (status.as_u16(), &*body, sid),
            (200, "false", None),
            "{path}"
        );
    }
    let (status, id, sid) = server.send("POST", "/open", &first.sid).await;
    assert_eq!(status, 200);
    assert_ne!(id, first.id);
    assert_ne!(sid.expect("a new session"), first.sid);
}

/// A request during which its session is replaced gets the answer of a session that ended.
#[tokio::test]
async fn row_96_a_session_is_replaced_during_a_request() {
    let server = Arc::new(Server::new(two::app));
    for path in ["/change", "/reload"] {
        let client = server.log_in("hedy").await;
        let waiting = tokio::spawn({
            let server = server.clone();
            async move { server.send("POST", path, &client.sid).await }
        });
        server.gates.begun.notified().await;
        server.log_in("hedy").await;
        server.log_in("hedy").await;
        server.gates.checked.notify_one();
        let (status, body, sid) = waiting.await.unwrap();
        let expected = (409, "session-ended".to_owned(), None);
        assert_eq!((status.as_u16(), problem(&body), sid), expected, "{path}");
    }
}

#[tokio::test]
async fn row_94_the_sessions_of_a_config_are_reached_without_a_request() {
    session_config! {
        struct Own {}
    }
    #[session(create)]
    async fn login(mut session: Session<Own>) -> Result<(), Error> {
        let attempt = Own::begin_login("ada").await?;
        session.login(attempt)
    }
    let app: Router = Router::new().route("/login", post(login));
    let send = || {
        let request = Request::post("/login").body(Body::empty()).unwrap();
        app.clone().oneshot(request)
    };
    assert_eq!(send().await.unwrap().status(), 200);
    assert_eq!(send().await.unwrap().status(), 200);
    let sessions = Own::sessions();
    let page = sessions.of("ada").list().await.unwrap();
    assert_eq!(
        (page.sessions.len(), sessions.count().await.unwrap()),
        (2, 2)
    );
    assert!(sessions.end(page.sessions[0].id).await.unwrap());
    assert!(!sessions.end(page.sessions[0].id).await.unwrap());
    assert_eq!(sessions.of("ada").count().await.unwrap(), 1);
    assert_eq!(sessions.of("ada").end_all().await.unwrap(), 1);
    assert_eq!(sessions.count().await.unwrap(), 0);
}

/// What a save could not store, the guard of its handler does not send again.
#[tokio::test]
async fn row_96a_a_save_that_is_refused_stores_nothing_later() {
    let server = Server::new(at_most_two::app);
    server.log_in("ada").await;
    server.log_in("ada").await;
    let other = server.log_in("bob").await;
    for sid in ["", &other.sid] {
        let (status, body, sid) = server.send("POST", "/ignoring/ada", sid).await;
        assert_eq!((status.as_u16(), &*body), (200, "false"));
        assert_eq!(sid, None);
    }
    let expected = json!({ "user": "bob", "level": 1, "proved": true });
    assert_eq!(server.json("GET", "/me", &other).await, expected);
    assert_eq!(server.end_all::<AtMostTwo>("ada").await.len(), 2);
}

#[tokio::test]
async fn row_94_each_step_of_a_login_is_an_event() {
    let server = Server::new(two::app);
    let client = server.log_in("eve").await;
    let seen = || {
        let mut events = EVENTS.lock().unwrap();
        let (own, rest) = std::mem::take(&mut *events)
            .into_iter()
            .partition(|event: &String| event.ends_with(&client.id));
        *events = rest;
        own
    };
    let event = |name: &str| format!("{name} {}", client.id);
    let _: Vec<String> = seen();
    let (status, _, sid) = server.send("POST", "/prove", &client.sid).await;
    assert_eq!(status, 200);
    assert_eq!(seen(), [event("reauthenticated")]);
    let sid = sid.expect("a new sid");
    let (status, ..) = server
        .send("POST", &format!("/end/{}", client.id), &sid)
        .await;
    assert_eq!(status, 200);
    assert_eq!(seen(), [event("revoked")]);
}

/// The events of a session since the last call, without its id.
fn events_of(client: &Client) -> Vec<String> {
    let mut events = EVENTS.lock().unwrap();
    let (own, rest) = std::mem::take(&mut *events)
        .into_iter()
        .partition(|event: &String| event.ends_with(&client.id));
    *events = rest;
    own.iter()
        .map(|event| event.replace(&format!(" {}", client.id), ""))
        .collect()
}

/// A store that does not know the sessions of a user.
struct WithoutIndex(MemoryStore<Untyped>);

impl Store<Untyped> for WithoutIndex {
    async fn insert(
        &self,
        key: Key,
        record: &NewRecord<Untyped>,
    ) -> Result<InsertOutcome<Untyped>, StoreError> {
        Store::insert(&self.0, key, record).await
    }

    async fn load(
        &self,
        key: Key,
        request: &LoadRequest,
    ) -> Result<LoadOutcome<Untyped>, StoreError> {
        Store::load(&self.0, key, request).await
    }

    async fn commit(
        &self,
        key: Key,
        change: &Change<Untyped>,
    ) -> Result<CommitOutcome<Untyped>, StoreError> {
        Store::commit(&self.0, key, change).await
    }

    async fn destroy(&self, key: Key) -> Result<bool, StoreError> {
        Store::destroy(&self.0, key).await
    }

    async fn count(&self, namespace: &'static str) -> Result<u64, StoreError> {
        Store::count(&self.0, namespace).await
    }
}

/// Whether a store that is chosen at run time knows the sessions of a user shows at run time.
#[tokio::test]
async fn row_94_a_store_that_is_chosen_at_run_time() {
    session_config! {
        struct Chosen { loaders: [header("X-Chosen-Session")], store: AnyStore<Untyped> = AnyStore::new(MemoryStore::new()), max_sessions: 1 }
    }
    Chosen::start().await.unwrap();
    assert_eq!(Chosen::sessions().of("ada").end_all().await.unwrap(), 0);

    session_config! {
        struct Unlimited { loaders: [header("X-Unlimited-Session")], store: AnyStore<Untyped> = AnyStore::new(WithoutIndex(MemoryStore::new())) }
    }
    Unlimited::start().await.unwrap();
    let error = Unlimited::sessions().of("ada").list().await.unwrap_err();
    assert_eq!(
        (error.kind(), error.status().as_u16()),
        (ErrorKind::NoSubjectIndex, 500)
    );

    session_config! {
        struct Limited {
            loaders: [header("X-Limited-Session")],
            store: AnyStore<Untyped> = AnyStore::new(WithoutIndex(MemoryStore::new())),
            max_sessions: 1,
        }
    }
    session_config! {
        struct Watched {
            loaders: [header("X-Watched-Session")],
            store: AnyStore<Untyped> = AnyStore::new(WithoutIndex(MemoryStore::new())),
            renew_every: 10m,
            on_reuse: end,
        }
    }
    let error = Watched::start().await.unwrap_err().to_string();
    assert!(error.contains("leave `on_reuse` out"), "{error}");
    let error = Limited::start().await.unwrap_err().to_string();
    assert!(
        error.contains("leave `max_sessions` out, or use another store"),
        "{error}"
    );
}
