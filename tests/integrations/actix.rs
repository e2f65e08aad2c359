//! actix-web.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::rc::Rc;

use ::actix_web::dev::ServiceResponse;
use ::actix_web::error::ErrorImATeapot;
use ::actix_web::http::header::{HeaderName, HeaderValue};
use ::actix_web::middleware::{ErrorHandlerResponse, ErrorHandlers};
use ::actix_web::rt::System;
use ::actix_web::test::{TestRequest, call_and_read_body, call_service, init_service};
use ::actix_web::web::{self, Bytes, Data, Path, Payload, ServiceConfig};
use ::actix_web::{App, Error, HttpRequest, HttpResponse, HttpServer, get, routes};
use connect_session::{ErrorKind, Rejection, Session, SessionView, session, testing};
use futures_util::stream;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::sync::Notify;
use utoipa::OpenApi;

use crate::shop::{
    Cart, Shop, Signal, assert_events_save_the_session, assert_socket_saves_the_session,
    assert_socket_updates_the_session, get as fetch, save_inside, sid, store, text, update_inside,
};

#[session(load)]
#[get("/items")]
async fn items(session: Session<Shop>) -> String {
    serde_json::to_string(&session.items).unwrap()
}

#[session(create)]
#[get("/open/{item}")]
async fn open(mut session: Session<Shop>, item: Path<String>) -> String {
    session.items.push(item.into_inner());
    session.sid().unwrap().expose()
}

#[session(create)]
#[get("/events")]
async fn events(session: Session<Shop>, signal: Data<Signal>) -> HttpResponse {
    let signal = signal.get_ref().clone();
    let event = async {
        Ok::<_, Infallible>(Bytes::from_static(
            save_inside(session, signal).await.as_bytes(),
        ))
    };
    HttpResponse::Ok()
        .content_type("text/event-stream")
        .streaming(stream::once(event))
}

#[session(create)]
#[get("/socket")]
async fn socket(
    session: Session<Shop>,
    signal: Data<Signal>,
    request: HttpRequest,
    body: Payload,
) -> Result<HttpResponse, Error> {
    let (response, mut socket, mut messages) = actix_ws::handle(&request, body)?;
    ::actix_web::rt::spawn(async move {
        messages.recv().await.unwrap().unwrap();
        let text = save_inside(session, signal.get_ref().clone()).await;
        socket.text(text).await.unwrap();
    });
    Ok(response)
}

#[session(load)]
#[get("/needed")]
async fn needed(
    session: Session<Shop>,
    request: HttpRequest,
    body: Payload,
) -> Result<HttpResponse, Error> {
    drop(session);
    Ok(actix_ws::handle(&request, body)?.0)
}

#[session(create)]
#[get("/chat")]
async fn chat(
    mut session: Session<Shop>,
    request: HttpRequest,
    body: Payload,
) -> Result<HttpResponse, Error> {
    let (response, mut sender, mut messages) = actix_ws::handle(&request, body)?;
    ::actix_web::rt::spawn(async move {
        while let Some(Ok(actix_ws::Message::Text(message))) = messages.recv().await {
            let Ok(count) = update_inside(&mut session, message.to_string()).await else {
                break;
            };
            sender.text(count).await.unwrap();
        }
        sender.close(None).await.unwrap();
    });
    Ok(response)
}

#[session(load)]
#[get("/leave")]
async fn leave(session: Session<Shop>) -> Result<&'static str, connect_session::Error> {
    session.destroy().await?;
    Ok("left")
}

/// Notified when the handler starts whose client does not wait.
static BEGUN: Notify = Notify::const_new();

#[session(load)]
#[get("/slow")]
async fn slow(mut session: Session<Shop>, signal: Data<Signal>) -> &'static str {
    session.items.push("slow".to_owned());
    BEGUN.notify_one();
    signal.notified().await;
    "done"
}

fn app(config: &mut ServiceConfig) {
    config
        .service(items)
        .service(open)
        .service(events)
        .service(socket)
        .service(needed)
        .service(chat)
        .service(leave)
        .service(slow);
}

