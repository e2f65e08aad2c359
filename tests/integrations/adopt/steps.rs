//! A store and old sessions whose calls wait or fail as a test says.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use connect_session::adopt::{OldCookie, OldSessions, OldSid, RequestHeaders};
use connect_session::store::{
    BoxError, Change, CommitOutcome, InsertOutcome, Key, LoadOutcome, LoadRequest, MemoryStore,
    NewRecord, Store, StoreError, SubjectIndex, Timestamp,
};
use serde_json::Value;
use tokio::sync::Notify;

use super::Cart;

/// Which call is caught.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Point {
    /// The call with this number, of those of both stores.
    Call(usize),
    /// The next call of this operation.
    Next(&'static str),
}

/// Whether a call is caught before or after its effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum When {
    Before,
    After,
}

/// What becomes of a call that is caught.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    Waits,
    Fails,
}

#[derive(Debug)]
struct Trap {
    point: Point,
    when: When,
    fault: Fault,
    reached: Arc<Notify>,
    go_on: Arc<Notify>,
}

/// A call that waits.
#[derive(Debug)]
pub(super) struct Waiting {
    reached: Arc<Notify>,
    go_on: Arc<Notify>,
}

impl Waiting {
    pub(super) async fn reached(&self) {
        self.reached.notified().await;
    }

    pub(super) fn go_on(self) {
        self.go_on.notify_one();
    }
}

/// The calls of both stores.
#[derive(Debug, Clone, Default)]
pub(super) struct Steps(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    calls: usize,
    done: Vec<&'static str>,
    traps: Vec<Trap>,
}

impl Steps {
    /// Lets a call wait.
    pub(super) fn wait_at(&self, point: Point, when: When) -> Waiting {
        self.add(point, when, Fault::Waits)
    }

    /// Lets a call fail.
    pub(super) fn fail_at(&self, point: Point, when: When) {
        self.add(point, when, Fault::Fails);
    }

    fn add(&self, point: Point, when: When, fault: Fault) -> Waiting {
        let (reached, go_on) = <(Arc<Notify>, Arc<Notify>)>::default();
        let mut state = self.0.lock().unwrap();
        state.traps.push(Trap {
            point,
            when,
            fault,
            reached: reached.clone(),
            go_on: go_on.clone(),
        });
        Waiting { reached, go_on }
    }

    /// Whether every call that was to be caught has been.
    pub(super) fn all_caught(&self) -> bool {
        self.0.lock().unwrap().traps.is_empty()
    }

    /// Whether a call of this operation has had its effect.
    pub(super) fn has_done(&self, name: &str) -> bool {
        self.0.lock().unwrap().done.contains(&name)
    }

    /// Runs a call. `failure` makes the error of one that fails.
    async fn run<T, E>(
        &self,
        name: &'static str,
        call: impl Future<Output = Result<T, E>>,
        failure: impl Fn(When) -> E,
    ) -> Result<T, E> {
        let trap = {
            let mut state = self.0.lock().unwrap();
            let number = state.calls;
            state.calls += 1;
            let is_caught = |trap: &Trap| match trap.point {
                Point::Call(other) => other == number,
                Point::Next(other) => other == name,
            };
            let index = state.traps.iter().position(is_caught);
            index.map(|index| state.traps.remove(index))
        };
        let stop = async |when| match &trap {
            Some(trap) if trap.when == when => {
                if trap.fault == Fault::Fails {
                    return Err(failure(when));
                }
                trap.reached.notify_one();
                trap.go_on.notified().await;
                Ok(())
            }
            _ => Ok(()),
        };
        stop(When::Before).await?;
        let result = call.await;
        self.0.lock().unwrap().done.push(name);
        stop(When::After).await?;
        result
    }
}

/// The new store.
#[derive(Debug, Clone)]
pub(super) struct SteppedStore {
    pub(super) store: MemoryStore<Cart>,
    pub(super) steps: Steps,
}

fn failure(when: When) -> StoreError {
    match when {
        When::Before => StoreError::Unavailable("injected by a test".into()),
        When::After => StoreError::OutcomeUnknown("injected by a test".into()),
    }
}

impl Store<Cart> for SteppedStore {
    fn is_serializing(&self) -> bool {
        Store::<Cart>::is_serializing(&self.store)
    }

    fn as_subject_index(&self) -> Option<&dyn SubjectIndex> {
        self.store.as_subject_index()
    }

    async fn insert(
        &self,
        key: Key,
        record: &NewRecord<Cart>,
    ) -> Result<InsertOutcome<Cart>, StoreError> {
        let call = Store::insert(&self.store, key, record);
        self.steps.run("insert", call, failure).await
    }

    async fn load(&self, key: Key, request: &LoadRequest) -> Result<LoadOutcome<Cart>, StoreError> {
        let call = Store::load(&self.store, key, request);
        self.steps.run("load", call, failure).await
    }

    async fn commit(
        &self,
        key: Key,
        change: &Change<Cart>,
    ) -> Result<CommitOutcome<Cart>, StoreError> {
        let call = Store::commit(&self.store, key, change);
        self.steps.run("commit", call, failure).await
    }

    async fn destroy(&self, key: Key) -> Result<bool, StoreError> {
        let call = Store::destroy(&self.store, key);
        self.steps.run("destroy", call, failure).await
    }

    async fn count(&self, namespace: &'static str) -> Result<u64, StoreError> {
        self.store.count(namespace).await
    }

    fn now(&self) -> Timestamp {
        self.store.now()
    }
}

static OLD: Mutex<Option<HashMap<String, (Value, Steps)>>> = Mutex::new(None);

fn with_all<T>(f: impl FnOnce(&mut HashMap<String, (Value, Steps)>) -> T) -> T {
    f(OLD.lock().unwrap().get_or_insert_default())
}

/// Stores an old session.
pub(super) fn store_old(id: &str, session: Value, steps: &Steps) {
    with_all(|all| all.insert(id.to_owned(), (session, steps.clone())));
}

/// Ends an old session, as the old program does.
pub(super) fn end_old(id: &str) {
    with_all(|all| all.remove(id));
}

pub(super) fn is_stored(id: &str) -> bool {
    with_all(|all| all.contains_key(id))
}

/// The old sessions of all tests.
#[derive(Debug)]
pub(super) struct OldStore;

async fn run<T>(id: &str, name: &'static str, call: impl FnOnce() -> T) -> Result<T, BoxError> {
    let call = async { Ok(call()) };
    let failure = |_| "injected by a test".into();
    match with_all(|all| all.get(id).map(|(_, steps)| steps.clone())) {
        Some(steps) => steps.run(name, call, failure).await,
        None => call.await,
    }
}

impl OldSessions for OldStore {
    fn find(&self, request: &RequestHeaders) -> Option<OldSid> {
        request.cookies("old").next().map(OldSid::signed)
    }

    async fn read(&self, sid: &OldSid) -> Result<Option<Value>, BoxError> {
        let id = sid.as_str();
        let read = || with_all(|all| all.get(id).map(|(session, _)| session.clone()));
        run(id, "read", read).await
    }

    async fn remove(&self, sid: &OldSid) -> Result<(), BoxError> {
        run(sid.as_str(), "remove", || end_old(sid.as_str())).await
    }

    fn cookie(&self) -> OldCookie {
        OldCookie::new("old")
    }
}
