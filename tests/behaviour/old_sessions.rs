//! The sessions of another library, for the configs that adopt them.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use connect_session::adopt::{Adopt, Adopted, OldCookie, OldSessions, OldSid, RequestHeaders};
use connect_session::store::BoxError;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::data::Stuff;
use crate::support::client::Call;
use crate::support::signal::Signal;

static OLD: Mutex<Option<HashMap<String, Old>>> = Mutex::new(None);

/// An old session, and what happens to the calls of its store.
#[derive(Debug, Default)]
struct Old {
    data: Option<Value>,
    reads: usize,
    is_failing: bool,
    removal_fails: bool,
    /// The next read sends the first signal once it has its result, and then waits for the second.
    pause: Option<(Signal, Signal)>,
}

fn with<T>(id: &str, change: impl FnOnce(&mut Old) -> T) -> T {
    let mut all = OLD.lock().unwrap();
    let old = all.get_or_insert_default().entry(id.to_owned());
    change(old.or_default())
}

/// An old session of one test.
#[derive(Debug, Clone)]
pub struct OldSession {
    id: String,
    kind: &'static str,
}

impl OldSession {
    /// One with a signed cookie.
    pub fn signed(data: Value) -> Self {
        Self::new(data, "signed")
    }

    /// One whose cookie holds its id alone.
    pub fn plain(data: Value) -> Self {
        Self::new(data, "plain")
    }

    fn new(data: Value, kind: &'static str) -> Self {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let id = format!("old-{}", COUNT.fetch_add(1, Ordering::Relaxed));
        let old = Self { id, kind };
        old.store(data);
        old
    }

    /// A request with its cookie.
    pub fn on(&self, call: Call) -> Call {
        call.header("cookie", format!("old={}", self.value()))
    }

    pub fn value(&self) -> String {
        format!("{}.{}", self.id, self.kind)
    }

    pub fn forged(&self) -> Self {
        Self {
            kind: "forged",
            ..self.clone()
        }
    }

    /// Stores it, as the other library does.
    pub fn store(&self, data: Value) {
        with(&self.id, |old| old.data = Some(data));
    }

    pub fn is_stored(&self) -> bool {
        with(&self.id, |old| old.data.is_some())
    }

    pub fn expire(&self) {
        with(&self.id, |old| old.data = None);
    }

    pub fn reads(&self) -> usize {
        with(&self.id, |old| old.reads)
    }

    pub fn fail(&self, fails: bool) {
        with(&self.id, |old| old.is_failing = fails);
    }

    pub fn fail_removal(&self, fails: bool) {
        with(&self.id, |old| old.removal_fails = fails);
    }

    /// Makes the next read wait once it has its result. Returns the signal that it does, and the one that it
    /// waits for.
    pub fn pause(&self) -> (Signal, Signal) {
        let signals = (Signal::new(), Signal::new());
        with(&self.id, |old| old.pause = Some(signals.clone()));
        signals
    }
}

#[derive(Debug)]
struct Source;

fn error(is_failing: bool) -> Result<(), BoxError> {
    if is_failing {
        return Err("the old store is down".into());
    }
    Ok(())
}

impl OldSessions for Source {
    fn find(&self, request: &RequestHeaders) -> Option<OldSid> {
        request
            .cookies("old")
            .find_map(|value| match value.split_once('.') {
                Some((id, "signed")) => Some(OldSid::signed(id)),
                Some((id, "plain")) => Some(OldSid::stored(id)),
                _ => None,
            })
    }

    async fn read(&self, sid: &OldSid) -> Result<Option<Value>, BoxError> {
        let (failing, data, pause) = with(sid.as_str(), |old| {
            old.reads += 1;
            (old.is_failing, old.data.clone(), old.pause.take())
        });
        if let Some((reached, go_on)) = pause {
            reached.send(1);
            go_on.wait().await;
        }
        error(failing)?;
        Ok(data)
    }

    async fn remove(&self, sid: &OldSid) -> Result<(), BoxError> {
        error(with(sid.as_str(), |old| old.removal_fails))?;
        with(sid.as_str(), |old| old.data = None);
        Ok(())
    }

    fn cookie(&self) -> OldCookie {
        OldCookie::new("old")
    }
}

/// The type that the sessions are read as.
#[derive(Debug, Deserialize)]
struct Before {
    #[serde(default)]
    cart: Vec<String>,
    user: Option<String>,
    #[serde(default)]
    unwanted: bool,
}

/// What the configs of the suite adopt.
pub fn source() -> Adopt<Stuff> {
    Source.adopt(|old: Before| {
        if old.unwanted {
            return None;
        }
        let data = Stuff {
            items: old.cart,
            ..Stuff::default()
        };
        Some(Adopted::new(data).of_user(old.user))
    })
}

/// A cart with tea, of this user.
pub fn tea_of(user: &str) -> Value {
    json!({ "cart": ["tea"], "user": user, "csrf": "ignored" })
}
