//! rocket 0.5.
#![allow(
    clippy::needless_pass_by_value,
    clippy::unused_async,
    reason = "rocket determines the signatures of routes"
)]

mod bodies;
mod failures;
mod fairings;
mod guards;
mod shapes;
mod users;

use std::net::{Ipv4Addr, SocketAddr};

use ::rocket::data::ToByteUnit as _;
use ::rocket::fairing::AdHoc;
use ::rocket::http::Method;
use ::rocket::response::Responder;
use ::rocket::response::stream::ByteStream;
use ::rocket::{Build, Config, Data, Rocket, Route, get, post, routes};
use connect_session::{Session, session};
use http::HeaderMap;
use tokio::sync::oneshot;

pub(super) use self::failures::FAILURES;
use self::fairings::{Look, Only};
use self::guards::{Headers, Second, Seen};
pub(super) use self::shapes::SHAPES;
use crate::configs::{
    Adopting, AdoptingByHeader, AdoptingLimited, After, Always, Anonymous, Bare, Bearer, Before,
    CookieFirst, EmitCookie, Forwarded, Hasty, Jar, Large, Lenient, Limited, Loose, Main, Narrow,
    OpenJar, Refusing, Rejecting, Renewing, Small, Urls, Watchful, XForwarded,
};
use crate::stores::Stores;
use crate::support::script::{Failure, HandlerResponse, run};
use crate::support::session::{AnySession, SuiteConfig};
use crate::support::signal::Signal;
use crate::support::untyped::try_every_operation;

type HandlerResult = Result<HandlerResponse, Failure>;

fn boxed<C: SuiteConfig>(session: Session<C>) -> Box<dyn AnySession> {
    Box::new(session)
}

/// Rocket's routes cannot be generic, so each config has its own.
macro_rules! configs {
    ($($name:ident: $config:ident;)*) => {$(
        mod $name {
            use super::*;

            #[session(create)]
            #[get("/create")]
            async fn create(session: Session<$config>, headers: Headers) -> HandlerResult {
                run(Some(boxed(session)), &headers.0).await
            }

            #[session(load)]
            #[get("/load")]
            async fn load(session: Session<$config>, headers: Headers) -> HandlerResult {
                run(Some(boxed(session)), &headers.0).await
            }

            #[session(load)]
            #[get("/optional")]
            async fn optional(session: Option<Session<$config>>, headers: Headers) -> HandlerResult {
                run(session.map(boxed), &headers.0).await
            }

            pub(super) fn all() -> Vec<Route> {
                any(routes![create, load, optional])
            }
        }
    )*};
}

configs! {
    main: Main;
    cookie_first: CookieFirst;
    emit_cookie: EmitCookie;
    jar: Jar;
    open_jar: OpenJar;
    x_forwarded: XForwarded;
    forwarded: Forwarded;
    bearer: Bearer;
    always: Always;
    rejecting: Rejecting;
    lenient: Lenient;
    anonymous: Anonymous;
    renewing: Renewing;
    small: Small;
    adopting: Adopting;
    adopting_limited: AdoptingLimited;
    adopting_by_header: AdoptingByHeader;
    limited: Limited;
    refusing: Refusing;
    watchful: Watchful;
    hasty: Hasty;
    loose: Loose;
    narrow: Narrow;
    large: Large;
    before: Before;
    after: After;
    bare: Bare;
}

mod urls {
    use super::*;

    #[session(create)]
    #[get("/<sid>/create")]
    async fn create(session: Session<Urls>, sid: &str, headers: Headers) -> HandlerResult {
        let _: &str = sid;
        run(Some(boxed(session)), &headers.0).await
    }

    #[session(load)]
    #[get("/<sid>/load")]
    async fn load(session: Session<Urls>, sid: &str, headers: Headers) -> HandlerResult {
        let _: &str = sid;
        run(Some(boxed(session)), &headers.0).await
    }

    #[session(load)]
    #[get("/<sid>/optional")]
    async fn optional(
        session: Option<Session<Urls>>,
        sid: &str,
        headers: Headers,
    ) -> HandlerResult {
        let _: &str = sid;
        run(session.map(boxed), &headers.0).await
    }

