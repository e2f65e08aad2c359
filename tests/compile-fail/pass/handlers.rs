//! Handlers that compile, one token away from those that `#[session]` rejects, with their rows.

#![deny(warnings)]

use axum::Json;
use axum::extract::Path;
use axum::response::IntoResponse;
use axum::routing::get;
use connect_session::{Error, LoggedIn, Session, session, session_config};
use http::{Request, Response, StatusCode};

session_config! {
    pub struct Shop {
        loaders: [header("X-User-Session"), cookie("__Host-sid")],
    }
}

type ShopSession = Session<Shop>;
type HandlerResult = Result<String, Error>;

const NAME: &str = "X-Device-Session";
const SECOND_FACTOR: u8 = 2;

// H01, H02, H06, H08, H12
#[session(create, emit = cookie)]
pub async fn open(session: Session<Shop>) -> StatusCode {
    let _ = session;
    StatusCode::CREATED
}

// H29
#[session(create, lazy)]
async fn visit(session: Session) -> String {
    session.id().to_string()
}

// H33
#[session(create)]
async fn login(mut session: Session<Shop>) -> Result<(), connect_session::Error> {
    let attempt = Shop::begin_login("ada").await?;
    session.login(attempt)?;
    if let Some(sessions) = session.of_user() {
        sessions.end_all_except(session.id()).await?;
    }
    Shop::sessions().of(1_u64).end_all().await?;
    Ok(())
}

// H27, H28
#[session(load, fresh = 5m, level = SECOND_FACTOR)]
async fn change_password(session: LoggedIn<Shop>) -> Result<String, connect_session::Error> {
    session.end_others().await?;
    Ok(session.subject().to_owned())
}

// H35
#[session(load)]
async fn end_others(mut session: Session<Shop>) -> Result<String, connect_session::Error> {
    session.reauthenticate()?;
    Ok(session.end_others().await?.to_string())
}

// H27
#[session(load)]
async fn maybe_user(session: Option<LoggedIn<Shop>>) -> String {
    session.map_or_else(String::new, |session| session.subject().to_owned())
}

// H04, H05, H07, H14, H18, H30, H32
#[session(load)]
async fn body_first(Json(item): Json<String>, mut session: Session) -> HandlerResult {
    session.insert("item", item).ok();
    Ok(session.id().to_string())
}

// H25
/// Under another name, and changed in a closure that can fail.
#[session(load)]
async fn alias(#[session] session: ShopSession) -> impl IntoResponse {
    let parse = |text: &str| -> Result<u8, std::num::ParseIntError> { Ok(text.parse::<u8>()? + 1) };
    let _ = (session, parse("1"));
    "done"
}

// H25, H34
/// Calls whose type the return type hides, and a `return` among them.
#[session(load)]
async fn calls(session: Session, Json(there): Json<u8>) -> impl IntoResponse {
    let found = |there: u8| (there > 0).then_some("found").ok_or(StatusCode::NOT_FOUND);
    if session.is_empty() {
        return (StatusCode::CREATED, found(there));
    }
    (StatusCode::OK, found(1))
}

/// Every part of the value is asked.
#[session(load)]
async fn nested(
    session: Session,
) -> Result<(StatusCode, [(&'static str, &'static str); 1], HandlerResult), StatusCode> {
    let _ = session;
    Ok((StatusCode::OK, [("x-own", "1")], Ok("nested".to_owned())))
}

// H03, H06, H12, H26
#[session(load, header = NAME, bearer, emit = header, cache = shared)]
async fn overridden(Path((a, _)): Path<(u8, u8)>, session: Option<Session>) -> String {
    format!("{a} {}", session.is_some())
}

#[session(load, query = "sid", allow_in_url = "feeds cannot set headers")]
#[allow(clippy::needless_pass_by_value)]
async fn nothing(_: Session) {}

// H22, H25
#[session(load)]
async fn conditional(
    session: Session<Shop>,
    #[cfg(any())] gone: NoSuchType,
    #[cfg(all())] Json(there): Json<u8>,
) -> Result<impl IntoResponse, StatusCode> {
    let id = session.id().to_string();
    session
        .destroy()
        .await
        .map_err(|_| StatusCode::BAD_GATEWAY)?;
    Ok(format!("{id} {there}"))
}

#[cfg(any())]
#[session(load, header = "X-Gone")]
async fn gone(session: NoSuchType) {}

#[session(load)]
async fn generic<T, const N: usize>(session: Session, Json(value): Json<T>) -> String
where
    T: serde::de::DeserializeOwned + std::fmt::Display + Send + 'static,
{
    format!("{value} {N} {}", session.id())
}

#[session(load)]
#[expect(unused_variables)]
async fn expected(session: Session) -> &'static str {
    let unused = 1;
    "done"
}

// H09, H10, H11
#[session(load, crate = ::connect_session)]
async fn r#loop(r#type: Session) -> String {
    struct Local;
    impl Local {
        fn new() -> Self {
            Self
        }
    }
    let _ = Local::new();
    r#type.id().to_string()
}

// H19, H20
#[session(load, http)]
async fn plain(session: Session, request: Request<String>) -> Response<String> {
    Response::new(format!("{} {}", session.id(), request.uri()))
}

#[session(create, http)]
async fn plain_failing(
    greeting: &str,
    request: Request<String>,
    session: Session<Shop>,
) -> Result<Response<String>, Error> {
    let _ = session;
    Ok(Response::new(format!("{greeting} {}", request.into_body())))
}

macro_rules! handler {
    ($name:ident, $field:ident, $loader:expr) => {
        #[derive(Clone, Default, serde::Serialize, serde::Deserialize)]
        pub struct Data {
            pub $field: u64,
        }

        session_config! {
            pub struct FromMacro {
                data: Data,
                loaders: [header($loader)],
                merge: { $field: add },
            }
        }

        #[session(load)]
        async fn $name(mut session: Session<FromMacro>) -> String {
            session.$field += 1;
            session.$field.to_string()
        }
    };
}

// H15, H17, H21: the attribute once, above a framework's own.
#[session(load)]
#[axum::debug_handler]
async fn debugged(session: Session<Shop>) -> Result<String, Error> {
    let shared = std::sync::Arc::new(1);
    session.destroy().await?;
    Ok(shared.to_string())
}

// H16, H23
#[session(load)]
async fn data(session: Session<FromMacro>) -> String {
    let data: &Data = &session;
    data.visits.to_string()
}

handler!(from_macro, visits, "X-Macro-Session");

fn main() {
    let _: axum::Router = axum::Router::new()
        .route("/open", get(open))
        .route("/visit", get(visit))
        .route("/login", get(login))
        .route("/change-password", get(change_password))
        .route("/end-others", get(end_others))
        .route("/maybe-user", get(maybe_user))
        .route("/body", get(body_first))
        .route("/alias", get(alias))
        .route("/calls", get(calls))
        .route("/nested", get(nested))
        .route("/overridden/{a}/{b}", get(overridden))
        .route("/nothing", get(nothing))
        .route("/conditional", get(conditional))
        .route("/generic", get(generic::<u8, 3>))
        .route("/expected", get(expected))
        .route("/loop", get(r#loop))
        .route("/macro", get(from_macro))
        .route("/debugged", get(debugged))
        .route("/data", get(data));
    let _ = plain;
    let _ = plain_failing("hello", Request::new(String::new()));
}
