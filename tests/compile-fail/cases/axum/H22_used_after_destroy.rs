//! A session used after its end.

use connect_session::{Session, session};

#[session(load)]
async fn one(session: Session) -> Result<String, connect_session::Error> {
    session.destroy().await?;
    Ok(session.id().to_string())
}

fn main() {}
