//! Random request heads, compared with a simple reference: which sid is used, and whether the store
//! is called.

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use axum::routing::get;
use connect_session::store::MemoryStore;
use connect_session::testing::FailingStore;
use connect_session::{Session, Untyped, session, session_config};
use http::{HeaderName, HeaderValue};
use proptest::collection::vec;
use proptest::prelude::*;
use tower::ServiceExt as _;

session_config! {
    struct Read {
        loaders: [
            header("X-User-Session"),
            bearer,
            cookie("sid", insecure = "this test speaks plain http"),
            query("sid", allow_in_url = "this test uses every loader"),
        ],
    }
}

#[session(create, emit = header)]
async fn create(session: Session<Read>) -> String {
    session.sid().map(|sid| sid.expose()).unwrap_or_default()
}

#[session(load)]
async fn load(session: Option<Session<Read>>) -> String {
    session.is_some().to_string()
}

/// A part of a header; `Good` is the sid of a live session.
#[derive(Debug, Clone)]
enum Piece {
    Good,
    Unknown,
    Text(String),
}

impl Piece {
    fn text(&self, good: &str) -> String {
        match self {
            Self::Good => good.to_owned(),
            Self::Unknown => "A".repeat(64),
            Self::Text(text) => text.clone(),
        }
    }
}

fn piece() -> impl Strategy<Value = Piece> {
    prop_oneof![
        3 => Just(Piece::Good),
        2 => Just(Piece::Unknown),
        2 => "[ -~]{0,70}".prop_map(Piece::Text),
        2 => "[A-Za-z0-9_-]{62,66}".prop_map(Piece::Text),
        1 => Just(Piece::Text(String::new())),
    ]
}

fn cookie_pair() -> impl Strategy<Value = (String, Piece)> {
    ("( ?sid|sid |sidx|x|SID|)", piece())
}

#[derive(Debug, Clone)]
struct Head {
    headers: Vec<Piece>,
    authorizations: Vec<(String, Piece)>,
    cookies: Vec<Vec<(String, Piece)>>,
    query: Vec<(String, Piece)>,
}

fn head() -> impl Strategy<Value = Head> {
    let scheme = "(Bearer |bearer  |BEARER |Basic |Bearer|)";
    (
        vec(piece(), 0..3),
        vec((scheme, piece()), 0..3),
        vec(vec(cookie_pair(), 0..3), 0..3),
        vec(("(sid|%73id|x|)", piece()), 0..3),
    )
        .prop_map(|(headers, authorizations, cookies, query)| Head {
            headers,
            authorizations,
            cookies,
            query,
        })
}

#[derive(Debug, PartialEq)]
enum Expected {
    Ambiguous,
    Nothing,
    /// The store is called for a sid, which is from a cookie or not.
    Asked {
        sid: String,
        by_cookie: bool,
    },
}

