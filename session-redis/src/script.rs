//! The scripts, one a verb.

use std::sync::LazyLock;

use redis::{Cmd, Script, ServerErrorKind, Value};

use super::arguments::Arguments;
use super::failure::Failure;
use super::link::Durability;
use super::node::Order;
use super::servers::Servers;

/// The text of a verb, and what it is called on the server.
pub(super) struct Verb {
    text: &'static str,
    script: LazyLock<Script>,
}

macro_rules! verb {
    ($name:ident, $file:literal) => {
        pub(super) static $name: Verb = Verb {
            text: concat!(include_str!("record.lua"), "\n", include_str!($file)),
            script: LazyLock::new(|| Script::new($name.text)),
        };
    };
}

verb!(INSERT, "insert.lua");
verb!(LOAD, "load.lua");
verb!(COMMIT, "commit.lua");
verb!(DESTROY, "destroy.lua");

impl Verb {
    /// Runs it on a key. A server that does not know it yet is sent the whole text: it has said that
    /// it did nothing.
    pub(super) async fn run(
        &self,
        servers: &Servers,
        key: &str,
        arguments: &Arguments,
        durability: Option<Durability>,
    ) -> Result<Value, Failure> {
        let order = |command| Order {
            command,
            durability,
        };
        let known = command("EVALSHA", self.script.get_hash(), key, arguments);
        match servers.send(key, order(&known)).await {
            Err(failure) if failure.kind() == Some(ServerErrorKind::NoScript) => {
                let whole = command("EVAL", self.text, key, arguments);
                servers.send(key, order(&whole)).await
            }
            answer => answer,
        }
    }
}

fn command(name: &str, script: &str, key: &str, arguments: &Arguments) -> Cmd {
    let mut command = redis::cmd(name);
    command
        .arg(script)
        .arg(1)
        .arg(key)
        .arg(arguments.as_slice());
    command
}
