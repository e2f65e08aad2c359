//! poem 3.

mod failures;
mod shapes;
mod users;

use std::io;

use ::poem::error::ResponseError;
use ::poem::http::HeaderMap;
use ::poem::listener::TcpAcceptor;
use ::poem::{
    Body, Endpoint, EndpointExt as _, FromRequest as _, IntoResponse, Request, Response, Result,
    Route, Server, handler,
};
use connect_session::{Session, SessionView, session};
use http::StatusCode;
use http_body_util::BodyExt as _;
use tokio::net::TcpListener;

pub(super) use self::failures::FAILURES;
pub(super) use self::shapes::SHAPES;
use crate::configs::{
    Adopting, AdoptingByHeader, AdoptingLimited, After, Always, Anonymous, Bare, Bearer, Before,
    CookieFirst, EmitCookie, Forwarded, Hasty, Jar, Large, Lenient, Limited, Loose, Main, Narrow,
    OpenJar, Refusing, Rejecting, Renewing, Small, Urls, Watchful, XForwarded,
};
use crate::stores::Stores;
use crate::support::body::TwoParts;
use crate::support::script::{Failure, HandlerResponse, run};
use crate::support::session::{AnySession, SuiteConfig};
use crate::support::signal::Signal;
use crate::support::untyped::try_every_operation;

impl IntoResponse for HandlerResponse {
    fn into_response(self) -> Response {
        (self.status, self.headers, self.body).into_response()
    }
}

impl ResponseError for Failure {
    fn status(&self) -> StatusCode {
        match self {
            Self::Session(error) => error.status(),
            Self::Own(status) => *status,
        }
    }

    fn as_response(&self) -> Response {
        match self {
            Self::Session(error) => error.as_response(),
            Self::Own(status) => status.into_response(),
        }
    }
}

fn boxed<C: SuiteConfig>(session: Session<C>) -> Box<dyn AnySession> {
    Box::new(session)
}

#[session(create)]
#[handler]
async fn create<C: SuiteConfig>(
    session: Session<C>,
    headers: &HeaderMap,
) -> Result<HandlerResponse, Failure> {
    run(Some(boxed(session)), headers).await
}

#[session(load)]
#[handler]
async fn load<C: SuiteConfig>(
    session: Session<C>,
    headers: &HeaderMap,
) -> Result<HandlerResponse, Failure> {
    run(Some(boxed(session)), headers).await
}

#[session(load)]
#[handler]
async fn optional<C: SuiteConfig>(
    session: Option<Session<C>>,
    headers: &HeaderMap,
) -> Result<HandlerResponse, Failure> {
    run(session.map(boxed), headers).await
}

#[session(create, header = "X-Other")]
#[handler]
async fn create_other(
    session: Session<Main>,
    headers: &HeaderMap,
) -> Result<HandlerResponse, Failure> {
    run(Some(boxed(session)), headers).await
}

#[session(load, header = "X-Other")]
#[handler]
async fn load_other(
    session: Session<Main>,
    headers: &HeaderMap,
) -> Result<HandlerResponse, Failure> {
    run(Some(boxed(session)), headers).await
}

#[session(create, emit = cookie)]
#[handler]
async fn create_cookie(
    session: Session<Main>,
    headers: &HeaderMap,
) -> Result<HandlerResponse, Failure> {
    run(Some(boxed(session)), headers).await
}

#[session(create, lazy)]
#[handler]
async fn lazy(session: Session<Main>, headers: &HeaderMap) -> Result<HandlerResponse, Failure> {
    run(Some(boxed(session)), headers).await
}

#[session(load, cache = shared)]
#[handler]
async fn shared(session: Session<Main>, headers: &HeaderMap) -> Result<HandlerResponse, Failure> {
    run(Some(boxed(session)), headers).await
}

#[session(load)]
#[handler]
async fn echo(session: Session<Main>, body: Vec<u8>) -> Vec<u8> {
    drop(session);
    body
}

#[session(create)]
#[handler]
async fn stream(session: Session<Main>, headers: &HeaderMap) -> Body {
    drop(session);
    let signal = Signal::named(headers["x-signal"].to_str().unwrap());
    let body = TwoParts::new("first", signal, "second");
    Body::from_bytes_stream(body.map_err(io::Error::other).into_data_stream())
}

#[session(create)]
#[handler]
async fn untyped(mut session: Session<Loose>) -> String {
    try_every_operation(&mut session)
}

#[handler]
fn without() -> &'static str {
    "no session here"
}

