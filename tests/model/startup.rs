//! Errors at startup: options from the environment, and the store.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use axum::routing::post;
use connect_session::store::MemoryStore;
use connect_session::{CookieSpec, Emit, Session, SidSource, Untyped, session, session_config};
use tower::ServiceExt as _;

session_config! {
    struct FromEnvironment {
        idle_timeout: 10m,
    }
}

#[session(create)]
async fn open(session: Session<FromEnvironment>) -> String {
    let lives = session.expires_at().duration_since(session.created_at());
    lives.map_or(0, |lives| lives.as_secs()).to_string()
}

async fn answer(app: Router) -> (u16, String, String) {
    let request = Request::post("/").body(Body::empty()).expect("a request");
    let response = app.oneshot(request).await.expect("infallible");
    let status = response.status().as_u16();
    let names: Vec<_> = response
        .headers()
        .keys()
        .map(|name| name.as_str().to_owned())
        .collect();
    let body = axum::body::to_bytes(response.into_body(), 1 << 16)
        .await
        .expect("a body");
    (
        status,
        String::from_utf8(body.to_vec()).expect("text"),
        names.join(" "),
    )
}

const COOKIE: CookieSpec = {
    let mut cookie = CookieSpec::new("__Host-sid");
    cookie.domain = Some("example.com");
    cookie
};

#[tokio::test]
async fn options_from_the_environment_are_checked_by_the_same_rules() {
    let refused = FromEnvironment::configure(|options| {
        options.idle_timeout = Duration::from_secs(90_000);
        options.touch_every = Some(Duration::from_secs(100_000));
        options.first_use_timeout = Some(Duration::from_secs(90_000));
        options.renew_every = Some(Duration::ZERO);
        options.max_size = Some(0);
        options.namespace = "";
        options.loaders = const {
            &[
                SidSource::Header("Content-Length"),
                SidSource::Header("a b"),
                SidSource::Header("A B"),
                SidSource::Cookie(COOKIE),
                SidSource::Cookie(CookieSpec::new("sid")),
            ]
        };
        options.emit = Some(Emit::Header);
    });
    let refused = refused.expect_err("many options are invalid");
    assert!(
        refused
            .to_string()
            .starts_with("the options of FromEnvironment cannot be used: "),
        "{refused}"
    );
    let problems = refused.problems;
    for option in [
        "idle_timeout: 90000s:",
        "touch_every: 100000s:",
        "first_use_timeout: 90000s:",
        "renew_every: 0ns:",
        "max_size: 0:",
        "namespace: ``:",
        "header loader: `a b`: the character ' ' at byte 1 is wrong;",
        "loaders: the header `a b` is read twice;",
        "cookie loader: `__Host-sid`:",
        "cookie loader: `sid`: a cookie without a prefix",
    ] {
        assert!(
            problems.iter().any(|problem| problem.starts_with(option)),
            "{option} in {problems:#?}"
        );
    }
    let headers = problems
        .iter()
        .filter(|problem| problem.starts_with("header loader:"))
        .count();
    assert_eq!(headers, 3, "{problems:#?}");

    // Invalid options are discarded, and the first valid configure applies from then on.
    FromEnvironment::configure(|options| {
        assert_eq!(options.idle_timeout, Duration::from_secs(600));
        options.idle_timeout = Duration::from_secs(20);
        options.loaders = const { &[SidSource::Header("X-From-Environment")] };
    })
    .expect("nothing wrong");
    let (status, body, headers) = answer(Router::new().route("/", post(open))).await;
    assert_eq!((status, &*body), (200, "20"));
    assert!(headers.contains("x-from-environment"), "{headers}");
    let late = FromEnvironment::configure(|_| {}).expect_err("in use");
    assert!(late.to_string().contains("already in use"), "{late}");
}

session_config! {
    struct Embedded {
        loaders: [header("X-User-Session"), cookie("__Host-sid", origins = ["https://a.example.com"])],
    }
}

#[session(load)]
async fn change(_session: Option<Session<Embedded>>) -> &'static str {
    "changed"
}

