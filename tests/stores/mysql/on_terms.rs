//! Logins with a fence or a limit: a statement that sets variables, and a script that uses them.

use std::num::NonZeroU32;

use connect_session::OnMaxSessions;
use connect_session::store::{
    Change, CommitOutcome, InsertOutcome, Key, LoginChange, LoginRefusal, Record, SecretHash,
    SessionLimit, SubjectIndex, SubjectKey,
};
use serde_json::Value;
use sqlx::mysql::MySqlPool;

use super::*;
use crate::fixture::{Opened, mint, new_record};
use crate::redis::tools::until;
use crate::sql_proxy::Network;

const NEW_SECRET: [u8; 32] = [0xa9; 32];

/// A login with both terms.
fn limited(subject: &str, max: u32, when_reached: OnMaxSessions) -> NewLogin {
    let max = NonZeroU32::new(max).unwrap();
    NewLogin {
        fence: Some(RevocationMark::default()),
        limit: Some(SessionLimit { max, when_reached }),
        ..NewLogin::new(subject)
    }
}

fn ends_oldest(subject: &str, max: u32) -> NewLogin {
    limited(subject, max, OnMaxSessions::EndOldest)
}

/// A new session of the same config.
fn another(opened: Opened) -> Opened {
    let new = mint();
    let key = Key {
        id: new.key.id,
        ..opened.key
    };
    Opened { key, ..new }
}

fn record(opened: Opened, login: Option<NewLogin>) -> NewRecord<Untyped> {
    NewRecord {
        login,
        ..new_record(opened.secret, &json!({}))
    }
}

async fn insert(store: &MySqlStore, opened: Opened, login: NewLogin) -> InsertOutcome<Untyped> {
    let record = record(opened, Some(login));
    store.insert(opened.key, &record).await.unwrap()
}

/// The login of a session that exists, with new data.
fn change(before: &Record<Untyped>, login: NewLogin, data: &Value) -> Change<Untyped> {
    let mut change = fixture::login(before, SecretHash::from_bytes(NEW_SECRET), "");
    change.data = set(before, data).data;
    change.identity.as_mut().unwrap().login = LoginChange::Set(login);
    change
}

fn index(store: &MySqlStore) -> &dyn SubjectIndex {
    Store::<Untyped>::as_subject_index(store).unwrap()
}

/// A store that uses a pool of one connection, which begins with these statements.
async fn on_one_connection(table: &str, first: &'static str) -> (MySqlStore, MySqlPool) {
    let pool = MySqlPoolOptions::new()
        .max_connections(1)
        .after_connect(move |connection, _| {
            Box::pin(async move {
                let script = sqlx::raw_sql(first).execute(connection);
                script.await.map(drop)
            })
        });
    let pool = pool.connect_with(options()).await.unwrap();
    let store = MySqlStore::from_pool(pool.clone()).sweep_every(None);
    (store.table(table).unwrap(), pool)
}

/// Neither what belongs to a user nor a hash of a secret is in a text, which drivers and servers log.
#[tokio::test]
#[ignore = "needs MySQL or MariaDB; scripts/test starts one"]
async fn no_value_of_a_user_is_in_a_text() {
    let (store, _table, proxy) = behind_a_proxy(Duration::from_secs(30)).await;
    let first = mint();
    let secret = [0xc7; 32];
    let created = NewRecord {
        label: Some("label-of-ada".into()),
        ..new_record(SecretHash::from_bytes(secret), &json!({"a": "data-of-ada"}))
    };
    let created = NewRecord {
        login: Some(ends_oldest("subject-ada", 1)),
        ..created
    };
    let inserted = store.insert(first.key, &created).await.unwrap();
    assert!(matches!(inserted, InsertOutcome::Done { .. }));
    let second = another(first);
    fixture::open_as(&store.store, second, &record(second, None)).await;
    let before = load(&store.store, second).await;
    let login = ends_oldest("subject-ada", 1);
    let change = Change {
        label: Some("label-of-ada".into()),
        ..change(&before, login, &json!({"a": "data-of-ada"}))
    };
    let committed = store.commit(second.key, &change).await.unwrap();
    assert!(matches!(committed, CommitOutcome::Applied { ended, .. } if ended.len() == 1));
    let texts = proxy.take_texts();
    let is_script = |text: &&Vec<u8>| text.starts_with(b"START TRANSACTION");
    assert_eq!(texts.iter().filter(is_script).count(), 2);
    for value in ["subject-ada", "label-of-ada", "data-of-ada"] {
        not_in(&texts, value.as_bytes());
    }
    not_in(&texts, &secret);
    not_in(&texts, &NEW_SECRET);
}

/// Looks for bytes, also in hexadecimal.
fn not_in(texts: &[Vec<u8>], bytes: &[u8]) {
    let digits = bytes.iter().map(|byte| format!("{byte:02x}"));
    let lower = digits.collect::<Vec<_>>().concat();
    let upper = lower.to_uppercase();
    for text in texts {
        for form in [bytes, lower.as_bytes(), upper.as_bytes()] {
            let is_there = text.windows(form.len()).any(|part| part == form);
            assert!(!is_there, "{lower} in {}", String::from_utf8_lossy(text));
        }
    }
}

