//! The servers that store the sessions: a single one, or a Cluster.

use std::fmt;

use redis::Value;
use tokio::task::JoinSet;

use super::cluster::Cluster;
use super::failure::Failure;
use super::key::pattern_of;
use super::node::{Command, Node, TimedReply};

#[derive(Debug, Clone)]
pub(super) enum Servers {
    /// One server, by its address or through Sentinel.
    One(Node),
    /// Each session is on the primary of its key's slot.
    Cluster(Cluster),
}

/// Names the servers, so that the same ones have the same name.
impl fmt::Display for Servers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::One(node) => {
                let address = node.connection.address();
                write!(f, "Redis at {address}, database {}", address.database())
            }
            Self::Cluster(cluster) => write!(f, "the Redis Cluster of {}", cluster.seeds()),
        }
    }
}

impl Servers {
    pub(super) async fn connect(&self) -> Result<(), Failure> {
        match self {
            Self::One(node) => node.connection.connect().await,
            Self::Cluster(cluster) => cluster.connect().await,
        }
    }

    /// Sends a command to the server that stores the key.
    pub(super) async fn send(
        &self,
        key: &str,
        command: Command<'_>,
    ) -> Result<TimedReply, Failure> {
        match self {
            Self::One(node) => node.send(command, false).await,
            // Boxed, so that the futures of commands to a single server stay small.
            Self::Cluster(cluster) => Box::pin(cluster.send(key, command)).await,
        }
    }

    /// Whether all keys are on one server, so that one script can use several.
    pub(super) const fn is_one(&self) -> bool {
        matches!(self, Self::One(_))
    }

    /// Reads the values of keys, in one round trip to each server.
    pub(super) async fn get_all(&self, keys: Vec<String>) -> Result<Vec<Value>, Failure> {
        let get = |key: &str| redis::cmd("GET").arg(key).clone();
        match self {
            Self::One(node) => {
                let mut gets = redis::pipe();
                for key in &keys {
                    gets.add_command(get(key));
                }
                node.connection.send_all(&gets, keys.len()).await
            }
            Self::Cluster(cluster) => {
                let mut reads = JoinSet::new();
                for (at, key) in keys.into_iter().enumerate() {
                    let cluster = cluster.clone();
                    reads.spawn(async move {
                        let get = get(&key);
                        let answer = cluster.send(&key, Command::new(&get, None)).await;
                        (at, answer.map(|answer| answer.value))
                    });
                }
                in_order(reads).await
            }
        }
    }

    /// All servers that store sessions.
    pub(super) async fn primaries(&self) -> Result<Vec<Node>, Failure> {
        match self {
            Self::One(node) => Ok(vec![node.clone()]),
            Self::Cluster(cluster) => cluster.primaries().await,
        }
    }

    /// Counts the keys of a namespace. Scans all keys of every server, in steps of 1,000.
    pub(super) async fn count(&self, prefix: &str, namespace: &str) -> Result<u64, Failure> {
        let pattern = pattern_of(prefix, namespace);
        let mut count = 0;
        for node in self.primaries().await? {
            count += count_on(&node, &pattern).await?;
        }
        Ok(count)
    }
}

/// The results of reads, in the order of their numbers. A key that cannot be read has no value.
async fn in_order(
    mut reads: JoinSet<(usize, Result<Value, Failure>)>,
) -> Result<Vec<Value>, Failure> {
    let mut values = vec![Value::Nil; reads.len()];
    while let Some(Ok((at, value))) = reads.join_next().await {
        values[at] = match value {
            Err(failure) if failure.code() == "WRONGTYPE" => Value::Okay,
            value => value?,
        };
    }
    Ok(values)
}

async fn count_on(node: &Node, pattern: &str) -> Result<u64, Failure> {
    let mut count = 0;
    let mut cursor = "0".to_owned();
    loop {
        let mut scan = redis::cmd("SCAN");
        scan.arg(&cursor).arg("MATCH").arg(pattern);
        scan.arg("COUNT").arg(1_000).arg("TYPE").arg("string");
        let page = node.connection.send(&scan).await?;
        let (next, keys): (String, Vec<Vec<u8>>) = node.connection.read(page)?;
        count += keys.len() as u64;
        cursor = next;
        if cursor == "0" {
            return Ok(count);
        }
    }
}
