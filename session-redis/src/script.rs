//! The Lua scripts: what has to be decided by the server.

use std::sync::LazyLock;

use redis::{Cmd, Script, ServerErrorKind, Value};

use super::connection::Durability;
use super::failure::Failure;
use super::node::{Command, TimedReply};
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
store_script!(REPLACE, "replace.lua");
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
    /// Runs the script on a key.
    pub(super) async fn run(
        &self,
        servers: &Servers,
        key: &str,
        arguments: &[&[u8]],
        durability: Option<Durability>,
    ) -> Result<Value, Failure> {
        let arguments = Arguments {
            size: arguments.iter().map(|argument| argument.len()).sum(),
            add: &|cmd, _| {
                cmd.arg(arguments);
            },
        };
        let reply = self.run_at(servers, key, arguments, durability).await;
        reply.map(|reply| reply.value)
    }

    /// Runs the script on a key, with arguments that depend on the time of the server. On `NOSCRIPT`, which means that
    /// nothing was executed, sends the whole source.
    pub(super) async fn run_at(
        &self,
        servers: &Servers,
        key: &str,
        arguments: Arguments<'_>,
        durability: Option<Durability>,
    ) -> Result<TimedReply, Failure> {
        let evalsha = |now| arguments.cmd("EVALSHA", self.script.get_hash(), key, now);
        match servers.send(key, Command::at(&evalsha, durability)).await {
            Err(failure) if failure.kind() == Some(ServerErrorKind::NoScript) => {
                let eval = |now| arguments.cmd("EVAL", self.source, key, now);
                servers.send(key, Command::at(&eval, durability)).await
            }
            reply => reply,
        }
    }
}

/// The arguments of a script.
pub(super) struct Arguments<'a> {
    /// About how many bytes they have.
    pub(super) size: usize,
    /// Adds them to a command for a server with this time.
    pub(super) add: &'a (dyn Fn(&mut Cmd, u64) + Sync),
}

impl Arguments<'_> {
    fn cmd(&self, name: &str, script: &str, key: &str, now: u64) -> Cmd {
        let size = name.len() + script.len() + 1 + key.len() + self.size;
        let mut cmd = Cmd::with_capacity(16, size);
        cmd.arg(name).arg(script).arg(1).arg(key);
        (self.add)(&mut cmd, now);
        cmd
    }
}
