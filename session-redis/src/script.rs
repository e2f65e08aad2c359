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
// What concerns logins. These scripts build the names of other keys, of the index and of sessions, themselves, except on
// a Cluster.
store_script!(LOAD_LOGIN, "record.lua", "logins.lua", "load.lua");
store_script!(COMMIT_LOGIN, "record.lua", "logins.lua", "commit.lua");
store_script!(INSERT_LOGIN, "record.lua", "logins.lua", "insert.lua");
store_script!(END, "record.lua", "logins.lua", "end.lua");
store_script!(END_ALL, "record.lua", "logins.lua", "end_all.lua");
// Scripts that run on an index alone, on a Cluster.
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
        let size = arguments.iter().map(|argument| argument.len()).sum();
        let append = |cmd: &mut Cmd, _| {
            cmd.arg(arguments);
        };
        let reply = self.run_at(servers, key, size, &append, durability).await;
        reply.map(|reply| reply.value)
    }

    /// Runs the script on a key, with arguments that depend on the time of the server: `append` appends them to the
    /// command, and `size` is about how many bytes they have.
    ///
    /// On `NOSCRIPT`, which means that nothing was executed, sends the whole source.
    pub(super) async fn run_at(
        &self,
        servers: &Servers,
        key: &str,
        size: usize,
        append: &(dyn Fn(&mut Cmd, u64) + Sync),
        durability: Option<Durability>,
    ) -> Result<TimedReply, Failure> {
        let cmd = |name: &str, script: &str, now| {
            let size = name.len() + script.len() + 1 + key.len() + size;
            let mut cmd = Cmd::with_capacity(16, size);
            cmd.arg(name).arg(script).arg(1).arg(key);
            append(&mut cmd, now);
            cmd
        };
        let evalsha = |now| cmd("EVALSHA", self.script.get_hash(), now);
        match servers.send(key, Command::at(&evalsha, durability)).await {
            Err(failure) if failure.kind() == Some(ServerErrorKind::NoScript) => {
                let eval = |now| cmd("EVAL", self.source, now);
                servers.send(key, Command::at(&eval, durability)).await
            }
            reply => reply,
        }
    }
}
