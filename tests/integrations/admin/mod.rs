//! The page and the API for administrators, on axum.

mod access;
mod api;
mod mounts;
mod page;
mod stores;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::routing::post;
use connect_session::admin::Access;
use connect_session::store::{
    AnyStore, CommitId, DataFormat, InsertOutcome, Key, Lifetime, MemoryStore, NewLogin, NewRecord,
    SecretHash, Store, Transport,
};
use connect_session::{Session, SessionId, Untyped, session, session_config};
use http::header::HeaderMap;
use http::{HeaderName, Method, Request, StatusCode};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tower::ServiceExt as _;

const NAMESPACE: &str = "admin-tests";

session_config! {
    struct Shop {
        namespace: NAMESPACE,
        store: AnyStore<Untyped> = AnyStore::new(MemoryStore::new()),
        on_event: access::record,
    }
}

/// A caller with the header `x-role: read`, `end` or `unclear`.
async fn by_role(head: Request<()>) -> Result<Access, std::io::Error> {
    match head
        .headers()
        .get("x-role")
        .map(http::HeaderValue::as_bytes)
    {
        Some(b"read") => Ok(Access::Read),
        Some(b"end") => Ok(Access::ReadAndEnd),
        Some(b"unclear") => Err(std::io::Error::other("the staff's database is down")),
        _ => Ok(Access::Denied),
    }
}

/// Logs in as the user in the body.
#[session(create)]
async fn log_in(mut session: Session<Shop>, user: String) -> Result<(), connect_session::Error> {
    session.login(user)?;
    session.label("phone");
    Ok(())
}

/// The page of sessions in a store.
fn app(store: impl Store<Untyped>) -> Router {
    Router::new()
        .route("/log-in", post(log_in))
        .nest_service("/admin", Shop::admin(by_role).show(["visits"]))
        .layer(Shop::layer().with_store(store))
}

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: String,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    fn header(&self, name: impl http::header::AsHeaderName) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    /// The `action` of each form, as the browser reads it.
    fn actions(&self) -> Vec<String> {
        let actions = self.body.split(" action=\"").skip(1);
        let actions = actions.map(|rest| rest.split('"').next().unwrap());
        actions.map(|action| action.replace("&amp;", "&")).collect()
    }
}

async fn send(app: &Router, request: Request<Body>) -> Answer {
    let (head, body) = app.clone().oneshot(request).await.unwrap().into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    Answer {
        status: head.status,
        headers: head.headers,
        body: String::from_utf8(body.into()).unwrap(),
    }
}

/// Sends a request of a caller with this role; `path` is below the mount.
async fn ask(app: &Router, role: &str, method: Method, path: &str) -> Answer {
    ask_with(app, role, method, path, []).await
}

async fn ask_with<const N: usize>(
    app: &Router,
    role: &str,
    method: Method,
    path: &str,
    headers: [(HeaderName, &str); N],
) -> Answer {
    let mut request = Request::new(Body::empty());
    *request.method_mut() = method;
    *request.uri_mut() = format!("/admin{path}").parse().unwrap();
    request
        .headers_mut()
        .insert("host", "shop.example".parse().unwrap());
    request
        .headers_mut()
        .insert("x-role", role.parse().unwrap());
    for (name, value) in headers {
        request.headers_mut().insert(name, value.parse().unwrap());
    }
    send(app, request).await
}

async fn get(app: &Router, path: &str) -> Answer {
    ask(app, "end", Method::GET, path).await
}

/// What a stored session has.
#[derive(Default)]
struct Stored<'a> {
    subject: Option<&'a str>,
    label: Option<&'a str>,
    data: Option<Value>,
}

async fn insert(store: &impl Store<Untyped>, number: u32, session: Stored<'_>) -> SessionId {
    let mut bytes = [7; 16];
    // The random half of an id is unique.
    bytes[12..].copy_from_slice(&number.to_be_bytes());
    let id = SessionId::from_bytes(bytes);
    let data = session.data.unwrap_or_else(|| json!({}));
    let record = NewRecord {
        secret: SecretHash::from_bytes([9; 32]),
        transport: Transport::Other,
        data: Arc::new(serde_json::from_value(data).unwrap()),
        login: session.subject.map(NewLogin::new),
        label: session.label.map(Into::into),
        lifetime: Lifetime::new(Duration::from_secs(1_800), Duration::from_secs(43_200)),
        first_use_timeout: None,
        commit_id: CommitId::random(),
        max_size: 1 << 22,
        format: DataFormat::FIRST,
    };
    let namespace = NAMESPACE;
    let inserted = store.insert(Key { namespace, id }, &record).await.unwrap();
    assert!(matches!(inserted, InsertOutcome::Done { .. }));
    id
}

fn user(subject: &str) -> Stored<'_> {
    Stored {
        subject: Some(subject),
        ..Stored::default()
    }
}
