//! rocket. Its responders cannot wait for the store, so the fairing commits.

use ::rocket::http::{ContentType, Header, Status};
use ::rocket::local::asynchronous::Client;
use ::rocket::response::{Responder, Response, Result as Responded};
use ::rocket::{Build, Config, Either, Request, Rocket, get, routes};
use connect_session::{Session, session};
use http::{HeaderMap, HeaderName, HeaderValue};

use super::{
    Answer, Careful, Failed, Fine, Framework, Wrapped, answer, every_form, failing_store, push,
    rotation, store,
};

fn respond(status: u16) -> Responded<'static> {
    Response::build().status(Status::new(status)).ok()
}

impl<'r> Responder<'r, 'static> for Fine {
    fn respond_to(self, _: &'r Request<'_>) -> Responded<'static> {
        respond(self.0)
    }
}

impl<'r> Responder<'r, 'static> for Failed {
    fn respond_to(self, _: &'r Request<'_>) -> Responded<'static> {
        respond(self.0)
    }
}

impl<'r> Responder<'r, 'static> for Wrapped {
    fn respond_to(self, _: &'r Request<'_>) -> Responded<'static> {
        match self.0 {
            Ok(Fine(status)) | Err(Failed(status)) => respond(status),
        }
    }
}

macro_rules! handlers {
    ($name:ident, $($options:tt)*) => {
        mod $name {
            use super::*;

            #[session($($options)*)]
            #[get("/plain/<code>")]
            async fn plain(session: Session<Careful>, code: u16) -> Fine {
                push(session);
                Fine(code)
            }

            #[session($($options)*)]
            #[get("/err/<code>")]
            async fn err(session: Session<Careful>, code: u16) -> Result<Fine, Failed> {
                push(session);
                Err(Failed(code))
            }

            #[session($($options)*)]
            #[get("/call/<code>")]
            async fn call(session: Session<Careful>, code: u16) -> Result<Fine, Failed> {
                push(session);
                answer(code)
            }

            #[session($($options)*)]
            #[get("/typed/<code>")]
            async fn typed(session: Session<Careful>, code: u16) -> (ContentType, Wrapped) {
                push(session);
                (ContentType::Plain, Wrapped(answer(code)))
            }

            #[session($($options)*)]
            #[get("/either/<code>")]
            async fn either(session: Session<Careful>, code: u16) -> Either<Fine, Wrapped> {
                push(session);
                Either::Right(Wrapped(answer(code)))
            }

            /// A status of 400 or more is not a response; a catcher makes one.
            #[session($($options)*)]
            #[get("/caught/<code>")]
            async fn caught(session: Session<Careful>, code: u16) -> Result<Either<Fine, Status>, Failed> {
                push(session);
                Ok(if code < 400 { Either::Left(Fine(code)) } else { Either::Right(Status::new(code)) })
            }

            pub(super) fn routes() -> Vec<::rocket::Route> {
                routes![plain, err, call, typed, either, caught]
            }
        }
    };
}

handlers!(create, create);
handlers!(cookie, create, emit = cookie);
handlers!(load, load);

#[session(load)]
#[get("/rotate/<code>")]
async fn rotate(mut session: Session<Careful>, code: u16) -> Fine {
    session.rotate().unwrap();
    Fine(code)
}

#[session(load)]
#[get("/show")]
async fn show(session: Session<Careful>) -> String {
    session.items.len().to_string()
}

fn app() -> Rocket<Build> {
    let config = Config {
        log_level: ::rocket::config::LogLevel::Off,
        ..Config::debug_default()
    };
    ::rocket::custom(config)
        .mount("/create", create::routes())
        .mount("/cookie", cookie::routes())
        .mount("/load", load::routes())
        .mount("/", routes![rotate, show])
}

struct Tested(Client);

impl Framework for Tested {
    const FORMS: &'static [&'static str] = &["plain", "err", "call", "typed", "either", "caught"];

    async fn send(&self, path: &str, header: Option<(&str, &str)>) -> Answer {
        let mut request = self.0.get(path.to_owned());
        if let Some((name, value)) = header {
            request.add_header(Header::new(name.to_owned(), value.to_owned()));
        }
        let response = request.dispatch().await;
        let status = response.status().code;
        let mut headers = HeaderMap::new();
        for header in response.headers().iter() {
            let name = HeaderName::from_bytes(header.name().as_str().as_bytes()).unwrap();
            headers.append(name, HeaderValue::from_str(header.value()).unwrap());
        }
        let body = response.into_string().await.unwrap_or_default();
        Answer::new(status, &headers, body)
    }
}

async fn tested(app: Rocket<Build>) -> Tested {
    Tested(Client::untracked(app).await.unwrap())
}

#[tokio::test]
async fn row_42b_the_status_decides() {
    let store = store();
    let layer = Careful::layer().with_store(store.clone());
    let app = tested(app().attach(layer)).await;
    every_form(&app, Some(&store)).await;
    failing_store(&app, &store).await;
    rotation(&app).await;
}

#[tokio::test]
async fn row_42c_a_guard_without_the_layer_refuses() {
    // Without the fairing, rocket's own catcher responds.
    let refused = tested(app()).await.send("/create/plain/200", None).await;
    assert_eq!((refused.status, refused.sids.len()), (500, 0));
}
