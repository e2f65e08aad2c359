//! A handler that keeps something over an `.await` that another thread may not have. The message is
//! axum's own.

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
