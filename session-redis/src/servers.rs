//! The servers that keep the sessions: one, or many that share them.

use redis::Value;

use super::cluster::Cluster;
use super::failure::Failure;
use super::node::{Command, Node};

#[derive(Debug, Clone)]
pub(super) enum Servers {
    /// All sessions are on one.
    One(Node),
    /// Each session is on the server that its key belongs to.
    Cluster(Cluster),
}

impl Servers {
    pub(super) async fn connect(&self) -> Result<(), Failure> {
        match self {
            Self::One(node) => node.connection.connect().await,
            Self::Cluster(cluster) => cluster.connect().await,
        }
    }

    /// Sends a command to the server that keeps the key.
    pub(super) async fn send(&self, key: &str, command: Command<'_>) -> Result<Value, Failure> {
        match self {
            Self::One(node) => node.send(command, false).await,
            Self::Cluster(cluster) => cluster.send(key, command).await,
        }
    }

    /// Every server that keeps sessions.
    pub(super) async fn primaries(&self) -> Result<Vec<Node>, Failure> {
        match self {
            Self::One(node) => Ok(vec![node.clone()]),
            Self::Cluster(cluster) => cluster.primaries().await,
        }
    }

    /// How many keys a namespace has. It walks through all keys of every server, in many steps.
    pub(super) async fn count(&self, prefix: &str, namespace: &str) -> Result<u64, Failure> {
        let pattern = pattern(prefix, namespace);
        let mut count = 0;
        for node in self.primaries().await? {
            count += count_on(&node, &pattern).await?;
        }
        Ok(count)
    }
}

async fn count_on(node: &Node, pattern: &str) -> Result<u64, Failure> {
    let mut count = 0;
    let mut cursor = "0".to_owned();
    loop {
        let mut scan = redis::cmd("SCAN");
        scan.arg(&cursor).arg("MATCH").arg(pattern);
        scan.arg("COUNT").arg(1_000).arg("TYPE").arg("hash");
        let page = node.connection.send(&scan).await?;
        let (next, keys): (String, Vec<Vec<u8>>) = node.connection.read(page)?;
        count += keys.len() as u64;
        cursor = next;
        if cursor == "0" {
            return Ok(count);
        }
    }
}

/// What the keys of a namespace look like: its name as it is, and any id.
fn pattern(prefix: &str, namespace: &str) -> String {
    let mut pattern = String::new();
    for character in prefix.chars().chain(namespace.chars()) {
        if matches!(character, '*' | '?' | '[' | ']' | '^' | '\\') {
            pattern.push('\\');
        }
        pattern.push(character);
    }
    pattern + ":" + &"?".repeat(36)
}
