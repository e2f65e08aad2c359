//! The sessions of the handlers here, and a client that reads a response as it comes.

use std::net::SocketAddr;
use std::sync::Arc;

use connect_session::testing::FailingStore;
use connect_session::{Session, session_config, store::MemoryStore};
use futures_util::{SinkExt as _, StreamExt as _};
use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt as _, Empty};
use hyper::body::{Bytes, Incoming};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio_tungstenite::tungstenite::Message;

#[derive(Clone, Default, serde::Serialize, serde::Deserialize)]
pub(crate) struct Cart {
    pub(crate) items: Vec<String>,
}

session_config! {
    pub(crate) struct Shop {
        data: Cart,
    }
}

pub(crate) type Store = FailingStore<MemoryStore<Cart>>;

pub(crate) fn store() -> Store {
    FailingStore::new(MemoryStore::default())
}

/// Where a stream waits until its test has looked at what is there so far.
pub(crate) type Gate = Arc<Notify>;

pub(crate) fn sid(headers: &HeaderMap) -> String {
    headers["x-user-session"].to_str().unwrap().to_owned()
}

pub(crate) async fn get(address: SocketAddr, path: &str, sid: &str) -> Response<Incoming> {
    let stream = TcpStream::connect(address).await.unwrap();
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .unwrap();
    tokio::spawn(connection);
    let request = Request::get(path)
        .header("Host", "shop.example.com")
        .header("X-User-Session", sid);
    let request = request.body(Empty::<Bytes>::new()).unwrap();
    sender.send_request(request).await.unwrap()
}

pub(crate) async fn text(response: Response<Incoming>) -> String {
    let body = response.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(body.to_vec()).unwrap()
}

/// What a handler's stream does when the response is already under way.
pub(crate) async fn save_inside(mut session: Session<Shop>, gate: Gate) -> &'static str {
    gate.notified().await;
    session.items.push("from the stream".to_owned());
    session.save().await.unwrap();
    "data: saved\n\n"
}

/// `/events` begins a session and saves it in its stream; `/items` shows it.
pub(crate) async fn events_are_sent_with_a_session(address: SocketAddr, gate: Gate) {
    let response = get(address, "/events", "").await;
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    assert_eq!(response.headers()["cache-control"], "no-store");
    let sid = sid(response.headers());
    // Nothing of the stream has come, and the session is there.
    assert_eq!(text(get(address, "/items", &sid).await).await, "[]");
    gate.notify_one();
    assert_eq!(text(response).await, "data: saved\n\n");
    let items = text(get(address, "/items", &sid).await).await;
    assert_eq!(items, r#"["from the stream"]"#);
}

/// `/socket` begins a session, and saves it at the first message that it gets.
pub(crate) async fn a_socket_is_opened_with_a_session(address: SocketAddr, gate: Gate) {
    let url = format!("ws://{address}/socket");
    let (mut socket, head) = tokio_tungstenite::connect_async(url).await.unwrap();
    assert_eq!(head.status(), 101);
    let sid = sid(head.headers());
    assert_eq!(text(get(address, "/items", &sid).await).await, "[]");
    gate.notify_one();
    socket.send(Message::text("save")).await.unwrap();
    let answer = socket.next().await.unwrap().unwrap();
    assert_eq!(answer.into_text().unwrap().as_str(), "data: saved\n\n");
    let items = text(get(address, "/items", &sid).await).await;
    assert_eq!(items, r#"["from the stream"]"#);
    // Nobody without a session gets a socket where one is needed.
    let url = format!("ws://{address}/needed");
    let refused = tokio_tungstenite::connect_async(url).await.unwrap_err();
    assert!(refused.to_string().contains("401"), "{refused}");
}
