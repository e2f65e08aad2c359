//! The Lua scripts: what has to be decided by the server.

use std::sync::LazyLock;

use redis::{Cmd, Script, ServerErrorKind, Value};

use super::connection::Durability;
use super::failure::Failure;
use super::node::Command;
use super::servers::Servers;

/// The source of a script, and its SHA-1 for `EVALSHA`.
pub(super) struct StoreScript {
    source: &'static str,
    script: LazyLock<Script>,
}

macro_rules! store_script {
    ($name:ident, $($file:literal),+) => {
        pub(super) static $name: StoreScript = StoreScript {
            source: concat!($(include_str!($file), "\n"),+),
            script: LazyLock::new(|| Script::new($name.source)),
        };
    };
}

store_script!(LOAD, "record.lua", "load.lua");
store_script!(COMMIT, "record.lua", "commit.lua");
store_script!(FREE, "record.lua", "free.lua");
store_script!(REMOVE, "record.lua", "remove.lua");
// What concerns logins. They name the keys of an index and its sessions themselves, except on a Cluster.
store_script!(LOAD_LOGIN, "record.lua", "logins.lua", "load.lua");
store_script!(COMMIT_LOGIN, "record.lua", "logins.lua", "commit.lua");
store_script!(INSERT_LOGIN, "record.lua", "logins.lua", "insert.lua");
store_script!(END, "record.lua", "logins.lua", "end.lua");
store_script!(END_ALL, "record.lua", "logins.lua", "end_all.lua");
// What is done to an index on a Cluster.
store_script!(ADMIT, "record.lua", "logins.lua", "admit.lua");
store_script!(CONFIRM, "record.lua", "logins.lua", "confirm.lua");
store_script!(MOVE, "record.lua", "logins.lua", "move.lua");
store_script!(REVOKE, "record.lua", "logins.lua", "revoke.lua");

impl StoreScript {
    /// Runs the script on a key. On `NOSCRIPT`, which means that nothing was executed, sends the
    /// whole source.
    pub(super) async fn run(
        &self,
        servers: &Servers,
        key: &str,
        arguments: &[&[u8]],
        durability: Option<Durability>,
    ) -> Result<Value, Failure> {
        let evalsha = script_cmd("EVALSHA", self.script.get_hash(), key, arguments);
        match servers.send(key, Command::new(&evalsha, durability)).await {
            Err(failure) if failure.kind() == Some(ServerErrorKind::NoScript) => {
                let eval = script_cmd("EVAL", self.source, key, arguments);
                servers.send(key, Command::new(&eval, durability)).await
            }
            reply => reply,
        }
        .map(|answer| answer.value)
    }
}

fn script_cmd(name: &str, script: &str, key: &str, arguments: &[&[u8]]) -> Cmd {
    let sizes = arguments.iter().map(|argument| argument.len());
    let size = name.len() + script.len() + 1 + key.len() + sizes.sum::<usize>();
    let mut cmd = Cmd::with_capacity(4 + arguments.len(), size);
    cmd.arg(name).arg(script).arg(1).arg(key).arg(arguments);
    cmd
}
