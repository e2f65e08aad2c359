//! Logins on a Cluster, where the record and the index are on different servers.

use std::time::Duration;

use connect_session::store::{
    CommitOutcome, InsertOutcome, Lifetime, LoginChange, LoginRefusal, NewLogin, NewRecord,
    RedisStore, Store as _, SubjectIndex, Timestamp,
};
use connect_session::{OnMaxSessions, Untyped};
use serde_json::json;

use super::logins::{insert, limited, log_in, subject, touch, with_login};
use super::own_cluster::{cluster, server_of};
use super::tools::{Redis, Session, change, command, opened, until};
use crate::servers::cutter::{Cut, Cutter};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

struct Cluster {
    servers: Vec<Redis>,
    store: RedisStore,
    cutter: Cutter,
}

impl Cluster {
    /// Three servers behind proxies. The scripts of logins are loaded on each.
    async fn start() -> Self {
        let cutter = Cutter::default();
        let servers = cluster(&cutter).await;
        let urls = servers.iter().map(Redis::url);
        let store = RedisStore::builder().cluster(urls).build().await.unwrap();
        // Users and sessions on each server.
        for user in 0..24 {
            let login = || limited(&user.to_string(), 1, OnMaxSessions::EndOldest);
            log_in(&store, login()).await;
            log_in_again(&store, long_lived(&store, None).await, login()).await;
        }
        for server in &servers {
            let _: String = command(&mut server.raw(), &["FLUSHALL"]);
        }
        cutter.trips();
        Self {
            servers,
            store,
            cutter,
        }
    }

    /// The index of a user and its server. No other user has sessions. A tombstone is a sorted set too.
    fn index(&self) -> (Vec<u8>, ::redis::Connection) {
        for server in &self.servers {
            let mut raw = server.raw();
            let words = ["SCAN", "0", "COUNT", "10000", "MATCH", "*:u:*"];
            let (_, keys): (String, Vec<Vec<u8>>) = command(&mut raw, &words);
            if let Some(key) = keys.into_iter().next() {
                return (key, raw);
            }
        }
        panic!("there is no index");
    }

    fn members(&self) -> Vec<Vec<u8>> {
        let (key, mut raw) = self.index();
        let words: [&[u8]; 4] = [b"ZRANGE", &key, b"0", b"-1"];
        command(&mut raw, &words)
    }

    async fn listed(&self) -> usize {
        let page = self.store.list(subject("ada"), None, 10).await.unwrap();
        let count = self.store.count_of(subject("ada")).await.unwrap();
        assert_eq!(page.sessions.len() as u64, count);
        page.sessions.len()
    }

    /// Puts a login back to where it was before its confirmation, this long after it began.
    fn unconfirm(&self, session: Session, age: Duration) {
        let (key, mut raw) = self.index();
        let member = self.members().pop().unwrap();
        let now = member[..6]
            .iter()
            .fold(0, |at, byte| at << 8 | u64::from(*byte));
        let then = now - u64::try_from(age.as_millis()).unwrap();
        let then = &then.to_be_bytes()[2..];
        let mut unfinished = member.clone();
        unfinished[..6].copy_from_slice(then);
        unfinished.push(b'?');
        let later = (now + 6_000_000).to_string();
        let words: [&[u8]; 4] = [b"ZADD", &key, later.as_bytes(), &unfinished];
        let _: u64 = command(&mut raw, &words);
        let words: [&[u8]; 3] = [b"ZREM", &key, &member];
        let _: u64 = command(&mut raw, &words);

        let name = session.name();
        let mut raw = server_of(&self.servers, name.as_bytes());
        let mut value: Vec<u8> = command(&mut raw, &["GET", &name]);
        for at in 0..value.len() - 6 {
            if value[at..at + 6] == member[..6] {
                value[at..at + 6].copy_from_slice(then);
            }
        }
        let words: [&[u8]; 4] = [b"SET", name.as_bytes(), &value, b"KEEPTTL"];
        let _: String = command(&mut raw, &words);
    }
}

async fn log_in_again(
    store: &RedisStore,
    session: Session,
    login: NewLogin,
) -> CommitOutcome<Untyped> {
    let record = session.load(store).await.unwrap().unwrap();
    let login = with_login(change(&record), LoginChange::Set(login));
    session.commit(store, &login).await.unwrap()
}

/// A session without a login, which may live for three days.
async fn long_lived(store: &RedisStore, login: Option<NewLogin>) -> Session {
    let session = Session::mint();
    let record = NewRecord {
        lifetime: Lifetime::new(DAY, 3 * DAY),
        login,
        ..session.new_record(&json!({}))
    };
    let inserted = store.insert(session.key, &record).await.unwrap();
    assert!(matches!(inserted, InsertOutcome::Done { .. }));
    session
}

#[tokio::test]
#[ignore = "needs Redis; scripts/test starts one"]
async fn a_login_takes_two_round_trips_more_than_on_one_server() {
    let Cluster {
        store,
        cutter,
        servers,
    } = Cluster::start().await;
    log_in(&store, NewLogin::new("ada")).await;
    assert_eq!(cutter.trips(), 3, "a session that begins with a login");
    let session = opened(&store, &json!({})).await;
    let record = session.load(&store).await.unwrap().unwrap();
    cutter.trips();
    let fenced = NewLogin {
        fence: Some(store.revocation_mark(subject("ada")).await.unwrap()),
        ..limited("ada", 5, OnMaxSessions::EndOldest)
    };
    assert_eq!(cutter.trips(), 1, "the mark");
    let login = with_login(change(&record), LoginChange::Set(fenced));
    session.commit(&store, &login).await.unwrap();
    assert_eq!(cutter.trips(), 3, "a login with a fence and a limit");
    let ends = limited("ada", 2, OnMaxSessions::EndOldest);
    let (_, inserted) = insert(&store, ends).await;
    assert!(matches!(inserted, InsertOutcome::Done { ended, .. } if ended.len() == 1));
    // The sessions are read from one or two servers at once, one of them ends, and the login is confirmed once more.
    let trips = cutter.trips();
    assert!((6..=7).contains(&trips), "one that ends another: {trips}");

    long_lived(&store, Some(NewLogin::new("ada"))).await;
    assert_eq!(
        cutter.trips(),
        3,
        "one that creates a session of three days"
    );
    let session = long_lived(&store, None).await;
    let record = session.load(&store).await.unwrap().unwrap();
    cutter.trips();
    let login = with_login(change(&record), LoginChange::Set(NewLogin::new("ada")));
    session.commit(&store, &login).await.unwrap();
    assert_eq!(cutter.trips(), 5, "a login of a session of three days");
    drop(servers);
}

