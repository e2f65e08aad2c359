//! Whether a server is one that sessions can be kept on.

use std::collections::HashMap;

use redis::ServerErrorKind;

use super::Shared;
use super::builder::RedisStoreError;
use super::failure::Failure;
use super::node::Node;
use super::script::{Arguments, LOAD};
use super::servers::Servers;
use crate::store::StoreError;

/// The oldest Redis that the scripts are tested on; Valkey began later.
const OLDEST: u64 = 7;

/// Everything that is wrong, of every server.
pub(super) async fn check(shared: &Shared) -> Result<(), StoreError> {
    let nodes = shared.servers.primaries().await;
    let nodes = nodes.map_err(|failure| unavailable(vec![mend(&failure)]))?;
    let mut problems = Vec::new();
    for node in nodes {
        problems.extend(check_node(&node, shared).await);
    }
    if problems.is_empty() {
        problems.extend(check_scripts(shared).await);
    }
    if problems.is_empty() {
        Ok(())
    } else {
        Err(unavailable(problems))
    }
}

fn unavailable(problems: Vec<String>) -> StoreError {
    StoreError::Unavailable(RedisStoreError::new(problems).into())
}

async fn check_node(node: &Node, shared: &Shared) -> Vec<String> {
    let server = node.link.target();
    let info = node.link.send(&redis::cmd("INFO")).await;
    let info = match info.and_then(|info| node.link.read::<String>(info)) {
        Ok(info) => info,
        Err(failure) => return vec![mend(&failure)],
    };
    let info = parse(&info);
    let says = |name: &str| info.get(name).copied().unwrap_or_default();
    let mut problems = Vec::new();

    let version = says("redis_version");
    let major = version
        .split('.')
        .next()
        .and_then(|major| major.parse::<u64>().ok());
    match major {
        None => problems.push(format!(
            "what answers at {server} is neither Redis nor Valkey"
        )),
        Some(major) if major < OLDEST => problems.push(format!(
            "Redis {version} at {server} is too old: it takes Redis {OLDEST}.0 or Valkey"
        )),
        Some(_) => {}
    }
    match (says("redis_mode"), &shared.servers) {
        ("sentinel", _) => problems.push(format!(
            "what answers at {server} is a sentinel: name it by `sentinel`"
        )),
        ("cluster", Servers::One(_)) => problems.push(format!(
            "Redis at {server} belongs to a Cluster: name it by `cluster`, or by \
             `redis-cluster://…`"
        )),
        ("standalone", Servers::Cluster(_)) => problems.push(format!(
            "Redis at {server} belongs to no Cluster: name it by `url`"
        )),
        _ => {}
    }
    if says("role") == "slave" {
        problems.push(format!(
            "Redis at {server} is a replica, which takes no changes: name the primary"
        ));
    }
    let policy = says("maxmemory_policy");
    if policy != "noeviction" {
        problems.push(format!(
            "Redis at {server} throws away sessions that have not ended when its memory is full \
             (`maxmemory-policy {policy}`): set it to `noeviction`"
        ));
    }
    let replicas = says("connected_slaves").parse().unwrap_or(0);
    if replicas < shared.replicas {
        problems.push(format!(
            "Redis at {server} has {replicas} replicas, and `replicas({})` waits for more",
            shared.replicas
        ));
    }
    problems
}

/// Whether scripts may be run; a load of nothing shows it.
async fn check_scripts(shared: &Shared) -> Option<String> {
    let mut nothing = Arguments::default();
    for _ in 0..6 {
        nothing.push("");
    }
    let key = format!("{}start:{}", shared.prefix, uuid::Uuid::nil());
    let answer = LOAD.run(&shared.servers, &key, &nothing, None).await;
    let failure = answer.err()?;
    // A user may be let to the keys of a namespace only, which is not known here.
    let is_of_keys =
        failure.kind() == Some(ServerErrorKind::NoPerm) && failure.to_string().contains("key");
    (!is_of_keys).then(|| mend(&failure))
}

/// The lines of `INFO`.
fn parse(info: &str) -> HashMap<&str, &str> {
    info.lines()
        .filter_map(|line| line.split_once(':'))
        .collect()
}

/// A failure, and what to do about it.
pub(super) fn mend(failure: &Failure) -> String {
    format!("{failure}")
}
