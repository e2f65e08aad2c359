//! `rest_api` on rocket: the same routes and responses.
//!
//! `cargo run -p rocket-api`. `PORT` sets the port (default 3000).

use std::time::{SystemTime, UNIX_EPOCH};

use connect_session::{Error, Session, session, session_config};
use rocket::fairing::AdHoc;
use rocket::http::Status;
use rocket::serde::json::Json;
use rocket::{delete, get, post, routes};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

#[derive(Clone, Default, Serialize, Deserialize)]
struct Shopper {
    cart: Vec<String>,
    visits: u64,
    views: u64,
}

session_config! {
    /// The shop's sessions.
    struct Shop {
        data: Shopper,
        loaders: [header("X-User-Session"), bearer],
        idle_timeout: 30m,
        absolute_timeout: 12h,
        merge: { views: add },
    }
}

#[session(create)]
#[post("/sessions")]
async fn open(session: Session<Shop>) -> (Status, Json<Value>) {
    let body = json!({
        "sid": session.sid(),
        "id": session.id(),
        "expires_at": seconds(session.expires_at()),
    });
    (Status::Created, Json(body))
}

#[session(load)]
#[get("/sessions/current")]
async fn current(session: Session<Shop>) -> Json<Value> {
    Json(json!({
        "id": session.id(),
        "user": session.subject(),
        "created_at": seconds(session.created_at()),
        "expires_at": seconds(session.expires_at()),
        "visits": session.visits,
        "views": session.views,
    }))
}

#[session(load)]
#[delete("/sessions/current")]
async fn close(session: Session<Shop>) -> Result<Status, Error> {
    session.destroy().await?;
    Ok(Status::NoContent)
}

#[derive(Deserialize)]
struct Login {
    user: String,
}

/// `login` rotates the sid, which prevents session fixation. A real program checks a password here.
#[session(create)]
#[post("/login", data = "<login>")]
async fn login(mut session: Session<Shop>, login: Json<Login>) -> Result<Json<Value>, Error> {
    session.login(login.into_inner().user)?;
    Ok(Json(json!({ "sid": session.sid() })))
}

#[session(load)]
#[get("/cart")]
async fn cart(session: Option<Session<Shop>>) -> Json<Value> {
    let items = session
        .as_ref()
        .map(|session| session.cart.clone())
        .unwrap_or_default();
    Json(json!({ "items": items, "session": session.is_some() }))
}

#[derive(Deserialize)]
struct Item {
    item: String,
}

/// Concurrent requests lose no item: the pushes are merged.
#[session(load)]
#[post("/cart/items", data = "<item>")]
async fn add_item(mut session: Session<Shop>, item: Json<Item>) -> Json<Value> {
    session.cart.push(item.into_inner().item);
    Json(json!({ "items": session.cart, "session": true }))
}

/// Returns the committed count, so no two responses are equal.
#[session(load)]
#[post("/visits")]
async fn visit(mut session: Session<Shop>) -> Result<Json<Value>, Error> {
    let visits = session
        .update(|shopper| {
            shopper.visits += 1;
            shopper.visits
        })
        .await?;
    Ok(Json(json!({ "visits": visits })))
}

/// The response does not need the count, so `merge: { views: add }` is enough to keep it exact.
#[session(load)]
#[post("/views")]
async fn view(mut session: Session<Shop>) -> Status {
    session.views += 1;
    Status::NoContent
}

fn seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}

#[rocket::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    Shop::start().await?;
    let port: u16 = std::env::var("PORT").map_or(Ok(3000), |port| port.parse())?;
    let config = rocket::Config::figment()
        .merge(("port", port))
        .merge(("log_level", "critical"));
    let greeting = AdHoc::on_liftoff("greeting", |rocket| {
        Box::pin(async move {
            let config = rocket.config();
            println!("listening on http://{}:{}", config.address, config.port);
        })
    });
    let routes = routes![open, current, close, login, cart, add_item, visit, view];
    rocket::custom(config)
        // On rocket, a catcher responds to a rejected request; the layer replaces its response with
        // the problem document.
        .attach(Shop::layer())
        .attach(greeting)
        .mount("/", routes)
        .launch()
        .await?;
    Ok(())
}