    pub(super) fn all() -> Vec<Route> {
        any(routes![create, load, optional])
    }
}

/// The same routes for every method; rocket derives HEAD from GET.
fn any(routes: Vec<Route>) -> Vec<Route> {
    let methods = [
        Method::Get,
        Method::Post,
        Method::Put,
        Method::Patch,
        Method::Delete,
        Method::Options,
    ];
    let with = |route: &Route, method| {
        let mut route = route.clone();
        route.method = method;
        route
    };
    routes
        .iter()
        .flat_map(|route| methods.map(|method| with(route, method)))
        .collect()
}

#[session(create, header = "X-Other")]
#[get("/other/create")]
async fn create_other(session: Session<Main>, headers: Headers) -> HandlerResult {
    run(Some(boxed(session)), &headers.0).await
}

#[session(load, header = "X-Other")]
#[get("/other/load")]
async fn load_other(session: Session<Main>, headers: Headers) -> HandlerResult {
    run(Some(boxed(session)), &headers.0).await
}

#[session(create, emit = cookie)]
#[get("/cookie/create")]
async fn create_cookie(session: Session<Main>, headers: Headers) -> HandlerResult {
    run(Some(boxed(session)), &headers.0).await
}

#[session(create, lazy)]
#[get("/lazy")]
async fn lazy(session: Session<Main>, headers: Headers) -> HandlerResult {
    run(Some(boxed(session)), &headers.0).await
}

#[session(load, cache = shared)]
#[get("/shared")]
async fn shared(session: Session<Main>, headers: Headers) -> HandlerResult {
    run(Some(boxed(session)), &headers.0).await
}

#[session(load)]
#[post("/echo", data = "<body>")]
async fn echo(session: Session<Main>, body: Data<'_>) -> Vec<u8> {
    drop(session);
    body.open(1.mebibytes())
        .into_bytes()
        .await
        .unwrap()
        .into_inner()
}

#[session(create)]
#[get("/stream")]
async fn stream(session: Session<Main>, headers: Headers) -> ByteStream![&'static str] {
    drop(session);
    let signal = Signal::named(headers.0["x-signal"].to_str().unwrap());
    ByteStream! {
        yield "first";
        signal.wait().await;
        yield "second";
    }
}

#[session(create)]
#[get("/untyped")]
async fn untyped(mut session: Session<Loose>) -> String {
    try_every_operation(&mut session)
}

#[get("/without")]
async fn without() -> &'static str {
    "no session here"
}

#[session(load)]
async fn under(session: Session<Main>, headers: HeaderMap) -> HandlerResult {
    run(Some(boxed(session)), &headers).await
}

/// A handler with a guard that calls another handler with a guard.
#[session(load)]
#[get("/twice")]
async fn twice<'r>(
    mut session: Session<Main>,
    second: Second,
    headers: Headers,
) -> impl Responder<'r, 'static> {
    session.visits += 1;
    under(second.0, headers.0).await
}

#[get("/view")]
async fn view(view: Seen) -> Result<String, connect_session::Error> {
    Ok(view
        .0?
        .map(|view| format!("{} {}", view.id(), view.note))
        .unwrap_or_default())
}

#[session(load)]
#[get("/looked-at")]
async fn looked_at(session: Session<Main>, headers: Headers) -> HandlerResult {
    run(Some(boxed(session)), &headers.0).await
}

fn app(stores: &Stores) -> Rocket<Build> {
    let figment = Config::figment()
        .merge(("address", Ipv4Addr::LOCALHOST))
        .merge(("port", 0))
        .merge(("log_level", "off"))
        .merge(("shutdown.ctrlc", false))
        .merge(("shutdown.signals", Vec::<String>::new()));
    let main = routes![
        create_other,
        load_other,
        create_cookie,
        lazy,
        shared,
        echo,
        stream,
        without,
        twice,
        view,
        looked_at
    ];
    mounted(layered(::rocket::custom(figment), stores))
        .mount("/main", any(main))
        .mount("/main", any(users::users()))
        .mount("/main/shape", any(shapes::shapes()))
        .mount("/main/failure", any(failures::failures()))
        .mount("/", any(routes![untyped]))
        .mount("/urls", urls::all())
}

