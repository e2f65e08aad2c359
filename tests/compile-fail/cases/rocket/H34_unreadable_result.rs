//! A `Result` inside of a responder that gives no access to it.

use connect_session::{Session, session};
use rocket::http::Status;
use rocket::response::{Flash, Responder, status::Created};
use rocket::{get, routes};

fn find() -> Result<String, Status> {
    Ok("found".to_owned())
}

#[session(load)]
#[get("/one")]
async fn one(session: Session) -> Flash<Result<String, Status>> {
    let _ = session;
    Flash::success(find(), "found")
}

#[session(load)]
#[get("/two")]
async fn two<'r>(session: Session) -> impl Responder<'r, 'static> {
    let _ = session;
    Created::new("/found").body(find())
}

fn main() {
    let _ = rocket::build().mount("/", routes![one, two]);
}