/// Runs a test with its own server.
fn with_a_server<T: Future<Output = ()>>(test: impl FnOnce(SocketAddr, Signal) -> T) {
    System::new().block_on(async {
        let (signal, store) = (Signal::default(), store());
        let data = Data::new(signal.clone());
        let server = HttpServer::new(move || {
            App::new()
                .wrap(Shop::layer().with_store(store.clone()))
                .app_data(data.clone())
                .configure(app)
        });
        let server = server.workers(1).disable_signals();
        let server = server.bind(("127.0.0.1", 0)).unwrap();
        let address = server.addrs()[0];
        let server = server.run();
        let handle = server.handle();
        let running = ::actix_web::rt::spawn(server);
        test(address, signal).await;
        handle.stop(false).await;
        running.await.unwrap().unwrap();
    });
}

#[test]
fn server_sent_events() {
    with_a_server(assert_events_save_the_session);
}

#[test]
fn a_web_socket() {
    with_a_server(assert_socket_saves_the_session);
}

#[test]
fn the_loop_of_a_web_socket() {
    with_a_server(assert_socket_updates_the_session);
}

#[test]
fn a_handler_whose_client_hangs_up_commits() {
    with_a_server(|address, signal| async move {
        let sid = sid(fetch(address, "/open/tea", "").await.headers());
        let mut client = TcpStream::connect(address).await.unwrap();
        let head = format!("GET /slow HTTP/1.1\r\nHost: a\r\nX-User-Session: {sid}\r\n\r\n");
        client.write_all(head.as_bytes()).await.unwrap();
        BEGUN.notified().await;
        drop(client);
        // The only worker notices the end of the connection among these requests.
        for _ in 0..50 {
            let unchanged = text(fetch(address, "/items", &sid).await).await;
            assert_eq!(unchanged, r#"["tea"]"#);
        }
        signal.notify_one();
        while text(fetch(address, "/items", &sid).await).await != r#"["tea","slow"]"# {
            ::tokio::task::yield_now().await;
        }
    });
}

/// The kind of a session error, as an application's code sees it; `None` for other errors.
fn kind<B>(response: &ServiceResponse<B>) -> Option<ErrorKind> {
    let rejection = response.response().error()?.as_error::<Rejection>()?;
    Some(rejection.error()?.kind())
}

/// An error handler sees the rejection, and the client receives what it writes.
#[::actix_web::test]
async fn rejections_reach_the_error_handlers() {
    #[allow(clippy::unnecessary_wraps, reason = "an error handler may fail")]
    fn page<B>(mut response: ServiceResponse<B>) -> ::actix_web::Result<ErrorHandlerResponse<B>> {
        let kind = format!("{:?}", kind(&response));
        let value = HeaderValue::from_str(&kind).unwrap();
        response
            .headers_mut()
            .insert(HeaderName::from_static("x-seen"), value);
        Ok(ErrorHandlerResponse::Response(
            response.map_into_left_body(),
        ))
    }
    let store = store();
    let faults = store.faults();
    let app = init_service(
        App::new()
            .wrap(ErrorHandlers::new().default_handler(page))
            .wrap(Shop::layer().with_store(store))
            .configure(app),
    )
    .await;
    let refused = call_service(&app, TestRequest::get().uri("/items").to_request()).await;
    assert_eq!(refused.status(), 401);
    let headers = refused.headers();
    assert_eq!(headers.get("x-seen").unwrap(), "Some(Missing)");
    assert_eq!(headers.get("www-authenticate").unwrap(), "Session");
    assert_eq!(
        headers.get("content-type").unwrap(),
        "application/problem+json"
    );
    faults.fail_inserts(true);
    let failed = call_service(&app, TestRequest::get().uri("/open/tea").to_request()).await;
    assert_eq!(failed.status(), 503);
    assert_eq!(
        failed.headers().get("x-seen").unwrap(),
        "Some(StoreUnavailable)"
    );
}

