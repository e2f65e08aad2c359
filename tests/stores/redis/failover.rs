//! Loss of a primary: the store finds the new one, and acknowledged writes survive if the store
//! waited for replicas.

use std::time::Duration;

use connect_session::Untyped;
use connect_session::store::{CommitOutcome, RedisStore, RedisStoreBuilder, Store, StoreError};
use serde_json::json;

use super::tools::{
    Redis, Session, command, error_chain, granted, json as json_of, opened, ready, set, until,
};
use crate::servers::process::{Folder, free_ports, run};

pub(super) fn with_short_timeouts(builder: RedisStoreBuilder) -> RedisStoreBuilder {
    let builder = builder.connect_timeout(Duration::from_millis(500));
    builder.command_timeout(Duration::from_millis(500))
}

/// Whether a write reaches a replica in time. A replica that reports to be online may still be in
/// its first synchronization.
fn reaches_a_replica(primary: &Redis) -> bool {
    let mut raw = primary.raw();
    let _: String = command(&mut raw, &["SET", "probe", "1"]);
    command::<i64>(&mut raw, &["WAIT", "1", "250"]) >= 1
}

/// A primary, a replica that is in sync, and three sentinels that declare the primary dead after
/// half a second.
pub(super) struct Watched {
    pub(super) primary: Redis,
    replica: Redis,
    sentinels: Vec<Redis>,
}

impl Watched {
    pub(super) async fn start() -> Self {
        let primary = Redis::start(&["--repl-diskless-sync-delay", "0"]).await;
        let port = primary.port.to_string();
        let replica = Redis::start(&["--replicaof", "127.0.0.1", &port]).await;
        until("the replica has caught up", || async {
            info(&primary, "replication").contains("state=online")
        })
        .await;
        let mut sentinels = Vec::new();
        for port_of_sentinel in free_ports::<3>() {
            let folder = Folder::new();
            let file = folder.path().join("sentinel.conf");
            let text = format!(
                "port {port_of_sentinel}\nsentinel monitor shop 127.0.0.1 {port} 2\n\
                 sentinel down-after-milliseconds shop 500\nsentinel failover-timeout shop 3000\n"
            );
            std::fs::write(&file, text).unwrap();
            let settings = vec![file.display().to_string(), "--sentinel".to_owned()];
            sentinels.push(Redis::start_on(port_of_sentinel, folder, settings).await);
        }
        let watched = Self {
            primary,
            replica,
            sentinels,
        };
        until("the sentinels know each other and the replica", || async {
            watched.sentinels.iter().all(|sentinel| {
                let info = info(sentinel, "sentinel");
                info.contains("slaves=1,sentinels=3")
            })
        })
        .await;
        watched
    }

    pub(super) fn url(&self) -> String {
        let hosts: Vec<_> = self
            .sentinels
            .iter()
            .map(|s| format!("127.0.0.1:{}", s.port))
            .collect();
        format!("redis-sentinel://{}/shop", hosts.join(","))
    }
}

fn info(redis: &Redis, section: &str) -> String {
    command(&mut redis.raw(), &["INFO", section])
}

/// Waits until the replicas confirm changes. One that has just connected may not do so in time.
pub(super) async fn until_confirmed(store: &RedisStore) {
    until("the replicas confirm changes", || async {
        ready(store).await.is_ok()
    })
    .await;
}

/// Stops replication.
fn cut_off(primary: &Redis, replica: &Redis) {
    replica.freeze();
    let killed: i64 = command(&mut primary.raw(), &["CLIENT", "KILL", "TYPE", "replica"]);
    assert_eq!(killed, 1);
}

fn is_unknown<T>(result: &Result<T, StoreError>) -> bool {
    matches!(result, Err(StoreError::OutcomeUnknown(_)))
}

