//! Handlers that take an `http::Request`, served by hyper.

use std::convert::Infallible;

use connect_session::{Error, LoggedIn, Session, SessionView, session};
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tower::{Layer as _, ServiceExt as _};

use super::{Shape, shape};
use crate::configs::{
    Adopting, AdoptingByHeader, AdoptingLimited, After, Always, Anonymous, Bare, Bearer, Before,
    CookieFirst, EmitCookie, Forwarded, Hasty, Jar, Large, Lenient, Limited, Loose, Main, Narrow,
    OpenJar, Refusing, Rejecting, Renewing, Small, Urls, Watchful, XForwarded,
};
use crate::stores::Stores;
use crate::support::body::TwoParts;
use crate::support::script::{Failure, HandlerResponse, run};
use crate::support::session::{AnySession, BoxFuture, SuiteConfig};
use crate::support::signal::Signal;
use crate::support::untyped::try_every_operation;

type Body = UnsyncBoxBody<Bytes, Infallible>;
type HandlerResult = Result<Response<Body>, Failure>;

fn text(text: impl Into<Bytes>) -> Response<Body> {
    Response::new(Full::new(text.into()).boxed_unsync())
}

fn respond(written: HandlerResponse) -> Response<Body> {
    let mut response = text(written.body);
    *response.status_mut() = written.status;
    *response.headers_mut() = written.headers;
    response
}

fn boxed<C: SuiteConfig>(session: Session<C>) -> Box<dyn AnySession> {
    Box::new(session)
}

async fn run_script(session: Option<Box<dyn AnySession>>, headers: HeaderMap) -> HandlerResult {
    run(session, &headers).await.map(respond)
}

#[session(create, http)]
async fn create<C: SuiteConfig>(session: Session<C>, request: Request<Incoming>) -> HandlerResult {
    run_script(Some(boxed(session)), request.headers().clone()).await
}

#[session(load, http)]
async fn load<C: SuiteConfig>(session: Session<C>, request: Request<Incoming>) -> HandlerResult {
    run_script(Some(boxed(session)), request.headers().clone()).await
}

#[session(load, http)]
async fn optional<C: SuiteConfig>(
    session: Option<Session<C>>,
    request: Request<Incoming>,
) -> HandlerResult {
    run_script(session.map(boxed), request.headers().clone()).await
}

#[session(create, http, header = "X-Other")]
async fn create_other(session: Session<Main>, request: Request<Incoming>) -> HandlerResult {
    run_script(Some(boxed(session)), request.headers().clone()).await
}

#[session(load, http, header = "X-Other")]
async fn load_other(session: Session<Main>, request: Request<Incoming>) -> HandlerResult {
    run_script(Some(boxed(session)), request.headers().clone()).await
}

#[session(create, http, emit = cookie)]
async fn create_cookie(session: Session<Main>, request: Request<Incoming>) -> HandlerResult {
    run_script(Some(boxed(session)), request.headers().clone()).await
}

#[session(create, http, lazy)]
async fn lazy(session: Session<Main>, request: Request<Incoming>) -> HandlerResult {
    run_script(Some(boxed(session)), request.headers().clone()).await
}

#[session(load, http, cache = shared)]
async fn shared(session: Session<Main>, request: Request<Incoming>) -> HandlerResult {
    run_script(Some(boxed(session)), request.headers().clone()).await
}

#[session(load, http)]
async fn user(session: LoggedIn<Main>, request: Request<Incoming>) -> HandlerResult {
    run_script(
        Some(boxed(session.into_session())),
        request.headers().clone(),
    )
    .await
}

#[session(load, http)]
async fn maybe_user(session: Option<LoggedIn<Main>>, request: Request<Incoming>) -> HandlerResult {
    let session = session.map(LoggedIn::into_session);
    run_script(session.map(boxed), request.headers().clone()).await
}

#[session(load, http, fresh = 5m)]
async fn fresh(session: LoggedIn<Main>, request: Request<Incoming>) -> HandlerResult {
    run_script(
        Some(boxed(session.into_session())),
        request.headers().clone(),
    )
    .await
}

#[session(load, http, level = 2)]
async fn level(session: LoggedIn<Main>, request: Request<Incoming>) -> HandlerResult {
    run_script(
        Some(boxed(session.into_session())),
        request.headers().clone(),
    )
    .await
}

#[session(load, http)]
async fn echo(session: Session<Main>, request: Request<Incoming>) -> HandlerResult {
    drop(session);
    Ok(text(
        request.into_body().collect().await.unwrap().to_bytes(),
    ))
}

#[session(create, http)]
async fn stream(session: Session<Main>, request: Request<Incoming>) -> Response<Body> {
    drop(session);
    let signal = Signal::named(request.headers()["x-signal"].to_str().unwrap());
    Response::new(TwoParts::new("first", signal, "second").boxed_unsync())
}