/// Whatever the mode and the character set of the connection are.
#[tokio::test]
#[ignore = "needs MySQL or MariaDB; scripts/test starts one"]
async fn any_values_are_kept() {
    let (owner, table) = store().await;
    let subject = "O'Brien \"a\" `b` \\' \\\\ ? -- /* ü 🦊 \0 ; COMMIT";
    let long = "ü?'\\".repeat(1 << 18);
    for first in [
        "SELECT 1",
        "SET sql_mode = 'ANSI_QUOTES,NO_BACKSLASH_ESCAPES,HIGH_NOT_PRECEDENCE,PIPES_AS_CONCAT'",
        "SET sql_mode = ''",
        "SET NAMES utf8mb4 COLLATE utf8mb4_general_ci",
        "SET SESSION TRANSACTION ISOLATION LEVEL SERIALIZABLE",
        "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED",
    ] {
        let (store, _pool) = on_one_connection(&table, first).await;
        let created = mint();
        for data in [json!({"a": subject, subject: 1}), json!({"a": long})] {
            let of_created = NewRecord {
                login: Some(ends_oldest(subject, 2)),
                label: Some(subject.into()),
                ..new_record(created.secret, &data)
            };
            let opened = another(created);
            fixture::open_as(
                &store,
                Opened {
                    secret: created.secret,
                    ..opened
                },
                &of_created,
            )
            .await;
            let changed = another(created);
            fixture::open_as(&store, changed, &record(changed, None)).await;
            let before = load(&store, changed).await;
            let change = Change {
                label: Some(subject.into()),
                ..change(&before, ends_oldest(subject, 2), &data)
            };
            let committed = store.commit(changed.key, &change).await.unwrap();
            assert!(
                matches!(committed, CommitOutcome::Applied { .. }),
                "{first}"
            );
            let listed = index(&owner.store)
                .list(SubjectKey::new(created.key.namespace, subject), None, 10)
                .await
                .unwrap();
            for (opened, secret) in [
                (opened, created.secret),
                (changed, SecretHash::from_bytes(NEW_SECRET)),
            ] {
                let read = load(&owner.store, Opened { secret, ..opened }).await;
                assert_eq!(fixture::json(&read), data, "{first}");
                assert_eq!(read.subject(), Some(subject), "{first}");
                let mut sessions = listed.sessions.iter();
                let listed = sessions.find(|listed| listed.id == opened.key.id).unwrap();
                assert_eq!(listed.label.as_deref(), Some(subject), "{first}");
            }
        }
        // Two of each loop.
        let subject = SubjectKey::new(created.key.namespace, subject);
        assert_eq!(index(&owner.store).count_of(subject).await.unwrap(), 2);
    }
}

/// The names of all variables of a login, and of one more.
fn variables() -> Vec<String> {
    let own = ["commit_id", "verdict", "last_at", "last_id", "version"];
    let own = own.map(str::to_owned).into_iter();
    own.chain((1..10).map(|number| number.to_string()))
        .map(|name| format!("@connect_session_{name}"))
        .collect()
}

/// Whatever the outcome of a login is, its values do not stay in the memory of the connection, and no transaction stays
/// open.
#[tokio::test]
#[ignore = "needs MySQL or MariaDB; scripts/test starts one"]
async fn nothing_stays_on_a_connection() {
    let (owner, table) = store().await;
    let (store, pool) = on_one_connection(&table, "SELECT 1").await;
    let are_null = variables().join(" IS NULL AND ") + " IS NULL";
    // The row of the subject could not be locked by another connection if a transaction were open.
    let is_clean = format!("SELECT CAST({are_null} AS CHAR)");
    let clean = async |case: &str| {
        let query = sqlx::query_scalar::<_, String>(AssertSqlSafe(is_clean.clone()));
        assert_eq!(query.fetch_one(&pool).await.unwrap(), "1", "{case}");
        run(format!(
            "SET innodb_lock_wait_timeout = 1; UPDATE {table}_subjects SET mark = mark"
        ))
        .await;
    };
    let first = mint();
    let subject = SubjectKey::new(first.key.namespace, "ada");
    let done = insert(&store, first, ends_oldest("ada", 1)).await;
    assert!(matches!(done, InsertOutcome::Done { .. }));
    clean("a creation").await;

    let in_use = insert(&store, first, ends_oldest("ada", 1)).await;
    assert!(matches!(in_use, InsertOutcome::Exists));
    clean("an id in use").await;
    assert_eq!(index(&store).count_of(subject).await.unwrap(), 1);

    let second = another(first);
    let refusing = limited("ada", 1, OnMaxSessions::Refuse);
    let refused = insert(&store, second, refusing).await;
    assert!(matches!(
        refused,
        InsertOutcome::Refused(LoginRefusal::TooManySessions)
    ));
    clean("too many sessions").await;

    fixture::open_as(&store, second, &record(second, None)).await;
    let before = load(&store, second).await;
    let login = change(&before, ends_oldest("ada", 1), &json!({"a": 1}));
    fixture::update(&store, second, |data| data["b"] = json!(2)).await;
    let conflict = store.commit(second.key, &login).await.unwrap();
    assert!(matches!(conflict, CommitOutcome::Conflict(_)));
    clean("a conflict").await;
    assert_eq!(
        index(&store).count_of(subject).await.unwrap(),
        1,
        "nothing ended"
    );

    let before = load(&store, second).await;
    let login = change(&before, ends_oldest("ada", 1), &json!({"a": 1}));
    let applied = store.commit(second.key, &login).await.unwrap();
    let CommitOutcome::Applied { ended, .. } = applied else {
        panic!("{applied:?}");
    };
    assert_eq!(ended, [first.key.id]);
    clean("a login that ends another").await;
    let again = store.commit(second.key, &login).await.unwrap();
    assert!(
        matches!(&again, CommitOutcome::Applied { ended, .. } if ended.is_empty()),
        "it was applied before: {again:?}"
    );
    clean("a login that was applied before").await;

    index(&owner.store).end_all(subject, None).await.unwrap();
    let revoked = insert(&store, another(first), ends_oldest("ada", 1)).await;
    assert!(matches!(
        revoked,
        InsertOutcome::Refused(LoginRefusal::Revoked)
    ));
    clean("a fence").await;

    // A label is longer than its column.
    let long = NewRecord {
        login: Some(ends_oldest("bob", 1)),
        label: Some("x".repeat(1 << 17).into()),
        ..new_record(first.secret, &json!({}))
    };
    let failed = store.insert(another(first).key, &long).await.unwrap_err();
    assert!(matches!(failed, StoreError::Unstorable(_)), "{failed:?}");
    clean("an error").await;
}

