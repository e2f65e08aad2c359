//! actix-web 4.

mod bodies;
mod failures;
mod shapes;
mod users;

use ::actix_web::body::MessageBody;
use ::actix_web::dev::{Payload, ServerHandle, ServiceRequest, ServiceResponse};
use ::actix_web::middleware::{Next, from_fn};
use ::actix_web::rt::System;
use ::actix_web::web::{self, Bytes, ServiceConfig};
use ::actix_web::{App, Error, FromRequest, HttpRequest, HttpResponse, HttpServer, Responder};
use connect_session::{Session, SessionView, session};
use http::HeaderMap;
use tokio::net::TcpListener;

use self::bodies::Headers;
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

fn boxed<C: SuiteConfig>(session: Session<C>) -> Box<dyn AnySession> {
    Box::new(session)
}

#[session(create)]
async fn create<C: SuiteConfig>(
    session: Session<C>,
    Headers(headers): Headers,
) -> Result<HandlerResponse, Failure> {
    run(Some(boxed(session)), &headers).await
}

#[session(load)]
async fn load<C: SuiteConfig>(
    session: Session<C>,
    Headers(headers): Headers,
) -> Result<HandlerResponse, Failure> {
    run(Some(boxed(session)), &headers).await
}

#[session(load)]
async fn optional<C: SuiteConfig>(
    session: Option<Session<C>>,
    Headers(headers): Headers,
) -> Result<HandlerResponse, Failure> {
    run(session.map(boxed), &headers).await
}

#[session(create, header = "X-Other")]
async fn create_other(
    session: Session<Main>,
    Headers(headers): Headers,
) -> Result<HandlerResponse, Failure> {
    run(Some(boxed(session)), &headers).await
}

#[session(load, header = "X-Other")]
async fn load_other(
    session: Session<Main>,
    Headers(headers): Headers,
) -> Result<HandlerResponse, Failure> {
    run(Some(boxed(session)), &headers).await
}

#[session(create, emit = cookie)]
async fn create_cookie(
    session: Session<Main>,
    Headers(headers): Headers,
) -> Result<HandlerResponse, Failure> {
    run(Some(boxed(session)), &headers).await
}

#[session(create, lazy)]
async fn lazy(
    session: Session<Main>,
    Headers(headers): Headers,
) -> Result<HandlerResponse, Failure> {
    run(Some(boxed(session)), &headers).await
}

#[session(load, cache = shared)]
async fn shared(
    session: Session<Main>,
    Headers(headers): Headers,
) -> Result<HandlerResponse, Failure> {
    run(Some(boxed(session)), &headers).await
}

#[session(load)]
async fn echo(session: Session<Main>, body: Bytes) -> Bytes {
    drop(session);
    body
}