async fn is_found(store: &RedisStore, session: Session) {
    until("a load", || async { session.load(store).await.is_ok() }).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Redis; scripts/test starts one"]
async fn sentinels_fail_over_to_the_replica() {
    let mut watched = Watched::start().await;
    for redis in [&watched.primary, &watched.replica] {
        let _: String = command(&mut redis.raw(), &granted(&["+role"]));
    }
    let store = with_short_timeouts(RedisStore::builder().url(watched.url())).replicas(1);
    let store = store.credentials("shop", "hunter2/@:?").prefix("shop:");
    let store = store.build().await.unwrap();
    until_confirmed(&store).await;
    let session = opened(&store, &json!({"n": 1})).await;
    let record = session.load(&store).await.unwrap().unwrap();
    let committed = session
        .commit(&store, &set(&record, &json!({"n": 2})))
        .await
        .unwrap();
    assert!(matches!(
        committed,
        CommitOutcome::Applied {
            snapshot: Some(_),
            ..
        }
    ));
    let ended = opened(&store, &json!({})).await;
    assert!(ended.destroy(&store).await.unwrap());
    watched.primary.kill();
    is_found(&store, session).await;
    assert_eq!(
        json_of(&session.load(&store).await.unwrap().unwrap()),
        json!({"n": 2})
    );
    assert!(
        ended.load(&store).await.unwrap().is_none(),
        "the destroyed session exists again"
    );
    // No replica is left.
    let error = error_chain(&ready(&store).await.unwrap_err());
    assert!(error.contains("has 0 of the 1 replicas"), "{error}");
    let record = session.load(&store).await.unwrap().unwrap();
    assert!(is_unknown(
        &session
            .commit(&store, &set(&record, &json!({"n": 3})))
            .await
    ));
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Redis; scripts/test starts one"]
async fn sentinels_replace_a_frozen_primary() {
    let watched = Watched::start().await;
    let urls: Vec<_> = (watched.sentinels.iter())
        .map(|s| format!("redis://127.0.0.1:{}", s.port))
        .collect();
    let builder = RedisStore::builder().sentinel(urls, "shop");
    let store = with_short_timeouts(builder)
        .replicas(1)
        .build()
        .await
        .unwrap();
    until_confirmed(&store).await;
    let session = opened(&store, &json!({"n": 1})).await;
    watched.primary.freeze();
    watched.sentinels[0].freeze();
    is_found(&store, session).await;
    let record = session.load(&store).await.unwrap().unwrap();
    assert_eq!(json_of(&record), json!({"n": 1}));
    watched.primary.thaw();
    // The old primary becomes a replica of the new one, and the store does not use it as the
    // primary.
    until("the old primary follows", || async {
        info(&watched.primary, "replication").contains("master_link_status:up")
            && reaches_a_replica(&watched.replica)
    })
    .await;
    until_confirmed(&store).await;
    let change = set(&record, &json!({"n": 2}));
    let committed = session.commit(&store, &change).await.unwrap();
    assert!(
        matches!(
            committed,
            CommitOutcome::Applied {
                snapshot: Some(_),
                ..
            }
        ),
        "{committed:?}"
    );
    let stored: Vec<u8> = command(&mut watched.replica.raw(), &["GET", &session.name()]);
    assert!(stored.ends_with(b"\x01n\x012"), "{stored:?}");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Redis; scripts/test starts one"]
async fn unreplicated_writes_are_lost_and_reported_if_replicas_are_required() {
    let mut watched = Watched::start().await;
    let without_replicas = with_short_timeouts(RedisStore::builder().url(watched.url()))
        .build()
        .await
        .unwrap();
    let with_replicas = with_short_timeouts(RedisStore::builder().url(watched.url())).replicas(1);
    let with_replicas = with_replicas.build().await.unwrap();
    until_confirmed(&with_replicas).await;
    let session = opened(&with_replicas, &json!({"a": 1, "b": 1})).await;
    let ended = opened(&with_replicas, &json!({})).await;
    let record = session.load(&with_replicas).await.unwrap().unwrap();
    cut_off(&watched.primary, &watched.replica);
    let result = session
        .commit(&without_replicas, &set(&record, &json!({"a": 2, "b": 1})))
        .await;
    assert!(
        matches!(result, Ok(CommitOutcome::Applied { .. })),
        "{result:?}"
    );
    let record = session.load(&with_replicas).await.unwrap().unwrap();
    let result = session
        .commit(&with_replicas, &set(&record, &json!({"a": 1, "b": 2})))
        .await;
    assert!(is_unknown(&result), "{result:?}");
    assert!(error_chain(&result.unwrap_err()).contains("0 of 1 required replicas"));
    assert!(ended.destroy(&without_replicas).await.unwrap());
    watched.primary.kill();
    watched.replica.thaw();
    is_found(&with_replicas, session).await;
    let survived = session.load(&with_replicas).await.unwrap().unwrap();
    assert_eq!(
        json_of(&survived),
        json!({"a": 1, "b": 1}),
        "an unreplicated write survived"
    );
    is_found(&without_replicas, ended).await;
    assert!(
        ended.load(&without_replicas).await.unwrap().is_some(),
        "the unreplicated destroy survived"
    );
}

#[tokio::test]
#[ignore = "needs Redis; scripts/test starts one"]
async fn a_wrong_kind_of_server_is_reported() {
    let watched = Watched::start().await;
    let sentinel = watched.sentinels[0].url();
    let startup_error = async |builder: RedisStoreBuilder| {
        let text = match with_short_timeouts(builder).build().await {
            Ok(store) => error_chain(&ready(&store).await.unwrap_err()),
            Err(error) => error_chain(&error),
        };
        println!("{text}");
        text
    };
    let text = startup_error(RedisStore::builder().url(&sentinel)).await;
    assert!(text.contains("redis-sentinel://"), "{text}");
    let text = startup_error(RedisStore::builder().sentinel([&sentinel], "unknown")).await;
    assert!(
        text.contains("`unknown`") && text.contains("sentinel monitor"),
        "{text}"
    );
    let text = startup_error(RedisStore::builder().sentinel([watched.primary.url()], "shop")).await;
    assert!(text.contains("not a sentinel"), "{text}");
    let text = startup_error(RedisStore::builder().url(watched.replica.url())).await;
    assert!(text.contains("is a replica"), "{text}");
    let text = startup_error(RedisStore::builder().cluster([watched.primary.url()])).await;
    assert!(text.contains("not part of a Cluster"), "{text}");
    let text = startup_error(RedisStore::builder().url(watched.primary.url()).replicas(2)).await;
    assert!(text.contains("has 1 of the 2 replicas"), "{text}");
    let text = startup_error(
        RedisStore::builder()
            .cluster(Vec::<String>::new())
            .connect_timeout(Duration::ZERO)
            .prefix("x".repeat(129)),
    )
    .await;
    assert!(text.contains("no server") && text.contains("129"), "{text}");
    let nobody = RedisStore::builder().sentinel(Vec::<String>::new(), "shop");
    let text = startup_error(nobody).await;
    assert!(text.contains("names no sentinel"), "{text}");
    let text = startup_error(RedisStore::builder()).await;
    assert!(text.contains("no server is named"), "{text}");
    let text = startup_error(RedisStore::builder().url(&sentinel).cluster([&sentinel])).await;
    assert!(text.contains("named twice"), "{text}");
}

/// Three primaries with one replica each.
struct Cluster(Vec<Redis>);

impl Cluster {
    async fn start() -> Self {
        let mut servers = Vec::new();
        for _ in 0..6 {
            let [port, bus] = free_ports();
            let settings = [
                "--port",
                &port.to_string(),
                "--cluster-port",
                &bus.to_string(),
                "--cluster-enabled",
                "yes",
                "--cluster-node-timeout",
                "1000",
                "--repl-diskless-sync-delay",
                "0",
            ];
            let settings = settings.map(str::to_owned).to_vec();
            servers.push(Redis::start_on(port, Folder::new(), settings).await);
        }
        let hosts: Vec<_> = servers
            .iter()
            .map(|s| format!("127.0.0.1:{}", s.port))
            .collect();
        let mut words = vec!["--cluster", "create"];
        words.extend(hosts.iter().map(String::as_str));
        words.extend(["--cluster-replicas", "1", "--cluster-yes"]);
        run("redis-cli", &words);
        let cluster = Self(servers);
        until(
            "all servers know each other, and the replicas are in sync",
            || async {
                cluster.0.iter().all(|server| {
                    let nodes: String = command(&mut server.raw(), &["CLUSTER", "NODES"]);
                    let replication = info(server, "replication");
                    let is_fine = nodes.matches("slave").count() == 3
                        && info_of_cluster(server).contains("cluster_state:ok");
                    is_fine
                        && (replication.contains("master_link_status:up")
                            || replication.contains("state=online"))
                })
            },
        )
        .await;
        cluster
    }

    fn builder(&self) -> RedisStoreBuilder {
        RedisStore::builder().cluster(self.0.iter().map(Redis::url))
    }

    /// The server that has the key and this role.
    fn of(&self, session: Session, role: &str) -> usize {
        let key = session.name();
        let found = self.0.iter().position(|server| {
            let keys: Vec<String> = command(&mut server.raw(), &["KEYS", &key]);
            !keys.is_empty() && info(server, "replication").contains(role)
        });
        found.unwrap()
    }
}

fn info_of_cluster(redis: &Redis) -> String {
    command(&mut redis.raw(), &["CLUSTER", "INFO"])
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Redis; scripts/test starts one"]
async fn a_cluster_survives_a_lost_primary() {
    let mut cluster = Cluster::start().await;
    let store = with_short_timeouts(cluster.builder())
        .replicas(1)
        .build()
        .await
        .unwrap();
    until_confirmed(&store).await;
    let (mut sessions, mut unconfirmed) = (Vec::new(), 0);
    for n in 0..60 {
        let session = loop {
            let session = Session::mint();
            match session.insert(&store, &json!({ "n": n })).await {
                Ok(_) => break session,
                // A replica that has just connected does not confirm yet.
                Err(error) => {
                    assert!(is_unknown(&Err::<(), _>(error)));
                    unconfirmed += 1;
                }
            }
        };
        sessions.push((n, session));
    }
    let primary = cluster.of(sessions[0].1, "role:master");
    cluster.0[primary].kill();
    for (n, session) in &sessions {
        is_found(&store, *session).await;
        let record = session.load(&store).await.unwrap().unwrap();
        assert_eq!(json_of(&record), json!({ "n": n }));
    }
    let count = Store::<Untyped>::count(&store, "test").await.unwrap();
    assert!((60..=60 + unconfirmed).contains(&count), "{count}");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Redis; scripts/test starts one"]
async fn a_cluster_loses_unreplicated_writes() {
    let mut cluster = Cluster::start().await;
    let without_replicas = with_short_timeouts(cluster.builder())
        .build()
        .await
        .unwrap();
    let with_replicas = with_short_timeouts(cluster.builder())
        .replicas(1)
        .build()
        .await
        .unwrap();
    until_confirmed(&with_replicas).await;
    let session = opened(&with_replicas, &json!({"a": 1, "b": 1})).await;
    let record = session.load(&with_replicas).await.unwrap().unwrap();
    let (primary, replica) = (
        cluster.of(session, "role:master"),
        cluster.of(session, "role:slave"),
    );
    cut_off(&cluster.0[primary], &cluster.0[replica]);
    let result = session
        .commit(&without_replicas, &set(&record, &json!({"a": 2, "b": 1})))
        .await;
    assert!(
        matches!(result, Ok(CommitOutcome::Applied { .. })),
        "{result:?}"
    );
    let record = session.load(&with_replicas).await.unwrap().unwrap();
    let result = session
        .commit(&with_replicas, &set(&record, &json!({"a": 1, "b": 2})))
        .await;
    assert!(is_unknown(&result), "{result:?}");
    cluster.0[primary].kill();
    cluster.0[replica].thaw();
    is_found(&without_replicas, session).await;
    let survived = session.load(&without_replicas).await.unwrap().unwrap();
    assert_eq!(
        json_of(&survived),
        json!({"a": 1, "b": 1}),
        "an unreplicated write survived"
    );
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Redis; scripts/test starts one"]
async fn moved_slots_are_followed() {
    let cluster = Cluster::start().await;
    for server in &cluster.0 {
        let all = granted(&["+cluster|slots", "+asking"]);
        let _: String = command(&mut server.raw(), &all);
    }
    let builder = || {
        let builder = with_short_timeouts(cluster.builder()).prefix("shop:");
        builder.credentials("shop", "hunter2/@:?")
    };
    let store = builder().build().await.unwrap();
    ready(&store).await.unwrap();
    let session = opened(&store, &json!({"n": 0})).await;
    let key = format!("shop:{}", session.name());
    let slot: u16 = command(&mut cluster.0[0].raw(), &["CLUSTER", "KEYSLOT", &key]);
    let primaries: Vec<&Redis> = (cluster.0.iter())
        .filter(|server| info(server, "replication").contains("role:master"))
        .collect();
    let has = |server: &Redis| {
        let keys: Vec<String> = command(&mut server.raw(), &["KEYS", &key]);
        !keys.is_empty()
    };
    let from = *primaries.iter().find(|server| has(server)).unwrap();
    let to = *primaries.iter().find(|server| !has(server)).unwrap();
    let id = |server: &Redis| command::<String>(&mut server.raw(), &["CLUSTER", "MYID"]);
    let (from_id, to_id, slot) = (id(from), id(to), slot.to_string());
    let write = async |n: u64| {
        let record = session.load(&store).await.unwrap().unwrap();
        session
            .commit(&store, &set(&record, &json!({ "n": n })))
            .await
            .unwrap();
        let record = session.load(&store).await.unwrap().unwrap();
        assert_eq!(
            (json_of(&record), record.snapshot.version),
            (json!({ "n": n }), n + 1)
        );
    };
    write(1).await;
    let _: String = command(
        &mut to.raw(),
        &["CLUSTER", "SETSLOT", &slot, "IMPORTING", &from_id],
    );
    let _: String = command(
        &mut from.raw(),
        &["CLUSTER", "SETSLOT", &slot, "MIGRATING", &to_id],
    );
    write(2).await;
    let port = to.port.to_string();
    let moved: String = command(
        &mut from.raw(),
        &["MIGRATE", "127.0.0.1", &port, &key, "0", "5000"],
    );
    assert_eq!(moved, "OK");
    // The old server replies `ASK` now.
    write(3).await;
    let with_replicas = builder().replicas(1).build().await.unwrap();
    let record = session.load(&with_replicas).await.unwrap().unwrap();
    session
        .commit(&with_replicas, &set(&record, &json!({"n": 4})))
        .await
        .unwrap();
    for server in [to, from] {
        let _: String = command(
            &mut server.raw(),
            &["CLUSTER", "SETSLOT", &slot, "NODE", &to_id],
        );
    }
    // The old server replies `MOVED` now.
    write(5).await;
    assert!(session.destroy(&store).await.unwrap());
}
