//! `rest_api` on rocket: the same routes and responses.
//!
//! `cargo run -p rocket-api`. `PORT` sets the port (default 3000).

use std::time::{SystemTime, UNIX_EPOCH};

use connect_session::{Error, Session, session, session_config};
use rocket::fairing::AdHoc;
use rocket::figment::Figment;
use rocket::http::Status;
use rocket::serde::json::Json;
use rocket::{Build, Rocket, delete, get, post, routes};
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

fn app(config: Figment) -> Rocket<Build> {
    let routes = routes![open, current, close, login, cart, add_item, visit, view];
    rocket::custom(config)
        // On rocket, a catcher responds to a rejected request; the layer replaces its response with
        // the problem document.
        .attach(Shop::layer())
        .mount("/", routes)
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
    app(config).attach(greeting).launch().await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use connect_session::testing;
    use rocket::Config;

    use super::*;

    #[rocket::async_test]
    async fn a_cart_keeps_its_items_until_the_logout() {
        let client = testing::rocket::client::<Shop>(app(Config::figment())).await;
        client.get("/sessions/current").await.assert_status(401);
        client.post("/sessions").await.assert_status(201);
        let item = json!({ "item": "tea" });
        client
            .post("/cart/items")
            .json(&item)
            .await
            .assert_status(200);
        assert_eq!(client.session().unwrap().cart, ["tea"]);
        client.delete("/sessions/current").await.assert_status(204);
        assert!(client.session().is_none());
    }

    #[rocket::async_test]
    async fn a_login_ends_after_30_minutes() {
        let client = testing::rocket::client::<Shop>(app(Config::figment())).await;
        client.login_as("ada").await;
        let shown: Value = client.get("/sessions/current").await.json();
        assert_eq!(shown["user"], "ada");
        client.advance(Duration::from_secs(31 * 60));
        client.get("/sessions/current").await.assert_status(401);
    }

    #[rocket::async_test]
    async fn a_failed_store_is_not_an_empty_cart() {
        let client = testing::rocket::client::<Shop>(app(Config::figment())).await;
        client.login_as("ada").await;
        client.faults().fail_all(true);
        client.get("/cart").await.assert_status(503);
    }
}
