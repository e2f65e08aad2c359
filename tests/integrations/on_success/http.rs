//! Plain `http`.

use std::convert::Infallible;

use connect_session::{Session, session};
use http::{Request, Response};
use tower::{Layer as _, Service, ServiceExt as _, service_fn};

use super::{
    Answer, Careful, Failed, Framework, answer, every_form, failing_store, push, rotation, store,
};

fn response(status: u16) -> Response<String> {
    Response::builder()
        .status(status)
        .body(String::new())
        .unwrap()
}

fn code(request: &Request<String>) -> u16 {
    let code = request.uri().path().rsplit('/').next().unwrap();
    code.parse().unwrap()
}

/// Leaves a handler with a response that was made of an error.
macro_rules! bail {
    ($result:expr) => {
        match $result {
            Ok(fine) => response(fine.0),
            Err(failed) => return response(failed.0),
        }
    };
}

macro_rules! handlers {
    ($name:ident, $($options:tt)*) => {
        mod $name {
            use super::*;

            #[session($($options)*, http)]
            async fn plain(session: Session<Careful>, request: Request<String>) -> Response<String> {
                push(session);
                response(code(&request))
            }

            #[session($($options)*, http)]
            async fn err(
                session: Session<Careful>,
                request: Request<String>,
            ) -> Result<Response<String>, Failed> {
                push(session);
                Err(Failed(code(&request)))
            }

            #[session($($options)*, http)]
            async fn in_ok(
                session: Session<Careful>,
                request: Request<String>,
            ) -> Result<Response<String>, Failed> {
                push(session);
                Ok(response(code(&request)))
            }

            #[session($($options)*, http)]
            async fn bailed(session: Session<Careful>, request: Request<String>) -> Response<String> {
                push(session);
                bail!(answer(code(&request)))
            }

            pub(super) async fn handle(form: &str, request: Request<String>) -> Response<String> {
                let result = match form {
                    "plain" => Ok(plain(request).await),
                    "err" => err(request).await,
                    "in_ok" => in_ok(request).await,
                    _ => Ok(bailed(request).await),
                };
                result.unwrap_or_else(|failed| response(failed.0))
            }
        }
    };
}

handlers!(create, create);
handlers!(cookie, create, emit = cookie);
handlers!(load, load);

#[session(load, http)]
async fn rotate(mut session: Session<Careful>, request: Request<String>) -> Response<String> {
    session.rotate().unwrap();
    response(code(&request))
}

#[session(load, http)]
async fn show(session: Session<Careful>, request: Request<String>) -> Response<String> {
    drop(request);
    Response::new(session.items.len().to_string())
}

async fn route(request: Request<String>) -> Result<Response<String>, Infallible> {
    let path = request.uri().path().to_owned();
    let mut parts = path.split('/').skip(1);
    Ok(match (parts.next(), parts.next()) {
        (Some("create"), Some(form)) => create::handle(form, request).await,
        (Some("cookie"), Some(form)) => cookie::handle(form, request).await,
        (Some("load"), Some(form)) => load::handle(form, request).await,
        (Some("rotate"), _) => rotate(request).await,
        _ => show(request).await,
    })
}

struct Plain<S>(S);

impl<S> Framework for Plain<S>
where
    S: Service<Request<String>, Response = Response<String>, Error = Infallible> + Clone,
{
    const FORMS: &'static [&'static str] = &["plain", "err", "in_ok", "bailed"];

    async fn send(&self, path: &str, header: Option<(&str, &str)>) -> Answer {
        let mut request = Request::get(path).header("host", "shop.example.com");
        if let Some((name, value)) = header {
            request = request.header(name, value);
        }
        let request = request.body(String::new()).unwrap();
        let (head, body) = self.0.clone().oneshot(request).await.unwrap().into_parts();
        Answer::new(head.status.as_u16(), &head.headers, body)
    }
}

#[tokio::test]
async fn row_42b_the_status_decides() {
    let app = Plain(service_fn(route));
    every_form(&app, None).await;
    rotation(&app).await;
}

#[tokio::test]
async fn row_42b_the_status_decides_below_the_layer() {
    let store = store();
    let layer = Careful::layer().with_store(store.clone());
    let app = Plain(layer.layer(service_fn(route)));
    every_form(&app, Some(&store)).await;
    failing_store(&app, &store).await;
}
