//! utoipa 6: `#[utoipa::path]` below `#[session]` describes the session.
#![allow(dead_code, reason = "the handlers are documented, and not called")]

use connect_session::openapi::{SessionResponses, UtoipaSecurity};
use connect_session::{Error, LoggedIn, Session, SessionView, session};
use serde_json::{Value, json};
use utoipa::OpenApi;

use crate::openapi::{Links, Shop, any_of_shop, assert_document, problems, shop_problems};

#[session(load)]
#[utoipa::path(post, path = "/add", responses((status = 200, body = String)))]
async fn add(mut session: Session<Shop>, item: String) -> Result<String, Error> {
    session.insert("item", item)?;
    Ok(session.id().to_string())
}

#[session(create)]
#[utoipa::path(post, path = "/begin")]
async fn begin(session: Session<Shop>) -> String {
    session.id().to_string()
}

#[session(load, header = "X-Device-Session")]
#[utoipa::path(get, path = "/device", responses((status = 200)))]
async fn device(session: Option<Session<Shop>>) -> String {
    session.is_some().to_string()
}

#[session(load, fresh = 5m, level = 2)]
#[utoipa::path(post, path = "/pay", responses((status = 200)))]
async fn pay(session: LoggedIn<Shop>) -> String {
    session.subject().to_owned()
}

#[session(load)]
#[utoipa::path(get, path = "/link/{sid}", responses((status = 200)))]
async fn link(session: Session<Links>) -> String {
    session.id().to_string()
}

/// A view has no attribute of this library, so its responses are named.
#[utoipa::path(get, path = "/look", responses((status = 200), SessionResponses<SessionView<Shop>>))]
async fn look(view: SessionView<Shop>) -> String {
    view.id().to_string()
}

/// Above `#[session]`, utoipa has run before.
#[utoipa::path(get, path = "/above", responses((status = 200), SessionResponses<Session<Shop>>))]
#[session(load)]
async fn above(session: Session<Shop>) -> String {
    session.id().to_string()
}

#[session(load)]
#[utoipa::path(
    get,
    path = "/own/{sid}",
    params(("sid" = String, Path, description = "mine")),
    security(("mine" = [])),
    responses(
        (status = 200),
        (status = 401, description = "mine"),
        (status = 422, description = "mine", body = String, content_type = "text/plain"),
        (status = 503, description = "mine"),
    ),
)]
async fn own(session: Session<Links>) -> String {
    session.id().to_string()
}

#[derive(OpenApi)]
#[openapi(
    paths(add, begin, device, pay, link, look, above, own),
    modifiers(&UtoipaSecurity)
)]
struct Document;

fn document() -> Value {
    serde_json::to_value(Document::openapi()).unwrap()
}

#[test]
fn documents_describe_the_session() {
    let document = document();
    assert_document(&document);
    let above = &document["paths"]["/above"]["get"];
    assert_eq!(above["security"], any_of_shop());
    assert_eq!(problems(&above["responses"]), shop_problems());
    // What the responses noted is in the operation.
    assert!(!document.to_string().contains("\"x-session\""));
}

#[test]
fn entries_of_the_user_win() {
    let document = document();
    let own = &document["paths"]["/own/{sid}"]["get"];
    assert_eq!(own["security"], json!([{ "mine": [] }]));
    assert_eq!(own["responses"]["401"]["description"], "mine");
    assert_eq!(own["parameters"].as_array().unwrap().len(), 1);
    assert_eq!(own["parameters"][0]["description"], "mine");
    assert_eq!(own["responses"]["503"]["description"], "mine");
    // axum's `Json` has a 422 of its own.
    let both = own["responses"]["422"]["content"].as_object().unwrap();
    assert!(both.contains_key("text/plain") && both.contains_key("application/problem+json"));
}
