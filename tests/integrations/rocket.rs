//! rocket.

use ::rocket::fairing::AdHoc;
use ::rocket::http::{Header, Method, Status};
use ::rocket::local::asynchronous::{Client, LocalResponse};
use ::rocket::response::stream::{Event, EventStream};
use ::rocket::{Build, Config, Request, Responder, Rocket, State, catch, catchers, get, routes};
use connect_session::{Session, SessionView, session, testing};

use crate::shop::{Shop, Signal, Store, save_inside, store};

#[session(load)]
#[get("/items")]
async fn items(session: Session<Shop>) -> String {
    session.items.join(" ")
}

#[session(create)]
#[get("/open/<item>")]
async fn open(item: String, mut session: Session<Shop>, more: &State<String>) -> String {
    session.items.push(item + more);
    session.sid().unwrap().expose()
}

/// Not an `Err`, so the session is stored; not a response either, so a catcher makes one.
#[session(create)]
#[get("/status")]
async fn status(session: Session<Shop>) -> Status {
    drop(session);
    Status::InternalServerError
}

#[session(load)]
#[::rocket::options("/items")]
async fn options(session: Session<Shop>) -> &'static str {
    drop(session);
    "never runs"
}

/// Ignores the rejection of the view, and responds itself.
#[get("/own")]
#[allow(
    clippy::needless_pass_by_value,
    reason = "rocket passes guards by value"
)]
fn own(view: Option<SessionView<Shop>>) -> (Status, String) {
    match view {
        Some(view) => (Status::Ok, format!("seen {}", view.items.len())),
        None => (Status::Unauthorized, "a response of its own".to_owned()),
    }
}

/// The same, with headers of its own.
#[derive(Responder)]
#[response(status = 401)]
struct Own {
    body: &'static str,
    challenge: Header<'static>,
    cache: Header<'static>,
    cookie: Header<'static>,
}

fn own_401() -> Own {
    Own {
        body: "a response of its own",
        challenge: Header::new("WWW-Authenticate", "Basic"),
        cache: Header::new("Cache-Control", "max-age=60"),
        cookie: Header::new("Set-Cookie", "seen=1"),
    }
}

#[get("/own/headers")]
#[allow(
    clippy::needless_pass_by_value,
    reason = "rocket passes guards by value"
)]
fn own_headers(view: Option<SessionView<Shop>>) -> Option<Own> {
    view.is_none().then(own_401)
}

#[session(create)]
#[get("/events")]
async fn events(session: Session<Shop>, signal: &State<Signal>) -> EventStream![] {
    let signal = signal.inner().clone();
    EventStream! {
        save_inside(session, signal).await;
        yield Event::data("saved");
    }
}

#[catch(401)]
fn unauthorized() -> &'static str {
    "a page of our own"
}

#[catch(401)]
fn unauthorized_with_headers() -> Own {
    own_401()
}

#[catch(default)]
fn anything(status: Status, request: &Request<'_>) -> String {
    format!("{} at {}", status.code, request.uri())
}

fn app() -> Rocket<Build> {
    ::rocket::custom(Config::figment().merge(("log_level", "off")))
        .manage(" and more".to_owned())
        .manage(Signal::default())
        .mount(
            "/",
            routes![items, open, status, options, own, own_headers, events],
        )
}

fn with(store: Store) -> Rocket<Build> {
    app().attach(Shop::layer().with_store(store))
}

async fn client(rocket: Rocket<Build>) -> Client {
    Client::untracked(rocket).await.unwrap()
}

fn one<'a>(response: &'a LocalResponse<'_>, name: &str) -> &'a str {
    response.headers().get_one(name).unwrap_or_default()
}

#[::rocket::async_test]
async fn test_client_and_state() {
    let client = client(with(store())).await;
    let sid = client.get("/open/tea").dispatch().await;
    let sid = sid.into_string().await.unwrap();
    let header = Header::new("X-User-Session", sid);
    let items = client.get("/items").header(header.clone()).dispatch().await;
    assert_eq!(one(&items, "cache-control"), "private, no-cache");
    assert_eq!(items.into_string().await.unwrap(), "tea and more");
    let seen = client.get("/own").header(header).dispatch().await;
    assert_eq!(seen.into_string().await.unwrap(), "seen 1");
}

/// Without a catcher for the status, the layer responds with the problem document; headers of other
/// fairings are kept.
#[::rocket::async_test]
async fn a_rejection_without_a_catcher() {
    let written = AdHoc::on_response("x-own", |_, response| {
        Box::pin(async move {
            response.set_raw_header("x-own", "1");
        })
    });
    let rocket = app()
        .attach(written)
        .attach(Shop::layer().with_store(store()));
    let client = client(rocket).await;
    let refused = client.get("/items").dispatch().await;
    assert_eq!(refused.status(), Status::Unauthorized);
    assert_eq!(one(&refused, "content-type"), "application/problem+json");
    assert_eq!(one(&refused, "www-authenticate"), "Session");
    assert_eq!(one(&refused, "vary"), "x-user-session");
    assert_eq!(one(&refused, "x-own"), "1");
    let body = refused.into_string().await.unwrap();
    assert!(body.contains("#missing-session"), "{body}");
}