/// Fairings apply to the whole program; each affects only the handlers of its config.
fn layered(rocket: Rocket<Build>, stores: &Stores) -> Rocket<Build> {
    let stuff = &stores.stuff;
    rocket
        .attach(Main::layer().with_store(stuff.clone()))
        .attach(Look)
        .attach(CookieFirst::layer().with_store(stuff.clone()))
        .attach(EmitCookie::layer().with_store(stuff.clone()))
        .attach(Jar::layer().with_store(stuff.clone()))
        .attach(OpenJar::layer().with_store(stuff.clone()))
        .attach(XForwarded::layer().with_store(stuff.clone()))
        .attach(Forwarded::layer().with_store(stuff.clone()))
        .attach(Urls::layer().with_store(stuff.clone()))
        .attach(Bearer::layer().with_store(stuff.clone()))
        .attach(Always::layer().with_store(stuff.clone()))
        .attach(Rejecting::layer().with_store(stuff.clone()))
        .attach(Lenient::layer().with_store(stuff.clone()))
        .attach(Anonymous::layer().with_store(stuff.clone()))
        .attach(Renewing::layer().with_store(stuff.clone()))
        .attach(Small::layer().with_store(stuff.clone()))
        .attach(Adopting::layer().with_store(stuff.clone()))
        .attach(AdoptingLimited::layer().with_store(stuff.clone()))
        .attach(AdoptingByHeader::layer().with_store(stuff.clone()))
        .attach(Limited::layer().with_store(stuff.clone()))
        .attach(Refusing::layer().with_store(stuff.clone()))
        .attach(Watchful::layer().with_store(stuff.clone()))
        .attach(Hasty::layer().with_store(stuff.clone()))
        .attach(Loose::layer().with_store(stores.loose.clone()))
        .attach(Narrow::layer().with_store(stores.loose.clone()))
        .attach(Large::layer().with_store(stores.heap.clone()))
        .attach(Before::layer().with_store(stores.fields()))
        .attach(After::layer().with_store(stores.fields()))
        .attach(Only("/bare-layered/", Bare::layer()))
}

fn mounted(rocket: Rocket<Build>) -> Rocket<Build> {
    rocket
        .mount("/main", main::all())
        .mount("/cookie-first", cookie_first::all())
        .mount("/emit-cookie", emit_cookie::all())
        .mount("/jar", jar::all())
        .mount("/open-jar", open_jar::all())
        .mount("/x-forwarded", x_forwarded::all())
        .mount("/forwarded", forwarded::all())
        .mount("/bearer", bearer::all())
        .mount("/always", always::all())
        .mount("/rejecting", rejecting::all())
        .mount("/lenient", lenient::all())
        .mount("/anonymous", anonymous::all())
        .mount("/renewing", renewing::all())
        .mount("/small", small::all())
        .mount("/adopting", adopting::all())
        .mount("/adopting-limited", adopting_limited::all())
        .mount("/adopting-header", adopting_by_header::all())
        .mount("/limited", limited::all())
        .mount("/refusing", refusing::all())
        .mount("/watchful", watchful::all())
        .mount("/hasty", hasty::all())
        .mount("/loose", loose::all())
        .mount("/narrow", narrow::all())
        .mount("/large", large::all())
        .mount("/before", before::all())
        .mount("/after", after::all())
        .mount("/bare", bare::all())
        .mount("/bare-layered", bare::all())
}

/// Serves on a port that rocket chooses; returns the address.
pub(super) async fn serve(stores: Stores) -> SocketAddr {
    let (sender, receiver) = oneshot::channel();
    let send_port = AdHoc::on_liftoff("the port", |rocket| {
        Box::pin(async move { sender.send(rocket.config().port).unwrap() })
    });
    let rocket = app(&stores).attach(send_port);
    tokio::spawn(async move { rocket.launch().await.map(drop).unwrap() });
    (Ipv4Addr::LOCALHOST, receiver.await.unwrap()).into()
}
