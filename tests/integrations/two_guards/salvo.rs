//! salvo: hoops that wrap the handler by `call_next`, and hoops that return before it.

use connect_session::{Session, SessionView, session, session_config};
use salvo::prelude::*;
use salvo::test::{ResponseExt as _, TestClient};

use super::model::{Fields, Place};
use super::{
    Failure, Framework, Guarded, Reply, Steps, act_if, every_combination, fail_if, inner, seen,
    seen_in_view,
};

impl Scribe for Failure {
    fn render(self, response: &mut Response) {
        response.status_code(self.status());
    }
}

/// Acts before or after the handler.
async fn around(
    session: Option<Session<Guarded>>,
    request: &mut Request,
    depot: &mut Depot,
    response: &mut Response,
    ctrl: &mut FlowCtrl,
) -> Result<(), Failure> {
    let steps = Steps::in_headers(request.headers());
    let session = act_if(!steps.acts_after, session, steps.outer, Place::Outer).await?;
    ctrl.call_next(request, depot, response).await;
    let _session = act_if(steps.acts_after, session, steps.outer, Place::Outer).await?;
    fail_if(steps.outer_fails)
}

#[session(create)]
#[handler]
async fn around_create(
    session: Session<Guarded>,
    request: &mut Request,
    depot: &mut Depot,
    response: &mut Response,
    ctrl: &mut FlowCtrl,
) -> Result<(), Failure> {
    around(Some(session), request, depot, response, ctrl).await
}

#[session(load)]
#[handler]
async fn around_load(
    session: Session<Guarded>,
    request: &mut Request,
    depot: &mut Depot,
    response: &mut Response,
    ctrl: &mut FlowCtrl,
) -> Result<(), Failure> {
    around(Some(session), request, depot, response, ctrl).await
}

#[session(load)]
#[handler]
async fn around_optional(
    session: Option<Session<Guarded>>,
    request: &mut Request,
    depot: &mut Depot,
    response: &mut Response,
    ctrl: &mut FlowCtrl,
) -> Result<(), Failure> {
    around(session, request, depot, response, ctrl).await
}

#[handler]
async fn around_view(
    request: &mut Request,
    depot: &mut Depot,
    response: &mut Response,
    ctrl: &mut FlowCtrl,
) -> Result<(), Failure> {
    SessionView::<Guarded>::of_request(request).await?;
    around(None, request, depot, response, ctrl).await
}

async fn before(session: Option<Session<Guarded>>, request: &Request) -> Result<(), Failure> {
    let steps = Steps::in_headers(request.headers());
    let _session = act_if(true, session, steps.outer, Place::Outer).await?;
    Ok(())
}

#[session(create)]
#[handler]
async fn before_create(session: Session<Guarded>, request: &mut Request) -> Result<(), Failure> {
    before(Some(session), request).await
}

#[session(load)]
#[handler]
async fn before_load(session: Session<Guarded>, request: &mut Request) -> Result<(), Failure> {
    before(Some(session), request).await
}

#[session(load)]
#[handler]
async fn before_optional(
    session: Option<Session<Guarded>>,
    request: &mut Request,
) -> Result<(), Failure> {
    before(session, request).await
}

#[handler]
async fn before_view(request: &mut Request) -> Result<(), Failure> {
    SessionView::<Guarded>::of_request(request).await?;
    Ok(())
}

#[session(create)]
#[handler]
async fn inner_create(session: Session<Guarded>, request: &mut Request) -> Result<String, Failure> {
    inner(Some(session), request.headers()).await
}

#[session(load)]
#[handler]
async fn inner_load(session: Session<Guarded>, request: &mut Request) -> Result<String, Failure> {
    inner(Some(session), request.headers()).await
}

#[session(load)]
#[handler]
async fn inner_optional(
    session: Option<Session<Guarded>>,
    request: &mut Request,
) -> Result<String, Failure> {
    inner(session, request.headers()).await
}

#[handler]
async fn inner_view(request: &mut Request) -> Result<String, Failure> {
    let view = SessionView::of_request(request).await?;
    fail_if(Steps::in_headers(request.headers()).inner_fails)?;
    Ok(seen_in_view(view.as_ref()))
}

#[session(create)]
#[handler]
async fn seed(mut session: Session<Guarded>) {
    *session.data_mut() = Fields::seeded();
}

#[session(load)]
#[handler]
async fn show(session: Option<Session<Guarded>>) -> String {
    seen(session.as_ref())
}

