//! The attribute below rocket's, which then sees an unmodified `Session` argument.

use connect_session::{Session, session};

#[rocket::get("/one")]
#[session(load)]
async fn one(session: Session) -> String {
    session.id().to_string()
}

fn main() {
    let _ = rocket::build().mount("/", rocket::routes![one]);
}