/// A handler with a guard that calls another handler with a guard.
#[session(load)]
#[handler]
async fn twice(mut session: Session<Main>, request: &Request, body: Body) -> Result<Response> {
    session.visits += 1;
    let mut below = Request::builder()
        .method(request.method().clone())
        .uri(request.uri().clone())
        .body(body);
    below.headers_mut().clone_from(request.headers());
    below.extensions_mut().clone_from(request.extensions());
    load::<Main>::default().call(below).await
}

#[handler]
fn view(view: Option<SessionView<Main>>) -> String {
    view.map(|view| format!("{} {}", view.id(), view.note))
        .unwrap_or_default()
}

async fn look<E: Endpoint>(below: E, request: Request) -> Result<E::Output> {
    let _ = Option::<SessionView<Main>>::from_request_without_body(&request).await?;
    below.call(request).await
}

fn routes<C: SuiteConfig>() -> Route {
    Route::new()
        .at("/create", create::<C>::default())
        .at("/load", load::<C>::default())
        .at("/optional", optional::<C>::default())
}

fn main() -> Route {
    routes::<Main>()
        .at("/other/create", create_other)
        .at("/other/load", load_other)
        .at("/cookie/create", create_cookie)
        .at("/lazy", lazy)
        .at("/shared", shared)
        .at("/echo", echo)
        .at("/stream", stream)
        .at("/without", without)
        .at("/twice", twice)
        .at("/view", view)
        .at("/looked-at", load::<Main>::default().around(look))
        .nest("/user", users::users())
        .nest("/shape", shapes::shapes())
        .nest("/failure", failures::failures())
}

pub(super) fn serve(listener: TcpListener, stores: &Stores) {
    let stuff = &stores.stuff;
    /// Mounts a config's routes with its layer.
    macro_rules! mounted {
        ($config:ident) => {
            routes::<$config>().with($config::layer().with_store(stuff.clone()))
        };
    }
    let urls = |endpoint: ::poem::endpoint::BoxEndpoint<'static>| {
        endpoint.with(Urls::layer().with_store(stuff.clone()))
    };
    let app = Route::new()
        .nest(
            "/main",
            main().with(Main::layer().with_store(stuff.clone())),
        )
        .nest("/cookie-first", mounted!(CookieFirst))
        .nest("/emit-cookie", mounted!(EmitCookie))
        .nest("/jar", mounted!(Jar))
        .nest("/open-jar", mounted!(OpenJar))
        .nest("/x-forwarded", mounted!(XForwarded))
        .nest("/forwarded", mounted!(Forwarded))
        .at("/urls/:sid/create", urls(create::<Urls>::default().boxed()))
        .at("/urls/:sid/load", urls(load::<Urls>::default().boxed()))
        .at(
            "/urls/:sid/optional",
            urls(optional::<Urls>::default().boxed()),
        )
        .nest("/bearer", mounted!(Bearer))
        .nest("/always", mounted!(Always))
        .nest("/rejecting", mounted!(Rejecting))
        .nest("/lenient", mounted!(Lenient))
        .nest("/anonymous", mounted!(Anonymous))
        .nest("/renewing", mounted!(Renewing))
        .nest("/small", mounted!(Small))
        .nest("/adopting", mounted!(Adopting))
        .nest("/adopting-limited", mounted!(AdoptingLimited))
        .nest("/adopting-header", mounted!(AdoptingByHeader))
        .nest("/limited", mounted!(Limited))
        .nest("/refusing", mounted!(Refusing))
        .nest("/watchful", mounted!(Watchful))
        .nest("/hasty", mounted!(Hasty))
        .nest(
            "/loose",
            routes::<Loose>().with(Loose::layer().with_store(stores.loose.clone())),
        )
        .nest(
            "/narrow",
            routes::<Narrow>().with(Narrow::layer().with_store(stores.loose.clone())),
        )
        .nest(
            "/large",
            routes::<Large>().with(Large::layer().with_store(stores.heap.clone())),
        )
        .at(
            "/untyped",
            untyped.with(Loose::layer().with_store(stores.loose.clone())),
        )
        .nest(
            "/before",
            routes::<Before>().with(Before::layer().with_store(stores.fields())),
        )
        .nest(
            "/after",
            routes::<After>().with(After::layer().with_store(stores.fields())),
        )
        .nest("/bare", routes::<Bare>())
        .nest("/bare-layered", routes::<Bare>().with(Bare::layer()));
    let acceptor = TcpAcceptor::from_tokio(listener).unwrap();
    tokio::spawn(async move { Server::new_with_acceptor(acceptor).run(app).await.unwrap() });
}
