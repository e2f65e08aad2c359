//! Logins, and the index of the sessions of each user.

use std::num::NonZeroU32;
use std::time::{Duration, Instant};

use connect_session::store::{
    Change, CommitOutcome, IdentityChange, InsertOutcome, Lifetime, LoadOutcome, LoginChange,
    LoginRefusal, NewLogin, NewRecord, RedisStore, RevocationMark, SecretHash, SessionLimit,
    StoreError, SubjectIndex, SubjectKey, Timestamp,
};
use connect_session::{OnMaxSessions, Untyped};
use serde_json::json;
use tokio::task::JoinSet;

use super::tools::{NAMESPACE, Redis, Session, change, command, opened, random};
use crate::servers::proxy::Proxy;

pub fn subject(name: &str) -> SubjectKey {
    SubjectKey::new(NAMESPACE, name)
}

pub fn limited(name: &str, max: u32, when_reached: OnMaxSessions) -> NewLogin {
    NewLogin {
        limit: NonZeroU32::new(max).map(|max| SessionLimit { max, when_reached }),
        ..NewLogin::new(name)
    }
}

pub async fn insert(store: &RedisStore, login: NewLogin) -> (Session, InsertOutcome<Untyped>) {
    use connect_session::store::Store as _;
    let session = Session::mint();
    let record = NewRecord {
        login: Some(login),
        ..session.new_record(&json!({}))
    };
    (session, store.insert(session.key, &record).await.unwrap())
}

pub async fn log_in(store: &RedisStore, login: NewLogin) -> Session {
    let (session, inserted) = insert(store, login).await;
    assert!(matches!(inserted, InsertOutcome::Done { .. }));
    session
}

async fn log_in_many(store: &RedisStore, count: usize, name: &'static str) {
    let mut tasks = JoinSet::new();
    for _ in 0..20 {
        let store = store.clone();
        tasks.spawn(async move {
            for _ in 0..count / 20 {
                log_in(&store, NewLogin::new(name)).await;
            }
        });
    }
    tasks.join_all().await;
}

pub fn with_login(base: Change<Untyped>, login: LoginChange) -> Change<Untyped> {
    Change {
        identity: Some(IdentityChange {
            secret: SecretHash::from_bytes(random()),
            new_generation: matches!(login, LoginChange::Set(_) | LoginChange::Clear),
            login,
        }),
        ..base
    }
}

/// The name of the index of a user, which is the only sorted set of the server.
fn index_key(raw: &mut ::redis::Connection) -> String {
    let (_, keys): (String, Vec<String>) =
        command(raw, &["SCAN", "0", "COUNT", "10000", "TYPE", "zset"]);
    assert_eq!(keys.len(), 1, "{keys:?}");
    keys[0].clone()
}

#[tokio::test]
#[ignore = "needs Redis; scripts/test starts one"]
async fn a_login_takes_one_round_trip_and_a_list_two() {
    let redis = Redis::start(&[]).await;
    let proxy = Proxy::to(redis.port).await;
    let store = RedisStore::connect(format!("redis://127.0.0.1:{}", proxy.port));
    let store = store.await.unwrap();
    super::tools::ready(&store).await.unwrap();
    let limited = || limited("ada", 2, OnMaxSessions::EndOldest);
    let session = opened(&store, &json!({"a": 1})).await;
    let record = session.load(&store).await.unwrap().unwrap();
    let login = |login| with_login(change(&record), LoginChange::Set(login));
    // Loads the scripts.
    session.commit(&store, &login(limited())).await.unwrap();
    store.end_all(subject("ada"), None).await.unwrap();
    let anonymous = opened(&store, &json!({"a": 1})).await;

    proxy.trips();
    anonymous.commit(&store, &login(limited())).await.unwrap();
    assert_eq!(proxy.trips(), 1, "a login");
    let second = log_in(&store, limited()).await;
    assert_eq!(proxy.trips(), 1, "a session that begins with a login");
    let (_, inserted) = insert(&store, limited()).await;
    let InsertOutcome::Done { ended, .. } = inserted else {
        panic!("unexpected: {inserted:?}");
    };
    assert_eq!(
        (ended.len(), proxy.trips()),
        (1, 1),
        "one that ends another"
    );
    // Two logins of one millisecond are equally early.
    assert!([anonymous.key.id, second.key.id].contains(&ended[0]));
    store.revocation_mark(subject("ada")).await.unwrap();
    assert_eq!(proxy.trips(), 1, "the mark");
    store.end(subject("ada"), ended[0]).await.unwrap();
    assert_eq!(proxy.trips(), 1, "an end by user");

    log_in_many(&store, 100, "bob").await;
    proxy.trips();
    let page = store.list(subject("bob"), None, 100).await.unwrap();
    assert_eq!((page.sessions.len(), page.next), (100, None));
    assert_eq!(proxy.trips(), 2, "a list of 100");
    log_in_many(&store, 900, "bob").await;
    proxy.trips();
    let before = Instant::now();
    let ended = store.end_all(subject("bob"), None).await.unwrap();
    println!(
        "the end of {} sessions took {:?}",
        ended.len(),
        before.elapsed()
    );
    assert_eq!((ended.len(), proxy.trips()), (1_000, 2), "an end of 1,000");
}

