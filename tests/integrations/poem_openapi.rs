//! poem-openapi 5: sessions in the methods of an `#[OpenApi] impl`, and its documents.

use ::poem::http::StatusCode;
use ::poem::test::{TestClient, TestResponse};
use ::poem::{Endpoint, EndpointExt as _, Route};
use ::poem_openapi::param::Path;
use ::poem_openapi::payload::{Json, PlainText};
use ::poem_openapi::{ApiResponse, Object, OpenApi, OpenApiService};
use connect_session::{Error, LoggedIn, Session, session};
use serde_json::{Value, json};

use crate::openapi::{Links, Shop, any_of_shop, assert_sessions, problems};

struct Api {
    greeting: String,
}

#[session]
#[OpenApi]
impl Api {
    /// Adds an item.
    #[session(load)]
    #[oai(path = "/add", method = "post")]
    async fn add(
        &self,
        mut session: Session<Shop>,
        item: PlainText<String>,
    ) -> Result<PlainText<String>, Error> {
        session.insert("item", item.0)?;
        Ok(PlainText(Self::shown(&session)))
    }

    #[session(create)]
    #[oai(path = "/begin", method = "post")]
    async fn begin(&self, session: Session<Shop>) -> PlainText<String> {
        PlainText(format!("{} {}", self.greeting, session.id()))
    }

    #[session(load, header = "X-Device-Session")]
    #[oai(path = "/device", method = "get")]
    async fn device(&self, session: Option<Session<Shop>>) -> PlainText<String> {
        PlainText(session.is_some().to_string())
    }

    #[session(load, fresh = 5m, level = 2)]
    #[oai(path = "/pay", method = "post")]
    async fn pay(&self, session: LoggedIn<Shop>) -> PlainText<String> {
        PlainText(session.subject().to_owned())
    }

    #[session(load)]
    #[oai(path = "/link/:sid", method = "get")]
    async fn link(&self, session: Session<Links>) -> PlainText<String> {
        PlainText(session.id().to_string())
    }

    /// The name of the parameter is the one in the pattern.
    #[session(load)]
    #[oai(path = "/items/:position", method = "put")]
    async fn replace(
        &self,
        /// Where it is.
        Path(position): Path<u8>,
        #[session] session: Session<Shop>,
        Json(mut item): Json<Item>,
    ) -> Replaced {
        item.name.push_str(&position.to_string());
        drop(session);
        Replaced::Done(Json(item))
    }

    /// Without a session, and beside those that have one.
    #[oai(path = "/plain", method = "get")]
    async fn plain(&self) -> PlainText<String> {
        PlainText(self.greeting.clone())
    }

    #[session(load)]
    #[oai(path = "/fail", method = "post")]
    async fn fail(&self, mut session: Session<Shop>) -> ::poem::Result<()> {
        session.insert("item", "lost")?;
        Err(StatusCode::CONFLICT.into())
    }

    #[session(load)]
    #[oai(path = "/item", method = "get")]
    async fn item(&self, session: Session<Shop>) -> PlainText<String> {
        PlainText(Self::shown(&session))
    }

    fn shown(session: &Session<Shop>) -> String {
        session
            .get::<String>("item")
            .ok()
            .flatten()
            .unwrap_or_default()
    }
}

/// A second `impl` in the same module, with methods of the same names.
struct Devices;

#[session]
#[OpenApi(prefix_path = "/devices")]
impl Devices {
    #[session(load, header = "X-Device-Session")]
    #[oai(path = "/device", method = "get")]
    async fn device(&self, session: Option<Session<Links>>) -> PlainText<String> {
        PlainText(session.is_some().to_string())
    }
}

#[derive(Object)]
struct Item {
    name: String,
}

#[derive(ApiResponse)]
#[oai(bad_request_handler = "not_parsed")]
enum Replaced {
    #[oai(status = 200)]
    Done(Json<Item>),
    /// Mine.
    #[oai(status = 400)]
    NotParsed(PlainText<String>),
}

fn not_parsed(_: ::poem::Error) -> Replaced {
    Replaced::NotParsed(PlainText("not parsed".to_owned()))
}

fn service() -> OpenApiService<(Api, Devices), ()> {
    let greeting = "hello".to_owned();
    OpenApiService::new((Api { greeting }, Devices), "Shop", "1")
}

