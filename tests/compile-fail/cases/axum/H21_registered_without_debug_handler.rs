//! Handlers that cannot be moved to another thread, registered without `debug_handler`.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Mutex;

use axum::Router;
use axum::routing::get;
use connect_session::{Error, Session, session};

#[session(load)]
async fn one(session: Session) -> Result<String, Error> {
    let shared = Rc::new(RefCell::new(1));
    session.destroy().await?;
    Ok(shared.borrow().to_string())
}

static NUMBERS: Mutex<u8> = Mutex::new(0);

#[session(create)]
async fn two(session: Session) -> String {
    let number = NUMBERS.lock().expect("no thread panics");
    tokio::task::yield_now().await;
    format!("{number} {}", session.len())
}

fn main() {
    let _: Router = Router::new().route("/one", get(one)).route("/two", get(two));
}
