//! The fairing of a [`SessionLayer`], and what it adds to responses that a catcher creates.

use std::io::Cursor;
use std::sync::{Mutex, MutexGuard, PoisonError};

use http::header;
use rocket::fairing::{Fairing, Info, Kind};
use rocket::http::{Method, Status};
use rocket::request::Outcome;
use rocket::{Data, Request, Response, async_trait};

use super::super::layer::SessionLayer;
use super::super::scope::scope_of;
use super::response::{of_http, status};
use super::scopes::{DerivedFromHead, scopes};
use crate::config::SessionConfig;
use crate::engine::{ReplyHeaders as _, SessionHeaders};
use crate::guard::{Deferred, Rejection};

/// What the fairing adds to a response.
#[derive(Default)]
struct Pending {
    /// The commits that the status of the response decides about, the inner guard's first, each with
    /// whether the response is a success.
    commits: Vec<(Box<Deferred>, bool)>,
    headers: Vec<SessionHeaders>,
    refusal: Option<Refusal>,
}

struct Refusal {
    problem: http::Response<String>,
    headers: SessionHeaders,
    by: RefusedBy,
}

impl Refusal {
    fn new(rejection: &Rejection, by: RefusedBy) -> Self {
        Self {
            problem: rejection.problem(),
            headers: rejection.headers(),
            by,
        }
    }
}

/// Which extractor refused a request.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum RefusedBy {
    /// The guard: the handler did not run.
    Guard,
    /// A view: if the handler takes it as an `Option` or a `Result`, the handler still ran.
    View,
}

fn pending<'a>(request: &'a Request<'_>) -> MutexGuard<'a, Pending> {
    let pending: &Mutex<Pending> = request.local_cache(Mutex::default);
    pending.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Leaves a commit to the fairing: a responder cannot wait for the store.
pub(super) fn defer_commit(request: &Request<'_>, deferred: Box<Deferred>, is_success: bool) {
    pending(request).commits.push((deferred, is_success));
}

/// Adds these headers to the response that a catcher creates.
pub(super) fn defer_headers(request: &Request<'_>, headers: SessionHeaders) {
    pending(request).headers.push(headers);
}

/// Completes the response that a catcher creates by this refusal.
pub(super) fn defer_refusal(request: &Request<'_>, rejection: &Rejection, by: RefusedBy) {
    pending(request).refusal = Some(Refusal::new(rejection, by));
}

/// The outcome of an extractor that refuses the request.
pub(super) fn refuse<T>(
    request: &Request<'_>,
    rejection: Rejection,
    by: RefusedBy,
) -> Outcome<T, Rejection> {
    defer_refusal(request, &rejection, by);
    Outcome::Error((status(rejection.status()), rejection))
}

/// Whether the program has registered a catcher for this status and path.
pub(super) fn is_caught(request: &Request<'_>, status: Status) -> bool {
    request.rocket().catchers().any(|catcher| {
        let base = catcher.base.path().segments();
        catcher.code.is_none_or(|code| code == status.code)
            && base.prefix_of(request.uri().path().segments())
    })
}

#[async_trait]
impl<C: SessionConfig> Fairing for SessionLayer<C> {
    fn info(&self) -> Info {
        Info {
            name: "connect-session",
            kind: Kind::Request | Kind::Response,
        }
    }

    async fn on_request(&self, request: &mut Request<'_>, _: &mut Data<'_>) {
        let mut scopes = scopes(request);
        let scope = self.enter(scope_of::<C>(&scopes));
        scopes.insert(scope);
        if request.method() == Method::Head {
            scopes.insert(DerivedFromHead);
        }
    }

    async fn on_response<'r>(&self, request: &'r Request<'_>, response: &mut Response<'r>) {
        let Pending {
            commits,
            headers,
            refusal,
        } = std::mem::take(&mut *pending(request));
        for (deferred, is_success) in commits {
            match deferred.commit(is_success).await {
                Ok(added) => added.apply(response),
                Err(rejection) => *response = of_http(rejection.to_response()),
            }
        }
        for added in headers {
            added.apply(response);
        }
        if let Some(refusal) = refusal
            && response.status().code == refusal.problem.status().as_u16()
        {
            complete(request, response, refusal);
        }
        let scope = scope_of::<C>(&scopes(request));
        if let Some(headers) = scope.and_then(|scope| Self::leave(&scope)) {
            headers.apply(response);
        }
    }
}

/// Replaces the page of rocket's default catcher by a refusal. A response that the program made, by a
/// catcher or by a handler whose view was refused, keeps its headers; the refusal only adds missing ones.
fn complete(request: &Request<'_>, response: &mut Response<'_>, refusal: Refusal) {
    let (head, body) = refusal.problem.into_parts();
    // The program's catchers handle errors only, not the response to OPTIONS.
    let is_error = head.status.is_client_error() || head.status.is_server_error();
    let replaces =
        refusal.by == RefusedBy::Guard && (!is_error || !is_caught(request, response.status()));
    if replaces {
        response.remove_header(header::CONTENT_TYPE.as_str());
        response.set_sized_body(body.len(), Cursor::new(body));
    }
    for (name, value) in &head.headers {
        if *name == header::SET_COOKIE {
            response.add(name, value.clone());
        } else if replaces {
            response.set(name, value.clone());
        } else if *name != header::CONTENT_TYPE {
            response.set_default(name, value.clone());
        }
    }
    if replaces {
        refusal.headers.apply(response);
    } else {
        refusal.headers.fill(response);
    }
}
