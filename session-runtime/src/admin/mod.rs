//! A page and a JSON API for administrators: find the sessions of a user, look at one, and end them.
//!
//! `Shop::admin(authorize)` returns an [`Admin`], one service for every framework. It cannot be made without the
//! function that says who may use it.
//!
//! ```
//! # #[cfg(feature = "axum")] mod example {
//! use axum::Router;
//! use connect_session::admin::Access;
//! use connect_session::{Error, SessionView, session_config};
//! use http::Request;
//!
//! session_config! {
//!     /// Sessions of the shop's customers.
//!     pub struct Shop {}
//! }
//! session_config! {
//!     /// Sessions of the shop's staff.
//!     pub struct Staff { loaders: [cookie("__Host-staff")] }
//! }
//!
//! async fn administrators(head: Request<()>) -> Result<Access, Error> {
//!     let session = SessionView::<Staff>::of_request(&head).await?;
//!     Ok(match session.as_ref().and_then(SessionView::subject) {
//!         Some("ada") => Access::ReadAndEnd,
//!         Some(_) => Access::Read,
//!         None => Access::Denied,
//!     })
//! }
//!
//! fn app() -> Router {
//!     Router::new().nest_service("/admin", Shop::admin(administrators).show(["visits"]))
//! }
//! # }
//! ```
//!
//! # What it serves
//!
//! Paths are relative to where it is mounted.
//!
//! | request | response |
//! | --- | --- |
//! | `GET /` | the page: HTML without a script, for every browser and for the keyboard |
//! | `GET /api/sessions?subject=…` | the sessions of a user, at most 100; `after=` with the `next` of a part asks for the next one |
//! | `GET /api/sessions/{id}` | one session, with the names of the fields of its data |
//! | `DELETE /api/sessions/{id}` | ends one session |
//! | `DELETE /api/sessions?subject=…` | ends all sessions of a user |
//! | `GET /api/counts` | how many sessions are alive, if the store can tell for little work |
//! | `GET /openapi.json` | the `OpenAPI` document of the API |
//!
//! A caller who may not do what the request asks for gets a 403, and a failed authorizer is a 503. Both, and every
//! other error of the API, are problem documents (RFC 9457).
//!
//! # What it shows
//!
//! Nothing that opens a session: no sid, no hash of one and no cookie. Of the data, it shows the names of the top-level
//! fields, and only the values of those that [`show`](Admin::show) lists. A user, a label and a value are personal data,
//! so mount it where your access log is kept accordingly: the user is part of the URL. Texts are shortened: to 200
//! characters in the page, and to 1,000 in the API. Looking at a session does not extend it.
//!
//! Each response has `Cache-Control: no-store` and a strict `Content-Security-Policy`. A request that ends sessions must
//! come from the page itself or from a client that is no browser: the cross-origin rule of cookies applies to it,
//! however the caller proves who they are.
//!
//! Every session that is ended is an event, [`Revoked`](crate::event::EventKind::Revoked).
//!
//! # In other frameworks
//!
//! The service is a `tower_service::Service<http::Request<B>>` for any `B`. It reads no body, and its responses have a
//! `String` as the body, which is an `http_body::Body`. poem and salvo mount it with their features for tower. For
//! hyper, actix-web and rocket, call [`respond`](Admin::respond) with the head of the request. If the framework leaves
//! the prefix in the path, name it with [`under`](Admin::under). [The tests] have a handler for each framework.
//!
//! [The tests]: https://github.com/connect-session/connect-session/blob/main/tests/integrations/admin/mounts.rs

mod access;
mod action;
mod api;
mod document;
mod html;
mod page;
mod response;

use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Request, Response, StatusCode};
use tower_service::Service;

pub use self::access::{Access, Authorize};
use self::action::Action;
use self::api::{Counts, Ended, List, Session};
use self::html::query_value;
use self::page::Frame;
use self::response::{Refusal, json_of, no_content, protect, see_other};
use crate::config::{self, SessionConfig};
use crate::engine::CrossOrigin;
use crate::error::{Error, ErrorKind};
use crate::event::{self, EventKind};
use crate::framework::any_request::AnyRequest as _;
use crate::framework::scope::scope_of;
use crate::sessions::Sessions;
use crate::sid::SessionId;
use crate::store::{Inspect, Inspected, ListCursor, ListPage, SubjectIndex};

/// The number of sessions at which a store that looks at each stops counting.
const COUNTED: u64 = 100_000;

/// The page and the API for administrators of one config, made by `Shop::admin(authorize)`. See the
/// [module](self).
///
/// A clone has the same settings.
pub struct Admin<C> {
    authorize: Arc<dyn Authorize>,
    /// The names of the fields whose values are shown.
    shown: Arc<[String]>,
    /// What precedes the path of each request.
    prefix: Arc<str>,
    config: PhantomData<fn() -> C>,
}

