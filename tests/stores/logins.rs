//! Logins on SQL stores, and many at once in memory, too.

mod at_once;

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::{Duration, Instant};

use connect_session::store::{
    AnyStore, CommitOutcome, InsertOutcome, Key, LoginChange, MemoryStore, MySqlStore, NewLogin,
    NewRecord, PostgresStore, RevocationMark, SecretHash, SessionLimit, SqliteStore, Store,
    SubjectIndex, SubjectKey,
};
use connect_session::{OnMaxSessions, Untyped};
use serde_json::json;
use tokio::task::JoinSet;

pub use self::at_once::{a_limit_holds, no_login_survives_an_end_of_all};
use crate::fixture::{self, Opened, mint, new_record};
use crate::servers;

/// A store on a table, or in a file.
pub async fn connect(kind: &str, place: &str) -> AnyStore<Untyped> {
    match kind {
        "postgres" => {
            let store = PostgresStore::connect(&servers::url("TEST_POSTGRES_URL"));
            let store = store.connections(16).await.unwrap().table(place).unwrap();
            AnyStore::new(store.sweep_every(None).migrate().await.unwrap())
        }
        "mysql" => {
            let store = MySqlStore::connect(&servers::url("TEST_MYSQL_URL"));
            let store = store.connections(16).await.unwrap().table(place).unwrap();
            AnyStore::new(store.sweep_every(None).migrate().await.unwrap())
        }
        "sqlite" => AnyStore::new(SqliteStore::open(place).await.unwrap().sweep_every(None)),
        "memory" => AnyStore::new(MemoryStore::new()),
        other => panic!("no such store: {other}"),
    }
}

fn index(store: &AnyStore<Untyped>) -> &dyn SubjectIndex {
    store.as_subject_index().unwrap()
}