/// A login that the server rolls back, because another transaction needs what it has locked, is done again.
#[tokio::test]
#[ignore = "needs MySQL or MariaDB; scripts/test starts one"]
async fn a_login_in_a_deadlock_is_repeated() {
    let (store, table) = store().await;
    let first = mint();
    let subject = SubjectKey::new(first.key.namespace, "ada");
    let done = insert(&store.store, first, ends_oldest("ada", 1)).await;
    assert!(matches!(done, InsertOutcome::Done { .. }));
    // The server rolls the smaller transaction back.
    let mut other = MySqlConnection::connect(&url()).await.unwrap();
    let rows = (0..100).map(|number| format!("('{number:032}', 0, 0)"));
    let rows = rows.collect::<Vec<_>>().join(", ");
    let script =
        format!("BEGIN; INSERT INTO {table}_subjects VALUES {rows}; UPDATE {table} SET due = due");
    sqlx::raw_sql(AssertSqlSafe(script))
        .execute(&mut other)
        .await
        .unwrap();
    let login = tokio::spawn({
        let second = another(first);
        let patient = store.store.clone();
        let patient = patient.statement_timeout(Duration::from_secs(60));
        async move { insert(&patient, second, ends_oldest("ada", 1)).await }
    });
    let waiting = format!(
        "SELECT CAST(COUNT(*) AS CHAR) FROM information_schema.innodb_trx
            WHERE trx_state = 'LOCK WAIT' AND trx_query LIKE '%{table}%'"
    );
    until("the login waits", || async {
        // The server shows the same again to who asks within a tenth of a second.
        tokio::time::sleep(Duration::from_millis(200)).await;
        query_text(waiting.clone()).await == "1"
    })
    .await;
    let lock = format!("UPDATE {table}_subjects SET mark = mark + 1 - 1; COMMIT");
    sqlx::raw_sql(AssertSqlSafe(lock))
        .execute(&mut other)
        .await
        .unwrap();
    let InsertOutcome::Done { ended, .. } = login.await.unwrap() else {
        panic!("the login was not done");
    };
    assert_eq!(ended, [first.key.id]);
    assert_eq!(index(&store.store).count_of(subject).await.unwrap(), 1);
}

/// A proxy that lends the connections to the server could send the script on another one than the variables. Nothing is
/// written then.
#[tokio::test]
#[ignore = "needs MySQL or MariaDB; scripts/test starts one"]
async fn lost_variables_are_noticed() {
    let (store, table, proxy) = behind_a_proxy(Duration::from_secs(30)).await;
    let first = mint();
    let login = || ends_oldest("ada", 1);
    let done = insert(&store.store, first, login()).await;
    assert!(matches!(done, InsertOutcome::Done { .. }));
    proxy.set(Network::LosesExecutions);
    let second = another(first);
    let record = record(second, Some(login()));
    let failed = store.insert(second.key, &record).await.unwrap_err();
    assert!(matches!(failed, StoreError::Unavailable(_)), "{failed:?}");
    let text = error_chain(&failed);
    assert!(text.contains("the variables of a login"), "{text}");
    proxy.set(Network::Works);
    assert_eq!(rows(&table).await, 1);
    load(&store.store, first).await;
    let done = store.insert(second.key, &record).await.unwrap();
    assert!(matches!(done, InsertOutcome::Done { ended, .. } if ended == [first.key.id]));
}
