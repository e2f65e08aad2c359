//! `rest_api` on poem: the same routes and responses.
//!
//! `cargo run -p poem-api`. `PORT` sets the port (default 3000).

use std::time::{SystemTime, UNIX_EPOCH};

use connect_session::{Error, Session, session, session_config};
use poem::http::StatusCode;
use poem::listener::TcpAcceptor;
use poem::web::Json;
use poem::{Route, Server, get, handler, post};
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

/// `#[session]` goes above `#[handler]`.
#[session(create)]
#[handler]
async fn open(session: Session<Shop>) -> (StatusCode, Json<Value>) {
    let body = json!({
        "sid": session.sid(),
        "id": session.id(),
        "expires_at": seconds(session.expires_at()),
    });
    (StatusCode::CREATED, Json(body))
}

#[session(load)]
#[handler]
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
#[handler]
async fn close(session: Session<Shop>) -> Result<StatusCode, Error> {
    session.destroy().await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize)]
struct Login {
    user: String,
}

/// `login` rotates the sid, which prevents session fixation. A real program checks a password here.
#[session(create)]
#[handler]
async fn login(mut session: Session<Shop>, Json(login): Json<Login>) -> Result<Json<Value>, Error> {
    session.login(login.user)?;
    Ok(Json(json!({ "sid": session.sid() })))
}

#[session(load)]
#[handler]
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
#[handler]
async fn add_item(mut session: Session<Shop>, Json(item): Json<Item>) -> Json<Value> {
    session.cart.push(item.item);
    Json(json!({ "items": session.cart, "session": true }))
}

/// Returns the committed count, so no two responses are equal.
#[session(load)]
#[handler]
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
#[handler]
async fn view(mut session: Session<Shop>) -> StatusCode {
    session.views += 1;
    StatusCode::NO_CONTENT
}

fn seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}

fn app() -> Route {
    Route::new()
        .at("/sessions", post(open))
        .at("/sessions/current", get(current).delete(close))
        .at("/login", post(login))
        .at("/cart", get(cart))
        .at("/cart/items", post(add_item))
        .at("/visits", post(visit))
        .at("/views", post(view))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    Shop::start().await?;
    let port: u16 = std::env::var("PORT").map_or(Ok(3000), |port| port.parse())?;
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await?;
    let stopped = stopped()?;
    println!("listening on http://{}", listener.local_addr()?);
    Server::new_with_acceptor(TcpAcceptor::from_tokio(listener)?)
        .run_with_graceful_shutdown(app(), stopped, None)
        .await?;
    Ok(())
}

/// Completes on Ctrl-C or SIGTERM. Call it before the server starts: from then on, SIGTERM no longer kills
/// the program.
fn stopped() -> std::io::Result<impl Future<Output = ()>> {
    #[cfg(unix)]
    let mut terminated = {
        use tokio::signal::unix::{SignalKind, signal};
        signal(SignalKind::terminate())?
    };
    Ok(async move {
        #[cfg(unix)]
        let terminate = terminated.recv();
        #[cfg(not(unix))]
        let terminate = std::future::pending::<()>();
        tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            _ = terminate => {}
        }
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use connect_session::testing;

    use super::*;

    #[tokio::test]
    async fn a_cart_keeps_its_items_until_the_logout() {
        let client = testing::poem::client::<Shop>(app());
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

    #[tokio::test]
    async fn a_login_ends_after_30_minutes() {
        let client = testing::poem::client::<Shop>(app());
        client.login_as("ada").await;
        let shown: Value = client.get("/sessions/current").await.json();
        assert_eq!(shown["user"], "ada");
        client.advance(Duration::from_secs(31 * 60));
        client.get("/sessions/current").await.assert_status(401);
    }

    #[tokio::test]
    async fn a_failed_store_is_not_an_empty_cart() {
        let client = testing::poem::client::<Shop>(app());
        client.login_as("ada").await;
        client.faults().fail_all(true);
        client.get("/cart").await.assert_status(503);
    }
}