impl<C: SessionConfig> Admin<C> {
    pub(crate) fn new(authorize: impl Authorize) -> Self {
        Self {
            authorize: Arc::new(authorize),
            shown: Arc::default(),
            prefix: Arc::default(),
            config: PhantomData,
        }
    }

    /// Shows the values of these top-level fields of the data, by their names in JSON. Of all others, only the names
    /// are shown.
    ///
    /// ```
    /// # use connect_session::admin::Access;
    /// # use connect_session::session_config;
    /// # session_config! { struct Shop {} }
    /// # async fn nobody(_: http::Request<()>) -> Result<Access, std::io::Error> { Ok(Access::Denied) }
    /// let admin = Shop::admin(nobody).show(["visits", "language"]);
    /// # let _ = admin;
    /// ```
    #[must_use]
    pub fn show<N: Into<String>>(mut self, fields: impl IntoIterator<Item = N>) -> Self {
        self.shown = fields.into_iter().map(Into::into).collect();
        self
    }

    /// Names the path under which it is mounted, such as `/admin`, if the requests that it gets still begin with it.
    /// axum's `nest_service`, poem's `nest` and salvo's router remove it.
    ///
    /// ```
    /// # use connect_session::admin::Access;
    /// # use connect_session::session_config;
    /// # session_config! { struct Shop {} }
    /// # async fn nobody(_: http::Request<()>) -> Result<Access, std::io::Error> { Ok(Access::Denied) }
    /// let admin = Shop::admin(nobody).under("/admin");
    /// # let _ = admin;
    /// ```
    #[must_use]
    pub fn under(mut self, path: &str) -> Self {
        self.prefix = path.trim_end_matches('/').into();
        self
    }

    /// The response to a request, whose body does not matter. For frameworks without a tower service; this is how a
    /// server of hyper calls it:
    ///
    /// ```
    /// use connect_session::admin::{Access, Admin};
    /// use connect_session::session_config;
    /// use http::{Request, Response};
    ///
    /// session_config! {
    ///     struct Shop {}
    /// }
    ///
    /// async fn nobody(_head: Request<()>) -> Result<Access, std::io::Error> {
    ///     Ok(Access::Denied)
    /// }
    ///
    /// async fn handle<B>(admin: &Admin<Shop>, request: Request<B>) -> Response<String> {
    ///     admin.respond(request.map(|_body| ())).await
    /// }
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// let admin = Shop::admin(nobody).under("/admin");
    /// let response = handle(&admin, Request::get("/admin").body("").unwrap()).await;
    /// assert_eq!(response.status(), 403);
    /// # }
    /// ```
    pub fn respond(
        &self,
        head: Request<()>,
    ) -> impl Future<Output = Response<String>> + Send + use<C> {
        let admin = self.clone();
        async move {
            let mut response = admin.answer(head).await;
            protect(response.headers_mut());
            response
        }
    }

    async fn answer(&self, head: Request<()>) -> Response<String> {
        // Nothing depends on the request before it is known who sent it.
        let access = match self.authorize.authorize(head.clone()).await {
            Ok(access) => access,
            Err(error) => {
                emit::<C>(EventKind::AuthorizerFailed { error: &*error });
                let detail = "It is not known at the moment who may use this page";
                return Refusal::new(StatusCode::SERVICE_UNAVAILABLE, detail).to_problem();
            }
        };
        if access == Access::Denied {
            let detail = "The caller may not use this page";
            return Refusal::new(StatusCode::FORBIDDEN, detail).to_problem();
        }
        let frame = Frame {
            config: C::NAME,
            may_end: access == Access::ReadAndEnd,
        };
        let Some(path) = head.uri().path().strip_prefix(&*self.prefix) else {
            let detail = "There is nothing under this path";
            return Refusal::new(StatusCode::NOT_FOUND, detail).to_problem();
        };
        match self.act(&head, path, &frame, access).await {
            Ok(response) => response,
            Err(refusal) if matches!(path, "" | "/") => frame.refusal(&refusal),
            Err(refusal) => refusal.to_problem(),
        }
    }

    async fn act(
        &self,
        head: &Request<()>,
        path: &str,
        frame: &Frame,
        access: Access,
    ) -> Result<Response<String>, Refusal> {
        let query = head.uri().query().unwrap_or_default();
        let action = Action::of(head.method(), path, query)?;
        check::<C>(head, access, &action)?;
        self.perform(head, frame, action).await
    }