/// The sessions of one user that has very many are listed in parts and ended in steps.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Redis; scripts/test starts one"]
async fn ten_thousand_sessions_of_one_user() {
    let redis = Redis::start(&[]).await;
    let store = RedisStore::connect(redis.url()).await.unwrap();
    log_in_many(&store, 10_000, "ada").await;
    let (mut after, mut seen) = (None, 0);
    let mut last = None;
    let mut longest = Duration::ZERO;
    loop {
        let before = Instant::now();
        let page = store.list(subject("ada"), after, 100).await.unwrap();
        longest = longest.max(before.elapsed());
        for session in &page.sessions {
            let place = (session.logged_in_at, session.id);
            assert!(last.is_none_or(|last| place < last), "in order, and once");
            last = Some(place);
        }
        seen += page.sessions.len();
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(seen, 10_000);
    let before = Instant::now();
    assert_eq!(
        store.end_all(subject("ada"), None).await.unwrap().len(),
        10_000
    );
    println!(
        "a part of the list took {longest:?} at most, the end {:?}",
        before.elapsed()
    );
    let mut raw = redis.raw();
    assert_eq!(command::<u64>(&mut raw, &["DBSIZE"]), 1, "the mark is left");
}

/// The index lives as long as its longest session, and as its mark, and is not written by a load.
#[tokio::test]
#[ignore = "needs Redis; scripts/test starts one"]
async fn an_index_expires_after_its_sessions() {
    let redis = Redis::start(&[]).await;
    let store = RedisStore::connect(redis.url()).await.unwrap();
    let mut raw = redis.raw();
    let session = log_in(&store, NewLogin::new("ada")).await;
    let key = index_key(&mut raw);
    let mut ends_in = || Duration::from_millis(command(&mut raw, &["PTTL", &key]));
    let (minute, second) = (Duration::from_secs(60), Duration::from_secs(1));
    let absolute = Duration::from_secs(6_000);
    assert!(ends_in() + 10 * second > absolute + minute && ends_in() <= absolute + minute);

    // A longer lifetime moves the entry first; a shorter one leaves the key.
    for (hours, expected) in [(4_u64, 4), (1, 4)] {
        let hour = Duration::from_secs(3_600);
        let record = session.load(&store).await.unwrap().unwrap();
        let lifetime = Some(Lifetime::new(minute, hour * u32::try_from(hours).unwrap()));
        let longer = Change {
            lifetime,
            ..change(&record)
        };
        session.commit(&store, &longer).await.unwrap();
        let record = session.load(&store).await.unwrap().unwrap();
        assert!(ends_in() > hour * expected && ends_in() <= hour * expected + minute);
        let scores: Vec<f64> = command(
            &mut redis.raw(),
            &[
                "EVAL",
                "return redis.call('ZRANGE', KEYS[1], 0, -1, 'WITHSCORES')[2]",
                "1",
                &key,
            ],
        );
        let until = record.deadlines.absolute_until;
        #[expect(clippy::cast_precision_loss, reason = "milliseconds fit")]
        let until = until.as_millis() as f64;
        assert_eq!(scores, [until]);
    }

    // The mark keeps the key, and no longer than it has to.
    store.end_all(subject("bob"), None).await.unwrap();
    store.end_all(subject("ada"), None).await.unwrap();
    let (_, keys): (String, Vec<String>) = command(&mut redis.raw(), &["SCAN", "0"]);
    let bob = keys.iter().find(|other| **other != key).unwrap();
    let kept: u64 = command(&mut redis.raw(), &["PTTL", bob]);
    assert!((RevocationMark::KEPT_MILLIS - 10_000..=RevocationMark::KEPT_MILLIS).contains(&kept));
}

/// A member whose session has gone is dropped by a list, but not at once; the mark is not.
#[tokio::test]
#[ignore = "needs Redis; scripts/test starts one"]
async fn a_list_drops_what_has_gone() {
    let redis = Redis::start(&[]).await;
    let store = RedisStore::connect(redis.url()).await.unwrap();
    store.end_all(subject("ada"), None).await.unwrap();
    let mark = store.revocation_mark(subject("ada")).await.unwrap();
    let (kept, gone) = (
        log_in(&store, NewLogin::new("ada")).await,
        log_in(&store, NewLogin::new("ada")).await,
    );
    assert!(gone.destroy(&store).await.unwrap());
    let mut raw = redis.raw();
    let key = index_key(&mut raw);
    // A login of a minute ago, and something that is no member.
    let at = Timestamp::now().as_millis() - 60_000;
    let mut old = at.to_be_bytes()[2..].to_vec();
    old.extend(Session::mint().name().rsplit(':').next().unwrap().bytes());
    let later = (at + 600_000).to_string();
    for member in [&old[..], b"something else"] {
        let words = [b"ZADD", key.as_bytes(), later.as_bytes(), member];
        let _: u64 = command(&mut raw, &words);
    }
    let size = |raw: &mut _| command::<u64>(raw, &["ZCARD", &key]);
    assert_eq!(size(&mut raw), 5);
    let page = store.list(subject("ada"), None, 10).await.unwrap();
    assert_eq!(page.sessions.len(), 1);
    assert_eq!(page.sessions[0].id, kept.key.id);
    assert_eq!(size(&mut raw), 4, "only the old one is dropped");
    assert_eq!(store.revocation_mark(subject("ada")).await.unwrap(), mark);

    // A login drops what has passed its deadline by more than a minute.
    let past = (Timestamp::now().as_millis() - 61_000).to_string();
    let words = [b"ZADD", key.as_bytes(), past.as_bytes(), &old];
    let _: u64 = command(&mut raw, &words);
    log_in(&store, NewLogin::new("ada")).await;
    assert_eq!(size(&mut raw), 5);
    assert_eq!(store.revocation_mark(subject("ada")).await.unwrap(), mark);
}

/// A session whose entry is gone, because somebody has removed the index, is filed again while it is used.
#[tokio::test]
#[ignore = "needs Redis; scripts/test starts one"]
async fn loads_fill_an_index_that_was_lost() {
    let redis = Redis::start(&[]).await;
    let store = RedisStore::connect(redis.url()).await.unwrap();
    let (used, unused) = (
        log_in(&store, NewLogin::new("ada")).await,
        log_in(&store, NewLogin::new("ada")).await,
    );
    let mut raw = redis.raw();
    let key = index_key(&mut raw);
    let read = |raw: &mut _| {
        let first: Vec<Vec<u8>> = command(raw, &["ZRANGE", &key, "0", "0", "WITHSCORES"]);
        String::from_utf8_lossy(&first[1]).parse::<f64>().unwrap()
    };
    let before = read(&mut raw);
    let _: u64 = command(&mut raw, &["DEL", &key]);
    assert_eq!(store.count_of(subject("ada")).await.unwrap(), 0);

    touch(&store, used).await;
    let page = store.list(subject("ada"), None, 10).await.unwrap();
    let listed: Vec<_> = page.sessions.iter().map(|listed| listed.id).collect();
    assert_eq!(listed, [used.key.id]);
    let kept: i64 = command(&mut raw, &["PTTL", &key]);
    assert!((1..=6_060_000).contains(&kept), "{kept}");
    assert!((read(&mut raw) - before).abs() < 1_000.0);
    touch(&store, unused).await;
    let ended = store.end_all(subject("ada"), None).await.unwrap();
    assert_eq!(ended.len(), 2);
    assert!(used.load(&store).await.unwrap().is_none());

    // Something else in its place is no reason to refuse a load.
    let session = log_in(&store, NewLogin::new("bob")).await;
    let _: u64 = command(&mut raw, &["DEL", &key]);
    let key = index_key(&mut raw);
    let _: u64 = command(&mut raw, &["DEL", &key]);
    let _: String = command(&mut raw, &["SET", &key, "text"]);
    touch(&store, session).await;
}

/// Loads a session so that its deadline is extended.
pub async fn touch(store: &RedisStore, session: Session) {
    use connect_session::store::{LoadRequest, Store as _};
    let before = session.load(store).await.unwrap().unwrap();
    let request = LoadRequest {
        touch_every: Some(Duration::from_nanos(1)),
        ..session.request()
    };
    super::tools::until("the deadline is extended", async || {
        let loaded: LoadOutcome<Untyped> = store.load(session.key, &request).await.unwrap();
        let record = loaded.found().unwrap();
        record.deadlines.idle_until > before.deadlines.idle_until
    })
    .await;
}

/// Something else under the key of an index: a login fails, and nothing is written.
#[tokio::test]
#[ignore = "needs Redis; scripts/test starts one"]
async fn a_login_whose_index_is_something_else_writes_nothing() {
    use connect_session::store::Store as _;
    let redis = Redis::start(&[]).await;
    let store = RedisStore::connect(redis.url()).await.unwrap();
    let mut raw = redis.raw();
    let session = log_in(&store, NewLogin::new("ada")).await;
    let key = index_key(&mut raw);
    let _: u64 = command(&mut raw, &["DEL", &key]);
    let _: String = command(&mut raw, &["SET", &key, "text"]);
    let record = session.load(&store).await.unwrap().unwrap();
    let anonymous = opened(&store, &json!({})).await;
    let before: Vec<u8> = command(&mut raw, &["GET", &anonymous.name()]);

    let login = with_login(change(&record), LoginChange::Set(NewLogin::new("ada")));
    let refused = anonymous.commit(&store, &login).await;
    assert!(
        matches!(refused, Err(StoreError::Undecodable { .. })),
        "{refused:?}"
    );
    assert_eq!(
        command::<Vec<u8>>(&mut raw, &["GET", &anonymous.name()]),
        before
    );
    let new = Session::mint();
    let record = NewRecord {
        login: Some(NewLogin::new("ada")),
        ..new.new_record(&json!({}))
    };
    let refused = store.insert(new.key, &record).await;
    assert!(
        matches!(refused, Err(StoreError::Undecodable { .. })),
        "{refused:?}"
    );
    assert!(new.load(&store).await.unwrap().is_none());
    let refused = store.end_all(subject("ada"), None).await;
    assert!(
        matches!(refused, Err(StoreError::Undecodable { .. })),
        "{refused:?}"
    );
}

/// A server whose memory is full still ends all sessions of a user, and logs one in that exists.
#[tokio::test]
#[ignore = "needs Redis; scripts/test starts one"]
async fn a_full_server_ends_and_logs_in() {
    let redis = Redis::start(&[]).await;
    let store = RedisStore::connect(redis.url()).await.unwrap();
    let (first, second) = (
        log_in(&store, NewLogin::new("ada")).await,
        opened(&store, &json!({})).await,
    );
    let record = second.load(&store).await.unwrap().unwrap();
    let _: String = command(&mut redis.raw(), &["CONFIG", "SET", "maxmemory", "1"]);
    let new = Session::mint();
    let with_login_record = NewRecord {
        login: Some(NewLogin::new("ada")),
        ..new.new_record(&json!({}))
    };
    let refused = connect_session::store::Store::insert(&store, new.key, &with_login_record).await;
    assert!(matches!(refused, Err(StoreError::Full)), "{refused:?}");
    let fence = Some(RevocationMark::default());
    let login = NewLogin {
        fence,
        ..NewLogin::new("bob")
    };
    let login = with_login(change(&record), LoginChange::Set(login));
    let applied = second.commit(&store, &login).await.unwrap();
    assert!(
        matches!(applied, CommitOutcome::Applied { .. }),
        "{applied:?}"
    );
    assert_eq!(store.count_of(subject("bob")).await.unwrap(), 1);
    for (name, session) in [("ada", first), ("bob", second)] {
        let ended = store.end_all(subject(name), None).await.unwrap();
        assert_eq!(ended, [session.key.id]);
        assert!(session.load(&store).await.unwrap().is_none());
    }
    let login = NewLogin {
        fence,
        ..NewLogin::new("nobody")
    };
    store.end_all(subject("nobody"), None).await.unwrap();
    let _: String = command(&mut redis.raw(), &["CONFIG", "SET", "maxmemory", "0"]);
    let (_, refused) = insert(&store, login).await;
    assert!(matches!(
        refused,
        InsertOutcome::Refused(LoginRefusal::Revoked)
    ));
}

/// The index of another login of the same session is left by each change of the login.
#[tokio::test]
#[ignore = "needs Redis; scripts/test starts one"]
async fn logins_again_and_a_reset_leave_no_members() {
    let redis = Redis::start(&[]).await;
    let store = RedisStore::connect(redis.url()).await.unwrap();
    let mut session = log_in(&store, NewLogin::new("ada")).await;
    let key = index_key(&mut redis.raw());
    let logins = ["ada", "ada", "bob", "ada"].map(|name| LoginChange::Set(NewLogin::new(name)));
    for login in logins.into_iter().chain([LoginChange::Clear]) {
        let record = session.load(&store).await.unwrap().unwrap();
        let change = with_login(change(&record), login);
        session.commit(&store, &change).await.unwrap();
        session.secret = change.identity.unwrap().secret;
        let size: u64 = command(&mut redis.raw(), &["ZCARD", &key]);
        assert!(size <= 1, "{size}");
    }
    assert_eq!(
        command::<u64>(&mut redis.raw(), &["DBSIZE"]),
        1,
        "the session"
    );
}

/// A tombstone is removed by the server itself, at the deadline of its session, also if its memory is full when the
/// session ends.
#[tokio::test]
#[ignore = "needs Redis; scripts/test starts one"]
async fn a_tombstone_takes_little_room_and_expires() {
    use connect_session::store::Store as _;
    let redis = Redis::start(&[]).await;
    let store = RedisStore::connect(redis.url()).await.unwrap();
    let mut raw = redis.raw();
    let limit = || limited("ada", 1, OnMaxSessions::EndOldest);
    let first = log_in(&store, limit()).await;
    let anonymous = opened(&store, &json!({})).await;
    let record = anonymous.load(&store).await.unwrap().unwrap();
    let _: String = command(&mut raw, &["CONFIG", "SET", "maxmemory", "1"]);
    let login = with_login(change(&record), LoginChange::Set(limit()));
    let committed = anonymous.commit(&store, &login).await.unwrap();
    assert!(
        matches!(&committed, CommitOutcome::Applied { ended, .. } if *ended == [first.key.id]),
        "{committed:?}"
    );
    let loaded = store.load(first.key, &first.request()).await.unwrap();
    let loaded: LoadOutcome<Untyped> = loaded;
    assert!(matches!(loaded, LoadOutcome::Replaced), "{loaded:?}");
    let left: i64 = command(&mut raw, &["PTTL", &first.name()]);
    assert!((1..=6_000_000).contains(&left), "{left}");
    let bytes: i64 = command(&mut raw, &["MEMORY", "USAGE", &first.name()]);
    assert!(bytes <= 200, "{bytes}");
    assert_eq!(store.end_all(subject("ada"), None).await.unwrap().len(), 1);
}
