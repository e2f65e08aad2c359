//! A client for tests of handlers: it keeps cookies and sids as a browser or a program does.

mod current;
mod held;
mod jar;
mod new_session;
mod redact;
mod request;
mod response;

use std::cell::RefCell;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::time::Duration;

use http::Method;

pub(crate) use self::current::store_of;
use self::jar::Jar;
pub use self::new_session::NewSession;
pub use self::request::TestRequest;
pub use self::response::TestResponse;
use super::{FailingStore, FakeClock, Faults};
use crate::config::{DefaultConfig, SessionConfig};
use crate::framework::layer::SessionLayer;
use crate::sessions::Sessions;
use crate::store::{AnyStore, MemoryStore};
use crate::view::SessionView;

/// A future that stays on the thread of its test.
pub(crate) type LocalFuture<'a, T> = Pin<Box<dyn Future<Output = T> + 'a>>;

/// An application that answers requests in the process of the test.
pub(crate) type App =
    dyn Fn(http::Request<Vec<u8>>) -> LocalFuture<'static, http::Response<Vec<u8>>>;

/// A client of an application, for tests: see [the module](super).
///
/// It keeps the cookies and the sid of every response, and sends them with the next request, as a browser
/// or a program would. The application runs in the process of the test and, for the sessions of `C`, uses
/// a store in memory that belongs to the client. So tests do not see each other's sessions, time passes
/// only with [`advance`](Self::advance), and no server is needed, whatever the `store` of the config is.
///
/// A client stays on the thread of its test. Requests of one test can overlap, for example with
/// `tokio::join!`.
pub struct Client<C: SessionConfig = DefaultConfig> {
    backend: Rc<Backend<C>>,
    jar: RefCell<Jar>,
}

/// What clients of one application share.
struct Backend<C: SessionConfig> {
    app: Box<App>,
    store: TestStore<C>,
}

/// The store of a client's application.
pub(crate) struct TestStore<C: SessionConfig> {
    store: MemoryStore<C::Data>,
    /// The same store, with the faults.
    failing: AnyStore<C::Data>,
    clock: FakeClock,
    faults: Faults,
}

impl<C: SessionConfig> TestStore<C> {
    /// An empty store, and the layer with which an application uses it.
    pub(crate) fn new() -> (Self, SessionLayer<C>) {
        let clock = FakeClock::new();
        let store = MemoryStore::builder().clock(&clock).build();
        let failing = FailingStore::new(store.clone());
        let faults = failing.faults();
        let failing = AnyStore::new(failing);
        let test_store = Self {
            store,
            failing: failing.clone(),
            clock,
            faults,
        };
        (test_store, SessionLayer::of_test_client(failing))
    }

    /// A client of an application that has the layer.
    pub(crate) fn client<Response>(
        self,
        app: impl Fn(http::Request<Vec<u8>>) -> Response + 'static,
    ) -> Client<C>
    where
        Response: Future<Output = http::Response<Vec<u8>>> + 'static,
    {
        Client {
            backend: Rc::new(Backend {
                app: Box::new(move |request| Box::pin(app(request))),
                store: self,
            }),
            jar: RefCell::default(),
        }
    }
}

