//! The Lua scripts, one for each operation.

use std::sync::LazyLock;

use redis::{Cmd, Script, ServerErrorKind, Value};

use super::arguments::Arguments;
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
    ($name:ident, $file:literal) => {
        pub(super) static $name: StoreScript = StoreScript {
            source: concat!(include_str!("record.lua"), "\n", include_str!($file)),
            script: LazyLock::new(|| Script::new($name.source)),
        };
    };
}

store_script!(INSERT, "insert.lua");
store_script!(LOAD, "load.lua");
store_script!(COMMIT, "commit.lua");
store_script!(DESTROY, "destroy.lua");

impl StoreScript {
    /// Runs the script on a key. On `NOSCRIPT`, which means that nothing was executed, sends the
    /// whole source.
    pub(super) async fn run(
        &self,
        servers: &Servers,
        key: &str,
        arguments: &Arguments,
        durability: Option<Durability>,
    ) -> Result<Value, Failure> {
        let with_durability = |cmd| Command { cmd, durability };
        let evalsha = script_cmd("EVALSHA", self.script.get_hash(), key, arguments);
        match servers.send(key, with_durability(&evalsha)).await {
            Err(failure) if failure.kind() == Some(ServerErrorKind::NoScript) => {
                let eval = script_cmd("EVAL", self.source, key, arguments);
                servers.send(key, with_durability(&eval)).await
            }
            reply => reply,
        }
    }
}

fn script_cmd(name: &str, script: &str, key: &str, arguments: &Arguments) -> Cmd {
    let mut cmd = redis::cmd(name);
    cmd.arg(script).arg(1).arg(key).arg(arguments.as_slice());
    cmd
}
