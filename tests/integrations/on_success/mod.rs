//! `commit: on_success`: the status of the response decides whether a handler's changes are stored, also
//! where the types of a framework do not show that the handler failed.

#[cfg(feature = "actix-web")]
mod actix;
mod axum;
mod http;
#[cfg(feature = "poem")]
mod poem;
#[cfg(feature = "rocket")]
mod rocket;
#[cfg(feature = "salvo")]
mod salvo;

use std::fmt;

use connect_session::testing::FailingStore;
use connect_session::{Session, session_config, store::MemoryStore};

use crate::shop::Cart;

session_config! {
    struct Careful {
        data: Cart,
        loaders: [header("X-User-Session"), cookie("__Host-sid")],
        commit: on_success,
    }
}

type Store = FailingStore<MemoryStore<Cart>>;

fn store() -> Store {
    FailingStore::new(MemoryStore::default())
}

fn push(mut session: Session<Careful>) {
    session.items.push("pushed".to_owned());
}

/// A response that is no `Err`.
struct Fine(u16);

/// An error with any status.
#[derive(Debug)]
struct Failed(u16);

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("failed")
    }
}

impl std::error::Error for Failed {}

/// An application's own type around a `Result`.
struct Wrapped(Result<Fine, Failed>);

/// What most handlers of the tests return.
fn answer(status: u16) -> Result<Fine, Failed> {
    if status < 400 {
        Ok(Fine(status))
    } else {
        Err(Failed(status))
    }
}

/// A response, with all values of the headers that carry a sid.
struct Answer {
    status: u16,
    sids: Vec<String>,
    cookies: Vec<String>,
    body: String,
}

impl Answer {
    fn new(status: u16, headers: &::http::HeaderMap, body: String) -> Self {
        let values = |name: &str| {
            let values = headers.get_all(name).iter();
            values
                .map(|value| value.to_str().unwrap().to_owned())
                .collect()
        };
        Self {
            status,
            sids: values("x-user-session"),
            cookies: values("set-cookie"),
            body,
        }
    }
}

/// The routes `/{open}/{form}/{status}` with `open` one of `create`, `cookie` (which emits a cookie) and
/// `load`, and `/show`, which responds with the number of items.
trait Framework {
    /// The forms of return types. A handler of the form `err` returns an `Err` with any status.
    const FORMS: &'static [&'static str];

    async fn send(&self, path: &str, header: Option<(&str, &str)>) -> Answer;
}

/// Creates a session. Returns the header with its sid.
async fn open<F: Framework>(framework: &F, how: &str) -> (&'static str, String) {
    let answer = framework.send(&format!("/{how}/plain/200"), None).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    if how == "create" {
        assert_eq!((answer.sids.len(), answer.cookies.len()), (1, 0));
        return ("x-user-session", answer.sids[0].clone());
    }
    assert_eq!((answer.sids.len(), answer.cookies.len()), (0, 1));
    let (cookie, _) = answer.cookies[0].split_once(';').unwrap();
    ("cookie", cookie.to_owned())
}

/// Every form, with each status, in a request that creates a session and in one that loads it.
async fn every_form<F: Framework>(framework: &F, store: Option<&Store>) {
    let inserts = || store.map(|store| store.faults().inserts());
    for form in F::FORMS {
        for status in [200, 302, 404, 500] {
            let stored = status < 400 && *form != "err";
            for how in ["create", "cookie"] {
                let what = format!("{how} {form} {status}");
                let before = inserts();
                let path = format!("/{how}/{form}/{status}");
                let created = framework.send(&path, None).await;
                assert_eq!(created.status, status, "{what}: {}", created.body);
                let sids = created.sids.len() + created.cookies.len();
                assert_eq!(sids, usize::from(stored), "{what}");
                let added = before.map(|before| before + u64::from(stored));
                assert_eq!(inserts(), added, "{what}");

                let (name, value) = open(framework, how).await;
                let sid = Some((name, &*value));
                let loaded = framework.send(&format!("/load/{form}/{status}"), sid).await;
                assert_eq!(loaded.status, status, "load, {what}: {}", loaded.body);
                let shown = framework.send("/show", sid).await;
                let items = if stored { "2" } else { "1" };
                assert_eq!(shown.body, items, "load, {what}");
            }
        }
    }
}

/// A new sid is not sent either, and the old one stays.
async fn rotation<F: Framework>(framework: &F) {
    for (status, rotates) in [(200, true), (404, false)] {
        let (name, sid) = open(framework, "create").await;
        let path = format!("/rotate/{status}");
        let answer = framework.send(&path, Some((name, &sid))).await;
        assert_eq!(answer.status, status);
        assert_eq!(answer.sids.len(), usize::from(rotates));
        let old = framework.send("/show", Some((name, &sid))).await;
        assert_eq!(old.status, if rotates { 401 } else { 200 });
    }
}

/// If the store fails during the commit, the client does not get the handler's 200.
async fn failing_store<F: Framework>(framework: &F, store: &Store) {
    store.faults().fail_inserts(true);
    let refused = framework.send("/create/plain/200", None).await;
    store.faults().clear();
    assert_eq!((refused.status, refused.sids.len()), (503, 0));
    assert!(
        refused.body.contains("store-unavailable"),
        "{}",
        refused.body
    );
}