#[session(create, http)]
async fn untyped(mut session: Session<Loose>, _: Request<Incoming>) -> Response<Body> {
    text(try_every_operation(&mut session))
}

/// A handler with a guard that calls another handler with a guard.
#[session(load, http)]
async fn twice(mut session: Session<Main>, request: Request<Incoming>) -> HandlerResult {
    session.visits += 1;
    load::<Main>(request).await
}

async fn view(request: Request<Incoming>) -> HandlerResult {
    let view = SessionView::<Main>::of_request(&request).await?;
    Ok(text(
        view.map(|view| format!("{} {}", view.id(), view.note))
            .unwrap_or_default(),
    ))
}

async fn looked_at(request: Request<Incoming>) -> HandlerResult {
    SessionView::<Main>::of_request(&request).await?;
    load::<Main>(request).await
}

/// A handler without a framework can only return a response, or a `Result` of one.
pub(super) const FAILURES: &[Shape] = &[shape(
    "/main/failure/aliased",
    StatusCode::INTERNAL_SERVER_ERROR,
    false,
)];

pub(super) const SHAPES: &[Shape] = &[
    shape("/main/shape/response", StatusCode::ACCEPTED, true),
    shape("/main/shape/early", StatusCode::NO_CONTENT, true),
    shape(
        "/main/shape/question-mark",
        StatusCode::INTERNAL_SERVER_ERROR,
        false,
    ),
    // A status is not an `Err`: only a handler that returns `Err` has failed.
    shape(
        "/main/shape/status",
        StatusCode::INTERNAL_SERVER_ERROR,
        true,
    ),
];

fn with_status(status: StatusCode) -> Response<Body> {
    let mut response = text("");
    *response.status_mut() = status;
    response
}

#[session(create, http)]
async fn accepted(mut session: Session<Main>, _: Request<Incoming>) -> Response<Body> {
    session.items.push("shaped".to_owned());
    with_status(StatusCode::ACCEPTED)
}

#[session(create, http)]
async fn early(
    mut session: Session<Main>,
    request: Request<Incoming>,
) -> Result<Response<Body>, Error> {
    session.items.push("shaped".to_owned());
    if !request.headers().contains_key("x-late") {
        return Ok(with_status(StatusCode::NO_CONTENT));
    }
    Ok(with_status(StatusCode::OK))
}

#[session(create, http)]
async fn question_mark(
    mut session: Session<Main>,
    _: Request<Incoming>,
) -> Result<Response<Body>, Error> {
    session.items.push("shaped".to_owned());
    session.set_lifetime(std::time::Duration::ZERO, std::time::Duration::ZERO)?;
    Ok(with_status(StatusCode::OK))
}

#[session(create, http)]
async fn status(mut session: Session<Main>, _: Request<Incoming>) -> Response<Body> {
    session.items.push("shaped".to_owned());
    with_status(StatusCode::INTERNAL_SERVER_ERROR)
}

type Aliased = Result<Response<Body>, Error>;

#[session(create, http)]
async fn aliased(mut session: Session<Main>, _: Request<Incoming>) -> Aliased {
    session.items.push("shaped".to_owned());
    let invalid = session.set_lifetime(std::time::Duration::ZERO, std::time::Duration::ZERO);
    invalid.map(|()| with_status(StatusCode::OK))
}

async fn failure(name: &str, request: Request<Incoming>) -> HandlerResult {
    match name {
        "aliased" => aliased(request).await.map_err(Failure::Session),
        _ => Err(Failure::Own(StatusCode::NOT_FOUND)),
    }
}

async fn shaped(name: &str, request: Request<Incoming>) -> HandlerResult {
    match name {
        "response" => Ok(accepted(request).await),
        "early" => early(request).await.map_err(Failure::Session),
        "question-mark" => question_mark(request).await.map_err(Failure::Session),
        "status" => Ok(status(request).await),
        _ => Err(Failure::Own(StatusCode::NOT_FOUND)),
    }
}

async fn route<C: SuiteConfig>(name: &str, request: Request<Incoming>) -> HandlerResult {
    match name {
        "create" => create::<C>(request).await,
        "load" => load::<C>(request).await,
        "optional" => optional::<C>(request).await,
        _ => Err(Failure::Own(StatusCode::NOT_FOUND)),
    }
}

