//! salvo.

use ::salvo::http::StatusCode;
use ::salvo::test::{ResponseExt as _, TestClient};
use ::salvo::writing::Text;
use ::salvo::{
    Depot, FlowCtrl, Request, Response, Router, Scribe, Service, Writer, async_trait, handler,
};
use connect_session::{Session, session};
use http::HeaderName;

use super::{
    Answer, Careful, Failed, Fine, Framework, Wrapped, answer, every_form, failing_store, push,
    rotation, store,
};

fn status(status: u16) -> StatusCode {
    StatusCode::from_u16(status).unwrap()
}

fn code(request: &Request) -> u16 {
    request.param("code").unwrap()
}

impl Scribe for Fine {
    fn render(self, response: &mut Response) {
        response.status_code(status(self.0));
        response.render("fine");
    }
}

impl Scribe for Failed {
    fn render(self, response: &mut Response) {
        response.status_code(status(self.0));
        response.render("failed");
    }
}

#[async_trait]
impl Writer for Wrapped {
    async fn write(self, _: &mut Request, _: &mut Depot, response: &mut Response) {
        match self.0 {
            Ok(fine) => response.render(fine),
            Err(failed) => response.render(failed),
        }
    }
}

macro_rules! handlers {
    ($name:ident, $($options:tt)*) => {
        mod $name {
            use super::*;

            #[session($($options)*)]
            #[handler]
            async fn plain(session: Session<Careful>, request: &mut Request) -> Fine {
                push(session);
                Fine(code(request))
            }

            #[session($($options)*)]
            #[handler]
            async fn err(session: Session<Careful>, request: &mut Request) -> Result<(), Failed> {
                push(session);
                Err(Failed(code(request)))
            }

            #[session($($options)*)]
            #[handler]
            async fn call(session: Session<Careful>, request: &mut Request) -> impl Writer + use<> {
                push(session);
                answer(code(request))
            }

            #[session($($options)*)]
            #[handler]
            async fn wrapped(session: Session<Careful>, request: &mut Request) -> Wrapped {
                push(session);
                Wrapped(answer(code(request)))
            }

            #[session($($options)*)]
            #[handler]
            async fn written(session: Session<Careful>, request: &mut Request, response: &mut Response) {
                push(session);
                response.render(Text::Plain("written"));
                response.status_code(status(code(request)));
            }

            pub(super) fn routes(path: &str) -> Router {
                Router::with_path(path)
                    .push(Router::with_path("plain/{code}").get(plain))
                    .push(Router::with_path("err/{code}").get(err))
                    .push(Router::with_path("call/{code}").get(call))
                    .push(Router::with_path("wrapped/{code}").get(wrapped))
                    .push(Router::with_path("written/{code}").get(written))
            }
        }
    };
}

handlers!(create, create);
handlers!(cookie, create, emit = cookie);
handlers!(load, load);

#[session(load)]
#[handler]
async fn rotate(mut session: Session<Careful>, request: &mut Request) -> Fine {
    session.rotate().unwrap();
    Fine(code(request))
}

#[session(load)]
#[handler]
async fn show(session: Session<Careful>) -> String {
    session.items.len().to_string()
}

/// A hoop that writes before its inner handler runs.
#[session(create)]
#[handler]
async fn write(
    mut session: Session<Careful>,
    request: &mut Request,
    depot: &mut Depot,
    response: &mut Response,
    ctrl: &mut FlowCtrl,
) {
    session.items.push("of the hoop".to_owned());
    ctrl.call_next(request, depot, response).await;
}

#[handler]
async fn alone(request: &mut Request) -> Fine {
    Fine(code(request))
}

fn app() -> Router {
    Router::new()
        .push(create::routes("create"))
        .push(cookie::routes("cookie"))
        .push(load::routes("load"))
        .push(Router::with_path("rotate/{code}").get(rotate))
        .push(Router::with_path("show").get(show))
        .push(Router::with_path("hoop/{code}").hoop(write).get(alone))
}

struct Salvo(Service);

impl Framework for Salvo {
    const FORMS: &'static [&'static str] = &["plain", "err", "call", "wrapped", "written"];

    async fn send(&self, path: &str, header: Option<(&str, &str)>) -> Answer {
        let mut request = TestClient::get(format!("http://shop.example.com{path}"));
        if let Some((name, value)) = header {
            request = request.add_header(
                HeaderName::from_bytes(name.as_bytes()).unwrap(),
                value,
                true,
            );
        }
        let mut response = request.send(&self.0).await;
        let (status, headers) = (response.status_code.unwrap(), response.headers().clone());
        let body = response.take_string().await.unwrap_or_default();
        Answer::new(status.as_u16(), &headers, body)
    }
}

#[tokio::test]
async fn row_42b_the_status_decides() {
    let app = Salvo(Service::new(app()));
    every_form(&app, None).await;
    rotation(&app).await;
}

#[tokio::test]
async fn row_42b_the_status_decides_below_the_layer() {
    let store = store();
    let layer = Careful::layer().with_store(store.clone());
    let app = Salvo(Service::new(app().hoop(layer)));
    every_form(&app, Some(&store)).await;
    failing_store(&app, &store).await;
}

#[tokio::test]
async fn row_42b_a_hoop_sees_the_status_of_the_response_inside() {
    let app = Salvo(Service::new(app()));
    for (code, stored) in [(200, true), (404, false)] {
        let answer = app.send(&format!("/hoop/{code}"), None).await;
        assert_eq!(answer.status, code);
        assert_eq!(answer.sids.len(), usize::from(stored), "{code}");
    }
}