fn document() -> Value {
    serde_json::from_str(&service().spec()).unwrap()
}

#[test]
fn documents_describe_the_session() {
    let document = document();
    assert_sessions(&document);
    let paths = &document["paths"];
    assert_eq!(paths["/add"]["post"]["summary"], "Adds an item.");
    assert!(paths["/plain"]["get"]["security"].is_null());
    assert!(paths["/devices/device"]["get"].is_object());
    // The error of a session that a method returns may be of any kind.
    let other = &paths["/add"]["post"]["responses"]["default"]["content"];
    assert!(other["application/problem+json"].is_object());
}

#[test]
fn parameters_and_responses_of_the_user_are_documented() {
    let document = document();
    let replace = &document["paths"]["/items/{position}"]["put"];
    let parameter = &replace["parameters"][0];
    assert_eq!(parameter["name"], "position");
    assert_eq!(parameter["description"], "Where it is.");
    assert_eq!(replace["security"], any_of_shop());
    let bad = &replace["responses"]["400"];
    assert_eq!(bad["description"], "Mine.");
    let content = bad["content"].as_object().unwrap();
    assert!(content.keys().any(|kind| kind.starts_with("text/plain")));
    assert!(content.contains_key("application/problem+json"));
    let unauthorized = &problems(&json!({ "401": replace["responses"]["401"] }))["401"];
    assert_eq!(*unauthorized, json!(["missing-session", "unknown-session"]));
    // Each status is there once, or the document would not be JSON that everybody reads the same way.
    let text = service().spec();
    let count = |document: &Value| document.to_string().matches("\"description\"").count();
    assert_eq!(text.matches("\"description\"").count(), count(&document));
}

async fn text(reply: TestResponse) -> String {
    reply.0.into_body().into_string().await.unwrap()
}

async fn open<E: Endpoint>(client: &TestClient<E>) -> String {
    let reply = client.post("/begin").send().await;
    reply.assert_status_is_ok();
    let sid = reply.0.header("x-user-session").unwrap().to_owned();
    assert!(text(reply).await.starts_with("hello "), "has the state");
    sid
}

#[tokio::test]
async fn methods_load_and_commit_sessions() {
    let client = TestClient::new(Route::new().nest("/", service()).with(Shop::layer()));
    let sid = open(&client).await;
    let item = || client.get("/item").header("X-User-Session", &sid).send();
    let reply = client
        .post("/add")
        .header("X-User-Session", &sid)
        .content_type("text/plain")
        .body("tea")
        .send()
        .await;
    assert_eq!(reply.0.header("cache-control"), Some("private, no-cache"));
    assert_eq!(text(reply).await, "tea");
    assert_eq!(text(item().await).await, "tea");
    // A method that fails stores nothing.
    let reply = client
        .post("/fail")
        .header("X-User-Session", &sid)
        .send()
        .await;
    reply.assert_status(StatusCode::CONFLICT);
    assert_eq!(text(item().await).await, "tea");
}

#[tokio::test]
async fn a_refused_session_is_answered_as_the_document_says() {
    let client = TestClient::new(service());
    for (method, path, kind) in [
        ("POST", "/add", "missing-session"),
        ("PUT", "/items/1", "missing-session"),
    ] {
        let method = method.parse().unwrap();
        let reply = client.request(method, path).send().await;
        reply.assert_status(StatusCode::UNAUTHORIZED);
        let kind_sent = reply.0.header("content-type").map(str::to_owned);
        assert_eq!(kind_sent.as_deref(), Some("application/problem+json"));
        assert!(text(reply).await.contains(kind), "{path}");
    }
    let sid = open(&client).await;
    let reply = client
        .post("/pay")
        .header("X-User-Session", &sid)
        .send()
        .await;
    reply.assert_status(StatusCode::UNAUTHORIZED);
    assert!(text(reply).await.contains("login-required"));
    // What is wrong with another argument is the user's answer.
    let reply = client
        .put("/items/nine")
        .header("X-User-Session", &sid)
        .send()
        .await;
    reply.assert_status(StatusCode::BAD_REQUEST);
    assert_eq!(text(reply).await, "not parsed");
}
