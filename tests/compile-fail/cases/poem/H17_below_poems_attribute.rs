//! The attribute below poem's own, which then sees an unmodified `Session` argument.

use connect_session::{Session, session};

#[poem::handler]
#[session(load)]
async fn one(session: Session) -> String {
    session.id().to_string()
}

fn main() {
    let _ = poem::Route::new().at("/one", one);
}
