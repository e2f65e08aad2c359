//! Arguments that axum cannot extract, or not in this order.

use axum::extract::{FromRequest, Query, Request, State};
use axum::routing::post;
use axum::{Json, Router};
use connect_session::{Session, session};

pub struct Upload;

impl<S: Send + Sync> FromRequest<S> for Upload {
    type Rejection = ();

    async fn from_request(_: Request, _: &S) -> Result<Self, ()> {
        Ok(Self)
    }
}

type Item = Json<String>;

#[session(load)]
async fn order(session: Session, Json(item): Json<String>, State(app): State<u8>) -> String {
    format!("{item} {app} {}", session.len())
}

#[session(load)]
async fn alias(item: Item, state: State<u8>, session: Session) -> String {
    format!("{} {} {}", item.0, state.0, session.len())
}

#[session(load)]
async fn own(session: Session, _upload: Upload, State(app): State<u8>) -> String {
    format!("{app} {}", session.len())
}

#[session(load)]
async fn number(session: Session, id: u64) -> String {
    format!("{id} {}", session.len())
}

#[session(load)]
async fn text(session: Session, name: &'static str, State(app): State<u8>) -> String {
    format!("{name} {app} {}", session.len())
}

pub struct Page;

#[session(load)]
async fn derive(session: Session, Query(page): Query<Page>, State(app): State<u8>) -> String {
    let _ = page;
    format!("{app} {}", session.len())
}

fn main() {
    let _: Router = Router::new()
        .route("/order", post(order))
        .route("/alias", post(alias))
        .route("/own", post(own))
        .route("/number", post(number))
        .route("/text", post(text))
        .route("/derive", post(derive))
        .with_state(1);
}
