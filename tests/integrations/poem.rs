//! poem 3: `catch_error`, documents of `poem-openapi`, `TestClient`, `Data`, and attributes above
//! and below `#[handler]`.
#![allow(clippy::unused_async, reason = "methods of an `OpenApi` must be async")]

use ::poem::error::ResponseError;
use ::poem::http::StatusCode;
use ::poem::test::{TestClient, TestResponse};
use ::poem::web::{Data, Json};
use ::poem::{
    Endpoint, EndpointExt as _, IntoEndpoint, IntoResponse, Request, Response, Route, handler,
};
use connect_session::store::MemoryStore;
use connect_session::{Emit, ErrorKind, Rejection, Session, SessionView, session, session_config};
use poem_openapi::auth::ApiKey;
use poem_openapi::payload::PlainText;
use poem_openapi::{OpenApi, OpenApiService, SecurityScheme};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Cart {
    items: Vec<String>,
}

session_config! {
    struct Shop { data: Cart, loaders: [header("X-User-Session"), cookie("__Host-sid")] }
}

session_config! {
    struct Stubborn { data: Cart, commit: always }
}

#[derive(Debug)]
struct SoldOut;

impl std::fmt::Display for SoldOut {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("sold out")
    }
}

impl std::error::Error for SoldOut {}

impl ResponseError for SoldOut {
    fn status(&self) -> StatusCode {
        StatusCode::GONE
    }
}

#[session(create)]
#[handler]
async fn open(session: Session<Shop>) -> String {
    session.sid().unwrap().expose()
}

#[session(load)]
#[handler]
async fn show(session: Session<Shop>) -> Json<Vec<String>> {
    Json(session.items.clone())
}

#[session(load)]
#[handler]
async fn add(mut session: Session<Shop>) -> Result<(), SoldOut> {
    session.items.push("tea".to_owned());
    Err(SoldOut)
}

#[session(load)]
#[handler]
async fn leave(session: Session<Shop>) -> ::poem::Result<()> {
    session.destroy().await?;
    Err(SoldOut.into())
}

#[session(create)]
#[handler]
async fn insist(mut session: Session<Stubborn>) -> Result<(), SoldOut> {
    session.items.push("tea".to_owned());
    Err(SoldOut)
}

#[handler]
fn no_session_here() -> Result<(), SoldOut> {
    Err(SoldOut)
}

fn routes() -> Route {
    Route::new()
        .at("/open", open)
        .at("/show", show)
        .at("/add", add)
        .at("/leave", leave)
        .at("/insist", insist)
        .at("/none", no_session_here)
}

async fn sid<E: Endpoint>(client: &TestClient<E>) -> String {
    let reply = client.post("/open").send().await;
    reply.assert_status_is_ok();
    text(reply).await
}

async fn text(reply: TestResponse) -> String {
    reply.0.into_body().into_string().await.unwrap()
}

fn client<E: IntoEndpoint>(app: E) -> TestClient<E::Endpoint>
where
    E::Endpoint: 'static,
{
    TestClient::new(app)
}

fn header<'a>(reply: &'a TestResponse, name: &str) -> &'a str {
    reply.0.header(name).unwrap_or_default()
}

async fn own_page(rejection: Rejection) -> Response {
    let kind = rejection.error().map(connect_session::Error::kind);
    assert_eq!(kind, Some(ErrorKind::Missing));
    format!("log in first: {rejection}")
        .with_status(StatusCode::FORBIDDEN)
        .into_response()
}

#[tokio::test]
async fn catch_error_sees_a_rejection_on_either_side_of_the_layer() {
    let apps = [
        routes().catch_error(own_page).boxed(),
        routes().catch_error(own_page).with(Shop::layer()).boxed(),
        routes().with(Shop::layer()).catch_error(own_page).boxed(),
    ];
    for app in apps {
        let reply = TestClient::new(app).get("/show").send().await;
        reply.assert_status(StatusCode::FORBIDDEN);
        let page = text(reply).await;
        assert_eq!(page, "log in first: This request needs a session");
    }
}

