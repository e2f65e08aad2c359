//! The server of a test, and the requests that a test sends to it.

use std::net::SocketAddr;
use std::time::Duration;

use http::Method;
use serde_json::{Value, json};

use crate::frameworks::Framework;
use crate::stores::{StoreKind, Stores};
use crate::support::client::{Call, Reply};
use crate::support::events;

/// The framework and the store that a case runs on.
#[derive(Debug, Clone, Copy)]
pub struct Env {
    pub framework: Framework,
    pub store: StoreKind,
}

impl Env {
    /// Starts a server with a store of its own.
    pub async fn start(self) -> Server {
        self.start_with(Stores::new(self.store).await).await
    }

    /// Starts a server with the given store, which other servers may share.
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

/// A session as its client sees it.
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

    /// Creates a session of a config that sends the sid in `X-User-Session`.
    pub async fn open(&self, config: &'static str) -> ClientSession {
        self.open_with(config, json!([])).await
    }

    /// Like [`open`](Self::open); the handler runs a script.
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

    /// A request to a handler that requires the session.
    pub fn load(&self, session: &ClientSession) -> Call {
        self.get(format!("/{}/load", session.config))
            .sid(&session.sid)
    }

    /// Like [`load`](Self::load); the handler runs a script.
    pub fn run(&self, session: &ClientSession, script: Value) -> Call {
        self.post(format!("/{}/load", session.config))
            .sid(&session.sid)
            .script(script)
    }

    /// The data of the session, which must be alive.
    pub async fn data(&self, session: &ClientSession) -> Value {
        self.load(session).send().await.ok().data()
    }

    pub async fn is_alive(&self, session: &ClientSession) -> bool {
        let reply = self.load(session).send().await;
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

    /// The same id with a made-up secret.
    pub fn forged(&self) -> Self {
        self.with_sid(format!("{}{}", &self.sid[..24], "A".repeat(40)))
    }

    /// The number of events of this name for the session. Asserts that no event contains its
    /// secret.
    #[track_caller]
    pub fn events(&self, name: &str) -> usize {
        for seen in events::of(&self.id) {
            assert!(
                !seen.text.contains(&self.sid[24..]),
                "{} contains the secret",
                seen.name
            );
        }
        events::count(&self.id, name)
    }
}

/// Sends the requests concurrently, each from its own task, and returns the replies in the same
/// order.
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