    async fn perform(
        &self,
        head: &Request<()>,
        frame: &Frame,
        action: Action,
    ) -> Result<Response<String>, Refusal> {
        let sessions = sessions::<C>(head);
        Ok(match action {
            Action::ShowHome => frame.home(sessions.live_count(COUNTED).await?, None),
            Action::ShowEnded(ended) => {
                frame.home(sessions.live_count(COUNTED).await?, Some(ended))
            }
            Action::ShowUser {
                subject,
                after,
                ended,
            } => {
                let page = list(&sessions, &subject, after).await?;
                frame.user(&subject, &page, ended)
            }
            Action::ShowSession(id) => frame.session(&inspect(&sessions, id).await?, &self.shown),
            Action::EndFromPage { id, subject } => {
                let ended = u64::from(sessions.end(id).await?);
                see_other(&match subject {
                    Some(subject) => format!("?subject={}&ended={ended}", query_value(&subject)),
                    None => format!("?ended={ended}"),
                })
            }
            Action::EndAllFromPage(subject) => {
                let ended = sessions.all_of(&subject).end_all().await?;
                see_other(&format!("?subject={}&ended={ended}", query_value(&subject)))
            }
            Action::List { subject, after } => {
                let page = list(&sessions, &subject, after).await?;
                json_of(&List::new(&subject, &page))
            }
            Action::Inspect(id) => {
                json_of(&Session::new(&inspect(&sessions, id).await?, &self.shown))
            }
            Action::End(id) if sessions.end(id).await? => no_content(),
            Action::End(_) => return Err(no_session()),
            Action::EndAll(subject) => {
                let ended = sessions.all_of(&subject).end_all().await? as u64;
                json_of(&Ended { ended })
            }
            Action::Count => json_of(&Counts::new(C::NAME, sessions.live_count(COUNTED).await?)),
            Action::Document => json_of(&document::document(C::NAME)),
        })
    }
}

/// Whether the caller may do this, and the request comes from no other origin.
fn check<C: SessionConfig>(
    head: &Request<()>,
    access: Access,
    action: &Action,
) -> Result<(), Refusal> {
    if !action.ends_sessions() {
        return Ok(());
    }
    let proxy = config::prepared::<C>().options.trusted_proxy;
    if let Some(refused) = head.read(|head, _| CrossOrigin::check(head, proxy, &[])) {
        let (sent, expected) = (&*refused.sent, &*refused.expected);
        emit::<C>(EventKind::CrossOrigin { sent, expected });
        return Err(Error::of(ErrorKind::CrossOrigin).into());
    }
    if access == Access::ReadAndEnd {
        Ok(())
    } else {
        let detail = "The caller may see sessions, and not end them";
        Err(Refusal::new(StatusCode::FORBIDDEN, detail))
    }
}

/// The sessions in the store of the request: that of a layer, or the config's own.
fn sessions<C: SessionConfig>(head: &Request<()>) -> Sessions<C> {
    let scope = scope_of::<C>(head.extensions());
    Sessions::of_store(scope.and_then(|scope| scope.given_store()))
}

async fn list<C: SessionConfig>(
    sessions: &Sessions<C>,
    subject: &str,
    after: Option<ListCursor>,
) -> Result<ListPage, Error> {
    let sessions = sessions.all_of(subject);
    match after {
        Some(after) => sessions.list_after(after).await,
        None => sessions.list().await,
    }
}

async fn inspect<C: SessionConfig>(
    sessions: &Sessions<C>,
    id: SessionId,
) -> Result<Inspected, Refusal> {
    sessions.look_at(id).await?.ok_or_else(no_session)
}

const fn no_session() -> Refusal {
    let detail = "There is no such session: it has ended, or never was";
    Refusal::new(StatusCode::NOT_FOUND, detail)
}

fn emit<C: SessionConfig>(kind: EventKind<'_>) {
    let listener = config::prepared::<C>().options.on_event;
    event::emit(listener, C::NAME, None, kind, None);
}

impl<C: SessionConfig, B> Service<Request<B>> for Admin<C> {
    type Response = Response<String>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<String>, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let response = self.respond(request.map(|_body| ()));
        Box::pin(async move { Ok(response.await) })
    }
}

impl<C> Clone for Admin<C> {
    fn clone(&self) -> Self {
        Self {
            authorize: self.authorize.clone(),
            shown: self.shown.clone(),
            prefix: self.prefix.clone(),
            config: PhantomData,
        }
    }
}

impl<C: SessionConfig> fmt::Debug for Admin<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Admin")
            .field("config", &C::NAME)
            .field("shown", &self.shown)
            .field("under", &self.prefix)
            .finish_non_exhaustive()
    }
}

/// Creates the page of a config, whose store must know the sessions of a user and show one by its id.
#[must_use]
pub fn admin<C, S>(authorize: impl Authorize) -> Admin<C>
where
    S: SubjectIndex + Inspect,
    C: SessionConfig<Store = S>,
{
    Admin::new(authorize)
}
