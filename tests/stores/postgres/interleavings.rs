//! Logins with a fence and a limit while another transaction changes what they depend on.

use std::fmt::Write as _;
use std::num::NonZeroU32;

use connect_session::store::{
    CommitOutcome, InsertOutcome, Key, LoginChange, LoginRefusal, NewRecord, RevocationMark,
    SessionLimit, SubjectKey,
};
use connect_session::{OnMaxSessions, SessionId};

use super::*;
use crate::fixture::{Opened, mint, new_record};
use crate::redis::tools::until;

/// A store whose sessions belong to ada, who may have two, or to bob.
pub(super) struct Stage {
    pub(super) store: Arc<TempStore<PostgresStore>>,
    pub(super) table: String,
    pub(super) namespace: &'static str,
}

/// What a login did.
#[derive(Debug, PartialEq)]
pub(super) enum Login {
    Done { ended: Vec<SessionId> },
    Refused(LoginRefusal),
}

/// A login of ada, who may have two sessions if there is a limit.
pub(super) fn login(limit: Option<OnMaxSessions>) -> NewLogin {
    let max = NonZeroU32::new(2).unwrap();
    NewLogin {
        fence: Some(RevocationMark::default()),
        limit: limit.map(|when_reached| SessionLimit { max, when_reached }),
        ..NewLogin::new("ada")
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

impl Stage {
    pub(super) async fn new() -> Arc<Self> {
        let (store, table) = store().await;
        let namespace = mint().key.namespace;
        Arc::new(Self {
            store,
            table,
            namespace,
        })
    }

    /// The key of a user, as SQL.
    pub(super) fn subject_key(&self, name: &str) -> String {
        let subject = SubjectKey::new(self.namespace, name);
        format!("decode('{}', 'hex')", hex(&subject.hash))
    }

    /// What each login and each end of all of ada's sessions writes.
    fn write_ada(&self, mark: u64) -> String {
        format!(
            "INSERT INTO {}_subjects VALUES ({}, {mark}, 9000000000000)
                ON CONFLICT (subject_key) DO UPDATE SET mark = {mark}",
            self.table,
            self.subject_key("ada")
        )
    }

    /// Makes all sessions of one user those of another.
    fn give(&self, from: &str, to: &str) -> String {
        format!(
            "UPDATE {} SET subject = '{to}', subject_key = {} WHERE subject_key = {}",
            self.table,
            self.subject_key(to),
            self.subject_key(from)
        )
    }

    fn mint(&self) -> Opened {
        let opened = mint();
        let key = Key {
            namespace: self.namespace,
            id: opened.key.id,
        };
        Opened { key, ..opened }
    }

    pub(super) async fn open(&self, name: Option<&str>) -> Opened {
        let opened = self.mint();
        let record = NewRecord {
            login: name.map(NewLogin::new),
            ..new_record(opened.secret, &json!({}))
        };
        fixture::open_as(&*self.store, opened, &record).await;
        opened
    }

    /// The sessions of ada, the last login first.
    pub(super) async fn of_ada(&self) -> Vec<SessionId> {
        let index = Store::<Untyped>::as_subject_index(&*self.store).unwrap();
        let subject = SubjectKey::new(self.namespace, "ada");
        let page = index.list(subject, None, 100).await.unwrap();
        page.sessions.iter().map(|listed| listed.id).collect()
    }

    /// Logs ada in, in a new session or in one that is anonymous.
    pub(super) async fn log_in(&self, limit: Option<OnMaxSessions>, is_new: bool) -> Login {
        let login = login(limit);
        if is_new {
            let opened = self.mint();
            let record = NewRecord {
                login: Some(login),
                ..new_record(opened.secret, &json!({}))
            };
            return match self.store.insert(opened.key, &record).await.unwrap() {
                InsertOutcome::Done { ended, .. } => Login::Done { ended },
                InsertOutcome::Refused(refusal) => Login::Refused(refusal),
                InsertOutcome::Exists => panic!("the id is new"),
            };
        }
        self.log_in_to(self.open(None).await, login).await
    }

    /// Logs a session in that exists.
    pub(super) async fn log_in_to(&self, opened: Opened, login: NewLogin) -> Login {
        let record = load(&*self.store, opened).await;
        let mut change = fixture::login(&record, SecretHash::from_bytes([9; 32]), "");
        change.identity.as_mut().unwrap().login = LoginChange::Set(login);
        match self.store.commit(opened.key, &change).await.unwrap() {
            CommitOutcome::Applied { ended, .. } => Login::Done { ended },
            CommitOutcome::Refused(refusal) => Login::Refused(refusal),
            CommitOutcome::Ended | CommitOutcome::Conflict(_) => panic!("nobody else changes it"),
        }
    }

    /// Logs ada in while another transaction has run `before`. Once the login waits for it, the transaction runs
    /// `then` and ends.
    async fn log_in_during(
        self: &Arc<Self>,
        transaction: (&str, &str),
        limit: Option<OnMaxSessions>,
        is_new: bool,
    ) -> Login {
        let mut logins = self.log_in_all_during(transaction, limit, &[is_new]).await;
        logins.remove(0)
    }

    /// Does the same with several logins at once.
    async fn log_in_all_during(
        self: &Arc<Self>,
        (before, then): (&str, &str),
        limit: Option<OnMaxSessions>,
        are_new: &[bool],
    ) -> Vec<Login> {
        let mut other = PgConnection::connect(&url()).await.unwrap();
        let run = |script: String| sqlx::raw_sql(AssertSqlSafe(script));
        let begin = run(format!("BEGIN; {before}"));
        begin.execute(&mut other).await.unwrap();
        let waiting = format!(
            "SELECT count(*)::text FROM pg_stat_activity
            WHERE wait_event_type = 'Lock' AND query LIKE '%{}%'",
            self.table
        );
        let mut logins = JoinSet::new();
        for &is_new in are_new {
            let stage = self.clone();
            logins.spawn(async move { stage.log_in(limit, is_new).await });
        }
        let all = are_new.len().to_string();
        let are_waiting = || async { query_text(waiting.clone()).await == all };
        until("the logins wait", are_waiting).await;
        run(then.to_owned()).execute(&mut other).await.unwrap();
        logins.join_all().await
    }
}

pub(super) const END: Option<OnMaxSessions> = Some(OnMaxSessions::EndOldest);
const REFUSE: Option<OnMaxSessions> = Some(OnMaxSessions::Refuse);

/// A login that waited for another login of its user counts the session of that one, also if the user is a new one.
#[tokio::test]
#[ignore = "needs PostgreSQL; scripts/test starts one"]
async fn a_login_counts_those_that_it_waited_for() {
    for limit in [END, REFUSE] {
        for (is_new, is_known) in [(true, true), (true, false), (false, true), (false, false)] {
            let stage = Stage::new().await;
            if is_known {
                run(stage.write_ada(0)).await;
            }
            let [first, second] = [stage.open(Some("ada")).await, stage.open(Some("bob")).await];
            let login = format!("{}; COMMIT", stage.give("bob", "ada"));
            let login = (&*stage.write_ada(0), &*login);
            let done = stage.log_in_during(login, limit, is_new).await;
            let expected = if limit == END {
                let ended = vec![first.key.id];
                Login::Done { ended }
            } else {
                Login::Refused(LoginRefusal::TooManySessions)
            };
            assert_eq!(done, expected, "new: {is_new}, known: {is_known}");
            let alive = stage.of_ada().await;
            assert_eq!((alive.len(), alive.contains(&second.key.id)), (2, true));
        }
    }
}

/// A login that waited for one that failed counts without it.
#[tokio::test]
#[ignore = "needs PostgreSQL; scripts/test starts one"]
async fn a_login_does_not_count_one_that_failed() {
    for is_new in [true, false] {
        let stage = Stage::new().await;
        let first = stage.open(Some("ada")).await;
        stage.open(Some("bob")).await;
        let login = format!("{}; ROLLBACK", stage.give("bob", "ada"));
        let login = (&*stage.write_ada(0), &*login);
        let done = stage.log_in_during(login, REFUSE, is_new);
        assert_eq!(done.await, Login::Done { ended: vec![] });
        let alive = stage.of_ada().await;
        assert_eq!((alive.len(), alive.contains(&first.key.id)), (2, true));
    }
}

/// A login that waited for an end of all is refused, and ends nothing.
#[tokio::test]
#[ignore = "needs PostgreSQL; scripts/test starts one"]
async fn a_login_is_refused_by_the_end_of_all_that_it_waited_for() {
    for limit in [END, None] {
        for (is_new, is_known) in [(true, true), (true, false), (false, true), (false, false)] {
            let stage = Stage::new().await;
            if is_known {
                run(stage.write_ada(0)).await;
            }
            let mut kept = [stage.open(Some("ada")).await, stage.open(Some("ada")).await];
            kept.reverse();
            let end = (&*stage.write_ada(1), "COMMIT");
            let done = stage.log_in_during(end, limit, is_new).await;
            assert_eq!(done, Login::Refused(LoginRefusal::Revoked));
            assert_eq!(stage.of_ada().await, kept.map(|opened| opened.key.id));
        }
    }
}

/// A session that has to end for a login and changes meanwhile is judged as it is after the change.
#[tokio::test]
#[ignore = "needs PostgreSQL; scripts/test starts one"]
async fn what_has_to_end_may_change_meanwhile() {
    let (table, bob) = ("{table}", "{bob}");
    let changes = [
        (
            format!("UPDATE {table} SET idle_until = idle_until + 1"),
            true,
        ),
        (format!("DELETE FROM {table}"), false),
        (
            format!("UPDATE {table} SET subject = 'bob', subject_key = {bob}"),
            false,
        ),
    ];
    for (change, is_ended) in changes {
        for is_new in [true, false] {
            let stage = Stage::new().await;
            let oldest = stage.open(Some("ada")).await.key.id;
            let second = stage.open(Some("ada")).await.key.id;
            let change = change.replace(table, &stage.table);
            let change = change.replace(bob, &stage.subject_key("bob"));
            let change = format!("{change} WHERE id = '{}'", hex(oldest.as_bytes()));
            let done = stage.log_in_during((&change, "COMMIT"), END, is_new);
            let ended = if is_ended { vec![oldest] } else { vec![] };
            assert_eq!(done.await, Login::Done { ended }, "{change}");
            let alive = stage.of_ada().await;
            assert_eq!((alive.len(), alive.contains(&second)), (2, true));
        }
    }
}

/// Where a statement fails instead of reading what was committed while it waited, logins succeed, too.
#[tokio::test]
#[ignore = "needs PostgreSQL; scripts/test starts one"]
async fn logins_at_a_stricter_isolation_level() {
    let owner = Stage::new().await;
    let options = options().options([("default_transaction_isolation", "serializable")]);
    let pool = PgPoolOptions::new().max_connections(16);
    let pool = pool.acquire_timeout(Duration::from_secs(30));
    let pool = pool.connect_with(options).await.unwrap();
    let store = PostgresStore::from_pool(pool).sweep_every(None);
    let store = store.table(&owner.table).unwrap();
    let cleanup = Cleanup::block_on(async || ());
    let stage = Arc::new(Stage {
        store: Arc::new(TempStore { store, cleanup }),
        table: owner.table.clone(),
        namespace: owner.namespace,
    });
    let are_new = [true, false].repeat(8);
    let lock = (&*stage.write_ada(0), "COMMIT");
    let logins = stage.log_in_all_during(lock, END, &are_new).await;
    let ended = logins.iter().map(|login| match login {
        Login::Done { ended } => ended.len(),
        Login::Refused(refusal) => panic!("{refusal:?}"),
    });
    assert_eq!(ended.sum::<usize>(), are_new.len() - 2);
    assert_eq!(stage.of_ada().await.len(), 2);
}

/// The plans of prepared statements are made while the table is small.
#[tokio::test]
#[ignore = "needs PostgreSQL; scripts/test starts one"]
async fn the_index_of_deadlines_is_not_read_for_a_user() {
    let owner = Stage::new().await;
    let store = PostgresStore::connect(&url()).connections(1).await.unwrap();
    let store = store.sweep_every(None).table(&owner.table).unwrap();
    let cleanup = Cleanup::block_on(async || ());
    let stage = Stage {
        store: Arc::new(TempStore { store, cleanup }),
        table: owner.table.clone(),
        namespace: owner.namespace,
    };
    for _ in 0..20 {
        stage.log_in(END, true).await;
        stage.log_in(END, false).await;
        stage.of_ada().await;
    }
    // The server adds up what a connection has read when it is closed.
    drop(stage);
    let read = async |index: &str, what: &str| {
        let index = format!("{}_{index}", owner.table);
        let read =
            format!("SELECT {what}::text FROM pg_stat_user_indexes WHERE indexrelname = '{index}'");
        query_text(read).await
    };
    until("the connection is closed", || async {
        read("subject", "idx_scan").await != "0"
    })
    .await;
    assert_eq!(read("due", "idx_scan").await, "0");
}