/// A catcher of the application receives the rejection and writes the body; the layer sets the
/// headers.
#[::rocket::async_test]
async fn rejections_reach_the_catchers() {
    let store = store();
    let faults = store.faults();
    let caught = with(store).register("/", catchers![unauthorized, anything]);
    let client = client(caught).await;
    let refused = client.get("/items").dispatch().await;
    assert_eq!(refused.status(), Status::Unauthorized);
    assert_eq!(one(&refused, "www-authenticate"), "Session");
    assert_eq!(one(&refused, "cache-control"), "no-store");
    assert_eq!(one(&refused, "content-type"), "text/plain; charset=utf-8");
    assert_eq!(refused.into_string().await.unwrap(), "a page of our own");

    // A failed commit reaches the catchers too and replaces the handler's response.
    faults.fail_inserts(true);
    let failed = client.get("/open/tea").dispatch().await;
    assert_eq!(failed.status(), Status::ServiceUnavailable);
    assert_eq!(one(&failed, "x-user-session"), "");
    assert_eq!(failed.into_string().await.unwrap(), "503 at /open/tea");

    // The response to OPTIONS is not an error.
    let options = client.req(Method::Options, "/items").dispatch().await;
    assert_eq!(options.status(), Status::NoContent);
    assert_eq!(options.into_string().await.unwrap_or_default(), "");
}

/// Catchers of other paths are not used.
#[::rocket::async_test]
async fn catchers_respond_only_below_their_path() {
    let caught = with(store()).register("/elsewhere", catchers![unauthorized]);
    let client = client(caught).await;
    let refused = client.get("/items").dispatch().await;
    assert_eq!(one(&refused, "content-type"), "application/problem+json");
}

#[::rocket::async_test]
async fn responses_of_catchers_carry_the_sid() {
    for rocket in [
        with(store()),
        with(store()).register("/", catchers![anything]),
    ] {
        let client = client(rocket).await;
        let failed = client.get("/status").dispatch().await;
        assert_eq!(failed.status(), Status::InternalServerError);
        assert_eq!(one(&failed, "cache-control"), "no-store");
        let sid = one(&failed, "x-user-session").to_owned();
        let items = client
            .get("/items")
            .header(Header::new("X-User-Session", sid));
        assert_eq!(items.dispatch().await.status(), Status::Ok);
    }
}

#[::rocket::async_test]
async fn responses_of_handlers_are_kept() {
    let client = client(with(store())).await;
    let own = client.get("/own").dispatch().await;
    assert_eq!(own.status(), Status::Unauthorized);
    assert_eq!(one(&own, "www-authenticate"), "Session");
    assert_eq!(own.into_string().await.unwrap(), "a response of its own");
}

/// A response that the application made keeps its headers, and gets only missing ones from the session.
#[::rocket::async_test]
async fn headers_of_handlers_and_catchers_are_kept() {
    let caught = with(store()).register("/items", catchers![unauthorized_with_headers]);
    let client = client(caught).await;
    for path in ["/own/headers", "/items"] {
        let own = client.get(path).dispatch().await;
        assert_eq!(own.status(), Status::Unauthorized, "{path}");
        for (name, value) in [
            ("www-authenticate", "Basic"),
            ("cache-control", "max-age=60"),
            ("set-cookie", "seen=1"),
            ("vary", "x-user-session"),
        ] {
            let values: Vec<&str> = own.headers().get(name).collect();
            assert_eq!(values, [value], "{path}");
        }
        assert_eq!(own.into_string().await.unwrap(), "a response of its own");
    }
}

/// Without the layer, nothing can change a catcher's response, so it has only the status.
#[::rocket::async_test]
async fn without_the_layer_responses_of_catchers_have_no_session_headers() {
    let client = client(app()).await;
    let refused = client.get("/items").dispatch().await;
    assert_eq!(refused.status(), Status::Unauthorized);
    assert_eq!(one(&refused, "www-authenticate"), "");
    let opened = client.get("/open/tea").dispatch().await;
    assert_eq!(one(&opened, "x-user-session").len(), 64);
}

#[::rocket::async_test]
async fn server_sent_events() {
    let client = client(with(store())).await;
    let events = client.get("/events").dispatch().await;
    let header = Header::new("X-User-Session", one(&events, "x-user-session").to_owned());
    let items = client.get("/items").header(header.clone()).dispatch().await;
    assert_eq!(
        items.status(),
        Status::Ok,
        "the session is not stored before the stream begins"
    );
    // rocket sets `no-cache`, which lets shared caches keep the stream.
    let again = client
        .get("/events")
        .header(header.clone())
        .dispatch()
        .await;
    assert_eq!(one(&again, "cache-control"), "private, no-cache");
    drop(again);
    client.rocket().state::<Signal>().unwrap().notify_one();
    assert_eq!(events.into_string().await.unwrap(), "data:saved\n\n");
    let items = client.get("/items").header(header).dispatch().await;
    assert_eq!(items.into_string().await.unwrap(), "from the stream");
}

/// Also if the layer of the application comes later, while it ignites.
#[::rocket::async_test]
async fn a_test_client_has_its_own_store() {
    let later = AdHoc::on_ignite("later", |app| async {
        app.attach(Shop::layer().with_store(store()))
    });
    for app in [with(store()), app().attach(later)] {
        let client = testing::rocket::client::<Shop>(app).await;
        crate::testing::assert_has_its_own_store(&client, "/items").await;
        client.get("/open/tea").await.assert_status(200);
        assert_eq!(client.get("/items").await.text(), "tea and more");
    }
}
