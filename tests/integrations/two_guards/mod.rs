//! Two guards in one request: middleware and the handler inside it share the session of the request.
//!
//! Every combination of the modes and operations of both runs on each framework that allows two guards,
//! and its outcome is compared with the model.

mod axum;
mod endings;
mod http;
mod model;
#[allow(dead_code, unreachable_pub, reason = "shared with the behavior tests")]
#[path = "../../behaviour/reference_store/mod.rs"]
mod reference_store;
#[cfg(feature = "salvo")]
mod salvo;

use ::http::{HeaderMap, StatusCode};
use connect_session::{Error, Session, SessionView, session_config};
use serde::{Deserialize, Serialize};

use model::{Fields, Mode, Op, Outcome, Place, Script, Seen, Sent};

session_config! {
    struct Guarded {
        data: Fields,
        // A request never conflicts with itself.
        on_conflict: reject,
    }
}

/// The operations of both handlers of a request, as its header specifies them.
#[derive(Clone, Copy, Serialize, Deserialize)]
struct Steps {
    outer: Op,
    acts_after: bool,
    outer_fails: bool,
    inner: Op,
    inner_fails: bool,
}

impl Steps {
    fn of(script: &Script) -> Self {
        Self {
            outer: script.outer.1,
            acts_after: script.acts_after,
            outer_fails: script.fails == Some(Place::Outer),
            inner: script.inner.1,
            inner_fails: script.fails == Some(Place::Inner),
        }
    }

    fn in_headers(headers: &HeaderMap) -> Self {
        serde_json::from_slice(headers["x-steps"].as_bytes()).unwrap()
    }

    fn header(self) -> String {
        serde_json::to_string(&self).unwrap()
    }
}

/// Why a handler failed.
enum Failure {
    Session(Error),
    OnPurpose,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Session(error)
    }
}

