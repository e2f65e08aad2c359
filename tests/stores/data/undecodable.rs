//! Sessions whose data another version of the program has written, and this version cannot decode.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::response::IntoResponse as _;
use axum::routing::post;
use connect_session::store::{
    CommitId, DataFormat, Lifetime, LoadOutcome, LoadRequest, NewRecord, Renewal, SecretHash,
    Store as _, StoreError, Transport,
};
use connect_session::{Error, Event, Session, SessionData, session, session_config};
use http::{Request, Response, StatusCode};
use serde::{Deserialize, Serialize};
use tower::service_fn;

use super::on_every_store;
use super::stores::Stores;
use super::tools::send;
use crate::fixture::{Opened, error_chain, mint, request};

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Old {
    note: String,
    number: String,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct New {
    note: String,
    number: u8,
}

session_config! {
    struct Before { data: Old, namespace: "undecodable", on_event: note }
}

session_config! {
    struct Rejecting { data: New, namespace: "undecodable", on_event: note }
}

session_config! {
    struct Replacing {
        data: New,
        namespace: "undecodable",
        on_undecodable: replace,
        on_event: note,
    }
}

static EVENTS: Mutex<Vec<String>> = Mutex::new(Vec::new());

fn note(event: &Event<'_>) {
    EVENTS.lock().unwrap().push(event.to_string());
}

/// The events of a session, and forgets them.
fn events_of(id: &str) -> Vec<String> {
    let mut events = EVENTS.lock().unwrap();
    let (of_id, others) = events.drain(..).partition(|event| event.contains(id));
    *events = others;
    of_id
}

#[session(create)]
async fn write_old(mut session: Session<Before>) -> String {
    "hunter2".clone_into(&mut session.number);
    session.id().to_string()
}

#[session(load)]
async fn load_old(session: Session<Before>) -> String {
    session.number.clone()
}

/// What a logout does.
async fn end(session: Option<Session<Rejecting>>) -> Result<StatusCode, Error> {
    if let Some(session) = session {
        session.destroy().await?;
    }
    Ok(StatusCode::NO_CONTENT)
}

macro_rules! handlers {
    ($config:ident, $module:ident) => {
        mod $module {
            use super::*;

            #[session(create)]
            pub async fn create(session: Session<$config>) -> String {
                session.id().to_string()
            }

            #[session(load)]
            pub async fn load(session: Session<$config>) -> String {
                session.id().to_string()
            }

            #[session(load)]
            pub async fn optional(session: Option<Session<$config>>) -> String {
                session.map_or("none".to_owned(), |session| session.id().to_string())
            }
        }
    };
}

handlers!(Rejecting, rejecting);
handlers!(Replacing, replacing);

#[session(create, lazy)]
async fn read_lazily(session: Session<Rejecting>) -> String {
    session.note.clone()
}

#[session(create, lazy)]
async fn change_lazily(mut session: Session<Rejecting>) -> String {
    "new".clone_into(&mut session.note);
    session.id().to_string()
}

#[session(create)]
async fn create_and_fail(_session: Session<Rejecting>) -> Result<String, StatusCode> {
    Err(StatusCode::IM_A_TEAPOT)
}

#[session(load, on_undecodable = replace)]
async fn logout(session: Option<Session<Rejecting>>) -> Result<StatusCode, Error> {
    end(session).await
}

#[session(load, http, on_undecodable = replace)]
async fn logout_http(
    _: Request<Body>,
    session: Option<Session<Rejecting>>,
) -> Result<Response<Body>, Error> {
    let status = end(session).await?;
    Ok((status, "").into_response())
}

async fn logout_service(request: Request<Body>) -> Result<Response<Body>, Infallible> {
    Ok(logout_http(request).await.into_response())
}

fn app(stores: &Stores) -> Router {
    let rejecting = Router::new()
        .route("/create", post(rejecting::create))
        .route("/lazy", post(read_lazily))
        .route("/fill", post(change_lazily))
        .route("/fail", post(create_and_fail))
        .route("/load", post(rejecting::load))
        .route("/optional", post(rejecting::optional))
        .route("/logout", post(logout))
        .route_service("/logout_http", service_fn(logout_service))
        .layer(Rejecting::layer().with_store(stores.of::<New>()));
    let replacing = Router::new()
        .route("/create", post(replacing::create))
        .route("/load", post(replacing::load))
        .route("/optional", post(replacing::optional))
        .layer(Replacing::layer().with_store(stores.of::<New>()));
    Router::new()
        .route("/old", post(write_old).get(load_old))
        .layer(Before::layer().with_store(stores.of::<Old>()))
        .nest("/rejecting", rejecting)
        .nest("/replacing", replacing)
}

async fn row_37c_an_undecodable_session_is_a_500_and_stays(stores: &Stores) {
    if stores.is_live() {
        return;
    }
    let app = app(stores);
    let (_, sid, id) = send(&app, "POST", "/old", "").await;
    for how in ["load", "optional"] {
        events_of(&id);
        let path = format!("/rejecting/{how}");
        let (status, fresh, body) = send(&app, "POST", &path, &sid).await;
        assert_eq!((status, &*fresh), (500, ""), "{how}");
        assert!(body.contains("#undecodable"), "{body}");
        let events = events_of(&id).join("\n");
        assert!(
            events.contains("`number`") && events.contains("wrong type"),
            "{events}"
        );
        assert!(!events.contains("hunter2"), "{events}");
    }
    let (status, _, body) = send(&app, "GET", "/old", &sid).await;
    assert_eq!((status, &*body), (200, "hunter2"));
}

async fn row_37k_create_replaces_an_undecodable_session(stores: &Stores) {
    if stores.is_live() {
        return;
    }
    let app = app(stores);
    for how in ["create", "fill"] {
        let (_, sid, id) = send(&app, "POST", "/old", "").await;
        let forged = format!("{}{}", &sid[..24], "A".repeat(40));
        for (how, sent, expected) in [
            ("fail", &sid, 418),
            ("lazy", &sid, 200),
            (how, &forged, 200),
        ] {
            let (status, ..) = send(&app, "POST", &format!("/rejecting/{how}"), sent).await;
            assert_eq!(status, expected, "{how}");
            let (status, ..) = send(&app, "GET", "/old", &sid).await;
            assert_eq!(status, 200, "{how} has ended the session");
        }
        events_of(&id);
        let (status, fresh, new_id) = send(&app, "POST", &format!("/rejecting/{how}"), &sid).await;
        assert_eq!(status, 200, "{how}: {new_id}");
        assert_ne!(new_id, id);
        let events = events_of(&id).join("\n");
        assert!(
            events.contains("`number`") && events.contains("session discarded"),
            "{events}"
        );
        let (status, ..) = send(&app, "GET", "/old", &sid).await;
        assert_eq!(status, 401, "{how} has not ended the session");
        let (status, _, found) = send(&app, "POST", "/rejecting/load", &fresh).await;
        assert_eq!((status, found), (200, new_id));
    }
}

async fn row_37l_a_logout_can_end_an_undecodable_session(stores: &Stores) {
    if stores.is_live() {
        return;
    }
    let app = app(stores);
    for how in ["/rejecting/logout", "/rejecting/logout_http"] {
        let (_, sid, id) = send(&app, "POST", "/old", "").await;
        let forged = format!("{}{}", &sid[..24], "A".repeat(40));
        let (status, ..) = send(&app, "POST", how, &forged).await;
        assert_eq!(status, 204);
        let (status, ..) = send(&app, "GET", "/old", &sid).await;
        assert_eq!(status, 200, "a wrong secret has ended the session");
        events_of(&id);
        let (status, _, body) = send(&app, "POST", how, &sid).await;
        assert_eq!((status, &*body), (204, ""), "{how}");
        let events = events_of(&id).join("\n");
        assert!(events.contains("session discarded"), "{events}");
        let (status, ..) = send(&app, "GET", "/old", &sid).await;
        assert_eq!(status, 401, "{how} has not ended the session");
    }
}

async fn row_37d_an_undecodable_session_is_replaced(stores: &Stores) {
    if stores.is_live() {
        return;
    }
    let app = app(stores);
    for (how, expected) in [("load", 401), ("optional", 200), ("create", 200)] {
        let (_, sid, id) = send(&app, "POST", "/old", "").await;
        // A wrong secret ends nothing.
        let forged = format!("{}{}", &sid[..24], "A".repeat(40));
        let (status, ..) = send(&app, "POST", "/replacing/load", &forged).await;
        assert_eq!(status, 401);
        let (status, ..) = send(&app, "GET", "/old", &sid).await;
        assert_eq!(status, 200, "a wrong secret has ended the session");
        events_of(&id);
        let (status, fresh, body) = send(&app, "POST", &format!("/replacing/{how}"), &sid).await;
        assert_eq!(status, expected, "{how}: {body}");
        assert_eq!(fresh.is_empty(), how != "create");
        assert_ne!(body, id);
        let events = events_of(&id).join("\n");
        assert!(
            events.contains("`number`") && events.contains("session discarded"),
            "{events}"
        );
        let (status, ..) = send(&app, "GET", "/old", &sid).await;
        assert_eq!(status, 401, "{how} has not ended the session");
        if how == "create" {
            let (status, _, found) = send(&app, "POST", "/replacing/load", &fresh).await;
            assert_eq!((status, found), (200, body));
        }
    }
}

/// A load that is always due for a touch.
fn touching(opened: Opened) -> LoadRequest {
    LoadRequest {
        touch_every: Some(Duration::ZERO),
        ..request(opened.secret)
    }
}

async fn inserted<D: SessionData>(stores: &Stores, data: D) -> Opened {
    let opened = mint();
    let record = NewRecord {
        secret: opened.secret,
        transport: Transport::Other,
        data: Arc::new(data),
        login: None,
        label: None,
        lifetime: Lifetime::new(Duration::from_secs(600), Duration::from_secs(600)),
        commit_id: CommitId::random(),
        first_use_timeout: None,
        max_size: 1 << 20,
        format: DataFormat::FIRST,
    };
    stores.of::<D>().insert(opened.key, &record).await.unwrap();
    opened
}

async fn row_37e_a_load_that_cannot_decode_slides_no_deadline(stores: &Stores) {
    if stores.is_live() {
        return;
    }
    let old = Old {
        number: "hunter2".to_owned(),
        ..Old::default()
    };
    let opened = inserted(stores, old).await;
    let (readable, unreadable) = (stores.of::<Old>(), stores.of::<New>());
    let idle_until = async |request: &LoadRequest| {
        let loaded: LoadOutcome<Old> = readable.load(opened.key, request).await.unwrap();
        loaded.found().unwrap().deadlines.idle_until
    };
    // Without a touch: a touch is due only after a tenth of the idle time.
    let before = idle_until(&request(opened.secret)).await;
    let start = Instant::now();
    // Deadlines have whole milliseconds, so after some of them a touch would show.
    while start.elapsed() < Duration::from_millis(10) {
        let error = unreadable.load(opened.key, &touching(opened)).await;
        let error = error.expect_err("a text is not a number");
        assert!(
            matches!(&error, StoreError::Undecodable { field: Some(field), .. } if field == "number")
        );
        assert!(
            error_chain(&error).ends_with("wrong type"),
            "{}",
            error_chain(&error)
        );
    }
    assert_eq!(idle_until(&request(opened.secret)).await, before);
    assert!(
        idle_until(&touching(opened)).await > before,
        "no touch was due"
    );
    // It can be ended.
    assert!(unreadable.destroy(opened.key).await.unwrap());
    let ended = readable.load(opened.key, &request(opened.secret)).await;
    assert!(ended.unwrap().found().is_none());
}

/// What a load learns without the session: nothing of its data, decodable or not.
async fn row_37e_an_outdated_secret_of_an_undecodable_session_is_unknown(stores: &Stores) {
    if stores.is_live() {
        return;
    }
    let opened = inserted(stores, Old::default()).await;
    let (readable, unreadable) = (stores.of::<Old>(), stores.of::<New>());
    let candidate = SecretHash::from_bytes([3; 32]);
    let renewal = Some(Renewal {
        every: Duration::ZERO,
        grace: Duration::ZERO,
        candidate,
    });
    for secret in [opened.secret, candidate] {
        let renewing = LoadRequest {
            secret,
            renewal,
            ..touching(opened)
        };
        let loaded = readable.load(opened.key, &renewing).await.unwrap();
        assert!(loaded.found().is_some());
    }
    let current = LoadRequest {
        secret: candidate,
        ..request(opened.secret)
    };
    let cookie = LoadRequest {
        transport: Transport::Cookie,
        ..current
    };
    let wrong = LoadRequest {
        secret: SecretHash::from_bytes([4; 32]),
        ..current
    };
    for request in [request(opened.secret), touching(opened), cookie, wrong] {
        let loaded = unreadable.load(opened.key, &request).await;
        let loaded = loaded.expect("it is unknown to this request");
        assert!(loaded.found().is_none(), "{request:?}");
    }
    assert!(unreadable.load(opened.key, &current).await.is_err());
}

on_every_store! {
    row_37c_an_undecodable_session_is_a_500_and_stays
    row_37d_an_undecodable_session_is_replaced
    row_37k_create_replaces_an_undecodable_session
    row_37l_a_logout_can_end_an_undecodable_session
    row_37e_a_load_that_cannot_decode_slides_no_deadline
    row_37e_an_outdated_secret_of_an_undecodable_session_is_unknown
}