/// Handlers may hold an `Rc` across an `await`, take `Data`, and have as many arguments as
/// actix-web allows: the guard replaces the session.
#[session(load)]
#[allow(clippy::too_many_arguments, reason = "the maximum of actix-web")]
async fn sixteen(
    _n1: Data<u8>,
    _n2: Data<u8>,
    _n3: Data<u8>,
    _n4: Data<u8>,
    _n5: Data<u8>,
    _n6: Data<u8>,
    _n7: Data<u8>,
    _n8: Data<u8>,
    _n9: Data<u8>,
    _n10: Data<u8>,
    _n11: Data<u8>,
    _n12: Data<u8>,
    _n13: Data<u8>,
    _n14: Data<u8>,
    body: String,
    mut session: Session<Shop>,
) -> String {
    let local = Rc::new(body);
    session
        .update(|cart: &mut Cart| cart.items.push("late".to_owned()))
        .await
        .unwrap();
    format!("{local} {}", session.items.join(" "))
}

#[session(load)]
#[routes]
#[get("/one")]
#[get("/other")]
async fn two_routes(session: Session<Shop>) -> String {
    session.items.join(" ")
}

/// The reverse order works too: actix-web moves the function into its own.
#[get("/reversed")]
#[session(load)]
async fn reversed(session: Session<Shop>) -> String {
    session.items.join(" ")
}

#[get("/seen")]
async fn seen(view: SessionView<Shop>) -> String {
    view.items.join(" ")
}

#[::actix_web::test]
async fn test_client_state_and_attributes() {
    let app = init_service(
        App::new()
            .wrap(Shop::layer().with_store(store()))
            .app_data(Data::new(7_u8))
            .configure(app)
            .service(two_routes)
            .service(reversed)
            .service(seen)
            .route("/sixteen", web::post().to(sixteen)),
    )
    .await;
    let sid = call_and_read_body(&app, TestRequest::get().uri("/open/tea").to_request()).await;
    let sid = std::str::from_utf8(&sid).unwrap();
    let with = |path| {
        let request = TestRequest::with_uri(path);
        request.insert_header(("x-user-session", sid))
    };
    for path in ["/one", "/other", "/reversed", "/seen"] {
        assert_eq!(
            call_and_read_body(&app, with(path).to_request()).await,
            "tea",
            "{path}"
        );
        let without = call_service(&app, TestRequest::with_uri(path).to_request()).await;
        assert_eq!(without.status(), 401, "{path}");
    }
    let sixteen = with("/sixteen").method(::actix_web::http::Method::POST);
    let body = call_and_read_body(&app, sixteen.set_payload("body").to_request()).await;
    assert_eq!(body, "body tea late");
}

#[utoipa::path(responses((status = 200, body = String)))]
#[session(load)]
#[get("/above")]
async fn above(session: Session<Shop>) -> String {
    session.id().to_string()
}

#[session(load)]
#[utoipa::path(responses((status = 200, body = String)))]
#[get("/below")]
async fn below(session: Session<Shop>) -> String {
    session.id().to_string()
}

#[derive(OpenApi)]
#[openapi(paths(above, below))]
struct Document;

#[::actix_web::test]
async fn utoipa_above_and_below_the_attribute() {
    let document = serde_json::to_value(Document::openapi()).unwrap();
    let app = init_service(App::new().service(above).service(below)).await;
    for path in ["/above", "/below"] {
        // utoipa takes the path and the method from actix-web's attribute.
        let documented = &document["paths"][path]["get"]["responses"]["200"];
        assert!(documented.is_object(), "{document}");
        let response = call_service(&app, TestRequest::with_uri(path).to_request()).await;
        assert_eq!(response.status(), 401, "{path}");
    }
}

#[::actix_web::test]
async fn a_test_client_has_its_own_store() {
    let layer = Shop::layer().with_store(store());
    let client = testing::actix_web::client::<Shop>(App::new().configure(app).wrap(layer)).await;
    crate::testing::assert_has_its_own_store(&client, "/items").await;
    client.get("/open/tea").await.assert_status(200);
    assert_eq!(client.get("/items").await.text(), r#"["tea"]"#);
}

/// Middleware may fail with an error, which a server converts to a response.
#[::actix_web::test]
async fn a_test_client_receives_the_errors_of_middleware() {
    let fails = |_, _: &_| async { Err::<ServiceResponse, _>(ErrorImATeapot("no")) };
    let client = testing::actix_web::client::<Shop>(App::new().wrap_fn(fails)).await;
    assert_eq!(client.get("/").await.assert_status(418).text(), "no");
}