/// The member of a login that stops before it is confirmed stays for as long as its session may live.
#[tokio::test]
#[ignore = "needs Redis; scripts/test starts one"]
async fn the_member_of_an_interrupted_login_stays_with_its_session() {
    for is_new in [true, false] {
        let cluster = Cluster::start().await;
        let Cluster { store, cutter, .. } = &cluster;
        let old = long_lived(store, None).await;
        let record = old.load(store).await.unwrap().unwrap();
        let login = with_login(change(&record), LoginChange::Set(NewLogin::new("ada")));
        // Before the record is written, so that the store has nothing to clean up.
        cutter.arm(if is_new { 1 } else { 3 }, Cut::Before);
        let is_done = if is_new {
            let new = Session::mint();
            let record = NewRecord {
                lifetime: Lifetime::new(DAY, 3 * DAY),
                login: Some(NewLogin::new("ada")),
                ..new.new_record(&json!({}))
            };
            store.insert(new.key, &record).await.is_ok()
        } else {
            old.commit(store, &login).await.is_ok()
        };
        assert!(!is_done && cutter.disarm());
        let (key, mut raw) = cluster.index();
        let words: [&[u8]; 5] = [b"ZRANGE", &key, b"0", b"-1", b"WITHSCORES"];
        let members: Vec<Vec<u8>> = command(&mut raw, &words);
        let [member, score] = &members[..] else {
            panic!("one member is expected: {members:?}");
        };
        assert_eq!(member.last(), Some(&b'?'));
        let score: u64 = std::str::from_utf8(score).unwrap().parse().unwrap();
        let deadline = Timestamp::now() + 3 * DAY;
        assert!(score > deadline.as_millis(), "new: {is_new}");
        let kept: u64 = command(&mut raw, &[&b"PTTL"[..], &key]);
        assert!(Duration::from_millis(kept) > 3 * DAY, "new: {is_new}");
    }
}

/// A login that was interrupted before its confirmation leaves a session whose secret nobody has. While the login may
/// still be in progress it is in no list, but counts for a limit; afterwards it is one as any other.
#[tokio::test]
#[ignore = "needs Redis; scripts/test starts one"]
async fn what_an_interrupted_login_leaves_is_listed_and_ended() {
    let cluster = Cluster::start().await;
    let store = &cluster.store;
    let session = log_in(store, NewLogin::new("ada")).await;
    assert_eq!(cluster.listed().await, 1);

    cluster.unconfirm(session, Duration::ZERO);
    assert_eq!(cluster.listed().await, 0);
    let (_, refused) = insert(store, limited("ada", 1, OnMaxSessions::Refuse)).await;
    let is_full = |outcome| {
        matches!(
            outcome,
            InsertOutcome::Refused(LoginRefusal::TooManySessions)
        )
    };
    assert!(is_full(refused));
    assert_eq!(store.end_all(subject("ada"), None).await.unwrap(), []);

    let other = Cluster::start().await;
    let store = &other.store;
    let age = Duration::from_secs(31);
    let session = log_in(store, NewLogin::new("ada")).await;
    other.unconfirm(session, age);
    assert_eq!(other.listed().await, 1);
    let (_, refused) = insert(store, limited("ada", 1, OnMaxSessions::Refuse)).await;
    assert!(is_full(refused));
    let (next, inserted) = insert(store, limited("ada", 1, OnMaxSessions::EndOldest)).await;
    let InsertOutcome::Done { ended, .. } = inserted else {
        panic!("unexpected: {inserted:?}");
    };
    assert_eq!(ended, [session.key.id]);
    assert!(session.load(store).await.unwrap().is_none());
    assert_eq!(other.members().len(), 1);

    other.unconfirm(next, age);
    let ended = store.end_all(subject("ada"), None).await.unwrap();
    assert_eq!(ended, [next.key.id]);
    assert!(next.load(store).await.unwrap().is_none());
    assert_eq!(other.members(), [b"mark"]);
}

/// As on one server, but the load does not wait for it.
#[tokio::test]
#[ignore = "needs Redis; scripts/test starts one"]
async fn loads_fill_an_index_that_was_lost() {
    let cluster = Cluster::start().await;
    let store = &cluster.store;
    let session = log_in(store, NewLogin::new("ada")).await;
    let (key, mut raw) = cluster.index();
    let words: [&[u8]; 2] = [b"DEL", &key];
    let _: u64 = command(&mut raw, &words);
    assert_eq!(cluster.listed().await, 0);
    touch(store, session).await;
    until("the session is listed", async || {
        store.count_of(subject("ada")).await.unwrap() == 1
    })
    .await;
    assert_eq!(cluster.listed().await, 1);
    let ended = store.end_all(subject("ada"), None).await.unwrap();
    assert_eq!(ended, [session.key.id]);
}
