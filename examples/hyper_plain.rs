//! The cart of `rest_api` without a web framework: handlers take an `http::Request`, and hyper
//! serves them.

use std::convert::Infallible;

use connect_session::{Error, Session, session, session_config};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

type Reply = Response<Full<Bytes>>;

#[derive(Clone, Default, Serialize, Deserialize)]
struct Cart {
    items: Vec<String>,
}

session_config! {
    /// The shop's sessions.
    struct Shop {
        data: Cart,
    }
}

#[session(create, http)]
async fn open(session: Session<Shop>, _request: Request<Incoming>) -> Reply {
    reply(
        StatusCode::CREATED,
        &json!({ "sid": session.sid(), "id": session.id() }),
    )
}

#[session(load, http)]
async fn cart(session: Option<Session<Shop>>, _request: Request<Incoming>) -> Reply {
    let items = session
        .as_ref()
        .map(|session| session.items.clone())
        .unwrap_or_default();
    reply(
        StatusCode::OK,
        &json!({ "items": items, "session": session.is_some() }),
    )
}

#[derive(Deserialize)]
struct Item {
    item: String,
}

#[session(load, http)]
async fn add_item(mut session: Session<Shop>, request: Request<Incoming>) -> Reply {
    let Ok(body) = Limited::new(request.into_body(), 64 * 1024).collect().await else {
        return reply(
            StatusCode::PAYLOAD_TOO_LARGE,
            &json!({ "error": "too long" }),
        );
    };
    let Ok(item) = serde_json::from_slice::<Item>(&body.to_bytes()) else {
        return reply(
            StatusCode::BAD_REQUEST,
            &json!({ "error": "send {\"item\":\"…\"}" }),
        );
    };
    session.items.push(item.item);
    reply(
        StatusCode::OK,
        &json!({ "items": session.items, "session": true }),
    )
}

/// A handler that returns `Err` stores nothing. Here only `destroy` can fail; `route` turns its
/// error into a response.
#[session(load, http)]
async fn close(session: Session<Shop>, _request: Request<Incoming>) -> Result<Reply, Error> {
    session.destroy().await?;
    Ok(reply(StatusCode::NO_CONTENT, &Value::Null))
}

fn reply(status: StatusCode, value: &Value) -> Reply {
    let text = if value.is_null() {
        String::new()
    } else {
        value.to_string()
    };
    let mut response = Response::new(Full::from(text));
    *response.status_mut() = status;
    response.headers_mut().insert(
        "content-type",
        http::HeaderValue::from_static("application/json"),
    );
    response
}

async fn route(request: Request<Incoming>) -> Result<Reply, Infallible> {
    Ok(match (request.method(), request.uri().path()) {
        (&Method::POST, "/sessions") => open(request).await,
        (&Method::DELETE, "/sessions/current") => match close(request).await {
            Ok(response) => response,
            Err(error) => {
                let mut response = Response::new(Full::from(error.problem()));
                *response.status_mut() = error.status();
                response
            }
        },
        (&Method::GET, "/cart") => cart(request).await,
        (&Method::POST, "/cart/items") => add_item(request).await,
        _ => reply(StatusCode::NOT_FOUND, &json!({ "error": "no such route" })),
    })
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    Shop::start().await?;
    let port: u16 = std::env::var("PORT").map_or(Ok(3000), |port| port.parse())?;
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await?;
    println!("listening on http://{}", listener.local_addr()?);
    loop {
        let (stream, _) = listener.accept().await?;
        tokio::spawn(async move {
            let service = service_fn(route);
            let connection = hyper::server::conn::http1::Builder::new();
            if let Err(error) = connection
                .serve_connection(TokioIo::new(stream), service)
                .await
            {
                eprintln!("connection: {error}");
            }
        });
    }
}
