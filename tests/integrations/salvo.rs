//! salvo 1: hoops and the catcher, documents of `salvo-oapi`, `TestClient`, the depot, and
//! attributes above and below `#[handler]` and `#[endpoint]`.

use ::salvo::catcher::Catcher;
use ::salvo::oapi::extract::JsonBody;
use ::salvo::prelude::*;
use ::salvo::test::{ResponseExt as _, TestClient};
use connect_session::store::MemoryStore;
use connect_session::{Error, ErrorKind, Rejection, Session, session, session_config};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
struct Cart {
    items: Vec<String>,
}

session_config! {
    struct Shop {
        data: Cart,
        loaders: [header("X-User-Session"), bearer, cookie("__Host-sid")],
    }
}

#[session(create)]
#[handler]
async fn open(session: Session<Shop>) -> String {
    session.sid().unwrap().expose()
}

#[session(load)]
#[handler]
async fn show(session: Session<Shop>) -> Json<Cart> {
    Json(session.data().clone())
}

/// The session's headers are added to a response that the handler itself wrote.
#[session(load)]
#[handler]
async fn write(mut session: Session<Shop>, response: &mut Response) {
    session.items.push("tea".to_owned());
    response.status_code(StatusCode::CREATED);
    response.render("written");
}

fn routes() -> Router {
    Router::new()
        .push(Router::with_path("open").post(open))
        .push(Router::with_path("show").get(show))
        .push(Router::with_path("write").post(write))
}

fn url(path: &str) -> String {
    format!("http://127.0.0.1:5800/{path}")
}

async fn text(mut response: Response) -> String {
    response.take_string().await.unwrap()
}

async fn sid(service: &Service) -> String {
    text(TestClient::post(url("open")).send(service).await).await
}

fn header<'a>(response: &'a Response, name: &str) -> &'a str {
    let value = response.headers().get(name);
    value
        .map(|value| value.to_str().unwrap())
        .unwrap_or_default()
}

/// A hoop finds the rejection in the depot, inside and outside of the layer.
#[tokio::test]
async fn a_hoop_sees_a_rejection() {
    #[handler]
    async fn own_page(
        request: &mut Request,
        depot: &mut Depot,
        response: &mut Response,
        ctrl: &mut FlowCtrl,
    ) {
        ctrl.call_next(request, depot, response).await;
        if let Ok(rejection) = depot.get_typed::<Rejection>() {
            let kind = rejection.error().map(Error::kind);
            assert_eq!(kind, Some(ErrorKind::Missing));
            response.status_code(StatusCode::FORBIDDEN);
            response.body("log in first");
        }
    }
    let services = [
        Service::new(routes().hoop(own_page)),
        Service::new(routes().hoop(own_page).hoop(Shop::layer())),
        Service::new(routes().hoop(Shop::layer()).hoop(own_page)),
        Service::new(routes()).hoop(own_page),
    ];
    for service in services {
        let response = TestClient::get(url("show")).send(&service).await;
        assert_eq!(response.status_code, Some(StatusCode::FORBIDDEN));
        assert_eq!(text(response).await, "log in first");
    }
}

/// The catcher handles only errors without a body, and the problem document is a body.
#[tokio::test]
async fn the_catcher_does_not_replace_problem_documents() {
    #[session(load)]
    #[handler]
    async fn gone(session: Option<Session<Shop>>) -> Result<(), StatusError> {
        drop(session);
        Err(StatusError::gone())
    }
    #[handler]
    async fn own_page(response: &mut Response) {
        response.body("caught");
    }
    let router = routes().push(Router::with_path("gone").get(gone));
    let service = Service::new(router).catcher(Catcher::new(own_page));
    let response = TestClient::get(url("show")).send(&service).await;
    assert_eq!(response.status_code, Some(StatusCode::UNAUTHORIZED));
    assert_eq!(
        header(&response, "content-type"),
        "application/problem+json"
    );
    assert!(text(response).await.contains("missing-session"));
    let response = TestClient::get(url("gone")).send(&service).await;
    assert_eq!(response.status_code, Some(StatusCode::GONE));
    assert_eq!(
        header(&response, "vary"),
        "x-user-session, authorization, cookie"
    );
    assert_eq!(text(response).await, "caught");
}

