//! A stream of events depends on the session, so no shared cache may store it, whatever the framework or the
//! handler sets. The tests of the other frameworks are beside their sockets.

use crate::shop::Shop;
use connect_session::{Session, session};
use futures_util::stream;

/// What a stream of events usually sets, and what it becomes.
const CACHE: [(&str, &str); 3] = [
    ("no-cache", "private, no-cache"),
    ("public, max-age=1", "private, max-age=1"),
    ("", "private, no-cache"),
];

fn event(session: Session<Shop>) -> Result<String, std::io::Error> {
    Ok(format!("data: {}\n\n", session.items.len()))
}

#[cfg(feature = "poem")]
mod on_poem {
    use ::poem::test::TestClient;
    use ::poem::{Body, EndpointExt as _, Request, Response, Route, get, handler};

    use super::*;

    #[session(create)]
    #[handler]
    async fn open(session: Session<Shop>) -> String {
        session.sid().unwrap().expose()
    }

    #[session(load)]
    #[handler]
    async fn events(session: Session<Shop>, request: &Request) -> Response {
        let mut response = Response::builder().content_type("text/event-stream");
        if let Some(cache) = request.header("x-cache") {
            response = response.header("Cache-Control", cache);
        }
        let events = stream::once(async { event(session) });
        response.body(Body::from_bytes_stream(events))
    }

    #[tokio::test]
    async fn row_24b_a_stream_of_a_session_is_private() {
        let app = Route::new()
            .at("/open", get(open))
            .at("/events", get(events));
        let client = TestClient::new(app.with(Shop::layer()));
        let sid = client.get("/open").send().await.0.into_body();
        let sid = sid.into_string().await.unwrap();
        for (set, expected) in CACHE {
            let mut request = client.get("/events").header("X-User-Session", &sid);
            if !set.is_empty() {
                request = request.header("x-cache", set);
            }
            let response = request.send().await;
            response.assert_header("cache-control", expected);
            response.assert_text("data: 0\n\n").await;
        }
    }
}

#[cfg(feature = "salvo")]
mod on_salvo {
    use ::salvo::test::{ResponseExt as _, TestClient};
    use ::salvo::{Request, Response, Router, Service, Writer as _, handler};
    use http::{HeaderValue, header};

    use super::*;

    #[session(create)]
    #[handler]
    async fn open(session: Session<Shop>) -> String {
        session.sid().unwrap().expose()
    }

    #[session(load)]
    #[handler]
    async fn events(session: Session<Shop>, request: &mut Request, response: &mut Response) {
        let event_stream = HeaderValue::from_static("text/event-stream");
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, event_stream);
        if let Some(cache) = request.headers().get("x-cache") {
            headers.insert(header::CACHE_CONTROL, cache.clone());
        }
        response.stream(stream::once(async { event(session) }));
    }

    #[tokio::test]
    async fn row_24b_a_stream_of_a_session_is_private() {
        let router = Router::new()
            .push(Router::with_path("open").get(open))
            .push(Router::with_path("events").get(events));
        let service = Service::new(router);
        let url = |path: &str| format!("http://shop.example.com/{path}");
        let mut opened = TestClient::get(url("open")).send(&service).await;
        let sid = opened.take_string().await.unwrap();
        for (set, expected) in CACHE {
            let mut request = TestClient::get(url("events"));
            request = request.add_header("x-user-session", &sid, true);
            if !set.is_empty() {
                request = request.add_header("x-cache", set, true);
            }
            let mut response = request.send(&service).await;
            assert_eq!(response.headers()["cache-control"], expected);
            assert_eq!(response.take_string().await.unwrap(), "data: 0\n\n");
        }
    }
}