#[tokio::test]
async fn catch_error_sees_the_errors_of_handlers() {
    let caught = |_: SoldOut| async { "caught" };
    let client = client(routes().catch_error(caught).with(Shop::layer()));
    let sid = sid(&client).await;
    let reply = client
        .post("/add")
        .header("X-User-Session", &sid)
        .send()
        .await;
    assert_eq!(text(reply).await, "caught");
    let reply = client
        .get("/show")
        .header("X-User-Session", &sid)
        .send()
        .await;
    reply.assert_json(json!([])).await;

    // It also works without a layer, and above a layer for a handler without a session.
    let bare = TestClient::new(routes().catch_error(caught));
    let reply = bare
        .post("/add")
        .header("X-User-Session", &sid)
        .send()
        .await;
    assert_eq!(text(reply).await, "caught");
    let above = TestClient::new(routes().with(Shop::layer()).catch_error(caught));
    assert_eq!(text(above.post("/none").send().await).await, "caught");
}

/// The layer adds the session's headers to an error response.
#[tokio::test]
async fn errors_are_private_to_caches() {
    let client = client(routes().with(Shop::layer()));
    let sid = sid(&client).await;
    let reply = client
        .post("/add")
        .header("X-User-Session", &sid)
        .send()
        .await;
    reply.assert_status(StatusCode::GONE);
    assert_eq!(header(&reply, "vary"), "x-user-session, cookie");
    assert_eq!(header(&reply, "cache-control"), "private, no-cache");
    assert_eq!(text(reply).await, "sold out");
}

/// The response of an error carries a stored sid and a cleared cookie, with or without the layer; a
/// catch-all handler sees the response.
#[tokio::test]
async fn errors_carry_a_stored_sid() {
    let seen = |error: ::poem::Error| async move {
        assert!(error.is_from_response() && error.status() == StatusCode::GONE);
        error.into_response()
    };
    let apps = [
        routes().catch_all_error(seen).boxed(),
        routes()
            .with(Stubborn::layer())
            .catch_all_error(seen)
            .boxed(),
    ];
    for app in apps {
        let client = TestClient::new(app);
        let reply = client.post("/insist").send().await;
        reply.assert_status(StatusCode::GONE);
        assert_eq!(header(&reply, "x-user-session").len(), 64);
        assert_eq!(header(&reply, "cache-control"), "no-store");
        assert_eq!(text(reply).await, "sold out");
    }
}

#[tokio::test]
async fn an_error_clears_the_cookie_of_a_session_that_ended() {
    #[session(create, emit = cookie)]
    #[handler]
    async fn open(session: Session<Shop>) {
        drop(session);
    }
    let client = TestClient::new(routes().at("/cookie", open));
    let reply = client.post("/cookie").send().await;
    let cookie = header(&reply, "set-cookie")
        .split(';')
        .next()
        .unwrap()
        .to_owned();
    let reply = client.post("/leave").header("Cookie", cookie).send().await;
    reply.assert_status(StatusCode::GONE);
    let cleared = header(&reply, "set-cookie");
    assert!(cleared.starts_with("__Host-sid=; "), "{cleared}");
}

/// A handler that passes its request on to another one shares the session with it below the layer.
/// Without the layer, each has its own.
#[tokio::test]
async fn handlers_share_the_session_below_the_layer() {
    #[session(create)]
    #[handler]
    async fn inner(session: Session<Shop>) -> String {
        session.id().to_string()
    }
    #[session(create)]
    #[handler]
    async fn outer(session: Session<Shop>, request: &Request) -> ::poem::Result<String> {
        let mut below = Request::builder().finish();
        below.extensions_mut().clone_from(request.extensions());
        let reply = inner.call(below).await?.into_body().into_string().await;
        let other = reply.map_err(::poem::error::InternalServerError)?;
        Ok((other == session.id().to_string()).to_string())
    }
    for (app, shared) in [
        (outer.with(Shop::layer()).boxed(), "true"),
        (outer.boxed(), "false"),
    ] {
        let reply = TestClient::new(app).post("/").send().await;
        reply.assert_status_is_ok();
        assert_eq!(header(&reply, "x-user-session").len(), 64);
        assert_eq!(text(reply).await, shared);
    }
}

#[tokio::test]
async fn state_and_session_in_one_handler() {
    #[session(load)]
    #[handler]
    async fn greet(
        Data(greeting): Data<&String>,
        session: Option<Session<Shop>>,
        request: &Request,
    ) -> String {
        format!("{greeting} {} {}", session.is_some(), request.uri().path())
    }
    let app = Route::new().at("/greet", greet).data("hello".to_owned());
    let reply = TestClient::new(app).get("/greet").send().await;
    assert_eq!(text(reply).await, "hello false /greet");
}