/// The meaning of the head, according to the documentation.
fn meaning(head: &Head, good: &str) -> Expected {
    let trim = |text: &str| text.trim_matches([' ', '\t']).to_owned();
    let cookie_text = |pairs: &[(String, Piece)]| -> String {
        pairs
            .iter()
            .map(|(name, piece)| format!("{name}={}", piece.text(good)))
            .collect::<Vec<_>>()
            .join(";")
    };
    let places: [(Vec<String>, bool); 4] = [
        (
            head.headers
                .iter()
                .map(|piece| trim(&piece.text(good)))
                .collect(),
            false,
        ),
        (
            head.authorizations
                .iter()
                .filter_map(|(scheme, piece)| {
                    let value = trim(&format!("{scheme}{}", piece.text(good)));
                    let (scheme, token) = value.split_once(' ')?;
                    scheme.eq_ignore_ascii_case("bearer").then(|| trim(token))
                })
                .collect(),
            false,
        ),
        (
            head.cookies
                .iter()
                .flat_map(|pairs| {
                    let line = cookie_text(pairs);
                    line.split(';').map(trim).collect::<Vec<_>>()
                })
                .filter_map(|pair| {
                    let (name, value) = pair.split_once('=')?;
                    let value = trim(value);
                    let inner = value
                        .strip_prefix('"')
                        .and_then(|value| value.strip_suffix('"'));
                    (trim(name) == "sid").then(|| inner.unwrap_or(&value).to_owned())
                })
                .collect(),
            true,
        ),
        (
            head.query
                .iter()
                .filter(|(name, _)| name == "sid" || name == "%73id")
                .map(|(_, piece)| piece.text(good))
                .collect(),
            false,
        ),
    ];
    for (values, by_cookie) in places {
        let is_sid = |text: &str| {
            text.len() == 64
                && text
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte))
        };
        let mut values: Vec<_> = (values.into_iter()).filter(|value| is_sid(value)).collect();
        values.dedup();
        match &values[..] {
            [sid] => {
                return Expected::Asked {
                    sid: sid.clone(),
                    by_cookie,
                };
            }
            [] => {}
            _ => return Expected::Ambiguous,
        }
    }
    Expected::Nothing
}

fn request(head: &Head, good: &str) -> Option<Request<Body>> {
    let escape = |text: &str| -> String {
        text.bytes()
            .map(|byte| match byte {
                b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' => {
                    char::from(byte).to_string()
                }
                _ => format!("%{byte:02x}"),
            })
            .collect()
    };
    let query: Vec<_> = head
        .query
        .iter()
        .map(|(name, piece)| format!("{name}={}", escape(&piece.text(good))))
        .collect();
    let mut request = Request::get(format!("/load?{}", query.join("&")))
        .body(Body::empty())
        .ok()?;
    let mut add = |name: &'static str, text: String| -> Option<()> {
        request.headers_mut().append(
            HeaderName::from_static(name),
            HeaderValue::try_from(text).ok()?,
        );
        Some(())
    };
    for piece in &head.headers {
        add("x-user-session", piece.text(good))?;
    }
    for (scheme, piece) in &head.authorizations {
        add("authorization", format!("{scheme}{}", piece.text(good)))?;
    }
    for pairs in &head.cookies {
        let pairs = pairs
            .iter()
            .map(|(name, piece)| format!("{name}={}", piece.text(good)));
        add("cookie", pairs.collect::<Vec<_>>().join(";"))?;
    }
    Some(request)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_head_is_read_as_documented(head in head()) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        runtime.block_on(async {
            let store = FailingStore::new(MemoryStore::<Untyped>::new());
            let faults = store.faults();
            let layer = Read::layer().with_store(store);
            let app = Router::new().route("/create", get(create)).route("/load", get(load)).layer(layer);
            let send = |request| app.clone().oneshot(request);
            let created = send(Request::get("/create").body(Body::empty()).expect("a request")).await.expect("infallible");
            let good = created.headers()["x-user-session"].to_str().expect("ASCII").to_owned();

            let Some(request) = request(&head, &good) else { return Ok(()) };
            let expected = meaning(&head, &good);
            let response = send(request).await.expect("infallible");
            let status = response.status().as_u16();
            let body = axum::body::to_bytes(response.into_body(), 1_000).await.expect("a body");
            match expected {
                Expected::Ambiguous => prop_assert_eq!(status, 400),
                Expected::Nothing => prop_assert_eq!((status, &body[..]), (200, &b"false"[..])),
                Expected::Asked { ref sid, by_cookie } => {
                    let known = *sid == good && !by_cookie;
                    prop_assert_eq!(status, 200);
                    prop_assert_eq!(&body[..] == b"true", known);
                }
            }
            prop_assert_eq!(faults.loads(), u64::from(matches!(expected, Expected::Asked { .. })), "the number of loads");
            Ok::<(), TestCaseError>(())
        })?;
    }
}