async fn main(names: &[&str], request: Request<Incoming>) -> HandlerResult {
    match *names {
        ["other", "create"] => create_other(request).await,
        ["other", "load"] => load_other(request).await,
        ["cookie", "create"] => create_cookie(request).await,
        ["lazy"] => lazy(request).await,
        ["user", "required"] => user(request).await,
        ["user", "optional"] => maybe_user(request).await,
        ["user", "fresh"] => fresh(request).await,
        ["user", "level"] => level(request).await,
        ["shared"] => shared(request).await,
        ["echo"] => echo(request).await,
        ["stream"] => Ok(stream(request).await),
        ["without"] => Ok(text("no session here")),
        ["twice"] => twice(request).await,
        ["view"] => view(request).await,
        ["looked-at"] => looked_at(request).await,
        ["failure", name] => failure(name, request).await,
        ["shape", name] => shaped(name, request).await,
        [name] => route::<Main>(name, request).await,
        _ => Err(Failure::Own(StatusCode::NOT_FOUND)),
    }
}

/// Applies the layer of a config to its routes. Boxed, to keep the connection's future small.
macro_rules! layered {
    ($config:ident, $layer:expr, $name:expr, $request:expr) => {{
        let name = $name;
        let routes = tower::service_fn(move |request| route::<$config>(name, request));
        let reply: BoxFuture<'_, HandlerResult> = Box::pin($layer.layer(routes).oneshot($request));
        reply.await
    }};
}

macro_rules! mounted {
    ($config:ident, $store:expr, $name:expr, $request:expr) => {
        layered!(
            $config,
            $config::layer().with_store($store.clone()),
            $name,
            $request
        )
    };
}

async fn dispatch(stores: &Stores, request: Request<Incoming>) -> HandlerResult {
    let stuff = &stores.stuff;
    let path = request.uri().path().to_owned();
    let names: Vec<&str> = path.split('/').skip(1).collect();
    match names[..] {
        ["main", ..] => {
            let names = &names[1..];
            let service = tower::service_fn(move |request| main(names, request));
            Main::layer()
                .with_store(stuff.clone())
                .layer(service)
                .oneshot(request)
                .await
        }
        ["cookie-first", name] => mounted!(CookieFirst, stuff, name, request),
        ["emit-cookie", name] => mounted!(EmitCookie, stuff, name, request),
        ["jar", name] => mounted!(Jar, stuff, name, request),
        ["open-jar", name] => mounted!(OpenJar, stuff, name, request),
        ["x-forwarded", name] => mounted!(XForwarded, stuff, name, request),
        ["forwarded", name] => mounted!(Forwarded, stuff, name, request),
        ["urls", _, name] => mounted!(Urls, stuff, name, request),
        ["bearer", name] => mounted!(Bearer, stuff, name, request),
        ["always", name] => mounted!(Always, stuff, name, request),
        ["rejecting", name] => mounted!(Rejecting, stuff, name, request),
        ["lenient", name] => mounted!(Lenient, stuff, name, request),
        ["anonymous", name] => mounted!(Anonymous, stuff, name, request),
        ["renewing", name] => mounted!(Renewing, stuff, name, request),
        ["small", name] => mounted!(Small, stuff, name, request),
        ["adopting", name] => mounted!(Adopting, stuff, name, request),
        ["adopting-limited", name] => mounted!(AdoptingLimited, stuff, name, request),
        ["adopting-header", name] => mounted!(AdoptingByHeader, stuff, name, request),
        ["limited", name] => mounted!(Limited, stuff, name, request),
        ["refusing", name] => mounted!(Refusing, stuff, name, request),
        ["watchful", name] => mounted!(Watchful, stuff, name, request),
        ["hasty", name] => mounted!(Hasty, stuff, name, request),
        ["loose", name] => mounted!(Loose, stores.loose, name, request),
        ["narrow", name] => mounted!(Narrow, stores.loose, name, request),
        ["large", name] => mounted!(Large, stores.heap, name, request),
        ["before", name] => mounted!(Before, stores.fields(), name, request),
        ["after", name] => mounted!(After, stores.fields(), name, request),
        ["bare", name] => route::<Bare>(name, request).await,
        ["bare-layered", name] => layered!(Bare, Bare::layer(), name, request),
        ["untyped"] => {
            let service =
                tower::service_fn(|request| async { Ok::<_, Failure>(untyped(request).await) });
            Loose::layer()
                .with_store(stores.loose.clone())
                .layer(service)
                .oneshot(request)
                .await
        }
        _ => Err(Failure::Own(StatusCode::NOT_FOUND)),
    }
}

pub(super) fn serve(listener: TcpListener, stores: Stores) {
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let stores = stores.clone();
            tokio::spawn(async move {
                let service = service_fn(|request| async {
                    let reply = dispatch(&stores, request).await;
                    Ok::<_, Infallible>(reply.unwrap_or_else(|failure| respond(failure.into())))
                });
                let connection = hyper::server::conn::http1::Builder::new();
                // Ignore clients that disconnect.
                let _ = connection
                    .serve_connection(TokioIo::new(stream), service)
                    .await;
            });
        }
    });
}