impl<C: SessionConfig> Client<C> {
    /// A GET request. It is sent when it is awaited.
    pub fn get(&self, path: &str) -> TestRequest<'_, C> {
        self.request(Method::GET, path)
    }

    /// A POST request. It is sent when it is awaited.
    pub fn post(&self, path: &str) -> TestRequest<'_, C> {
        self.request(Method::POST, path)
    }

    /// A PUT request. It is sent when it is awaited.
    pub fn put(&self, path: &str) -> TestRequest<'_, C> {
        self.request(Method::PUT, path)
    }

    /// A PATCH request. It is sent when it is awaited.
    pub fn patch(&self, path: &str) -> TestRequest<'_, C> {
        self.request(Method::PATCH, path)
    }

    /// A DELETE request. It is sent when it is awaited.
    pub fn delete(&self, path: &str) -> TestRequest<'_, C> {
        self.request(Method::DELETE, path)
    }

    /// A request with this method. It is sent when it is awaited.
    ///
    /// # Panics
    /// If the path is not a path with an optional query, such as `/cart?page=2`.
    pub fn request(&self, method: Method, path: &str) -> TestRequest<'_, C> {
        TestRequest::new(self, method, path)
    }

    /// Logs a user in, without the login of the application. From then on the client holds a new session,
    /// in place of the one before.
    ///
    /// ```
    /// # #[cfg(feature = "axum")] mod example {
    /// # use axum::{Router, routing::get};
    /// # use connect_session::{Emit, Session, session, session_config, testing};
    /// # #[derive(Clone, Default, serde::Serialize, serde::Deserialize)]
    /// # struct Cart { items: Vec<String> }
    /// # session_config! { struct Shop { data: Cart } }
    /// # fn app() -> Router { Router::new() }
    /// # async fn test() {
    /// let client = testing::client::<Shop>(app());
    /// client.login_as("ada").await;
    /// let cart = Cart { items: vec!["tea".to_owned()] };
    /// client.login_as("grace").with_data(cart).level(2).await;
    /// # }
    /// # }
    /// ```
    pub fn login_as(&self, user: impl fmt::Display) -> NewSession<'_, C> {
        NewSession::new(self, Some(user.to_string()))
    }

    /// Starts a session that belongs to no user. From then on the client holds it, in place of the one
    /// before.
    pub fn start_session(&self) -> NewSession<'_, C> {
        NewSession::new(self, None)
    }

    /// The session that the client holds, as it is stored; `None` if it holds none, or if the one that it
    /// holds has ended. Does not count as a use of the session: its deadlines stay.
    ///
    /// ```
    /// # #[cfg(feature = "axum")] mod example {
    /// # use std::time::Duration;
    /// # use axum::Router;
    /// # use connect_session::{session_config, testing};
    /// # session_config! { struct Shop {} }
    /// # fn app() -> Router { Router::new() }
    /// # async fn test() {
    /// let client = testing::client::<Shop>(app());
    /// assert!(client.session().is_none());
    /// client.login_as("ada").await;
    /// let session = client.session().expect("a session");
    /// assert_eq!(session.subject(), Some("ada"));
    /// let idle_timeout = Duration::from_secs(30 * 60);
    /// assert_eq!(session.expires_at(), client.clock().now() + idle_timeout);
    /// # }
    /// # }
    /// ```
    #[must_use]
    pub fn session(&self) -> Option<SessionView<C>> {
        self.find_held()
    }

    /// The sid that the client holds, alive or not. For a request in which the test puts it itself, such as
    /// one with the sid in its path.
    #[must_use]
    pub fn sid(&self) -> Option<String> {
        self.held().map(|held| held.token)
    }

    /// All sessions of the application, to end or count those of a user from outside of a request, as
    /// `Shop::sessions()` does for those of the config's own store.
    ///
    /// ```
    /// # #[cfg(feature = "axum")] mod example {
    /// # use axum::Router;
    /// # use connect_session::{session_config, testing};
    /// # session_config! { struct Shop {} }
    /// # fn app() -> Router { Router::new() }
    /// # async fn test() {
    /// let client = testing::client::<Shop>(app());
    /// client.login_as("ada").await;
    /// assert_eq!(client.sessions().of("ada").end_all().await.unwrap(), 1);
    /// client.get("/cart").await.assert_status(401);
    /// # }
    /// # }
    /// ```
    #[must_use]
    pub fn sessions(&self) -> Sessions<C> {
        Sessions::of_store(Some(self.backend.store.failing.clone()))
    }

    /// Lets time pass for the sessions of `C`, and for the cookies of the client.
    pub fn advance(&self, by: Duration) {
        self.backend.store.clock.advance(by);
    }

    /// The clock of the sessions, which stands still except for [`advance`](Self::advance).
    #[must_use]
    pub fn clock(&self) -> &FakeClock {
        &self.backend.store.clock
    }

    /// The faults of the store, to test what the application does when it fails, and the number of times
    /// that the application has used it.
    ///
    /// ```
    /// # #[cfg(feature = "axum")] mod example {
    /// # use axum::Router;
    /// # use connect_session::{session_config, testing};
    /// # session_config! { struct Shop {} }
    /// # fn app() -> Router { Router::new() }
    /// # async fn test() {
    /// let client = testing::client::<Shop>(app());
    /// client.login_as("ada").await;
    /// client.faults().fail_all(true);
    /// client.get("/cart").await.assert_status(503);
    /// # }
    /// # }
    /// ```
    #[must_use]
    pub fn faults(&self) -> &Faults {
        &self.backend.store.faults
    }

    /// Another client of the same application and store that holds neither a sid nor a cookie: another
    /// device of the same user, or another user.
    #[must_use]
    pub fn another(&self) -> Self {
        Self {
            backend: self.backend.clone(),
            jar: RefCell::default(),
        }
    }
}

/// Shows the config, but neither the sid nor the cookies.
impl<C: SessionConfig> fmt::Debug for Client<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("config", &C::NAME)
            .finish_non_exhaustive()
    }
}