/// If its session cannot be stored, the handler's response is discarded.
#[tokio::test]
async fn a_failed_commit_replaces_the_response() {
    use connect_session::testing::{CommitFault, FailingStore};
    let store = FailingStore::new(MemoryStore::default());
    let faults = store.faults();
    let service = Service::new(routes().hoop(Shop::layer().with_store(store)));
    let sid = sid(&service).await;
    let call = || {
        TestClient::post(url("write"))
            .add_header("X-User-Session", &sid, true)
            .send(&service)
    };
    let response = call().await;
    assert_eq!(response.status_code, Some(StatusCode::CREATED));
    assert_eq!(header(&response, "cache-control"), "private, no-cache");
    assert_eq!(text(response).await, "written");
    faults.fail_commits(CommitFault::Refused);
    let response = call().await;
    assert_eq!(response.status_code, Some(StatusCode::SERVICE_UNAVAILABLE));
    let problem: Value = serde_json::from_str(&text(response).await).unwrap();
    assert_eq!(problem["status"], 503);
}

#[tokio::test]
async fn depot_and_session_in_one_handler() {
    #[handler]
    async fn greeting(depot: &mut Depot) {
        depot.insert("greeting", "hello");
    }
    #[session(load)]
    #[handler]
    async fn greet(session: Option<Session<Shop>>, depot: &mut Depot) -> String {
        let words: &&str = depot.get("greeting").unwrap();
        format!("{words} {}", session.is_some())
    }
    let service = Service::new(Router::with_path("greet").hoop(greeting).get(greet));
    let response = TestClient::get(url("greet")).send(&service).await;
    assert_eq!(text(response).await, "hello false");
}

#[tokio::test]
async fn layers_have_separate_stores() {
    let shop = || Service::new(routes().hoop(Shop::layer().with_store(MemoryStore::default())));
    let (one, other) = (shop(), shop());
    let sid = sid(&one).await;
    for (service, status) in [(one, StatusCode::OK), (other, StatusCode::UNAUTHORIZED)] {
        let call = TestClient::get(url("show")).add_header("X-User-Session", &sid, true);
        assert_eq!(call.send(&service).await.status_code, Some(status));
    }
}

/// Salvo turns every rejection that is not an error into a 400; the layer restores the 204.
#[tokio::test]
async fn options_with_and_without_the_layer() {
    for (layered, status) in [
        (true, StatusCode::NO_CONTENT),
        (false, StatusCode::BAD_REQUEST),
    ] {
        let mut router = Router::with_path("show").goal(show);
        if layered {
            router = router.hoop(Shop::layer());
        }
        let response = TestClient::options(url("show"))
            .send(&Service::new(router))
            .await;
        assert_eq!(response.status_code, Some(status));
        assert_eq!(
            header(&response, "vary"),
            "x-user-session, authorization, cookie"
        );
    }
}

/// If a hoop responds to OPTIONS itself, its status stays.
#[tokio::test]
async fn options_with_a_response_of_the_application() {
    #[handler]
    async fn own_response(
        request: &mut Request,
        depot: &mut Depot,
        response: &mut Response,
        ctrl: &mut FlowCtrl,
    ) {
        ctrl.call_next(request, depot, response).await;
        response.status_code(StatusCode::OK);
        response.body("GET");
    }
    let router = Router::with_path("show").goal(show);
    let router = router.hoop(Shop::layer()).hoop(own_response);
    let service = Service::new(router);
    let response = TestClient::options(url("show")).send(&service).await;
    assert_eq!(response.status_code, Some(StatusCode::OK));
    assert_eq!(text(response).await, "GET");
}

