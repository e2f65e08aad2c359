//! aide 0.15: documents of axum.

use ::aide::axum::ApiRouter;
use ::aide::axum::routing::{get, get_with, post};
use ::aide::openapi::OpenApi;
use ::axum::Router;
use connect_session::openapi::aide_security;
use connect_session::{Error, LoggedIn, Session, SessionView, session};
use serde_json::{Value, json};

use crate::openapi::{Links, Shop, any_of_shop, assert_document};

#[session(load)]
async fn add(mut session: Session<Shop>, item: String) -> Result<String, Error> {
    session.insert("item", item)?;
    Ok(session.id().to_string())
}

#[session(create)]
async fn begin(session: Session<Shop>) -> String {
    session.id().to_string()
}

#[session(load, header = "X-Device-Session")]
async fn device(session: Option<Session<Shop>>) -> String {
    session.is_some().to_string()
}

#[session(load, fresh = 5m, level = 2)]
async fn pay(session: LoggedIn<Shop>) -> String {
    session.subject().to_owned()
}

#[session(load)]
async fn link(session: Session<Links>) -> String {
    session.id().to_string()
}

async fn look(view: SessionView<Shop>) -> String {
    view.id().to_string()
}

async fn glance(view: Option<SessionView<Shop>>) -> String {
    view.is_some().to_string()
}

#[session(load)]
async fn two(session: Session<Shop>, view: SessionView<Links>) -> String {
    format!("{} {}", session.id(), view.id())
}

fn document(router: ApiRouter) -> Value {
    let mut document = OpenApi::default();
    let _: Router = router.finish_api_with(&mut document, aide_security);
    serde_json::to_value(&document).unwrap()
}

#[test]
fn documents_describe_the_session() {
    let document = document(
        ApiRouter::new()
            .api_route("/add", post(add))
            .api_route("/begin", post(begin))
            .api_route("/device", get(device))
            .api_route("/pay", post(pay))
            .api_route("/link/{sid}", get(link))
            .api_route("/look", get(look)),
    );
    assert_document(&document);
    // A handler that returns an error of a session may answer with any of them.
    assert!(document["paths"]["/add"]["post"]["responses"]["default"].is_object());
}

/// aide does not ask an optional extractor for responses, and would take its security for required.
#[test]
fn an_optional_view_requires_nothing() {
    let document = document(ApiRouter::new().api_route("/glance", get(glance)));
    let operation = &document["paths"]["/glance"]["get"];
    assert!(operation["security"].is_null() && operation["responses"]["401"].is_null());
    assert!(document["components"]["securitySchemes"].is_null());
}

#[test]
fn two_sessions_are_both_required() {
    let document = document(ApiRouter::new().api_route("/two/{sid}", get(two)));
    let security = &document["paths"]["/two/{sid}"]["get"]["security"];
    assert_eq!(security.as_array().unwrap().len(), 6);
    assert_eq!(
        security[0],
        json!({ "session-header-x-user-session": [], "session-query-s.7Ed": [] })
    );
}

#[test]
fn entries_of_the_user_win() {
    let router = ApiRouter::new().api_route(
        "/add",
        get_with(begin, |operation| {
            operation.response_with::<503, String, _>(|one| one.description("mine"))
        }),
    );
    let mut document = OpenApi::default();
    let _: Router = router.finish_api_with(&mut document, |api| {
        let mine = json!({ "type": "http", "scheme": "bearer", "description": "mine" });
        let mine = serde_json::from_value(mine).unwrap();
        aide_security(api.security_scheme("session-bearer", mine))
    });
    let document = serde_json::to_value(&document).unwrap();
    let operation = &document["paths"]["/add"]["get"];
    assert_eq!(operation["responses"]["503"]["description"], "mine");
    assert_eq!(
        document["components"]["securitySchemes"]["session-bearer"]["description"],
        "mine"
    );
    assert_eq!(operation["security"][0], any_of_shop()[0]);
}
