//! The handshake of a WebSocket over HTTP/2 is an extended CONNECT (RFC 8441), without `Upgrade`.

use axum::Router;
use axum::body::Bytes;
use axum::extract::WebSocketUpgrade;
use axum::response::Response;
use axum::routing::any;
use connect_session::{Session, session, session_config};
use h2::client::{self, SendRequest};
use h2::ext::Protocol;
use http::header::{COOKIE, ORIGIN, SET_COOKIE};
use http::{HeaderName, Method, Request, StatusCode};
use tokio::net::{TcpListener, TcpStream};

session_config! {
    struct Site { loaders: [cookie("__Host-sid")] }
}

#[session(create)]
async fn login(session: Session<Site>) {
    drop(session);
}

#[session(load)]
async fn chat(session: Session<Site>, socket: WebSocketUpgrade) -> Response {
    drop(session);
    socket.on_upgrade(|_| async {})
}

async fn connect() -> SendRequest<Bytes> {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let app = Router::new()
        .route("/login", any(login))
        .route("/chat", any(chat));
    tokio::spawn(async { axum::serve(listener, app).await.unwrap() });
    let stream = TcpStream::connect(address).await.unwrap();
    let (client, connection) = client::handshake(stream).await.unwrap();
    tokio::spawn(async { connection.await.unwrap() });
    client
}

/// Sends a request without a body; returns its response.
async fn send(
    client: &SendRequest<Bytes>,
    method: Method,
    path: &str,
    headers: &[(HeaderName, &str)],
) -> http::Response<h2::RecvStream> {
    let mut client = client.clone().ready().await.unwrap();
    let mut request = Request::new(());
    *request.uri_mut() = format!("https://shop.example.com{path}").parse().unwrap();
    let is_handshake = method == Method::CONNECT;
    *request.method_mut() = method;
    if is_handshake {
        request
            .extensions_mut()
            .insert(Protocol::from_static("websocket"));
        request
            .headers_mut()
            .insert("sec-websocket-version", "13".parse().unwrap());
    }
    for (name, value) in headers {
        request.headers_mut().insert(name, value.parse().unwrap());
    }
    let (response, _) = client.send_request(request, !is_handshake).unwrap();
    response.await.unwrap()
}

#[tokio::test]
async fn a_handshake_from_another_origin_is_refused() {
    let client = connect().await;
    let opened = send(&client, Method::POST, "/login", &[]).await;
    let cookie = opened.headers()[SET_COOKIE].to_str().unwrap();
    let cookie = cookie.split(';').next().unwrap();
    let from = |origin| [(COOKIE, cookie), (ORIGIN, origin)];
    // By now, the server has announced that it accepts such requests.
    let own = from("https://shop.example.com");
    let own = send(&client, Method::CONNECT, "/chat", &own).await;
    assert_eq!(own.status(), StatusCode::OK);
    // The request target has the scheme https.
    for origin in [
        "https://blog.example.com",
        "http://shop.example.com",
        "null",
    ] {
        let refused = send(&client, Method::CONNECT, "/chat", &from(origin)).await;
        assert_eq!(refused.status(), StatusCode::FORBIDDEN, "{origin}");
    }
}
