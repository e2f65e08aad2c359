//! The scripts, one a verb.

use std::sync::LazyLock;
use std::time::Duration;

use redis::{Cmd, Script, ServerErrorKind, Value};

use super::failure::Failure;
use super::link::Durability;
use super::node::Order;
use super::servers::Servers;

/// The longest duration that is told to a server, in milliseconds: 140,000 years, which added to
/// its clock stays below 2^53.
const LONGEST: u64 = 1 << 52;

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

/// What a script is told.
#[derive(Default)]
pub(super) struct Arguments(Vec<Vec<u8>>);

impl Arguments {
    pub(super) fn push(&mut self, argument: impl AsRef<[u8]>) -> &mut Self {
        self.0.push(argument.as_ref().to_vec());
        self
    }

    pub(super) fn number(&mut self, number: u64) -> &mut Self {
        self.push(number.to_string())
    }

    /// A duration in milliseconds: at least one, as a deadline of now is none.
    pub(super) fn duration(&mut self, duration: Duration) -> &mut Self {
        self.number(millis(duration))
    }
}

pub(super) fn millis(duration: Duration) -> u64 {
    let millis = duration.as_nanos().div_ceil(1_000_000);
    u64::try_from(millis).unwrap_or(LONGEST).clamp(1, LONGEST)
}

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
    command.arg(script).arg(1).arg(key).arg(&arguments.0);
    command
}
