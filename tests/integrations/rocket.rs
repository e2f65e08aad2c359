//! rocket.

use ::rocket::fairing::AdHoc;
use ::rocket::http::{Header, Method, Status};
use ::rocket::local::asynchronous::{Client, LocalResponse};
use ::rocket::response::stream::{Event, EventStream};
use ::rocket::{Build, Config, Request, Rocket, State, catch, catchers, get, routes};
use connect_session::{Session, SessionView, session};

use crate::shop::{Gate, Shop, Store, save_inside, store};

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

/// No `Err`, so its session is stored; and no response either, so a catcher makes one.
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
    "nobody runs this"
}

/// Takes the refusal of a view as nothing, and answers itself.
#[get("/own")]
#[allow(
    clippy::needless_pass_by_value,
    reason = "rocket hands over what a guard makes"
)]
fn own(view: Option<SessionView<Shop>>) -> (Status, String) {
    match view {
        Some(view) => (Status::Ok, format!("seen {}", view.items.len())),
        None => (Status::Unauthorized, "an answer of its own".to_owned()),
    }
}

#[session(create)]
#[get("/events")]
async fn events(session: Session<Shop>, gate: &State<Gate>) -> EventStream![] {
    let gate = gate.inner().clone();
    EventStream! {
        save_inside(session, gate).await;
        yield Event::data("saved");
    }
}

#[catch(401)]
fn unauthorized() -> &'static str {
    "a page of our own"
}

#[catch(default)]
fn anything(status: Status, request: &Request<'_>) -> String {
    format!("{} at {}", status.code, request.uri())
}

fn app() -> Rocket<Build> {
    ::rocket::custom(Config::figment().merge(("log_level", "off")))
        .manage(" and more".to_owned())
        .manage(Gate::default())
        .mount("/", routes![items, open, status, options, own, events])
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
async fn its_test_client_and_its_state() {
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

/// Where the program has no catcher for it, the layer answers a refusal as on any framework; what
/// other fairings have written stays.
#[::rocket::async_test]
async fn a_refusal_without_a_catcher() {
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

/// A catcher of the program gets the refusal and writes the body; the headers are ours.
#[::rocket::async_test]
async fn a_refusal_reaches_the_catchers() {
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

    // So does a commit that failed, and never the handler's answer.
    faults.fail_inserts(true);
    let failed = client.get("/open/tea").dispatch().await;
    assert_eq!(failed.status(), Status::ServiceUnavailable);
    assert_eq!(one(&failed, "x-user-session"), "");
    assert_eq!(failed.into_string().await.unwrap(), "503 at /open/tea");

    // The answer to OPTIONS is no error.
    let options = client.req(Method::Options, "/items").dispatch().await;
    assert_eq!(options.status(), Status::NoContent);
    assert_eq!(options.into_string().await.unwrap_or_default(), "");
}

/// A catcher of another part of the program has no say.
#[::rocket::async_test]
async fn catchers_answer_below_their_own_path() {
    let caught = with(store()).register("/elsewhere", catchers![unauthorized]);
    let client = client(caught).await;
    let refused = client.get("/items").dispatch().await;
    assert_eq!(one(&refused, "content-type"), "application/problem+json");
}

#[::rocket::async_test]
async fn what_a_catcher_answers_still_carries_the_sid() {
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
async fn an_answer_of_the_handler_stays() {
    let client = client(with(store())).await;
    let own = client.get("/own").dispatch().await;
    assert_eq!(own.status(), Status::Unauthorized);
    assert_eq!(one(&own, "www-authenticate"), "Session");
    assert_eq!(own.into_string().await.unwrap(), "an answer of its own");
}

/// Without the layer nobody can write to what a catcher answers: the status is all there is.
#[::rocket::async_test]
async fn without_the_layer_a_catcher_has_the_last_word() {
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
        "it is stored before the stream begins"
    );
    client.rocket().state::<Gate>().unwrap().notify_one();
    assert_eq!(events.into_string().await.unwrap(), "data:saved\n\n");
    let items = client.get("/items").header(header).dispatch().await;
    assert_eq!(items.into_string().await.unwrap(), "from the stream");
}
