//! salvo 1.

mod failures;
mod shapes;
mod users;

use ::salvo::conn::tcp::TcpAcceptor;
use ::salvo::http::ResBody;
use ::salvo::writing::Scribe;
use ::salvo::{Depot, FlowCtrl, Request, Response, Router, Server, Writer as _, handler};
use connect_session::{Error, Session, SessionView, session};
use http_body_util::BodyExt as _;
use tokio::net::TcpListener;

pub(super) use self::failures::FAILURES;
pub(super) use self::shapes::SHAPES;
use crate::configs::{Loose, Main};
use crate::stores::Stores;
use crate::support::body::TwoParts;
use crate::support::script::{Failure, HandlerResponse, run};
use crate::support::session::{AnySession, SuiteConfig};
use crate::support::signal::Signal;
use crate::support::untyped::try_every_operation;

impl Scribe for HandlerResponse {
    fn render(self, response: &mut Response) {
        response.status_code(self.status);
        for (name, value) in &self.headers {
            response.headers_mut().append(name, value.clone());
        }
        response.body(self.body);
    }
}

impl Scribe for Failure {
    fn render(self, response: &mut Response) {
        HandlerResponse::from(self).render(response);
    }
}

fn boxed<C: SuiteConfig>(session: Session<C>) -> Box<dyn AnySession> {
    Box::new(session)
}

/// The routes of a config. Salvo's handlers cannot be generic, so each config has its own.
macro_rules! config {
    ($name:ident, $config:ident) => {
        mod $name {
            use super::*;
            pub use crate::configs::$config;

            #[session(create)]
            #[handler]
            async fn create(
                session: Session<$config>,
                request: &mut Request,
            ) -> Result<HandlerResponse, Failure> {
                run(Some(boxed(session)), request.headers()).await
            }

            #[session(load)]
            #[handler]
            pub async fn load(
                session: Session<$config>,
                request: &mut Request,
            ) -> Result<HandlerResponse, Failure> {
                run(Some(boxed(session)), request.headers()).await
            }

            #[session(load)]
            #[handler]
            async fn optional(
                session: Option<Session<$config>>,
                request: &mut Request,
            ) -> Result<HandlerResponse, Failure> {
                run(session.map(boxed), request.headers()).await
            }

            pub fn routes(path: &str) -> Router {
                Router::with_path(path)
                    .push(Router::with_path("create").goal(create))
                    .push(Router::with_path("load").goal(load))
                    .push(Router::with_path("optional").goal(optional))
            }
        }
    };
}

config!(main, Main);
config!(cookie_first, CookieFirst);
config!(emit_cookie, EmitCookie);
config!(jar, Jar);
config!(open_jar, OpenJar);
config!(x_forwarded, XForwarded);
config!(forwarded, Forwarded);
config!(urls, Urls);
config!(bearer, Bearer);
config!(always, Always);
config!(rejecting, Rejecting);
config!(lenient, Lenient);
config!(anonymous, Anonymous);
config!(renewing, Renewing);
config!(small, Small);
config!(adopting, Adopting);
config!(adopting_limited, AdoptingLimited);
config!(adopting_by_header, AdoptingByHeader);
config!(limited, Limited);
config!(refusing, Refusing);
config!(watchful, Watchful);
config!(hasty, Hasty);
config!(loose, Loose);
config!(narrow, Narrow);
config!(large, Large);
config!(before, Before);
config!(after, After);
config!(bare, Bare);

#[session(create, header = "X-Other")]
#[handler]
async fn create_other(
    session: Session<Main>,
    request: &mut Request,
) -> Result<HandlerResponse, Failure> {
    run(Some(boxed(session)), request.headers()).await
}

#[session(load, header = "X-Other")]
#[handler]
async fn load_other(
    session: Session<Main>,
    request: &mut Request,
) -> Result<HandlerResponse, Failure> {
    run(Some(boxed(session)), request.headers()).await
}

#[session(create, emit = cookie)]
#[handler]
async fn create_cookie(
    session: Session<Main>,
    request: &mut Request,
) -> Result<HandlerResponse, Failure> {
    run(Some(boxed(session)), request.headers()).await
}

#[session(create, lazy)]
#[handler]
async fn lazy(session: Session<Main>, request: &mut Request) -> Result<HandlerResponse, Failure> {
    run(Some(boxed(session)), request.headers()).await
}

#[session(load, cache = shared)]
#[handler]
async fn shared(session: Session<Main>, request: &mut Request) -> Result<HandlerResponse, Failure> {
    run(Some(boxed(session)), request.headers()).await
}

#[session(load)]
#[handler]
async fn echo(session: Session<Main>, request: &mut Request, response: &mut Response) {
    drop(session);
    // Avoids salvo's limit of 64 KiB for a body in memory.
    let body = request.take_body().collect().await.unwrap().to_bytes();
    response.body(ResBody::Once(body));
}