#[tokio::test]
async fn layers_have_separate_stores() {
    let shop = || routes().with(Shop::layer().with_store(MemoryStore::default()));
    let (one, other) = (TestClient::new(shop()), TestClient::new(shop()));
    let sid = sid(&one).await;
    let reply = one.get("/show").header("X-User-Session", &sid).send().await;
    reply.assert_status_is_ok();
    let reply = other
        .get("/show")
        .header("X-User-Session", &sid)
        .send()
        .await;
    reply.assert_status(StatusCode::UNAUTHORIZED);
    assert_eq!(header(&reply, "www-authenticate"), "Session");
}

/// An `Option` argument is `None` for every error; `of_request` distinguishes a failed store from a
/// missing session.
#[tokio::test]
async fn a_view_distinguishes_a_failed_store_from_no_session() {
    use connect_session::testing::FailingStore;
    #[handler]
    async fn view(request: &Request) -> Result<String, connect_session::Error> {
        let view = SessionView::<Shop>::of_request(request).await?;
        Ok(view.is_some().to_string())
    }
    let store = FailingStore::new(MemoryStore::default());
    let faults = store.faults();
    let app = routes()
        .at("/view", view)
        .with(Shop::layer().with_store(store));
    let client = TestClient::new(app);
    let sid = sid(&client).await;
    let ask = || client.get("/view").header("X-User-Session", &sid).send();
    assert_eq!(text(ask().await).await, "true");
    assert_eq!(text(client.get("/view").send().await).await, "false");
    faults.fail_loads(true);
    ask().await.assert_status(StatusCode::SERVICE_UNAVAILABLE);
}

/// A security scheme whose checker loads the session.
#[derive(SecurityScheme)]
#[oai(
    ty = "api_key",
    key_name = "X-User-Session",
    key_in = "header",
    checker = "shopper"
)]
struct Shopper(SessionView<Shop>);

async fn shopper(request: &Request, _: ApiKey) -> ::poem::Result<SessionView<Shop>> {
    use ::poem::FromRequest as _;
    SessionView::from_request_without_body(request).await
}

struct Api;

#[OpenApi]
impl Api {
    #[oai(path = "/items", method = "get")]
    async fn items(&self, shopper: Shopper) -> PlainText<String> {
        PlainText(shopper.0.items.join(", "))
    }
}

#[tokio::test]
async fn poem_openapi_documents_require_the_session() {
    let api = OpenApiService::new(Api, "Shop", "1");
    let document: Value = serde_json::from_str(&api.spec()).unwrap();
    assert_eq!(
        document["paths"]["/items"]["get"]["security"],
        json!([{ "Shopper": [] }])
    );
    let scheme = &document["components"]["securitySchemes"]["Shopper"];
    assert_eq!(
        (&scheme["in"], &scheme["name"]),
        (&json!("header"), &json!("X-User-Session"))
    );

    let client = TestClient::new(routes().nest("/api", api));
    let sid = sid(&client).await;
    let reply = client
        .get("/api/items")
        .header("X-User-Session", &sid)
        .send()
        .await;
    reply.assert_status_is_ok();
    let unknown = "A".repeat(64);
    let reply = client
        .get("/api/items")
        .header("X-User-Session", unknown)
        .send()
        .await;
    reply.assert_status(StatusCode::UNAUTHORIZED);
}

#[session(load)]
#[handler]
async fn user(session: Session<Shop>) -> String {
    session.subject().unwrap_or("nobody").to_owned()
}

/// poem makes a unit struct of a handler, which a parameter cannot have the name of. So this name must not
/// be that of a parameter of a function that the config expands to.
#[handler]
fn configure() {}

#[tokio::test]
async fn a_test_client_has_its_own_store() {
    let app = routes()
        .at("/user", user)
        .at("/configure", configure)
        .with(Shop::layer().with_store(MemoryStore::default()));
    let client = connect_session::testing::poem::client::<Shop>(app);
    crate::testing::assert_has_its_own_store(&client, "/user").await;
    assert_eq!(client.get("/user").await.text(), "ada");
    client.login_as("ada").emit(Emit::Cookie).await;
    client.get("/user").await.assert_status(200);
    client.post("/leave").await.assert_status(410);
    assert_eq!(client.sid(), None, "the response removes the cookie");
}
