//! A handler that holds a value across an `.await` that cannot be sent to another thread. axum
//! reports this error.

use connect_session::{Error, Session, session};

use std::rc::Rc;

#[session(load)]
#[axum::debug_handler]
async fn one(session: Session) -> Result<String, Error> {
    let shared = Rc::new(1);
    session.destroy().await?;
    Ok(shared.to_string())
}

fn main() {}
