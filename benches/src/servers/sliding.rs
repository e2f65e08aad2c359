//! The same application with a short touch interval, so that nearly every read moves the deadline:
//! measures the cost of a touch.

use axum::Router;
use axum::routing::post;
use connect_session::store::AnyStore;
use connect_session::{Session, session, session_config};

use super::client::Client;
use crate::data::Data;

session_config! {
    struct Sliding {
        data: Data,
        touch_every: 1ms,
        namespace: "benches-sliding",
    }
}

pub fn client(store: AnyStore<Data>) -> Client {
    let router = Router::new()
        .route("/read", post(read))
        .route("/seed", post(seed))
        .layer(Sliding::layer().with_store(store));
    Client::by_header(router)
}

#[session(load)]
async fn read(session: Session<Sliding>) -> String {
    session.visits.to_string()
}

#[session(create)]
async fn seed(mut session: Session<Sliding>) -> String {
    *session = Data {
        visits: 41,
        ..Data::seed()
    };
    session.visits.to_string()
}