#[tokio::test]
async fn origins_from_the_environment_are_added_and_checked() {
    let refused = Embedded::configure(|options| options.allow_origins(["https://B.example.com"]));
    let problems = refused.expect_err("not in lower case").problems;
    assert!(
        matches!(&*problems, [problem] if problem.starts_with("origins:")),
        "{problems:#?}"
    );
    Embedded::configure(|options| options.allow_origins([String::from("https://b.example.com")]))
        .expect("nothing wrong");
    for (origin, expected) in [
        ("https://a.example.com", 200),
        ("https://b.example.com", 200),
        ("https://c.example.com", 403),
    ] {
        let cookie = format!("__Host-sid={}", "A".repeat(64));
        let request = Request::post("/")
            .header("cookie", cookie)
            .header("sec-fetch-site", "same-site")
            .header("origin", origin)
            .body(Body::empty())
            .expect("a request");
        let app = Router::new().route("/", post(change));
        let status = app.oneshot(request).await.expect("infallible").status();
        assert_eq!(status.as_u16(), expected, "{origin}");
    }
}

static IS_UP: AtomicBool = AtomicBool::new(false);
static BUILDS: AtomicUsize = AtomicUsize::new(0);

fn connect() -> Result<MemoryStore<Untyped>, std::io::Error> {
    BUILDS.fetch_add(1, Ordering::SeqCst);
    if IS_UP.load(Ordering::SeqCst) {
        Ok(MemoryStore::new())
    } else {
        Err(std::io::Error::other("the server is down"))
    }
}

session_config! {
    struct Remote {
        loaders: [header("X-Remote-Session")],
        store: MemoryStore<Untyped> = connect()?,
    }
}

#[session(create)]
async fn open_remote(session: Session<Remote>) -> String {
    session.id().to_string()
}

#[tokio::test]
async fn a_store_that_cannot_be_built_causes_503_and_is_retried_after_a_second() {
    let started = std::time::Instant::now();
    let error = Remote::start().await.expect_err("the server is down");
    assert_eq!(error.problems, ["the server is down"], "{error}");
    let app = Router::new().route("/", post(open_remote));
    for _ in 0..10 {
        let (status, body, headers) = answer(app.clone()).await;
        assert_eq!(status, 503);
        assert!(
            body.contains("#store-unavailable") && !body.contains("down"),
            "{body}"
        );
        assert!(!headers.contains("x-remote-session"), "{headers}");
    }
    let builds = BUILDS.load(Ordering::SeqCst) as u64;
    assert!(
        builds <= 1 + started.elapsed().as_secs(),
        "{builds} builds: more than one per second"
    );
    IS_UP.store(true, Ordering::SeqCst);
    tokio::time::sleep(Duration::from_millis(1_050)).await;
    assert_eq!(answer(app.clone()).await.0, 200);
    let builds = BUILDS.load(Ordering::SeqCst);
    Remote::start().await.expect("the server is up");
    assert_eq!(answer(app).await.0, 200);
    assert_eq!(
        BUILDS.load(Ordering::SeqCst),
        builds,
        "the store was built again"
    );
}

#[derive(Clone, Default, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Strict {
    field: u8,
}

session_config! {
    struct Rigid {
        data: Strict,
        loaders: [header("X-Rigid-Session")],
    }
}

#[derive(Clone, Default, serde::Serialize, serde::Deserialize)]
struct NoObject(u8);

session_config! {
    struct Shapeless {
        data: NoObject,
        loaders: [header("X-Shapeless-Session")],
    }
}

#[derive(Clone, Default, serde::Serialize, serde::Deserialize)]
struct OneWay {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    list: Vec<u8>,
}

session_config! {
    struct Unreadable {
        data: OneWay,
        loaders: [header("X-Unreadable-Session")],
    }
}

#[tokio::test]
async fn data_types_that_cannot_be_stored_are_rejected_at_startup() {
    let error = Rigid::start()
        .await
        .expect_err("fields could not be added later");
    assert!(error.to_string().contains("deny_unknown_fields"), "{error}");
    let error = Shapeless::start().await.expect_err("no fields");
    assert!(error.to_string().contains("JSON object"), "{error}");
    let error = Unreadable::start()
        .await
        .expect_err("an omitted list cannot be read");
    assert!(error.to_string().contains("#[serde(default)]"), "{error}");
}