/// What a session costs.
#[session(load)]
#[endpoint(tags("cart"))]
async fn add(mut session: Session<Shop>, item: JsonBody<Cart>) -> Result<Json<Cart>, Error> {
    session.items.extend(item.into_inner().items);
    session.data_mut().items.sort();
    Ok(Json(session.data().clone()))
}

/// Handlers for `assert_document`.
mod documented {
    use ::salvo::prelude::*;
    use connect_session::{LoggedIn, Session, SessionView, session};

    use crate::openapi::{Links, Shop};

    #[session(load)]
    #[endpoint]
    pub(super) async fn add(session: Session<Shop>) -> String {
        session.id().to_string()
    }

    #[session(create)]
    #[endpoint]
    pub(super) async fn begin(session: Session<Shop>) -> String {
        session.id().to_string()
    }

    #[session(load, header = "X-Device-Session")]
    #[endpoint]
    pub(super) async fn device(session: Option<Session<Shop>>) -> String {
        session.is_some().to_string()
    }

    #[session(load, fresh = 5m, level = 2)]
    #[endpoint]
    pub(super) async fn pay(session: LoggedIn<Shop>) -> String {
        session.subject().to_owned()
    }

    #[session(load)]
    #[endpoint]
    pub(super) async fn link(session: Session<Links>) -> String {
        session.id().to_string()
    }

    #[endpoint]
    pub(super) async fn look(view: SessionView<Shop>) -> String {
        view.id().to_string()
    }
}

#[tokio::test]
async fn documents_describe_the_session() {
    let router = Router::new()
        .push(Router::with_path("cart").post(add))
        .push(Router::with_path("add").post(documented::add))
        .push(Router::with_path("begin").post(documented::begin))
        .push(Router::with_path("device").get(documented::device))
        .push(Router::with_path("pay").post(documented::pay))
        .push(Router::with_path("link/{sid}").get(documented::link))
        .push(Router::with_path("look").get(documented::look));
    let document = OpenApi::new("Shop", "1").merge_router(&router);
    let document = serde_json::to_value(&document).unwrap();
    crate::openapi::assert_document(&document);
    let cart = &document["paths"]["/cart"]["post"];
    assert_eq!(
        (&cart["tags"], &cart["summary"]),
        (&json!(["cart"]), &json!("What a session costs."))
    );
    assert!(cart["responses"]["200"]["content"]["application/json"].is_object());
    assert!(cart["responses"]["default"]["content"]["application/problem+json"].is_object());
    assert!(cart["requestBody"].is_object());
}

/// `#[session]` works above `#[endpoint]`.
#[tokio::test]
async fn endpoints_receive_their_session() {
    let service = Service::new(routes().push(Router::with_path("add").post(add)));
    let sid = sid(&service).await;
    let call = TestClient::post(url("add")).add_header("X-User-Session", &sid, true);
    let mut response = call
        .json(&json!({ "items": ["milk", "cocoa"] }))
        .send(&service)
        .await;
    let cart: Value = response.take_json().await.unwrap();
    assert_eq!(cart, json!({ "items": ["cocoa", "milk"] }));
    let call = TestClient::get(url("show")).bearer_auth(&sid);
    let mut response = call.send(&service).await;
    assert_eq!(response.take_json::<Value>().await.unwrap(), cart);
}

#[tokio::test]
async fn a_test_client_has_its_own_store() {
    let layer = || Shop::layer().with_store(MemoryStore::default());
    let service = Service::new(routes().hoop(layer())).hoop(layer());
    let client = connect_session::testing::salvo::client::<Shop>(service);
    crate::testing::assert_has_its_own_store(&client, "/show").await;
    client.post("/open").await.assert_status(200);
    assert_eq!(client.get("/show").await.json::<Cart>().items, [""; 0]);
}