impl Failure {
    fn status(&self) -> StatusCode {
        match self {
            Self::Session(error) => error.status(),
            Self::OnPurpose => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

fn fail_if(fails: bool) -> Result<(), Failure> {
    if fails {
        Err(Failure::OnPurpose)
    } else {
        Ok(())
    }
}

/// Runs a handler's operation, and returns the session unless the operation consumes it.
async fn act(
    mut session: Session<Guarded>,
    op: Op,
    place: Place,
) -> Result<Option<Session<Guarded>>, Error> {
    match op {
        Op::Nothing => {}
        Op::Write => session.write(place),
        Op::Update => session.update(|data| data.write(place)).await?,
        Op::Login => session.login(place.name())?,
        Op::Rotate => session.rotate()?,
        Op::Reset => session.reset()?,
        Op::Destroy => {
            session.destroy().await?;
            return Ok(None);
        }
        Op::Save => {
            session.write(place);
            session.save().await?;
            return Ok(None);
        }
    }
    Ok(Some(session))
}

async fn act_if(
    runs: bool,
    session: Option<Session<Guarded>>,
    op: Op,
    place: Place,
) -> Result<Option<Session<Guarded>>, Error> {
    match session {
        Some(session) if runs => act(session, op, place).await,
        session => Ok(session),
    }
}

fn seen(session: Option<&Session<Guarded>>) -> String {
    let seen = session.map(|session| Seen {
        is_new: session.is_new(),
        subject: session.subject().map(str::to_owned),
        data: session.data().clone(),
    });
    serde_json::to_string(&seen).unwrap()
}

fn seen_in_view(view: Option<&SessionView<Guarded>>) -> String {
    let seen = view.map(|view| Seen {
        is_new: false,
        subject: view.subject().map(str::to_owned),
        data: view.data().clone(),
    });
    serde_json::to_string(&seen).unwrap()
}

/// Runs the inner handler. Its response body contains what it saw.
async fn inner(session: Option<Session<Guarded>>, headers: &HeaderMap) -> Result<String, Failure> {
    let steps = Steps::in_headers(headers);
    let body = seen(session.as_ref());
    let _session = act_if(true, session, steps.inner, Place::Inner).await?;
    fail_if(steps.inner_fails)?;
    Ok(body)
}

/// The response of a framework.
#[derive(Debug)]
struct Reply {
    status: u16,
    sids: Vec<String>,
    body: String,
}

impl Reply {
    fn new(status: StatusCode, headers: &HeaderMap, body: String) -> Self {
        let sids = headers.get_all("x-user-session").iter();
        Self {
            status: status.as_u16(),
            sids: sids.map(|sid| sid.to_str().unwrap().to_owned()).collect(),
            body,
        }
    }
}

/// A framework with a guard of every mode around a handler of every mode.
trait Framework {
    /// Whether the outer handler returns before the inner one starts.
    const SEQUENTIAL: bool = false;
    /// Whether the outer handler can fail with a response that has headers.
    const OUTER_FAILS: bool = true;
    /// Whether middleware that fails sends a response without the headers of the inner one.
    const ERRORS_ARE_NEW: bool = true;
    /// Whether the error of the inner handler can carry headers without an outer guard.
    const INNER_FAILS_ALONE: bool = true;

    /// Sends a request to a path: `seed`, `show`, or the modes of both guards.
    async fn send(&self, path: &str, steps: &str, sid: Option<&str>) -> Reply;
}

/// Sends every combination, and compares each outcome with the model.
async fn every_combination<F: Framework>(framework: &F) {
    let mut failures = Vec::new();
    let mut count = 0;
    for script in scripts::<F>() {
        count += 1;
        let expected = model::outcome(&script);
        match outcome(framework, &script).await {
            Ok(actual) if actual == expected => {}
            actual => failures.push(format!(
                "{script:?}\n  expected {expected:?}\n  actual   {actual:?}"
            )),
        }
    }
    assert!(count > 1_000, "only {count} combinations");
    assert!(
        failures.is_empty(),
        "{} of {count} combinations differ:\n{}",
        failures.len(),
        failures[..failures.len().min(5)].join("\n")
    );
}

fn scripts<F: Framework>() -> Vec<Script> {
    let fails: &[Option<Place>] = match (F::SEQUENTIAL, F::OUTER_FAILS) {
        (true, _) | (_, false) => &[None, Some(Place::Inner)],
        _ => &[None, Some(Place::Outer), Some(Place::Inner)],
    };
    let orders: &[bool] = if F::SEQUENTIAL {
        &[false]
    } else {
        &[false, true]
    };
    let mut scripts = Vec::new();
    for sent in [Sent::Nothing, Sent::Alive, Sent::Dead] {
        for outer in steps() {
            for inner in steps() {
                for &acts_after in orders {
                    for &fails in fails {
                        if fails.is_some() && outer.0 == Mode::View && !F::INNER_FAILS_ALONE {
                            continue;
                        }
                        scripts.push(Script {
                            sent,
                            outer,
                            acts_after,
                            inner,
                            fails,
                            sequential: F::SEQUENTIAL,
                            errors_are_new: F::ERRORS_ARE_NEW,
                        });
                    }
                }
            }
        }
    }
    scripts
}

fn steps() -> impl Iterator<Item = (Mode, Op)> {
    (Mode::ALL.into_iter()).flat_map(|mode| Op::of(mode).iter().map(move |op| (mode, *op)))
}

async fn outcome<F: Framework>(framework: &F, script: &Script) -> Result<Outcome, String> {
    let sid = match script.sent {
        Sent::Nothing => None,
        Sent::Alive => Some(framework.send("seed", "{}", None).await.sids.remove(0)),
        Sent::Dead => Some("A".repeat(64)),
    };
    let path = format!("{}/{}", script.outer.0.name(), script.inner.0.name());
    let steps = Steps::of(script).header();
    let reply = framework.send(&path, &steps, sid.as_deref()).await;
    let new = match &reply.sids[..] {
        [] => None,
        [sid] => Some(sid.clone()),
        sids => return Err(format!("{} sids", sids.len())),
    };
    let sent_session = match &sid {
        Some(sid) => show(framework, sid).await,
        None => None,
    };
    let session = match &new {
        Some(new) => show(framework, new).await,
        None => sent_session.clone(),
    };
    Ok(Outcome {
        status: reply.status,
        // The body of an error is not the inner handler's.
        inner_saw: (reply.status == 200)
            .then(|| serde_json::from_str(&reply.body).unwrap())
            .flatten(),
        emits: new.is_some(),
        session,
        sent_sid_works: sent_session.is_some(),
    })
}

/// The data and the subject of a session, read by a separate request.
async fn show<F: Framework>(framework: &F, sid: &str) -> Option<(Fields, Option<String>)> {
    let body = framework.send("show", "{}", Some(sid)).await.body;
    let seen: Option<Seen> = serde_json::from_str(&body).unwrap();
    seen.map(|seen| (seen.data, seen.subject))
}
