//! Plain `http`: a handler that calls another one with the request, as a service does.

use connect_session::{Session, SessionView, session};
use http::{Request, Response};

use super::model::{Fields, Place};
use super::{
    Failure, Framework, Guarded, Reply, Steps, act_if, every_combination, fail_if, inner, seen,
    seen_in_view,
};

fn respond(result: Result<String, Failure>) -> Result<Response<String>, Failure> {
    result.map(Response::new)
}

fn failed(failure: &Failure) -> Response<String> {
    let mut response = Response::new(String::new());
    *response.status_mut() = failure.status();
    response
}

async fn handlers(request: Request<String>) -> Response<String> {
    let inner = request.uri().path().rsplit('/').next().unwrap_or_default();
    let response = match inner {
        "create" => inner_create(request).await,
        "load" => inner_load(request).await,
        "optional" => inner_optional(request).await,
        _ => inner_view(request).await,
    };
    response.unwrap_or_else(|failure| failed(&failure))
}

async fn outer(session: Option<Session<Guarded>>, request: Request<String>) -> Response<String> {
    let steps = Steps::in_headers(request.headers());
    let outer = async {
        let session = act_if(!steps.acts_after, session, steps.outer, Place::Outer).await?;
        let response = handlers(request).await;
        let _session = act_if(steps.acts_after, session, steps.outer, Place::Outer).await?;
        Ok(response)
    };
    outer.await.unwrap_or_else(|failure| failed(&failure))
}

#[session(create, http)]
async fn outer_create(session: Session<Guarded>, request: Request<String>) -> Response<String> {
    outer(Some(session), request).await
}

#[session(load, http)]
async fn outer_load(session: Session<Guarded>, request: Request<String>) -> Response<String> {
    outer(Some(session), request).await
}

#[session(load, http)]
async fn outer_optional(
    session: Option<Session<Guarded>>,
    request: Request<String>,
) -> Response<String> {
    outer(session, request).await
}

#[session(create, http)]
async fn inner_create(
    session: Session<Guarded>,
    request: Request<String>,
) -> Result<Response<String>, Failure> {
    respond(inner(Some(session), request.headers()).await)
}

#[session(load, http)]
async fn inner_load(
    session: Session<Guarded>,
    request: Request<String>,
) -> Result<Response<String>, Failure> {
    respond(inner(Some(session), request.headers()).await)
}

#[session(load, http)]
async fn inner_optional(
    session: Option<Session<Guarded>>,
    request: Request<String>,
) -> Result<Response<String>, Failure> {
    respond(inner(session, request.headers()).await)
}

async fn inner_view(request: Request<String>) -> Result<Response<String>, Failure> {
    let view = SessionView::of_request(&request).await?;
    fail_if(Steps::in_headers(request.headers()).inner_fails)?;
    respond(Ok(seen_in_view(view.as_ref())))
}

#[session(create, http)]
async fn seed(mut session: Session<Guarded>, request: Request<String>) -> Response<String> {
    *session.data_mut() = Fields::seeded();
    Response::new(request.into_body())
}

#[session(load, http)]
async fn show(session: Option<Session<Guarded>>, request: Request<String>) -> Response<String> {
    drop(request);
    Response::new(seen(session.as_ref()))
}

struct Http;

impl Framework for Http {
    // An `Err` of a plain handler has no headers to carry a sid.
    const OUTER_FAILS: bool = false;
    const INNER_FAILS_ALONE: bool = false;

    async fn send(&self, path: &str, steps: &str, sid: Option<&str>) -> Reply {
        let mut request = Request::get(format!("/{path}")).header("x-steps", steps);
        if let Some(sid) = sid {
            request = request.header("x-user-session", sid);
        }
        let request = request.body(String::new()).unwrap();
        let response = match path.split('/').next().unwrap_or_default() {
            "seed" => seed(request).await,
            "show" => show(request).await,
            "create" => outer_create(request).await,
            "load" => outer_load(request).await,
            "optional" => outer_optional(request).await,
            _ => outer(None, request).await,
        };
        let (head, body) = response.into_parts();
        Reply::new(head.status, &head.headers, body)
    }
}

#[tokio::test]
async fn row_92_a_handler_shares_the_session_with_one_that_it_calls() {
    every_combination(&Http).await;
}