#[session(create)]
async fn stream(session: Session<Main>, request: HttpRequest) -> HttpResponse<TwoParts> {
    drop(session);
    let signal = Signal::named(request.headers().get("x-signal").unwrap().to_str().unwrap());
    HttpResponse::Ok()
        .message_body(TwoParts::new("first", signal, "second"))
        .unwrap()
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
async fn twice(mut session: Session<Main>, request: HttpRequest) -> Result<HttpResponse, Error> {
    session.visits += 1;
    let guard = extracted(&request).await?;
    let headers = Headers::extract(&request).await?;
    let reply = load::<Main>(guard, headers).await;
    Ok(reply.respond_to(&request).map_into_boxed_body())
}

async fn extracted<T: FromRequest>(request: &HttpRequest) -> Result<T, Error> {
    T::extract(request).await.map_err(Into::into)
}

async fn view(request: HttpRequest) -> Result<String, connect_session::Error> {
    let view = SessionView::<Main>::of_request(&request).await?;
    Ok(view
        .map(|view| format!("{} {}", view.id(), view.note))
        .unwrap_or_default())
}

async fn look(
    _: Option<SessionView<Main>>,
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    next.call(request).await
}

fn routes<C: SuiteConfig>(routes: &mut ServiceConfig) {
    routes
        .route("/create", web::to(create::<C>))
        .route("/load", web::to(load::<C>))
        .route("/optional", web::to(optional::<C>));
}

fn main(main: &mut ServiceConfig) {
    main.route("/other/create", web::to(create_other))
        .route("/other/load", web::to(load_other))
        .route("/cookie/create", web::to(create_cookie))
        .route("/lazy", web::to(lazy))
        .route("/shared", web::to(shared))
        .route("/echo", web::to(echo))
        .route("/stream", web::to(stream))
        .route("/without", web::to(without))
        .route("/twice", web::to(twice))
        .route("/view", web::to(view))
        .service(
            web::resource("/looked-at")
                .wrap(from_fn(look))
                .to(load::<Main>),
        )
        .service(web::scope("/shape").configure(shapes::shapes))
        .service(web::scope("/failure").configure(failures::failures))
        .configure(users::users)
        .configure(routes::<Main>);
}

macro_rules! mounted {
    ($path:literal, $config:ident, $store:expr) => {
        web::scope($path)
            .wrap($config::layer().with_store($store.clone()))
            .configure(routes::<$config>)
    };
}

fn app(stores: &Stores, app: &mut ServiceConfig) {
    let stuff = &stores.stuff;
    app.service(
        web::scope("/main")
            .wrap(Main::layer().with_store(stuff.clone()))
            .configure(main),
    )
    .service(mounted!("/cookie-first", CookieFirst, stuff))
    .service(mounted!("/emit-cookie", EmitCookie, stuff))
    .service(mounted!("/jar", Jar, stuff))
    .service(mounted!("/open-jar", OpenJar, stuff))
    .service(mounted!("/x-forwarded", XForwarded, stuff))
    .service(mounted!("/forwarded", Forwarded, stuff))
    .service(mounted!("/urls/{sid}", Urls, stuff))
    .service(mounted!("/bearer", Bearer, stuff))
    .service(mounted!("/always", Always, stuff))
    .service(mounted!("/rejecting", Rejecting, stuff))
    .service(mounted!("/lenient", Lenient, stuff))
    .service(mounted!("/anonymous", Anonymous, stuff))
    .service(mounted!("/renewing", Renewing, stuff))
    .service(mounted!("/small", Small, stuff))
    .service(mounted!("/adopting", Adopting, stuff))
    .service(mounted!("/adopting-limited", AdoptingLimited, stuff))
    .service(mounted!("/adopting-header", AdoptingByHeader, stuff))
    .service(mounted!("/limited", Limited, stuff))
    .service(mounted!("/refusing", Refusing, stuff))
    .service(mounted!("/watchful", Watchful, stuff))
    .service(mounted!("/hasty", Hasty, stuff))
    .service(mounted!("/loose", Loose, stores.loose))
    .service(mounted!("/narrow", Narrow, stores.loose))
    .service(mounted!("/large", Large, stores.heap))
    .service(
        web::resource("/untyped")
            .wrap(Loose::layer().with_store(stores.loose.clone()))
            .to(untyped),
    )
    .service(mounted!("/before", Before, stores.fields()))
    .service(mounted!("/after", After, stores.fields()))
    .service(web::scope("/bare").configure(routes::<Bare>))
    .service(
        web::scope("/bare-layered")
            .wrap(Bare::layer())
            .configure(routes::<Bare>),
    );
}

/// Stops the server's threads when the test's runtime shuts down.
struct StoppedWhenDropped(ServerHandle);

impl Drop for StoppedWhenDropped {
    fn drop(&mut self) {
        drop(self.0.stop(false));
    }
}

/// Runs the server on a thread of its own, as actix-web has its own runtime.
pub(super) fn serve(listener: TcpListener, stores: Stores) {
    let listener = listener.into_std().unwrap();
    let (sender, receiver) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        System::new().block_on(async move {
            let server = HttpServer::new(move || {
                let stores = stores.clone();
                App::new().configure(move |config| app(&stores, config))
            });
            let server = server
                .workers(2)
                .disable_signals()
                // Cancel a request when its client disconnects; by default actix-web treats the
                // connection as half closed.
                .h1_allow_half_closed(false)
                .listen(listener)
                .unwrap()
                .run();
            sender.send(server.handle()).unwrap();
            server.await.unwrap();
        });
    });
    let stopped = StoppedWhenDropped(receiver.recv().unwrap());
    tokio::spawn(async move {
        let _stopped = stopped;
        std::future::pending::<()>().await;
    });
}

/// Extracts the headers for the script.
impl FromRequest for Headers {
    type Error = Error;
    type Future = std::future::Ready<Result<Self, Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let headers = request.headers().iter();
        let headers = headers.map(|(name, value)| {
            let name = http::HeaderName::try_from(name.as_str()).unwrap();
            (
                name,
                http::HeaderValue::from_bytes(value.as_bytes()).unwrap(),
            )
        });
        std::future::ready(Ok(Self(headers.collect::<HeaderMap>())))
    }
}
