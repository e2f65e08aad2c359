//! The axum application with sessions on a server.

use axum::Router;
use axum::routing::post;
use connect_session::store::{AnyStore, RedisStore};
use connect_session::{Error, Session, session, session_config};

use super::client::Client;
use super::place::Place;
use crate::data::Data;

/// The prefix of every session key after that of the place.
pub const NAMESPACE: &str = "benches";

/// The handlers, for a config with a store of its own, or with one that a layer brings.
macro_rules! shop {
    ($module:ident, $namespace:expr, $($store:tt)*) => {
        mod $module {
            use super::*;

            session_config! {
                pub struct Shop {
                    data: Data,
                    merge: { visits: add },
                    namespace: $namespace,
                    $($store)*
                }
            }

            pub fn router() -> Router {
                Router::new()
                    .route("/optional", post(optional))
                    .route("/read", post(read))
                    .route("/write", post(write))
                    .route("/create", post(create))
                    .route("/seed", post(seed))
                    .route("/destroy", post(destroy))
                    .route("/rotate", post(rotate))
                    .route("/login", post(login))
                    .route("/id", post(id))
            }

            #[session(load)]
            async fn optional(session: Option<Session<Shop>>) -> String {
                session.map_or(0, |session| session.visits).to_string()
            }

            #[session(load)]
            async fn read(session: Session<Shop>) -> String {
                session.visits.to_string()
            }

            #[session(load)]
            async fn write(mut session: Session<Shop>) -> String {
                session.visits += 1;
                session.visits.to_string()
            }

            #[session(create)]
            async fn create(mut session: Session<Shop>) -> String {
                *session = Data {
                    visits: 1,
                    ..Data::seed()
                };
                session.visits.to_string()
            }

            #[session(create)]
            async fn seed(mut session: Session<Shop>) -> String {
                *session = Data {
                    visits: 41,
                    ..Data::seed()
                };
                session.visits.to_string()
            }

            #[session(load)]
            async fn destroy(session: Session<Shop>) -> Result<String, Error> {
                session.destroy().await?;
                Ok(0.to_string())
            }

            #[session(load)]
            async fn rotate(mut session: Session<Shop>) -> Result<String, Error> {
                session.rotate()?;
                session.visits += 1;
                Ok(session.visits.to_string())
            }

            #[session(load)]
            async fn login(mut session: Session<Shop>) -> Result<String, Error> {
                session.login("ada")?;
                session.visits += 1;
                Ok(session.visits.to_string())
            }

            #[session(load)]
            async fn id(session: Session<Shop>) -> String {
                session.id().to_string()
            }
        }
    };
}

shop!(layered, NAMESPACE,);
shop!(on_redis, "redis", store: RedisStore = {
    let url = std::env::var("TEST_REDIS_URL")?;
    Place::redis_store(&url).await?
});

/// A client of sessions in a store that a layer brings.
pub fn client(store: AnyStore<Data>) -> Client {
    let layer = layered::Shop::layer().with_store(store);
    Client::by_header(layered::router().layer(layer))
}

/// A client of sessions in the store of their config, as most applications have it.
pub fn client_on_redis() -> Client {
    Client::by_header(on_redis::router())
}
