//! A server for one test, and what a test asks of it.

use std::net::SocketAddr;
use std::time::Duration;

use http::Method;
use serde_json::{Value, json};

use crate::frameworks::Framework;
use crate::stores::{StoreKind, Stores};
use crate::support::client::{Call, Reply};
use crate::support::events;

/// Where a case runs.
#[derive(Debug, Clone, Copy)]
pub struct Env {
    pub framework: Framework,
    pub store: StoreKind,
}

impl Env {
    /// A server of its own, on a store of its own.
    pub async fn start(self) -> Server {
        self.start_with(Stores::new(self.store).await).await
    }

    /// A server on a store that others may share.
    pub async fn start_with(self, stores: Stores) -> Server {
        let address = self.framework.serve(stores.clone()).await;
        Server { address, stores }
    }
}

#[derive(Clone)]
pub struct Server {
    pub address: SocketAddr,
    pub stores: Stores,
}

/// A session as its client knows it.
#[derive(Debug, Clone)]
pub struct ClientSession {
    pub id: String,
    pub sid: String,
    pub config: &'static str,
}

impl Server {
    pub fn call(&self, method: Method, path: impl Into<String>) -> Call {
        Call::new(self.address, method, path)
    }

    pub fn get(&self, path: impl Into<String>) -> Call {
        self.call(Method::GET, path)
    }

    pub fn post(&self, path: impl Into<String>) -> Call {
        self.call(Method::POST, path)
    }

    /// A new session of a config that answers in `X-User-Session`.
    pub async fn open(&self, config: &'static str) -> ClientSession {
        self.open_with(config, json!([])).await
    }

    /// The same, after a script.
    pub async fn open_with(&self, config: &'static str, script: Value) -> ClientSession {
        let reply = self
            .post(format!("/{config}/create"))
            .script(script)
            .send()
            .await
            .ok();
        ClientSession {
            id: reply.id(),
            sid: reply.sid(),
            config,
        }
    }

    /// A request that needs the session.
    pub fn load(&self, held: &ClientSession) -> Call {
        self.get(format!("/{}/load", held.config)).sid(&held.sid)
    }

    /// The same with a script.
    pub fn run(&self, held: &ClientSession, script: Value) -> Call {
        self.post(format!("/{}/load", held.config))
            .sid(&held.sid)
            .script(script)
    }

    /// What the session holds; it has to be alive.
    pub async fn data(&self, held: &ClientSession) -> Value {
        self.load(held).send().await.ok().data()
    }

    pub async fn is_alive(&self, held: &ClientSession) -> bool {
        let reply = self.load(held).send().await;
        if reply.status == 200 {
            return true;
        }
        reply.problem(401, "unknown-session");
        false
    }

    pub fn advance(&self, by: Duration) {
        self.stores.clock().advance(by);
    }
}

impl ClientSession {
    /// The same session under another sid.
    pub fn with_sid(&self, sid: impl Into<String>) -> Self {
        Self {
            sid: sid.into(),
            ..self.clone()
        }
    }

    /// The same id, and a secret that somebody made up.
    pub fn forged(&self) -> Self {
        self.with_sid(format!("{}{}", &self.sid[..24], "A".repeat(40)))
    }

    /// How often an event told of the session. None of them shows its sid.
    #[track_caller]
    pub fn events(&self, name: &str) -> usize {
        for seen in events::of(&self.id) {
            assert!(
                !seen.text.contains(&self.sid[24..]),
                "{} shows a sid",
                seen.name
            );
        }
        events::count(&self.id, name)
    }
}

/// Sends requests at once, each from a task of its own; their replies in the same order.
pub async fn at_once(calls: impl IntoIterator<Item = Call>) -> Vec<Reply> {
    let tasks: Vec<_> = calls
        .into_iter()
        .map(|call| tokio::spawn(call.send()))
        .collect();
    let mut replies = Vec::new();
    for task in tasks {
        replies.push(task.await.unwrap());
    }
    replies
}
