//! axum 0.8.

mod failures;
mod shapes;
mod users;

use ::axum::Router;
use ::axum::body::{Body, Bytes};
use ::axum::extract::Request;
use ::axum::middleware::{Next, from_fn};
use ::axum::response::{IntoResponse, Response};
use ::axum::routing::any;
use connect_session::{Session, SessionView, session};
use http::HeaderMap;
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

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        HandlerResponse::from(self).into_response()
    }
}

fn boxed<C: SuiteConfig>(session: Session<C>) -> Box<dyn AnySession> {
    Box::new(session)
}

#[session(create)]
async fn create<C: SuiteConfig>(
    session: Session<C>,
    headers: HeaderMap,
) -> Result<HandlerResponse, Failure> {
    run(Some(boxed(session)), &headers).await
}

#[session(load)]
async fn load<C: SuiteConfig>(
    session: Session<C>,
    headers: HeaderMap,
) -> Result<HandlerResponse, Failure> {
    run(Some(boxed(session)), &headers).await
}

#[session(load)]
async fn optional<C: SuiteConfig>(
    session: Option<Session<C>>,
    headers: HeaderMap,
) -> Result<HandlerResponse, Failure> {
    run(session.map(boxed), &headers).await
}

#[session(create, header = "X-Other")]
async fn create_other(
    session: Session<Main>,
    headers: HeaderMap,
) -> Result<HandlerResponse, Failure> {
    run(Some(boxed(session)), &headers).await
}

#[session(load, header = "X-Other")]
async fn load_other(
    session: Session<Main>,
    headers: HeaderMap,
) -> Result<HandlerResponse, Failure> {
    run(Some(boxed(session)), &headers).await
}

#[session(create, emit = cookie)]
async fn create_cookie(
    session: Session<Main>,
    headers: HeaderMap,
) -> Result<HandlerResponse, Failure> {
    run(Some(boxed(session)), &headers).await
}

#[session(create, lazy)]
async fn lazy(session: Session<Main>, headers: HeaderMap) -> Result<HandlerResponse, Failure> {
    run(Some(boxed(session)), &headers).await
}

#[session(load, cache = shared)]
async fn shared(session: Session<Main>, headers: HeaderMap) -> Result<HandlerResponse, Failure> {
    run(Some(boxed(session)), &headers).await
}

#[session(load)]
async fn echo(session: Session<Main>, body: Bytes) -> Bytes {
    drop(session);
    body
}

#[session(create)]
async fn stream(session: Session<Main>, headers: HeaderMap) -> Body {
    drop(session);
    let signal = Signal::named(headers["x-signal"].to_str().unwrap());
    Body::new(TwoParts::new("first", signal, "second"))
}

#[session(create)]
async fn untyped(mut session: Session<Loose>) -> String {
    try_every_operation(&mut session)
}

async fn without() -> &'static str {
    "no session here"
}

/// A handler with a guard that calls another handler with a guard.
#[session(load)]
async fn count(mut session: Session<Main>, request: Request, next: Next) -> Response {
    session.visits += 1;
    next.run(request).await
}

async fn view(view: Option<SessionView<Main>>) -> String {
    view.map(|view| format!("{} {}", view.id(), view.note))
        .unwrap_or_default()
}

async fn look(_: Option<SessionView<Main>>, request: Request, next: Next) -> Response {
    next.run(request).await
}

fn routes<C: SuiteConfig>() -> Router {
    Router::new()
        .route("/create", any(create::<C>))
        .route("/load", any(load::<C>))
        .route("/optional", any(optional::<C>))
}

fn main() -> Router {
    routes::<Main>()
        .route("/other/create", any(create_other))
        .route("/other/load", any(load_other))
        .route("/cookie/create", any(create_cookie))
        .route("/lazy", any(lazy))
        .route("/shared", any(shared))
        .route("/echo", any(echo))
        .route("/stream", any(stream))
        .route("/without", any(without))
        .route("/twice", any(load::<Main>).layer(from_fn(count)))
        .route("/view", any(view))
        .route("/looked-at", any(load::<Main>).layer(from_fn(look)))
        .nest("/user", users::users())
        .nest("/shape", shapes::shapes())
        .nest("/failure", failures::failures())
}

/// Adds the routes of configs, each under its own path, with a store.
macro_rules! with_store {
    ($app:expr, $store:expr; $($path:literal => $config:ty),* $(,)?) => {
        $app$(.nest(
            $path,
            routes::<$config>().layer(<$config>::layer().with_store($store)),
        ))*
    };
}

pub(super) fn serve(listener: TcpListener, stores: &Stores) {
    let stuff = || stores.stuff.clone();
    let app = Router::new()
        .nest("/main", main().layer(Main::layer().with_store(stuff())))
        .route(
            "/untyped",
            any(untyped).layer(Loose::layer().with_store(stores.loose.clone())),
        )
        .nest("/bare", routes::<Bare>())
        .nest("/bare-layered", routes::<Bare>().layer(Bare::layer()));
    let app = with_store! { app, stuff();
        "/cookie-first" => CookieFirst,
        "/emit-cookie" => EmitCookie,
        "/jar" => Jar,
        "/open-jar" => OpenJar,
        "/x-forwarded" => XForwarded,
        "/forwarded" => Forwarded,
        "/urls/{sid}" => Urls,
        "/bearer" => Bearer,
        "/always" => Always,
        "/rejecting" => Rejecting,
        "/lenient" => Lenient,
        "/anonymous" => Anonymous,
        "/renewing" => Renewing,
        "/small" => Small,
        "/adopting" => Adopting,
        "/adopting-limited" => AdoptingLimited,
        "/adopting-header" => AdoptingByHeader,
        "/limited" => Limited,
        "/refusing" => Refusing,
        "/watchful" => Watchful,
        "/hasty" => Hasty,
    };
    let app = with_store! { app, stores.loose.clone();
        "/loose" => Loose,
        "/narrow" => Narrow,
    };
    let app = with_store! { app, stores.heap.clone();
        "/large" => Large,
    };
    let app = with_store! { app, stores.fields();
        "/before" => Before,
        "/after" => After,
    };
    tokio::spawn(async move { ::axum::serve(listener, app).await.unwrap() });
}
