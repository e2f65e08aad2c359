//! A handler of actix-web with a session but without the attribute.

use actix_web::{App, get, web};
use connect_session::{Session, session_config};

session_config! {
    pub struct Shop {}
}

#[get("/one")]
async fn one(session: Session<Shop>) -> String {
    session.id().to_string()
}

async fn two(session: Session<Shop>) -> String {
    session.id().to_string()
}

fn main() {
    let _ = App::new().service(one).route("/two", web::get().to(two));
}
