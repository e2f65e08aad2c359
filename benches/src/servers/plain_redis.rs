//! The minimum Redis commands of each request, in handlers of the same application and with the same
//! driver: no secret is checked, no deadline is moved, and changes overwrite each other.

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::routing::{MethodRouter, post};
use redis::Cmd;
use redis::aio::MultiplexedConnection;

use super::client::Client;
use super::place::Place;
use crate::data::Data;

const SID: HeaderName = HeaderName::from_static("x-user-session");
/// The idle timeout, in milliseconds.
const TIMEOUT: u64 = 1_800_000;

#[derive(Clone)]
struct Plain {
    connection: MultiplexedConnection,
    prefix: String,
}

pub async fn client(place: &Place) -> Client {
    with_read(place, post(read)).await
}

/// The same, with a read that decodes the data.
pub async fn decoding_client(place: &Place) -> Client {
    with_read(place, post(read_and_decode)).await
}

async fn with_read(place: &Place, read: MethodRouter<Plain>) -> Client {
    let client = redis::Client::open(&*place.url).expect("a URL");
    let connection = client.get_multiplexed_async_connection().await;
    let plain = Plain {
        connection: connection.expect("a connection"),
        prefix: place.name.clone(),
    };
    let router = Router::new()
        .route("/read", read)
        .route("/write", post(write))
        .route("/create", post(create))
        .route("/seed", post(seed))
        .route("/destroy", post(destroy))
        .with_state(plain);
    Client::by_header(router)
}

impl Plain {
    fn key(&self, headers: &HeaderMap) -> String {
        let id = headers[&SID].to_str().expect("a text");
        format!("{}{id}", self.prefix)
    }

    async fn run<T: redis::FromRedisValue>(&self, command: &Cmd) -> T {
        let mut connection = self.connection.clone();
        command.query_async(&mut connection).await.expect("a reply")
    }

    async fn get(&self, key: &str) -> Vec<u8> {
        self.run(redis::cmd("GET").arg(key)).await
    }

    async fn create(&self, data: &Data) -> ([(HeaderName, HeaderValue); 1], String) {
        let id = format!("{:022x}", rand::random::<u64>());
        let mut set = redis::cmd("SET");
        set.arg(format!("{}{id}", self.prefix)).arg(encoded(data));
        let _: String = self.run(set.arg("NX").arg("PX").arg(TIMEOUT)).await;
        let id = HeaderValue::try_from(id).expect("a header");
        ([(SID, id)], data.visits.to_string())
    }
}

fn encoded(data: &Data) -> Vec<u8> {
    serde_json::to_vec(data).expect("plain data")
}

/// Decodes nothing, as the command does not.
async fn read(State(plain): State<Plain>, headers: HeaderMap) -> String {
    let value = String::from_utf8(plain.get(&plain.key(&headers)).await);
    let value = value.expect("a text");
    let visits = value.trim_start_matches("{\"visits\":").split(',').next();
    visits.expect("the data came back").to_owned()
}

async fn read_and_decode(State(plain): State<Plain>, headers: HeaderMap) -> String {
    let value = plain.get(&plain.key(&headers)).await;
    let data: Data = serde_json::from_slice(&value).expect("the data");
    data.visits.to_string()
}

async fn write(State(plain): State<Plain>, headers: HeaderMap) -> String {
    let key = plain.key(&headers);
    let mut data: Data = serde_json::from_slice(&plain.get(&key).await).expect("the data");
    data.visits += 1;
    let mut set = redis::cmd("SET");
    set.arg(key).arg(encoded(&data)).arg("PX").arg(TIMEOUT);
    let _: String = plain.run(&set).await;
    data.visits.to_string()
}

async fn create(State(plain): State<Plain>) -> ([(HeaderName, HeaderValue); 1], String) {
    let data = Data {
        visits: 1,
        ..Data::seed()
    };
    plain.create(&data).await
}

async fn seed(State(plain): State<Plain>) -> ([(HeaderName, HeaderValue); 1], String) {
    let data = Data {
        visits: 41,
        ..Data::seed()
    };
    plain.create(&data).await
}

async fn destroy(State(plain): State<Plain>, headers: HeaderMap) -> String {
    let key = plain.key(&headers);
    let value = plain.get(&key).await;
    let removed: u64 = plain.run(redis::cmd("DEL").arg(key)).await;
    assert_eq!(removed == 1, !value.is_empty());
    (1 - removed).to_string()
}