#[session(create)]
#[handler]
async fn stream(session: Session<Main>, request: &mut Request, response: &mut Response) {
    drop(session);
    let signal = Signal::named(request.headers()["x-signal"].to_str().unwrap());
    response.stream(TwoParts::new("first", signal, "second").into_data_stream());
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
async fn count(
    mut session: Session<Main>,
    request: &mut Request,
    depot: &mut Depot,
    response: &mut Response,
    ctrl: &mut FlowCtrl,
) {
    session.visits += 1;
    ctrl.call_next(request, depot, response).await;
}

#[handler]
async fn shown(request: &mut Request) -> Result<String, Error> {
    let view = SessionView::<Main>::of_request(request).await?;
    Ok(view
        .map(|view| format!("{} {}", view.id(), view.note))
        .unwrap_or_default())
}

#[handler]
async fn look(
    request: &mut Request,
    depot: &mut Depot,
    response: &mut Response,
    ctrl: &mut FlowCtrl,
) -> Result<(), Error> {
    SessionView::<Main>::of_request(request).await?;
    ctrl.call_next(request, depot, response).await;
    Ok(())
}

fn main_routes() -> Router {
    main::routes("main")
        .push(Router::with_path("other/create").goal(create_other))
        .push(Router::with_path("other/load").goal(load_other))
        .push(Router::with_path("cookie/create").goal(create_cookie))
        .push(users::users())
        .push(Router::with_path("lazy").goal(lazy))
        .push(Router::with_path("shared").goal(shared))
        .push(Router::with_path("echo").goal(echo))
        .push(Router::with_path("stream").goal(stream))
        .push(Router::with_path("without").goal(without))
        .push(Router::with_path("twice").hoop(count).goal(main::load))
        .push(Router::with_path("view").goal(shown))
        .push(Router::with_path("looked-at").hoop(look).goal(main::load))
        .push(shapes::shapes("shape"))
        .push(failures::failures("failure"))
}

pub(super) fn serve(listener: TcpListener, stores: &Stores) {
    let stuff = &stores.stuff;
    /// Mounts a config's routes with its layer.
    macro_rules! mounted {
        ($name:ident, $config:ident, $path:expr) => {
            $name::routes($path).hoop($name::$config::layer().with_store(stuff.clone()))
        };
    }
    let app = Router::new()
        .push(main_routes().hoop(Main::layer().with_store(stuff.clone())))
        .push(mounted!(cookie_first, CookieFirst, "cookie-first"))
        .push(mounted!(emit_cookie, EmitCookie, "emit-cookie"))
        .push(mounted!(jar, Jar, "jar"))
        .push(mounted!(open_jar, OpenJar, "open-jar"))
        .push(mounted!(x_forwarded, XForwarded, "x-forwarded"))
        .push(mounted!(forwarded, Forwarded, "forwarded"))
        .push(mounted!(urls, Urls, "urls/{sid}"))
        .push(mounted!(bearer, Bearer, "bearer"))
        .push(mounted!(always, Always, "always"))
        .push(mounted!(rejecting, Rejecting, "rejecting"))
        .push(mounted!(lenient, Lenient, "lenient"))
        .push(mounted!(anonymous, Anonymous, "anonymous"))
        .push(mounted!(renewing, Renewing, "renewing"))
        .push(mounted!(small, Small, "small"))
        .push(mounted!(adopting, Adopting, "adopting"))
        .push(mounted!(
            adopting_by_header,
            AdoptingByHeader,
            "adopting-header"
        ))
        .push(mounted!(
            adopting_limited,
            AdoptingLimited,
            "adopting-limited"
        ))
        .push(mounted!(limited, Limited, "limited"))
        .push(mounted!(refusing, Refusing, "refusing"))
        .push(mounted!(watchful, Watchful, "watchful"))
        .push(mounted!(hasty, Hasty, "hasty"))
        .push(loose::routes("loose").hoop(Loose::layer().with_store(stores.loose.clone())))
        .push(
            narrow::routes("narrow").hoop(narrow::Narrow::layer().with_store(stores.loose.clone())),
        )
        .push(large::routes("large").hoop(large::Large::layer().with_store(stores.heap.clone())))
        .push(
            Router::with_path("untyped")
                .hoop(Loose::layer().with_store(stores.loose.clone()))
                .goal(untyped),
        )
        .push(before::routes("before").hoop(before::Before::layer().with_store(stores.fields())))
        .push(after::routes("after").hoop(after::After::layer().with_store(stores.fields())))
        .push(bare::routes("bare"))
        .push(bare::routes("bare-layered").hoop(bare::Bare::layer()));
    let acceptor = TcpAcceptor::try_from(listener).unwrap();
    tokio::spawn(Server::new(acceptor).serve(app));
}
