//! Stores that fail, and stores that cannot tell.

use connect_session::SessionId;
use connect_session::Untyped;
use connect_session::store::{
    BoxFuture, Change, CommitOutcome, InsertOutcome, Inspect, Inspected, Key, ListCursor, ListPage,
    LiveCount, LoadOutcome, LoadRequest, MemoryStore, NewRecord, RevocationMark, Store, StoreError,
    SubjectIndex, SubjectKey,
};
use http::Method;

use super::{app, ask, get, insert, user};

/// Fails whenever it is asked about its sessions.
struct Broken;

fn fails<T>() -> Result<T, StoreError> {
    Err(StoreError::Unavailable(
        "postgres://u:password@db is down".into(),
    ))
}

fn failing<'a, T: Send + 'a>() -> BoxFuture<'a, Result<T, StoreError>> {
    Box::pin(std::future::ready(fails()))
}

impl Store<Untyped> for Broken {
    fn as_subject_index(&self) -> Option<&dyn SubjectIndex> {
        Some(self)
    }

    fn as_inspect(&self) -> Option<&dyn Inspect> {
        Some(self)
    }

    async fn insert(
        &self,
        _: Key,
        _: &NewRecord<Untyped>,
    ) -> Result<InsertOutcome<Untyped>, StoreError> {
        fails()
    }

    async fn load(&self, _: Key, _: &LoadRequest) -> Result<LoadOutcome<Untyped>, StoreError> {
        fails()
    }

    async fn commit(
        &self,
        _: Key,
        _: &Change<Untyped>,
    ) -> Result<CommitOutcome<Untyped>, StoreError> {
        fails()
    }

    async fn destroy(&self, _: Key) -> Result<bool, StoreError> {
        fails()
    }

    async fn count(&self, _: &'static str) -> Result<u64, StoreError> {
        fails()
    }
}

impl Inspect for Broken {
    fn inspect(&self, _: Key) -> BoxFuture<'_, Result<Option<Inspected>, StoreError>> {
        failing()
    }

    fn live_count(&self, _: &'static str, _: u64) -> BoxFuture<'_, Result<LiveCount, StoreError>> {
        failing()
    }
}

impl SubjectIndex for Broken {
    fn revocation_mark(&self, _: SubjectKey) -> BoxFuture<'_, Result<RevocationMark, StoreError>> {
        failing()
    }

    fn list(
        &self,
        _: SubjectKey,
        _: Option<ListCursor>,
        _: usize,
    ) -> BoxFuture<'_, Result<ListPage, StoreError>> {
        failing()
    }

    fn count_of(&self, _: SubjectKey) -> BoxFuture<'_, Result<u64, StoreError>> {
        failing()
    }

    fn end(&self, _: SubjectKey, _: SessionId) -> BoxFuture<'_, Result<bool, StoreError>> {
        failing()
    }

    fn end_all(
        &self,
        _: SubjectKey,
        _: Option<SessionId>,
    ) -> BoxFuture<'_, Result<Vec<SessionId>, StoreError>> {
        failing()
    }
}

#[tokio::test]
async fn a_store_that_fails_is_a_503() {
    let id = insert(&MemoryStore::default(), 1, user("ada")).await;
    let app = app(Broken);
    let requests = [
        (Method::GET, String::new()),
        (Method::GET, "?subject=ada".to_owned()),
        (Method::GET, format!("?id={id}")),
        (Method::POST, format!("?end={id}")),
        (Method::POST, "?end_all=ada".to_owned()),
        (Method::GET, "/api/counts".to_owned()),
        (Method::GET, "/api/sessions?subject=ada".to_owned()),
        (Method::GET, format!("/api/sessions/{id}")),
        (Method::DELETE, format!("/api/sessions/{id}")),
        (Method::DELETE, "/api/sessions?subject=ada".to_owned()),
    ];
    for (method, path) in requests {
        let answer = ask(&app, "end", method.clone(), &path).await;
        assert_eq!(answer.status, 503, "{method} {path}");
        assert_eq!(answer.header("retry-after"), "1", "{method} {path}");
        let kind = if path.starts_with("/api") {
            "application/problem+json"
        } else {
            "text/html; charset=utf-8"
        };
        assert_eq!(answer.header("content-type"), kind, "{method} {path}");
        assert!(
            answer
                .body
                .contains("Sessions are not available at the moment")
        );
        assert!(!answer.body.contains("password"));
    }
    assert_eq!(get(&app, "/openapi.json").await.status, 200);
}
