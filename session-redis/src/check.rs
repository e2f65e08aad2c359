//! The checks at start-up: whether the servers are suitable for sessions.

use std::collections::HashMap;

use super::error::RedisStoreError;
use super::node::Node;
use super::probe;
use super::remedy::with_remedy;
use super::servers::Servers;
use connect_session_runtime::store::{Store, StoreError};

/// The oldest supported Redis. Valkey reports 7 or later.
const MIN_MAJOR_VERSION: u64 = 7;

/// What the settings of a store require of its servers.
#[derive(Debug, Default)]
pub(super) struct Requirements {
    /// How many replicas must confirm a change.
    pub(super) replicas: u32,
    /// Why a server may evict sessions, if it may.
    pub(super) allowed_eviction: Option<String>,
}

/// Checks every server; if none has a problem, runs the store's commands once.
///
/// # Errors
/// All problems that were found.
pub(super) async fn check(
    servers: &Servers,
    requirements: &Requirements,
    store: &impl Store<probe::Data>,
) -> Result<(), StoreError> {
    let nodes = servers.primaries().await;
    let nodes = nodes.map_err(|failure| unavailable(vec![with_remedy(&failure)]))?;
    let is_cluster = matches!(servers, Servers::Cluster(_));
    let mut problems = Vec::new();
    for node in nodes {
        problems.extend(check_node(&node, is_cluster, requirements).await);
    }
    if problems.is_empty() {
        problems.extend(probe::find_problem(store).await);
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

async fn check_node(node: &Node, is_cluster: bool, requirements: &Requirements) -> Vec<String> {
    let info = node.connection.send(&redis::cmd("INFO")).await;
    let server = node.connection.address().to_string();
    match info.and_then(|info| node.connection.read::<String>(info)) {
        Ok(info) => find_problems(&server, &info, is_cluster, requirements),
        Err(failure) => vec![with_remedy(&failure)],
    }
}

/// The problems that a server's `INFO` shows.
fn find_problems(
    server: &str,
    info: &str,
    is_cluster: bool,
    requirements: &Requirements,
) -> Vec<String> {
    let info: HashMap<&str, &str> = info
        .lines()
        .filter_map(|line| line.split_once(':'))
        .collect();
    let field = |name: &str| info.get(name).copied().unwrap_or_default();
    let mut problems = Vec::new();

    let version = field("redis_version");
    let major = version
        .split('.')
        .next()
        .and_then(|major| major.parse::<u64>().ok());
    match major {
        None => problems.push(format!(
            "the server at {server} is neither Redis nor Valkey"
        )),
        Some(major) if major < MIN_MAJOR_VERSION => problems.push(format!(
            "Redis {version} at {server} is too old: use Redis {MIN_MAJOR_VERSION}.0 or later, or \
             Valkey"
        )),
        Some(_) => {}
    }
    match field("redis_mode") {
        "sentinel" => problems.push(format!(
            "the server at {server} is a sentinel: use `sentinel`, or a URL `redis-sentinel://…`"
        )),
        "cluster" if !is_cluster => problems.push(format!(
            "Redis at {server} is part of a Cluster: use `cluster`, or a URL `redis-cluster://…`"
        )),
        "standalone" if is_cluster => problems.push(format!(
            "Redis at {server} is not part of a Cluster: use `url` with `redis://…`"
        )),
        _ => {}
    }
    if field("role") == "slave" {
        problems.push(format!(
            "Redis at {server} is a replica, which rejects changes: use the primary, or its \
             sentinels"
        ));
    }
    let policy = field("maxmemory_policy");
    if policy != "noeviction" && field("redis_mode") != "sentinel" {
        match &requirements.allowed_eviction {
            Some(reason) => tracing::warn!(
                target: "connect_session",
                server,
                policy,
                reason,
                "Redis may evict sessions that have not ended, which `allow_eviction` accepts"
            ),
            None => problems.push(format!(
                "Redis at {server} evicts sessions that have not ended when its memory is full \
                 (`maxmemory-policy {policy}`): set `maxmemory-policy noeviction`, or accept it with \
                 `allow_eviction(\"reason\")` of the builder"
            )),
        }
    }
    let required_replicas = requirements.replicas;
    let replicas = field("connected_slaves").parse().unwrap_or(0);
    if replicas < required_replicas {
        problems.push(format!(
            "Redis at {server} has {replicas} of the {required_replicas} replicas that \
             `replicas({required_replicas})` requires, so every change would fail: add replicas, \
             or require fewer"
        ));
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "# Server\r\nredis_version:7.2.4\r\nserver_name:valkey\r\n\
        valkey_version:9.0.0\r\nredis_mode:standalone\r\nrole:master\r\nconnected_slaves:1\r\n\
        maxmemory_policy:noeviction\r\n";

    fn requirements(replicas: u32) -> Requirements {
        Requirements {
            replicas,
            ..Requirements::default()
        }
    }

    fn problems(from: &str, to: &str) -> Vec<String> {
        find_problems("here", &GOOD.replace(from, to), false, &requirements(1))
    }

    #[test]
    fn a_suitable_server_passes_and_each_problem_is_reported() {
        assert!(find_problems("here", GOOD, false, &requirements(1)).is_empty());
        for (from, to, expected) in [
            ("redis_version:7.2.4", "redis_version:6.2.14", "too old"),
            ("redis_version:7.2.4", "memcached:1", "neither"),
            ("mode:standalone", "mode:cluster", "redis-cluster://"),
            ("mode:standalone", "mode:sentinel", "redis-sentinel://"),
            ("role:master", "role:slave", "is a replica"),
            (
                "noeviction",
                "volatile-ttl",
                "`maxmemory-policy volatile-ttl`",
            ),
            (
                "connected_slaves:1",
                "connected_slaves:0",
                "has 0 of the 1 replicas",
            ),
        ] {
            let problems = problems(from, to);
            assert_eq!(problems.len(), 1, "{problems:?}");
            assert!(problems[0].contains(expected), "{problems:?}");
        }
        assert_eq!(
            find_problems("here", GOOD, true, &requirements(0)).len(),
            1,
            "not part of a Cluster"
        );
    }
}