#[session(create)]
async fn open_rigid(_session: Session<Rigid>) {}

#[session(create)]
async fn open_shapeless(_session: Session<Shapeless>) {}

#[session(create)]
async fn open_unreadable(_session: Session<Unreadable>) {}

#[tokio::test]
async fn data_types_that_cannot_be_stored_are_rejected_without_a_start() {
    for route in [
        post(open_rigid),
        post(open_shapeless),
        post(open_unreadable),
    ] {
        let app = Router::new().route("/", route);
        let (status, body, headers) = answer(app).await;
        assert_eq!(status, 500, "{body}");
        assert!(body.contains("#unencodable"), "{body}");
        assert!(!headers.contains("-session"), "{headers}");
    }
}

session_config! {
    struct Texts {
        data: std::collections::HashMap<String, String>,
    }
}

#[derive(Clone, serde::Serialize, serde::Deserialize)]
#[serde(tag = "kind", deny_unknown_fields)]
enum Visit {
    Guest {},
}

impl Default for Visit {
    fn default() -> Self {
        Self::Guest {}
    }
}

session_config! {
    struct Tagged {
        data: Visit,
    }
}

#[session(create)]
async fn open_texts(mut session: Session<Texts>) {
    session.insert("a".to_owned(), "b".to_owned());
}

#[tokio::test]
async fn unusual_types_start_or_say_why_not() {
    Texts::start().await.expect("a map of texts");
    let app = Router::new().route("/", post(open_texts));
    assert_eq!(answer(app).await.0, 200);
    let error = Tagged::start().await.expect_err("no field can be added");
    assert!(error.to_string().contains("deny_unknown_fields"), "{error}");
}

static SHARED: LazyLock<MemoryStore<Untyped>> = LazyLock::new(MemoryStore::new);

session_config! {
    struct First {
        loaders: [header("X-First"), cookie("first", insecure = "this test speaks plain http")],
        namespace: "shared",
        store: MemoryStore<Untyped> = SHARED.clone(),
    }
}

session_config! {
    struct SameNamespace {
        loaders: [header("X-Second")],
        namespace: "shared",
        store: MemoryStore<Untyped> = SHARED.clone(),
    }
}

session_config! {
    struct SameNames {
        loaders: [header("x-first"), cookie("first", insecure = "this test speaks plain http")],
        namespace: "elsewhere",
        store: MemoryStore<Untyped> = SHARED.clone(),
    }
}

session_config! {
    struct Separate {
        loaders: [
            header("X-Third"),
            cookie("first", path = "/elsewhere", insecure = "this test speaks plain http"),
        ],
        namespace: "elsewhere-too",
        store: MemoryStore<Untyped> = SHARED.clone(),
    }
}

#[session(create)]
async fn open_same_namespace(session: Session<SameNamespace>) -> String {
    session.id().to_string()
}

#[tokio::test]
async fn conflicting_configs_do_not_start() {
    First::start().await.expect("the first config starts");
    First::start().await.expect("starting it again succeeds");
    let error = SameNamespace::start()
        .await
        .expect_err("the same namespace");
    assert_eq!(
        format!("{error:?}"),
        error.to_string(),
        "`Debug` is what `main` prints"
    );
    let problem = "`First` already keeps its sessions under the namespace `shared`";
    assert!(error.to_string().contains(problem), "{error}");
    let app = Router::new().route("/", post(open_same_namespace));
    assert_eq!(
        answer(app).await.0,
        503,
        "it serves requests without `start()`"
    );

    let error = SameNames::start()
        .await
        .expect_err("the same header and cookie");
    let problems = error.problems.join("\n");
    assert_eq!(error.problems.len(), 2, "{problems}");
    assert!(
        problems.contains("reads the header `x-first`"),
        "{problems}"
    );
    assert!(problems.contains("reads the cookie `first`"), "{problems}");
    Separate::start().await.expect("shares only the store");
}
