//! A program that forks. The test has a program of its own, because only the thread that forks is in the
//! child: no other test may run in it.
#![cfg(unix)]

mod child;
mod store;

use std::collections::BTreeSet;

use http::{HeaderMap, Request, Response};
use sessions::{Session, SessionConfig as _, session, session_config};

use crate::child::Child;
use crate::store::RecordingStore;

session_config! {
    struct Shop {
        loaders: [header("X-User-Session")],

        store: RecordingStore = RecordingStore::default(),
    }
}

#[session(create, http)]
async fn open(mut session: Session<Shop>, request: Request<String>) -> Response<String> {
    let _ = session.insert("path", request.uri().path());
    Response::new(String::new())
}

#[session(load, http)]
async fn rotate(mut session: Session<Shop>, request: Request<String>) -> Response<String> {
    let _ = session.insert("path", request.uri().path());
    session.rotate().expect("the session is open");
    Response::new(String::new())
}

/// Creates and rotates a session, in this process. Returns everything random that came of it: the secrets
/// and ids of the sids, and the commit ids that the store received.
fn use_sessions() -> BTreeSet<String> {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let mut drawn = BTreeSet::new();
    let mut draw = |text: String| assert!(drawn.insert(text), "drawn twice in one process");
    runtime.build().expect("a runtime").block_on(async {
        for _ in 0..3 {
            let sid = sid(open(Request::default()).await.headers());
            let mut request = Request::<String>::default();
            let value = sid.parse().expect("a header value");
            request.headers_mut().insert("x-user-session", value);
            let rotated = self::sid(rotate(request).await.headers());
            // The random half of the id, and the secret, as far as whole characters hold nothing else.
            draw(format!("id {}", &sid[11..21]));
            draw(format!("secret {}", &sid[22..]));
            draw(format!("secret {}", &rotated[22..]));
        }
    });
    for id in RecordingStore::take_commit_ids() {
        draw(format!("commit {}", u128::from_be_bytes(id)));
    }
    drawn
}

fn sid(headers: &HeaderMap) -> String {
    let sid = headers.get("x-user-session").expect("a sid");
    sid.to_str().expect("a text").to_owned()
}

#[test]
fn row_66b_forked_processes_draw_different_random_numbers() {
    let mut drawn = use_sessions();
    assert_eq!(
        drawn.len(),
        15,
        "the parent has used its generator: {:?}",
        Shop::NAME
    );
    let mut children: Vec<Child> = (0..2).map(|_| Child::fork(grandchild_too)).collect();
    let from_parent = use_sessions();
    let from_children = children.iter_mut().flat_map(Child::finish);
    for text in from_children.chain(from_parent) {
        assert!(drawn.insert(text.clone()), "two processes drew {text}");
    }
    assert_eq!(drawn.len(), 6 * 15);
}

/// The child has not drawn anything before it forks, and its own child draws first.
fn grandchild_too() -> Vec<String> {
    let mut grandchild = Child::fork(|| use_sessions().into_iter().collect());
    let mut drawn = grandchild.finish();
    drawn.extend(use_sessions());
    drawn
}
