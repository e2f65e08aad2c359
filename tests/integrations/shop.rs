//! The config of these handlers, and a client that reads streaming responses.

use std::net::SocketAddr;
use std::sync::Arc;

use connect_session::testing::FailingStore;
use connect_session::{Error, Session, session_config, store::MemoryStore};
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

/// A stream waits for it until the test has checked what was sent so far.
pub(crate) type Signal = Arc<Notify>;

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

/// Saves the session within a stream, while the response is being sent.
pub(crate) async fn save_inside(mut session: Session<Shop>, signal: Signal) -> &'static str {
    signal.notified().await;
    session.items.push("from the stream".to_owned());
    session.save().await.unwrap();
    "data: saved\n\n"
}

/// `/events` creates a session and saves it in its stream; `/items` returns its items.
pub(crate) async fn assert_events_save_the_session(address: SocketAddr, signal: Signal) {
    let response = get(address, "/events", "").await;
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    assert_eq!(response.headers()["cache-control"], "no-store");
    let sid = sid(response.headers());
    // The session is stored before the stream sends anything.
    assert_eq!(text(get(address, "/items", &sid).await).await, "[]");
    signal.notify_one();
    assert_eq!(text(response).await, "data: saved\n\n");
    let items = text(get(address, "/items", &sid).await).await;
    assert_eq!(items, r#"["from the stream"]"#);
    // The stream of a session that exists already is private, whatever the framework sets.
    let again = get(address, "/events", &sid).await;
    assert_eq!(again.headers()["cache-control"], "private, no-cache");
}

/// `/socket` creates a session, and saves it after the first message.
pub(crate) async fn assert_socket_saves_the_session(address: SocketAddr, signal: Signal) {
    let url = format!("ws://{address}/socket");
    let (mut socket, head) = tokio_tungstenite::connect_async(url).await.unwrap();
    assert_eq!(head.status(), 101);
    let sid = sid(head.headers());
    assert_eq!(text(get(address, "/items", &sid).await).await, "[]");
    signal.notify_one();
    socket.send(Message::text("save")).await.unwrap();
    let message = socket.next().await.unwrap().unwrap();
    assert_eq!(message.into_text().unwrap().as_str(), "data: saved\n\n");
    let items = text(get(address, "/items", &sid).await).await;
    assert_eq!(items, r#"["from the stream"]"#);
    // A socket that requires a session is rejected without one.
    let url = format!("ws://{address}/needed");
    let refused = tokio_tungstenite::connect_async(url).await.unwrap_err();
    assert!(refused.to_string().contains("401"), "{refused}");
}

/// Stores one message of a socket, and returns the number of messages so far.
pub(crate) async fn update_inside(
    session: &mut Session<Shop>,
    message: String,
) -> Result<String, Error> {
    let add = |cart: &mut Cart| {
        cart.items.push(message.clone());
        cart.items.len()
    };
    Ok(session.update(add).await?.to_string())
}

/// `/chat` creates a session, stores each message in it with `update`, and closes the socket when
/// the session has ended; `/leave` ends the session.
pub(crate) async fn assert_socket_updates_the_session(address: SocketAddr, _: Signal) {
    let url = format!("ws://{address}/chat");
    let (mut socket, head) = tokio_tungstenite::connect_async(url).await.unwrap();
    let sid = sid(head.headers());
    for (message, items) in [("one", r#"["one"]"#), ("two", r#"["one","two"]"#)] {
        socket.send(Message::text(message)).await.unwrap();
        let message = socket.next().await.unwrap().unwrap();
        let count = items.split(',').count().to_string();
        assert_eq!(message.into_text().unwrap().as_str(), count);
        assert_eq!(text(get(address, "/items", &sid).await).await, items);
    }
    assert_eq!(get(address, "/leave", &sid).await.status(), 200);
    socket.send(Message::text("three")).await.unwrap();
    let end = socket.next().await.unwrap().unwrap();
    assert!(end.is_close(), "{end}");
    assert_eq!(get(address, "/items", &sid).await.status(), 401);
}
