//! actix-session on Redis, with its defaults. An application of actix-web stays on one thread, so the client
//! sends its requests there.

use std::rc::Rc;

use actix_session::storage::RedisSessionStore;
use actix_session::{Session, SessionMiddleware};
use actix_web::body::to_bytes;
use actix_web::cookie::Key;
use actix_web::dev::{Service, ServiceResponse};
use actix_web::http::header;
use actix_web::test::{TestRequest, init_service};
use actix_web::web::post;
use actix_web::{App, Error};
use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{Response, StatusCode};
use tokio::sync::{mpsc, oneshot};
use tokio::task::LocalSet;

use super::client::Client;
use super::place::Place;
use crate::data::Data;

struct Sent {
    path: String,
    cookie: Option<String>,
    reply: oneshot::Sender<Response<Body>>,
}

/// A client of an application on a thread of its own.
pub async fn client(place: &Place) -> Client {
    let (sender, receiver) = mpsc::unbounded_channel();
    let (url, prefix) = (place.url.clone(), place.name_of("actix_session"));
    std::thread::spawn(move || serve(url, prefix, receiver));
    Client::by_cookie(Router::new().fallback(forward).with_state(sender))
}

async fn forward(
    State(sender): State<mpsc::UnboundedSender<Sent>>,
    request: Request,
) -> Response<Body> {
    let cookie = request.headers().get(axum::http::header::COOKIE);
    let (reply, replied) = oneshot::channel();
    let sent = Sent {
        path: request.uri().path().to_owned(),
        cookie: cookie.map(|cookie| cookie.to_str().expect("a cookie").to_owned()),
        reply,
    };
    assert!(sender.send(sent).is_ok(), "the application runs");
    replied.await.expect("a response")
}

fn serve(url: String, prefix: String, mut receiver: mpsc::UnboundedReceiver<Sent>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    LocalSet::new().block_on(&runtime, async {
        let store =
            RedisSessionStore::builder(url).cache_keygen(move |key| format!("{prefix}{key}"));
        let store = store.build().await.expect("a store");
        let app = App::new()
            .route("/read", post().to(read))
            .route("/write", post().to(write))
            .route("/create", post().to(create))
            .route("/seed", post().to(seed))
            .route("/destroy", post().to(destroy))
            .wrap(SessionMiddleware::new(store, Key::generate()));
        let app = Rc::new(init_service(app).await);
        while let Some(sent) = receiver.recv().await {
            let app = app.clone();
            tokio::task::spawn_local(async move {
                let mut request = TestRequest::post().uri(&sent.path);
                if let Some(cookie) = sent.cookie {
                    request = request.insert_header((header::COOKIE, cookie));
                }
                let response = app.call(request.to_request()).await;
                let _ = sent.reply.send(converted(response).await);
            });
        }
    });
}

/// The response with the types of the client.
async fn converted(response: Result<ServiceResponse, Error>) -> Response<Body> {
    let response = response.expect("a response");
    let status = StatusCode::from_u16(response.status().as_u16()).expect("a status");
    let mut converted = Response::builder().status(status);
    for cookie in response.headers().get_all(header::SET_COOKIE) {
        converted = converted.header(axum::http::header::SET_COOKIE, cookie.as_bytes());
    }
    let body = to_bytes(response.into_body()).await.expect("a whole body");
    converted.body(Body::from(body)).expect("a response")
}

fn visits(session: &Session) -> u64 {
    session.get("visits").expect("a number").unwrap_or(0)
}

async fn read(session: Session) -> String {
    visits(&session).to_string()
}

async fn write(session: Session) -> String {
    let visits = visits(&session) + 1;
    session.insert("visits", visits).expect("a number");
    visits.to_string()
}

async fn create(session: Session) -> String {
    session.insert("visits", 1).expect("a number");
    let items = Data::seed().items;
    session.insert("items", items).expect("plain data");
    1.to_string()
}

async fn seed(session: Session) -> String {
    session.insert("visits", 41).expect("a number");
    let items = Data::seed().items;
    session.insert("items", items).expect("plain data");
    41.to_string()
}

async fn destroy(session: Session) -> String {
    session.purge();
    0.to_string()
}
