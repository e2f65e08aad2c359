//! `rest_api` on actix-web: the same routes and responses.
//!
//! `cargo run -p actix-api`. `PORT` sets the port (default 3000).

use std::time::{SystemTime, UNIX_EPOCH};

use actix_web::http::StatusCode;
use actix_web::web::{Json, ServiceConfig};
use actix_web::{App, HttpResponse, HttpServer, delete, get, post};
use connect_session::{Error, Session, session, session_config};
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
async fn open(session: Session<Shop>) -> (Json<Value>, StatusCode) {
    let body = json!({
        "sid": session.sid(),
        "id": session.id(),
        "expires_at": seconds(session.expires_at()),
    });
    (Json(body), StatusCode::CREATED)
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
async fn close(session: Session<Shop>) -> Result<HttpResponse, Error> {
    session.destroy().await?;
    Ok(HttpResponse::NoContent().finish())
}

#[derive(Deserialize)]
struct Login {
    user: String,
}

/// `login` rotates the sid, which prevents session fixation. A real program checks a password here.
#[session(create)]
#[post("/login")]
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
#[post("/cart/items")]
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
async fn view(mut session: Session<Shop>) -> HttpResponse {
    session.views += 1;
    HttpResponse::NoContent().finish()
}

fn seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}

fn routes(config: &mut ServiceConfig) {
    config
        .service(open)
        .service(current)
        .service(close)
        .service(login)
        .service(cart)
        .service(add_item)
        .service(visit)
        .service(view);
}

#[actix_web::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    Shop::start().await?;
    let port: u16 = std::env::var("PORT").map_or(Ok(3000), |port| port.parse())?;
    let server = HttpServer::new(|| App::new().configure(routes))
        // Cancel a request when its client disconnects. By default actix-web treats the connection as
        // half closed and runs the handler to its end.
        .h1_allow_half_closed(false)
        .bind(("127.0.0.1", port))?;
    for address in server.addrs() {
        println!("listening on http://{address}");
    }
    server.run().await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use connect_session::testing;

    use super::*;

    #[actix_web::test]
    async fn a_cart_keeps_its_items_until_the_logout() {
        let client = testing::actix_web::client::<Shop>(App::new().configure(routes)).await;
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

    #[actix_web::test]
    async fn a_login_ends_after_30_minutes() {
        let client = testing::actix_web::client::<Shop>(App::new().configure(routes)).await;
        client.login_as("ada").await;
        let shown: Value = client.get("/sessions/current").await.json();
        assert_eq!(shown["user"], "ada");
        client.advance(Duration::from_secs(31 * 60));
        client.get("/sessions/current").await.assert_status(401);
    }

    #[actix_web::test]
    async fn a_failed_store_is_not_an_empty_cart() {
        let client = testing::actix_web::client::<Shop>(App::new().configure(routes)).await;
        client.login_as("ada").await;
        client.faults().fail_all(true);
        client.get("/cart").await.assert_status(503);
    }
}
