//! poem.

use ::poem::error::{IntoResult, ResponseError};
use ::poem::http::StatusCode;
use ::poem::test::TestClient;
use ::poem::web::Path;
use ::poem::{Endpoint, EndpointExt as _, IntoResponse, Response, Route, get, handler};
use connect_session::{Session, session};

use super::{
    Answer, Careful, Failed, Fine, Framework, Wrapped, answer, every_form, failing_store, push,
    rotation, store,
};

fn status(status: u16) -> StatusCode {
    StatusCode::from_u16(status).unwrap()
}

impl IntoResponse for Fine {
    fn into_response(self) -> Response {
        status(self.0).into_response()
    }
}

impl IntoResponse for Wrapped {
    fn into_response(self) -> Response {
        match self.0 {
            Ok(fine) => fine.into_response(),
            Err(failed) => status(failed.0).into_response(),
        }
    }
}

impl ResponseError for Failed {
    fn status(&self) -> StatusCode {
        status(self.0)
    }
}

/// A type of the application that is a result to poem.
struct Own(Result<Fine, Failed>);

impl IntoResult<Fine> for Own {
    fn into_result(self) -> ::poem::Result<Fine> {
        Ok(self.0?)
    }
}

/// Leaves a handler with a response that was made of an error.
macro_rules! bail {
    ($result:expr) => {
        match $result {
            Ok(fine) => fine.into_response(),
            Err(failed) => return failed.as_response(),
        }
    };
}

macro_rules! handlers {
    ($name:ident, $($options:tt)*) => {
        mod $name {
            use super::*;

            #[session($($options)*)]
            #[handler]
            async fn plain(session: Session<Careful>, Path(code): Path<u16>) -> StatusCode {
                push(session);
                status(code)
            }

            #[session($($options)*)]
            #[handler]
            async fn err(session: Session<Careful>, Path(code): Path<u16>) -> Result<(), Failed> {
                push(session);
                Err(Failed(code))
            }

            #[session($($options)*)]
            #[handler]
            async fn call(session: Session<Careful>, Path(code): Path<u16>) -> impl IntoResult<Fine> {
                push(session);
                answer(code)
            }

            #[session($($options)*)]
            #[handler]
            async fn own(session: Session<Careful>, Path(code): Path<u16>) -> Own {
                push(session);
                Own(answer(code))
            }

            #[session($($options)*)]
            #[handler]
            async fn wrapped(session: Session<Careful>, Path(code): Path<u16>) -> impl IntoResponse {
                push(session);
                Wrapped(answer(code)).with_header("x-typed", "1")
            }

            #[session($($options)*)]
            #[handler]
            async fn bailed(session: Session<Careful>, Path(code): Path<u16>) -> Response {
                push(session);
                bail!(answer(code))
            }

            pub(super) fn routes() -> Route {
                Route::new()
                    .at("/plain/:code", get(plain))
                    .at("/err/:code", get(err))
                    .at("/call/:code", get(call))
                    .at("/own/:code", get(own))
                    .at("/wrapped/:code", get(wrapped))
                    .at("/bailed/:code", get(bailed))
            }
        }
    };
}

handlers!(create, create);
handlers!(cookie, create, emit = cookie);
handlers!(load, load);

#[session(load)]
#[handler]
async fn rotate(mut session: Session<Careful>, Path(code): Path<u16>) -> StatusCode {
    session.rotate().unwrap();
    status(code)
}

#[session(load)]
#[handler]
async fn show(session: Session<Careful>) -> String {
    session.items.len().to_string()
}

fn app() -> Route {
    Route::new()
        .nest("/create", create::routes())
        .nest("/cookie", cookie::routes())
        .nest("/load", load::routes())
        .at("/rotate/:code", get(rotate))
        .at("/show", get(show))
}

struct Poem<E>(TestClient<E>);

impl<E: Endpoint> Framework for Poem<E> {
    const FORMS: &'static [&'static str] = &["plain", "err", "call", "own", "wrapped", "bailed"];

    async fn send(&self, path: &str, header: Option<(&str, &str)>) -> Answer {
        let mut request = self.0.get(path).header("host", "shop.example.com");
        if let Some((name, value)) = header {
            request = request.header(name, value);
        }
        let response = request.send().await.0;
        let (status, headers) = (response.status(), response.headers().clone());
        let body = response.into_body().into_string().await.unwrap();
        Answer::new(status.as_u16(), &headers, body)
    }
}

#[tokio::test]
async fn row_42b_the_status_decides() {
    let app = Poem(TestClient::new(app()));
    every_form(&app, None).await;
    rotation(&app).await;
}

#[tokio::test]
async fn row_42b_the_status_decides_below_the_layer() {
    let store = store();
    let layer = Careful::layer().with_store(store.clone());
    let app = Poem(TestClient::new(app().with(layer)));
    every_form(&app, Some(&store)).await;
    failing_store(&app, &store).await;
}
