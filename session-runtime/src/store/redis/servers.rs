//! The servers that keep the sessions: one, or many that share them.

use redis::{Cmd, Value};

use super::failure::Failure;
use super::link::Link;

#[derive(Debug, Clone)]
pub(super) enum Servers {
    /// All sessions are on one.
    One(Link),
}

impl Servers {
    /// Sends a command to the server that keeps the key.
    pub(super) async fn send(&self, _key: &str, command: &Cmd) -> Result<Value, Failure> {
        match self {
            Self::One(link) => link.send(command).await,
        }
    }

    /// Every server that keeps sessions.
    fn primaries(&self) -> Vec<Link> {
        match self {
            Self::One(link) => vec![link.clone()],
        }
    }

    /// How many keys look like this. It walks through all keys of every server, in many steps.
    pub(super) async fn count(&self, pattern: &str) -> Result<u64, Failure> {
        let mut count = 0;
        for link in self.primaries() {
            let mut cursor = "0".to_owned();
            loop {
                let mut scan = redis::cmd("SCAN");
                scan.arg(&cursor)
                    .arg("MATCH")
                    .arg(pattern)
                    .arg("COUNT")
                    .arg(1_000)
                    .arg("TYPE")
                    .arg("hash");
                let page = link.send(&scan).await?;
                let (next, keys): (String, Vec<Vec<u8>>) = link.read(page)?;
                count += keys.len() as u64;
                cursor = next;
                if cursor == "0" {
                    break;
                }
            }
        }
        Ok(count)
    }
}
