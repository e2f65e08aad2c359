//! The minimum Redis commands, on sessions of this library: with the same driver and one
//! connection.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};

use redis::Cmd;
use redis::aio::MultiplexedConnection;

use super::Boxed;
use super::client::Client;
use super::place::Place;
use super::rounds::{CLIENTS, Work};
use super::shop::NAMESPACE;

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// `HGETALL`.
    Read,
    /// A script that only calls `HGETALL`.
    ReadByScript,
    /// `HSET` of one field.
    Change,
}

pub struct Raw {
    connection: MultiplexedConnection,
    what: What,
    keys: Vec<String>,
    /// The hash of the script.
    script: String,
    counts: Vec<AtomicU64>,
}

const SCRIPT: &str = "return redis.call('HGETALL', KEYS[1])";
const FIELD: &str = "d:visits";

impl Raw {
    pub async fn new(place: &Place, router: &Client, what: What) -> Self {
        let client = redis::Client::open(&*place.url).expect("a URL");
        let connection = client.get_multiplexed_async_connection().await;
        let mut connection = connection.expect("a connection");
        let mut keys = Vec::new();
        for _ in 0..CLIENTS {
            let id = router.ask("/id", Some(&router.seeded().await)).await.body;
            keys.push(format!("{}{NAMESPACE}:{id}", place.name));
        }
        let script = redis::cmd("SCRIPT").arg("LOAD").arg(SCRIPT).clone();
        let script = script.query_async(&mut connection).await;
        Self {
            connection,
            what,
            keys,
            script: script.expect("the name of a script"),
            counts: (0..CLIENTS).map(|_| AtomicU64::new(0)).collect(),
        }
    }

    fn command(&self, client: usize) -> Cmd {
        let key = &self.keys[client];
        match self.what {
            What::Read => redis::cmd("HGETALL").arg(key).clone(),
            What::ReadByScript => {
                let mut command = redis::cmd("EVALSHA");
                command.arg(&self.script).arg(1).arg(key).clone()
            }
            What::Change => {
                let count = self.counts[client].fetch_add(1, Ordering::Relaxed) + 1;
                let mut command = redis::cmd("HSET");
                command.arg(key).arg(FIELD).arg(format!("{count} 41"));
                command
            }
        }
    }
}

impl Work for Raw {
    fn once(&self, client: usize) -> Boxed<'_, ()> {
        Box::pin(async move {
            let mut connection = self.connection.clone();
            let command = self.command(client);
            if self.what == What::Change {
                let new: u64 = command.query_async(&mut connection).await.expect("HSET");
                assert_eq!(new, 0, "the field was there");
                return;
            }
            let all = command.query_async(&mut connection).await;
            let all: HashMap<String, Vec<u8>> = all.expect("a hash");
            assert!(all.contains_key(FIELD), "the data came back");
        })
    }

    fn prove(&self, times: u64) -> Boxed<'_, ()> {
        Box::pin(async move {
            if self.what != What::Change {
                return;
            }
            let mut connection = self.connection.clone();
            for key in &self.keys {
                let mut command = redis::cmd("HGET");
                let field = command.arg(key).arg(FIELD).query_async(&mut connection);
                let field: String = field.await.expect("a field");
                assert_eq!(field, format!("{times} 41"), "the last change is stored");
            }
        })
    }
}
