//! A handler of rocket with a session but without the attribute.

use connect_session::{Session, session_config};

session_config! {
    pub struct Shop {}
}

#[rocket::get("/one")]
async fn one(session: Session<Shop>) -> String {
    session.id().to_string()
}

fn main() {
    let _ = rocket::build().mount("/", rocket::routes![one]);
}
