//! Whether a server is one that sessions can be kept on.

use std::collections::HashMap;

use super::builder::RedisStoreError;
use super::failure::Failure;
use super::node::Node;
use super::servers::Servers;
use super::{Inner, RedisStore, probe};
use connect_session_runtime::store::StoreError;

/// The oldest Redis that the scripts are tested on; Valkey began later.
const MIN_MAJOR_VERSION: u64 = 7;

/// Everything that is wrong, of every server.
pub(super) async fn check(store: &RedisStore) -> Result<(), StoreError> {
    let inner = &*store.inner;
    let nodes = inner.servers.primaries().await;
    let nodes = nodes.map_err(|failure| unavailable(vec![with_remedy(&failure)]))?;
    let mut problems = Vec::new();
    for node in nodes {
        problems.extend(check_node(&node, inner).await);
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

async fn check_node(node: &Node, inner: &Inner) -> Vec<String> {
    let info = node.connection.send(&redis::cmd("INFO")).await;
    match info.and_then(|info| node.connection.read::<String>(info)) {
        Ok(info) => {
            let is_cluster = matches!(inner.servers, Servers::Cluster(_));
            find_problems(
                &node.connection.address().to_string(),
                &info,
                is_cluster,
                inner.replicas,
            )
        }
        Err(failure) => vec![with_remedy(&failure)],
    }
}

/// What a server's `INFO` field against it.
fn find_problems(
    server: &str,
    info: &str,
    is_cluster: bool,
    required_replicas: u32,
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
            "what answers at {server} is neither Redis nor Valkey"
        )),
        Some(major) if major < MIN_MAJOR_VERSION => problems.push(format!(
            "Redis {version} at {server} is too old: it takes Redis {MIN_MAJOR_VERSION}.0 or Valkey"
        )),
        Some(_) => {}
    }
    match field("redis_mode") {
        "sentinel" => problems.push(format!(
            "what answers at {server} is a sentinel: name it by `sentinel`, or by \
             `redis-sentinel://…`"
        )),
        "cluster" if !is_cluster => problems.push(format!(
            "Redis at {server} belongs to a Cluster: name it by `cluster`, or by \
             `redis-cluster://…`"
        )),
        "standalone" if is_cluster => problems.push(format!(
            "Redis at {server} belongs to no Cluster: name it by `url`, as `redis://…`"
        )),
        _ => {}
    }
    if field("role") == "slave" {
        problems.push(format!(
            "Redis at {server} is a replica, which takes no changes: name the primary, or its \
             sentinels"
        ));
    }
    let policy = field("maxmemory_policy");
    if policy != "noeviction" && field("redis_mode") != "sentinel" {
        problems.push(format!(
            "Redis at {server} throws away sessions that have not ended when its memory is full \
             (`maxmemory-policy {policy}`): set it to `noeviction`"
        ));
    }
    let replicas = field("connected_slaves").parse().unwrap_or(0);
    if replicas < required_replicas {
        problems.push(format!(
            "Redis at {server} has {replicas} replicas, and `replicas({required_replicas})` waits for more: \
             no change would ever be done"
        ));
    }
    problems
}

/// A failure, and what to do about it.
pub(super) fn with_remedy(failure: &Failure) -> String {
    let text = failure.to_string();
    let says = |part: &str| text.contains(part);
    let remedy = if says("WRONGPASS") {
        "the user name or the password is wrong"
    } else if says("NOAUTH") {
        "it asks for a password: say it in the URL, as in `redis://user:password@…`, or by \
         `credentials`"
    } else if says("NOPERM") || says("can't run this command") {
        "the user may not do what a store does: the documentation of `RedisStore` says what to grant"
    } else if says("switch database") {
        "there is no database of that number: `databases` in its configuration says how many it has, \
         and a Cluster has only 0"
    } else if says("SENTINEL") && says("unknown command") {
        "it is no sentinel"
    } else if says("cluster support disabled") {
        "it belongs to no Cluster: name it by `url`, as `redis://…`"
    } else if says("LOADING") {
        "it is still reading its data: try again"
    } else if says("HELLO") || says("RESP3") {
        "it is older than Redis 7.0, or no Redis"
    } else if says("lookup address") {
        "there is no host of that name"
    } else if says("refused (os") || says("No such file") {
        "nobody listens there: is it running, and are the host and the port right?"
    } else if says("CertificateRequired") {
        "it asks for a certificate of the client's: say it by `client_certificate`"
    } else if says("certificate") {
        "if its certificate is signed by an authority of your own, name that by `root_certificate`"
    } else if says("Parse error") || says("corrupt message") || says("InvalidContentType") {
        "what answers there is no Redis, or one that does, or does not, speak TLS: with TLS the URL \
         is `rediss://…`"
    } else if says("timed out")
        || says("did not answer")
        || says("closed")
        || says("reset")
        || says("broken pipe")
    {
        "it cannot be reached from here, or it does, or does not, speak TLS: with TLS the URL is \
         `rediss://…`"
    } else {
        return text;
    };
    format!("{text}: {remedy}")
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "# Server\r\nredis_version:7.2.4\r\nserver_name:valkey\r\n\
        valkey_version:9.0.0\r\nredis_mode:standalone\r\nrole:master\r\nconnected_slaves:1\r\n\
        maxmemory_policy:noeviction\r\n";

    fn problems(from: &str, to: &str) -> Vec<String> {
        find_problems("here", &GOOD.replace(from, to), false, 1)
    }

    #[test]
    fn a_good_server_is_let_pass_and_each_bad_one_is_told() {
        assert!(find_problems("here", GOOD, false, 1).is_empty());
        for (from, to, told) in [
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
            ("connected_slaves:1", "connected_slaves:0", "has 0 replicas"),
        ] {
            let problems = problems(from, to);
            assert_eq!(problems.len(), 1, "{problems:?}");
            assert!(problems[0].contains(told), "{problems:?}");
        }
        assert_eq!(find_problems("here", GOOD, true, 0).len(), 1, "no Cluster");
    }
}
