//! A task that changes its session and forgets to save it.

use std::process::Command;
use std::sync::Arc;

use axum::body::Body;
use axum::http::Request;
use axum::routing::post;
use axum::{Extension, Router};
use connect_session::store::MemoryStore;
use connect_session::{Session, session, session_config};
use tokio::sync::Notify;
use tower::ServiceExt as _;

session_config! {
    struct Forgetful {}
}

/// Lets a task wait for the response, and the test wait for the task.
#[derive(Default)]
struct Signals {
    responded: Notify,
    done: Notify,
}

fn spawn(signals: Extension<Arc<Signals>>, task: impl FnOnce() + Send + 'static) {
    tokio::spawn(async move {
        signals.responded.notified().await;
        task();
        signals.done.notify_one();
    });
}

#[session(create)]
async fn forget(mut session: Session<Forgetful>, signals: Extension<Arc<Signals>>) {
    spawn(signals, move || {
        session.insert("lost", 1).ok();
    });
}

#[session(create)]
async fn borrow(mut session: Session<Forgetful>, signals: Extension<Arc<Signals>>) {
    spawn(signals, move || {
        session.remove("nothing");
    });
}

/// Runs in a process of its own, whose stderr the other test reads.
#[tokio::test]
#[ignore = "the test below runs it"]
async fn forget_twice() {
    for path in ["/forget", "/forget", "/borrow"] {
        let signals = Arc::<Signals>::default();
        let app = Router::new()
            .route("/forget", post(forget))
            .route("/borrow", post(borrow))
            .layer(Extension(signals.clone()))
            .layer(Forgetful::layer().with_store(MemoryStore::new()));
        let request = Request::post(path).body(Body::empty()).unwrap();
        assert_eq!(app.oneshot(request).await.unwrap().status(), 200);
        signals.responded.notify_one();
        signals.done.notified().await;
    }
}

#[test]
fn a_change_that_a_task_loses_is_printed_once_with_its_place() {
    let line = include_str!("unsaved.rs")
        .lines()
        .position(|line| line.contains("\"lost\", 1"))
        .unwrap()
        + 1;
    let child = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "unsaved::forget_twice",
            "--ignored",
            "--nocapture",
        ])
        .output()
        .unwrap();
    let stderr = String::from_utf8(child.stderr).unwrap();
    assert!(child.status.success(), "{stderr}");
    let printed: Vec<&str> = stderr
        .lines()
        .filter(|line| line.contains("save"))
        .collect();
    let [printed] = printed[..] else {
        panic!("not once: {stderr}");
    };
    assert!(
        printed.contains("a session of `Forgetful` was changed at "),
        "{printed}"
    );
    assert!(
        printed.contains(&format!("unsaved.rs:{line}:")),
        "{printed}"
    );
}
