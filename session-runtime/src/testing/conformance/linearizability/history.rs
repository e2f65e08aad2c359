//! What clients did to a store, and the part of it that concerns one session.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use super::model::{Change, NewLogin, Outcome, Step, Subject};
use super::search::Op;
use crate::sid::SessionId;

/// An operation of a client.
#[derive(Debug, Clone)]
pub(super) struct Event {
    pub(super) client: usize,
    pub(super) called: u64,
    /// `None` if the outcome is unknown.
    pub(super) returned: Option<u64>,
    pub(super) did: Did,
}

/// What a client did, with the answer.
#[derive(Debug, Clone)]
pub(super) enum Did {
    One(SessionId, Step),
    /// The sessions that were ended by a login beyond the limit; `None` if it may have ended any.
    MakeRoom(Subject, Option<Vec<SessionId>>),
    /// A login beyond the limit that was refused.
    MakeNoRoom(Subject),
    EndAll {
        subject: Subject,
        spared: Option<SessionId>,
        ended: Option<Vec<SessionId>>,
    },
    List(Subject, Vec<SessionId>),
    ReadMark(Subject, u64),
}

/// Everything that the clients did.
#[derive(Default)]
pub(super) struct History {
    time: AtomicU64,
    events: Mutex<Vec<Event>>,
}

impl History {
    /// The next moment. Moments that are taken one after the other are in order, on all threads.
    pub(super) fn tick(&self) -> u64 {
        self.time.fetch_add(1, Ordering::SeqCst)
    }

    pub(super) fn add(&self, event: Event) {
        let mut events = self.events.lock().unwrap_or_else(PoisonError::into_inner);
        events.push(event);
    }

    pub(super) fn into_events(self) -> Vec<Event> {
        let mut events = self.events.into_inner();
        let events = events.as_mut().map(std::mem::take);
        let mut events = events.unwrap_or_default();
        events.sort_by_key(|event| event.called);
        events
    }
}

/// The sessions of a history.
pub(super) fn sessions(events: &[Event]) -> BTreeSet<SessionId> {
    let ids = events.iter().filter_map(|event| match event.did {
        Did::One(id, _) => Some(id),
        _ => None,
    });
    ids.collect()
}

/// A step of one session, and the client whose it is.
#[derive(Debug, Clone)]
pub(super) struct Own {
    pub(super) op: Op<Step>,
    pub(super) client: usize,
}

/// What concerns one session, in the order of the calls. Operations on several sessions, such as an end of all,
/// promise nothing about two sessions at one moment; they are looked at for each session alone.
///
/// With `in_steps`, a login and an end of all consist of several steps.
pub(super) fn of_session(events: &[Event], session: SessionId, in_steps: bool) -> Vec<Own> {
    let fenced = fenced(events, session);
    let mut part: Vec<Own> = Vec::new();
    for event in events {
        let mut steps = steps(&event.did, session);
        if in_steps {
            steps = steps.into_iter().flat_map(split).collect();
        } else {
            steps.retain(|step| !matches!(step, Step::MayMakeRoom { .. }));
        }
        let steps = steps
            .into_iter()
            .filter_map(|step| without_mark(step, &fenced));
        let first = part.len();
        for step in steps {
            let op = Op {
                step,
                called: event.called,
                returned: event.returned,
                follows: (part.len() > first).then_some(first),
            };
            part.push(Own {
                op,
                client: event.client,
            });
        }
    }
    part
}

/// The subjects whose marks decided about a login of the session.
fn fenced(events: &[Event], session: SessionId) -> BTreeSet<Subject> {
    let logins = events.iter().filter_map(|event| match event.did {
        Did::One(id, Step::Insert { login, .. }) if id == session => login,
        Did::One(
            id,
            Step::Commit {
                change: Change::Login { login, .. },
                ..
            },
        ) if id == session => Some(login),
        _ => None,
    });
    let fenced = logins.filter(|login| login.fence.is_some());
    fenced.map(|login| login.subject).collect()
}

/// The step without its effect on the mark, if that decides about nothing. The search has much less to try then.
fn without_mark(step: Step, fenced: &BTreeSet<Subject>) -> Option<Step> {
    match step {
        Step::ReadMark { subject, .. }
        | Step::Raise { subject }
        | Step::FinishEndAll { subject }
            if !fenced.contains(&subject) =>
        {
            None
        }
        Step::EndAll {
            subject,
            spares,
            ends,
        } if !fenced.contains(&subject) => (!spares).then_some(Step::EndMember { subject, ends }),
        other => Some(other),
    }
}

/// The steps of this session in what was done.
fn steps(did: &Did, session: SessionId) -> Vec<Step> {
    match did {
        Did::One(id, step) if *id == session => vec![*step],
        Did::One(..) => Vec::new(),
        Did::MakeRoom(subject, ended) => {
            let is_one = (ended.as_ref()).is_none_or(|ended| ended.contains(&session));
            Vec::from_iter(is_one.then_some(Step::MakeRoom { subject: *subject }))
        }
        Did::MakeNoRoom(subject) => vec![Step::MayMakeRoom { subject: *subject }],
        Did::EndAll {
            subject,
            spared,
            ended,
        } => {
            let end = Step::EndAll {
                subject: *subject,
                spares: *spared == Some(session),
                ends: ended.as_ref().map(|ended| ended.contains(&session)),
            };
            vec![end, Step::FinishEndAll { subject: *subject }]
        }
        Did::List(subject, ids) => vec![Step::List {
            subject: *subject,
            shows: ids.contains(&session),
        }],
        Did::ReadMark(subject, number) => vec![Step::ReadMark {
            subject: *subject,
            number: *number,
        }],
    }
}

/// The steps of an operation in a store whose index is not changed together with the record.
fn split(step: Step) -> Vec<Step> {
    match step {
        Step::Insert {
            secret,
            value,
            login: Some(login),
            answer,
        } => {
            let begin = Step::BeginInsert {
                secret,
                value,
                answer,
                login,
            };
            complete(begin, 0, login, answer)
        }
        Step::Commit {
            epoch,
            generation,
            change: Change::Login { secret, login },
            answer: answer @ (None | Some(Outcome::Applied | Outcome::Revoked)),
        } => {
            let begin = Step::BeginLogin {
                epoch,
                generation,
                secret,
                login,
                answer,
            };
            complete(begin, generation + 1, login, answer)
        }
        Step::EndAll {
            subject,
            spares,
            ends,
        } => {
            let end = Step::EndMember { subject, ends };
            let raise = Step::Raise { subject };
            if spares {
                vec![raise]
            } else {
                vec![raise, end]
            }
        }
        Step::FinishEndAll { .. } => Vec::new(),
        other => vec![other],
    }
}

/// How a login that has begun goes on: it is confirmed, or its session ends.
fn complete(begin: Step, generation: u64, login: NewLogin, answer: Option<Outcome>) -> Vec<Step> {
    let confirm = Step::Confirm { generation, login };
    let withdraw = Step::Withdraw {
        generation,
        login: answer.map(|_| login),
    };
    match answer {
        Some(Outcome::Revoked) => vec![begin, withdraw],
        Some(_) => vec![begin, confirm],
        None => vec![begin, confirm, withdraw],
    }
}