fn below(path: &str, hoop: impl Handler) -> Router {
    Router::with_path(path)
        .hoop(hoop)
        .push(Router::with_path("create").get(inner_create))
        .push(Router::with_path("load").get(inner_load))
        .push(Router::with_path("optional").get(inner_optional))
        .push(Router::with_path("view").get(inner_view))
}

fn common() -> Router {
    Router::new()
        .push(Router::with_path("seed").get(seed))
        .push(Router::with_path("show").get(show))
}

fn wrapping() -> Router {
    common()
        .push(below("create", around_create))
        .push(below("load", around_load))
        .push(below("optional", around_optional))
        .push(below("view", around_view))
}

fn in_sequence() -> Router {
    common()
        .push(below("create", before_create))
        .push(below("load", before_load))
        .push(below("optional", before_optional))
        .push(below("view", before_view))
}

struct Salvo<const SEQUENTIAL: bool>(Service);

impl<const SEQUENTIAL: bool> Framework for Salvo<SEQUENTIAL> {
    const SEQUENTIAL: bool = SEQUENTIAL;
    const ERRORS_ARE_NEW: bool = false;

    async fn send(&self, path: &str, steps: &str, sid: Option<&str>) -> Reply {
        let mut request = TestClient::get(format!("http://127.0.0.1:5800/{path}"))
            .add_header("x-steps", steps, true);
        if let Some(sid) = sid {
            request = request.add_header("x-user-session", sid, true);
        }
        let mut response = request.send(&self.0).await;
        let status = response.status_code.unwrap_or(StatusCode::OK);
        let body = response.take_string().await.unwrap_or_default();
        Reply::new(status, response.headers(), body)
    }
}

#[tokio::test]
async fn row_92_a_hoop_around_the_handler_shares_the_session() {
    every_combination(&Salvo::<false>(Service::new(wrapping()))).await;
}

#[tokio::test]
async fn row_92_a_hoop_around_the_handler_shares_the_session_below_the_layer() {
    let routes = wrapping().hoop(Guarded::layer());
    every_combination(&Salvo::<false>(Service::new(routes))).await;
}

/// Two guards that send the sid one after the other set only one cookie.
#[tokio::test]
async fn row_92_two_guards_set_the_cookie_once() {
    session_config! {
        struct Cookies {
            loaders: [cookie("__Host-sid")],
        }
    }
    #[session(create)]
    #[handler]
    async fn log_in(mut session: Session<Cookies>, response: &mut Response) {
        // Not `add_cookie`: the test client lets such cookies replace all others.
        let theme = "theme=dark".parse().unwrap();
        response.headers_mut().append("set-cookie", theme);
        session.login("user").unwrap();
    }
    #[session(load)]
    #[handler]
    async fn rotate(mut session: Session<Cookies>) {
        session.rotate().unwrap();
    }
    #[session(load)]
    #[handler]
    async fn log_out(session: Session<Cookies>) -> Result<(), connect_session::Error> {
        session.destroy().await
    }
    let routes = Router::new()
        .hoop(log_in)
        .push(Router::with_path("rotate").get(rotate))
        .push(Router::with_path("out").get(log_out));
    let service = Service::new(routes);
    for (path, is_cleared) in [("rotate", false), ("out", true)] {
        let request = TestClient::get(format!("http://127.0.0.1:5800/{path}"));
        let response = request.send(&service).await;
        let cookies = response.headers().get_all("set-cookie").iter();
        let cookies: Vec<&str> = cookies.map(|cookie| cookie.to_str().unwrap()).collect();
        let ours: Vec<_> = (cookies.iter())
            .filter(|cookie| cookie.starts_with("__Host-sid="))
            .collect();
        assert_eq!(ours.len(), 1, "{path}: {cookies:?}");
        assert_eq!(
            ours[0].contains("Max-Age=0"),
            is_cleared,
            "{path}: {cookies:?}"
        );
        assert!(cookies.iter().any(|cookie| cookie.starts_with("theme=")));
    }
}

#[tokio::test]
async fn row_92_a_hoop_before_the_handler_shares_the_session() {
    every_combination(&Salvo::<true>(Service::new(in_sequence()))).await;
}

#[tokio::test]
async fn row_92_a_hoop_before_the_handler_shares_the_session_below_the_layer() {
    let routes = in_sequence().hoop(Guarded::layer());
    every_combination(&Salvo::<true>(Service::new(routes))).await;
}