/// Ten thousand sessions of one user are listed in parts, and ended at once.
pub async fn ten_thousand_sessions(kind: &str, place: &str) {
    const SESSIONS: usize = 10_000;
    let namespace: &'static str = servers::unique("many").leak();
    let store = Arc::new(connect(kind, place).await);
    let fill = async |sessions: usize| {
        let mut tasks = JoinSet::new();
        for _ in 0..16 {
            let store = store.clone();
            tasks.spawn(async move {
                for _ in 0..sessions / 16 {
                    let opened = mint();
                    let key = Key {
                        namespace,
                        id: opened.key.id,
                    };
                    let record = NewRecord {
                        login: Some(NewLogin::new("ada")),
                        ..new_record(opened.secret, &json!({}))
                    };
                    store.insert(key, &record).await.unwrap();
                }
            });
        }
        tasks.join_all().await;
    };
    fill(SESSIONS).await;
    let subject = SubjectKey::new(namespace, "ada");
    let (mut after, mut seen) = (None, 0);
    loop {
        let started = Instant::now();
        let page = index(&store).list(subject, after, 100).await.unwrap();
        if after.is_none() {
            println!("{kind}: a list of 100 took {:?}", started.elapsed());
        }
        assert!(page.sessions.len() <= 100);
        seen += page.sessions.len();
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(seen, SESSIONS);
    for sessions in [SESSIONS, 992] {
        if sessions < SESSIONS {
            fill(sessions).await;
        }
        let started = Instant::now();
        let ended = index(&store).end_all(subject, None).await.unwrap();
        println!("{kind}: the end of {sessions} took {:?}", started.elapsed());
        assert_eq!(ended.len(), sessions);
        assert_eq!(store.count(namespace).await.unwrap(), 0);
    }
}

/// The number of round trips of each operation on a connection that has prepared its statements.
/// `take_counts` returns the messages since its last call.
pub async fn round_trips<S: Store<Untyped>>(
    store: &S,
    take_counts: impl Fn() -> BTreeMap<char, u64>,
) -> Vec<(&'static str, u64)> {
    let namespace: &'static str = servers::unique("trips").leak();
    let subject = SubjectKey::new(namespace, "ada");
    let index = store.as_subject_index().unwrap();
    let limit = NonZeroU32::new(2).map(|max| SessionLimit {
        max,
        when_reached: OnMaxSessions::EndOldest,
    });
    let mut counted = Vec::new();
    for _ in 0..2 {
        counted.clear();
        let mut count = |operation| {
            let counts = take_counts();
            let of = |kind| counts.get(&kind).copied().unwrap_or(0);
            counted.push((operation, of('E') + of('Q'), of('P')));
        };
        let insert = async |login: Option<NewLogin>| {
            let opened = mint();
            let key = Key {
                namespace,
                id: opened.key.id,
            };
            let record = NewRecord {
                login,
                ..new_record(opened.secret, &json!({}))
            };
            let inserted = store.insert(key, &record).await.unwrap();
            assert!(matches!(inserted, InsertOutcome::Done { .. }));
            Opened { key, ..opened }
        };
        let log_in = async |login: NewLogin, count: &mut dyn FnMut(&'static str), name| {
            let opened = insert(None).await;
            let record = fixture::load(store, opened).await;
            let mut change = fixture::login(&record, SecretHash::from_bytes([9; 32]), "");
            change.identity.as_mut().unwrap().login = LoginChange::Set(login);
            take_counts();
            let committed = store.commit(opened.key, &change).await.unwrap();
            assert!(matches!(committed, CommitOutcome::Applied { .. }));
            count(name);
        };
        take_counts();
        insert(Some(NewLogin::new("ada"))).await;
        count("create with a login");
        log_in(NewLogin::new("ada"), &mut count, "login").await;
        let fence = Some(index.revocation_mark(subject).await.unwrap());
        take_counts();
        let fenced = NewLogin {
            fence,
            ..NewLogin::new("ada")
        };
        log_in(fenced, &mut count, "login with a fence").await;
        let limited = NewLogin {
            limit,
            ..NewLogin::new("ada")
        };
        log_in(limited.clone(), &mut count, "login that ends another").await;
        let fence = Some(index.revocation_mark(subject).await.unwrap());
        let both = NewLogin { fence, ..limited };
        log_in(both.clone(), &mut count, "login with both").await;
        insert(Some(both)).await;
        count("create with both");
        let unused = mint();
        let record = NewRecord {
            first_use_timeout: Some(Duration::from_secs(60)),
            ..new_record(unused.secret, &json!({}))
        };
        fixture::open_as(store, unused, &record).await;
        take_counts();
        for name in ["first use", "second use"] {
            fixture::load(store, unused).await;
            count(name);
        }
        index.list(subject, None, 100).await.unwrap();
        count("list");
        assert_eq!(index.count_of(subject).await.unwrap(), 2);
        count("count");
        index.end(subject, mint().key.id).await.unwrap();
        count("end");
        assert_eq!(index.end_all(subject, None).await.unwrap().len(), 2);
        count("end of all");
    }
    for (operation, _, prepared) in &counted {
        assert_eq!(*prepared, 0, "{operation}");
    }
    (counted.into_iter())
        .map(|(operation, trips, _)| (operation, trips))
        .collect()
}

/// What [`round_trips`] returns for a store on a server. With MySQL, a login on terms takes one
/// round trip more, for its arguments.
pub fn expected_round_trips(of_a_login_on_terms: u64) -> Vec<(&'static str, u64)> {
    vec![
        ("create with a login", 1),
        ("login", 1),
        ("login with a fence", of_a_login_on_terms),
        ("login that ends another", of_a_login_on_terms),
        ("login with both", of_a_login_on_terms),
        ("create with both", of_a_login_on_terms),
        ("first use", 2),
        ("second use", 1),
        ("list", 1),
        ("count", 1),
        ("end", 1),
        ("end of all", 1),
    ]
}

/// A login that was stored without its times and its level is read with sensible ones. `forget` removes
/// them from every row.
pub async fn a_login_without_its_parts_is_read<S: Store<Untyped>>(
    store: &S,
    forget: impl AsyncFnOnce(),
) {
    let opened = mint();
    let record = NewRecord {
        login: Some(NewLogin::new("ada")),
        ..new_record(opened.secret, &json!({}))
    };
    fixture::open_as(store, opened, &record).await;
    forget().await;
    let record = fixture::load(store, opened).await;
    let login = record.login.unwrap();
    let created_at = record.deadlines.created_at;
    assert_eq!((&*login.subject, login.level), ("ada", 1));
    assert_eq!(login.logged_in_at, created_at);
    assert_eq!(login.authenticated_at, created_at);
}

/// A sweep removes the row of a subject some minutes after it was a lock, and later if it has a mark. `rows` is the
/// number of subjects, and `age` lets so many minutes of each pass.
pub async fn a_sweep_removes_subjects<S: Store<Untyped>>(
    store: &S,
    rows: impl AsyncFn() -> u64,
    age: impl AsyncFn(u64),
) {
    let first = mint();
    let namespace = first.key.namespace;
    let subject = SubjectKey::new(namespace, "ada");
    let index = store.as_subject_index().unwrap();
    let mark = async || index.revocation_mark(subject).await.unwrap();
    let log_in = async |id| {
        let record = NewRecord {
            login: Some(NewLogin {
                fence: Some(mark().await),
                ..NewLogin::new("ada")
            }),
            ..new_record(first.secret, &json!({}))
        };
        let opened = Opened {
            key: Key { namespace, id },
            ..first
        };
        fixture::open_as(store, opened, &record).await;
    };
    let left_after = async |minutes| {
        age(minutes).await;
        store.sweep(10).await.unwrap();
        rows().await
    };
    log_in(first.key.id).await;
    assert_eq!(left_after(4).await, 1);
    log_in(mint().key.id).await;
    assert_eq!(left_after(4).await, 1, "the second login needs it, too");
    assert_eq!(left_after(2).await, 0);
    index.end_all(subject, None).await.unwrap();
    log_in(mint().key.id).await;
    assert_eq!(left_after(25).await, 1, "a login does not shorten the time");
    assert_eq!(left_after(6).await, 0);
    assert_eq!(mark().await, RevocationMark::default());
}

mod memory {
    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn no_login_survives_an_end_of_all() {
        super::no_login_survives_an_end_of_all("memory", "").await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn a_limit_holds() {
        super::a_limit_holds("memory", "").await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn ten_thousand_sessions() {
        super::ten_thousand_sessions("memory", "").await;
    }
}

/// The tests of logins on a server. They use the helpers of the module around them.
macro_rules! tests {
    (#[$ignore:meta], $kind:literal, $trips:literal, $drop_index:literal) => {
        mod logins {
            use super::*;
            use crate::logins;

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            #[$ignore]
            async fn no_login_survives_an_end_of_all() {
                let (_store, table) = store().await;
                logins::no_login_survives_an_end_of_all($kind, &table).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            #[$ignore]
            async fn a_limit_holds_in_two_processes() {
                let (_store, table) = store().await;
                logins::a_limit_holds($kind, &table).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            #[$ignore]
            async fn ten_thousand_sessions() {
                let (_store, table) = store().await;
                logins::ten_thousand_sessions($kind, &table).await;
            }

            #[tokio::test]
            #[$ignore]
            async fn a_login_without_its_parts_is_read() {
                let (store, table) = store().await;
                let parts = "login_at = NULL, authenticated_at = NULL, level = NULL";
                let forget = format!("UPDATE {table} SET {parts}");
                logins::a_login_without_its_parts_is_read(&*store, async || run(forget).await)
                    .await;
            }

            #[tokio::test]
            #[$ignore]
            async fn a_sweep_removes_subjects() {
                let (store, table) = store().await;
                let subjects = format!("{table}_subjects");
                let age = async |minutes| {
                    let past = minutes * 60_000;
                    run(format!(
                        "UPDATE {subjects} SET kept_until = kept_until - {past}"
                    ))
                    .await;
                };
                let rows = async || rows(&subjects).await;
                logins::a_sweep_removes_subjects(&*store, rows, age).await;
            }

            #[tokio::test]
            #[$ignore]
            async fn round_trips() {
                let (store, _table, proxy) = behind_a_proxy(Duration::from_secs(30)).await;
                let counted = logins::round_trips(&store, || proxy.take_counts()).await;
                assert_eq!(counted, logins::expected_round_trips($trips));
            }

            /// What an earlier version of the table lacks is reported, with the fix.
            #[tokio::test]
            #[$ignore]
            async fn a_table_without_subjects_is_reported() {
                let (store, table) = store().await;
                let ready = async || Store::<Untyped>::check_ready(&*store).await;
                let error = async || error_chain(&ready().await.unwrap_err());
                run(format!("DROP TABLE {table}_subjects")).await;
                assert!(error().await.contains("call `.migrate().await?`"));
                store.store.clone().migrate().await.unwrap();
                ready().await.unwrap();
                run(format!($drop_index, table)).await;
                let text = error().await;
                let (_, fix) = text.split_once("run `").unwrap();
                run(fix.split('`').next().unwrap().to_owned()).await;
                ready().await.unwrap();
            }
        }
    };
}

pub(crate) use tests;
