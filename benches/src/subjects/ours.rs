//! connect-session, with the memory store.

use axum::Router;
use axum::http::HeaderName;
use axum::routing::post;
use connect_session::{Error, Session, session, session_config};

#[cfg(feature = "peers")]
use super::counted::{Calls, Counted};
use crate::case::{Case, Workload, handler_ran};
use crate::data::Data;
use crate::over_axum::{Carrier, OverAxum};

session_config! {
    /// The config for every framework.
    pub struct Shop {
        data: Data,
        merge: { visits: add },
    }
}

pub fn case(workload: Workload) -> Option<Box<dyn Case>> {
    Some(Box::new(over_axum(workload)))
}

pub fn over_axum(workload: Workload) -> OverAxum {
    OverAxum::new(router(), carrier(), workload)
}

pub fn carrier() -> Carrier {
    Carrier::Header(HeaderName::from_static("x-user-session"))
}

#[cfg(feature = "peers")]
pub fn counted(workload: Workload) -> Option<Counted> {
    let (store, calls) = counting();
    let router = router().layer(Shop::layer().with_store(store));
    let case = OverAxum::new(router, carrier(), workload);
    Some((Box::new(case), calls))
}

/// A counting store, and its count.
#[cfg(feature = "peers")]
pub fn counting() -> (impl connect_session::store::Store<Data> + use<>, Calls) {
    use connect_session::store::MemoryStore;
    use connect_session::testing::FailingStore;

    let store = FailingStore::new(MemoryStore::new());
    let asked = store.faults();
    let calls =
        Box::new(move || asked.loads() + asked.inserts() + asked.commits() + asked.destroys());
    (store, calls)
}

pub fn router() -> Router {
    Router::new()
        .route("/optional", post(optional))
        .route("/read", post(read))
        .route("/write", post(write))
        .route("/create", post(create))
        .route("/seed", post(seed))
        .route("/destroy", post(destroy))
}

/// The handlers, with the framework's own attribute, if any.
macro_rules! handlers {
    ($(#[$handler:meta])?) => {
        #[session(load)]
        $(#[$handler])?
        pub async fn optional(session: Option<Session<Shop>>) -> String {
            handler_ran();
            session.map_or(0, |session| session.visits).to_string()
        }

        #[session(load)]
        $(#[$handler])?
        pub async fn read(session: Session<Shop>) -> String {
            handler_ran();
            session.visits.to_string()
        }

        #[session(load)]
        $(#[$handler])?
        pub async fn write(mut session: Session<Shop>) -> String {
            handler_ran();
            session.visits += 1;
            session.visits.to_string()
        }

        #[session(create)]
        $(#[$handler])?
        pub async fn create(mut session: Session<Shop>) -> String {
            handler_ran();
            session.visits = 1;
            session.visits.to_string()
        }

        #[session(create)]
        $(#[$handler])?
        pub async fn seed(mut session: Session<Shop>) -> String {
            *session = Data {
                visits: 41,
                ..Data::seed()
            };
            session.visits.to_string()
        }

        #[session(load)]
        $(#[$handler])?
        pub async fn destroy(session: Session<Shop>) -> Result<String, Error> {
            handler_ran();
            session.destroy().await?;
            Ok(0.to_string())
        }
    };
}

#[cfg(feature = "peers")]
pub(super) use handlers;

handlers! {}
