//! A connection that is lost between the index and the record, before or after each command of a login or an end.

use std::num::NonZeroU32;

use connect_session::store::{
    Change, InsertOutcome, Key, LoginChange, LoginRefusal, MySqlStore, NewLogin, NewRecord,
    PostgresStore, RedisStore, RevocationMark, SecretHash, SessionLimit, Store, SubjectIndex,
    SubjectKey,
};
use connect_session::{OnMaxSessions, SessionId, Untyped};
use serde_json::json;

use crate::fixture::{self, Opened, mint, new_record, try_load};
use crate::redis::own_cluster::cluster;
use crate::redis::tools::{Redis, until};
use crate::servers::cutter::{Cut, Cutter};
use crate::{mysql, postgres, servers};

/// What is interrupted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Interrupted {
    Create,
    LogIn,
    ChangeUser,
    End,
    EndAll,
}

/// The more round trips than this an operation takes, the likelier it is that something hangs.
const MOST: u64 = 64;

/// The secret of a login that is being tried.
const NEW: SecretHash = SecretHash::from_bytes([9; 32]);

struct Stage<'a, S> {
    store: &'a S,
    /// Another store on the same server, which is not interrupted.
    witness: &'a S,
    cutter: Cutter,
    /// Whether the record and the index are on different servers.
    in_steps: bool,
}

/// The sessions of one round.
struct Round {
    namespace: &'static str,
    /// The earliest login of ada comes first.
    of_ada: [Opened; 2],
    of_bob: Opened,
    anonymous: Opened,
    created: Opened,
    fence: RevocationMark,
}

fn index<S: Store<Untyped>>(store: &S) -> &dyn SubjectIndex {
    store.as_subject_index().unwrap()
}

fn login(name: &str) -> NewLogin {
    let limit = NonZeroU32::new(2).map(|max| SessionLimit {
        max,
        when_reached: OnMaxSessions::EndOldest,
    });
    NewLogin {
        limit,
        ..NewLogin::new(name)
    }
}

impl Round {
    async fn prepare<S: Store<Untyped>>(store: &S) -> Self {
        let namespace = mint().key.namespace;
        let open = async |name: Option<&str>| {
            let opened = opened(namespace);
            let record = NewRecord {
                login: name.map(NewLogin::new),
                ..new_record(opened.secret, &json!({}))
            };
            fixture::open_as(store, opened, &record).await;
            opened
        };
        Self {
            namespace,
            of_ada: [open(Some("ada")).await, open(Some("ada")).await],
            of_bob: open(Some("bob")).await,
            anonymous: open(None).await,
            created: opened(namespace),
            fence: index(store)
                .revocation_mark(SubjectKey::new(namespace, "ada"))
                .await
                .unwrap(),
        }
    }

    fn subject(&self, name: &str) -> SubjectKey {
        SubjectKey::new(self.namespace, name)
    }

    /// Runs the operation. Returns whether it was done.
    async fn run<S: Store<Untyped>>(&self, what: Interrupted, store: &S) -> bool {
        let ada = self.subject("ada");
        match what {
            Interrupted::Create => {
                let record = NewRecord {
                    login: Some(login("ada")),
                    ..new_record(self.created.secret, &json!({}))
                };
                store.insert(self.created.key, &record).await.is_ok()
            }
            Interrupted::LogIn => {
                let fence = Some(self.fence);
                let login = NewLogin {
                    fence,
                    ..login("ada")
                };
                log_in(store, self.anonymous, login).await
            }
            Interrupted::ChangeUser => log_in(store, self.of_bob, login("ada")).await,
            Interrupted::End => index(store).end(ada, self.of_ada[0].key.id).await.is_ok(),
            Interrupted::EndAll => index(store).end_all(ada, None).await.is_ok(),
        }
    }

    /// Each session, with each secret that was ever meant for it.
    fn secrets(&self) -> Vec<Opened> {
        let [first, second] = self.of_ada;
        let mut all = vec![first, second, self.of_bob, self.anonymous, self.created];
        for opened in [self.of_bob, self.anonymous] {
            all.push(Opened {
                secret: NEW,
                ..opened
            });
        }
        all
    }
}

fn opened(namespace: &'static str) -> Opened {
    let opened = mint();
    let id = opened.key.id;
    Opened {
        key: Key { namespace, id },
        ..opened
    }
}

async fn log_in<S: Store<Untyped>>(store: &S, session: Opened, login: NewLogin) -> bool {
    let Ok(Some(record)) = try_load(store, session).await else {
        return false;
    };
    let mut change: Change<Untyped> = fixture::login(&record, NEW, "");
    if let Some(identity) = change.identity.as_mut() {
        identity.login = LoginChange::Set(login);
    }
    store.commit(session.key, &change).await.is_ok()
}

impl<S: Store<Untyped>> Stage<'_, S> {
    async fn run(&self) {
        let (mut cuts, mut in_progress) = (Vec::new(), Vec::new());
        for what in [
            Interrupted::Create,
            Interrupted::LogIn,
            Interrupted::ChangeUser,
            Interrupted::End,
            Interrupted::EndAll,
        ] {
            for cut in [Cut::Before, Cut::After] {
                // Sends the scripts and prepares the statements.
                Round::prepare(self.witness)
                    .await
                    .run(what, self.store)
                    .await;
                let mut after = 0;
                while self.interrupt(what, after, cut, &mut in_progress).await {
                    after += 1;
                    assert!(after < MOST, "{what:?}");
                }
                cuts.push((what, cut, after));
            }
        }
        println!("{cuts:?}");
        assert!(cuts.iter().all(|(.., cuts)| *cuts > 0), "{cuts:?}");
        let mut left = 0;
        for round in &in_progress {
            left += self.what_is_left_is_listed_and_ended(round).await;
        }
        println!("{left} sessions of {} logins were left", in_progress.len());
    }

    /// An interrupted login may leave a session whose secret nobody has. As soon as the login can no longer be in
    /// progress, which the first of these rounds waits for, the session is one as any other. Returns how many there
    /// were.
    async fn what_is_left_is_listed_and_ended(&self, round: &Round) -> usize {
        let living = async || self.living(round, "ada", |_| true).await;
        until("what an interrupted login has left is listed", async || {
            let listed = self.listed(round, "ada").await;
            living().await.iter().all(|id| listed.contains(id))
        })
        .await;
        let left = living().await.len();
        let ended = index(self.witness).end_all(round.subject("ada"), None);
        assert_eq!(ended.await.unwrap().len(), left);
        assert_eq!(living().await, []);
        left
    }

    /// Interrupts an operation after some round trips, and checks what is left. Returns whether there were that many.
    async fn interrupt(
        &self,
        what: Interrupted,
        after: u64,
        cut: Cut,
        in_progress: &mut Vec<Round>,
    ) -> bool {
        let round = Round::prepare(self.witness).await;
        self.all_servers_are_reached().await;
        self.cutter.arm(after, cut);
        let is_done = round.run(what, self.store).await;
        let was_cut = self.cutter.disarm();
        let case = format!("{what:?}, {cut:?} round trip {after}, done: {is_done}");
        assert!(is_done || was_cut, "{case}");

        // Of a login that was not confirmed, nobody has the secret. For half a minute, it is in progress.
        let is_known = |session: Opened| {
            let is_new = session.secret == NEW || session.key == round.created.key;
            is_done || !self.in_steps || !is_new
        };
        // A server may still be at work on what it has received.
        until(&format!("{case}: what lives is listed"), async || {
            let mut agree = true;
            for name in ["ada", "bob"] {
                let living = self.living(&round, name, is_known).await;
                let listed = self.listed(&round, name).await;
                agree &= living.iter().all(|id| listed.contains(id));
                agree &= (self.in_steps && !is_done) || living.len() == listed.len();
            }
            agree
        })
        .await;
        if is_done && what == Interrupted::End {
            let ended = try_load(self.witness, round.of_ada[0]).await.unwrap();
            assert!(ended.is_none(), "{case}");
        }
        if !(is_done && what == Interrupted::EndAll) {
            // Whoever got an error tries again.
            let ended = index(self.witness)
                .end_all(round.subject("ada"), None)
                .await;
            ended.unwrap();
        }
        for session in round.secrets() {
            let loaded = try_load(self.witness, session).await.unwrap();
            let is_ended = loaded.is_none_or(|record| record.subject() != Some("ada"));
            assert!(is_ended || !is_known(session), "{case}: revoked, and loads");
        }
        self.a_late_login_is_refused(&round, &case).await;
        if self.in_steps && !is_done {
            in_progress.push(round);
        }
        was_cut
    }

    /// The sessions of a subject that load with a secret that somebody has.
    async fn living(
        &self,
        round: &Round,
        name: &str,
        is_known: impl Fn(Opened) -> bool,
    ) -> Vec<SessionId> {
        let mut living = Vec::new();
        for session in round
            .secrets()
            .into_iter()
            .filter(|session| is_known(*session))
        {
            let record = try_load(self.witness, session).await.unwrap();
            if record.is_some_and(|record| record.subject() == Some(name)) {
                living.push(session.key.id);
            }
        }
        living
    }

    /// Waits until the store has noticed that each server can be reached again.
    async fn all_servers_are_reached(&self) {
        for _ in 0..24 {
            let any = mint();
            until("the store works", async || {
                try_load(self.store, any).await.is_ok()
            })
            .await;
        }
    }

    async fn listed(&self, round: &Round, name: &str) -> Vec<SessionId> {
        let page = index(self.witness)
            .list(round.subject(name), None, 100)
            .await;
        let sessions = page.unwrap().sessions;
        sessions.iter().map(|listed| listed.id).collect()
    }

    async fn a_late_login_is_refused(&self, round: &Round, case: &str) {
        let late = opened(round.namespace);
        let record = NewRecord {
            login: Some(NewLogin {
                fence: Some(round.fence),
                ..NewLogin::new("ada")
            }),
            ..new_record(late.secret, &json!({}))
        };
        let inserted = self.witness.insert(late.key, &record).await.unwrap();
        let is_refused = matches!(inserted, InsertOutcome::Refused(LoginRefusal::Revoked));
        assert!(is_refused, "{case}");
    }
}

async fn row_102_on_redis(in_steps: bool) {
    let cutter = Cutter::default();
    if in_steps {
        let servers = cluster(&cutter).await;
        let connect = || {
            RedisStore::builder()
                .cluster(servers.iter().map(Redis::url))
                .build()
        };
        let (store, witness) = (connect().await.unwrap(), connect().await.unwrap());
        let (store, witness) = (&store, &witness);
        Stage {
            store,
            witness,
            cutter,
            in_steps,
        }
        .run()
        .await;
    } else {
        let redis = Redis::start(&[]).await;
        let port = cutter.to(format!("127.0.0.1:{}", redis.port)).await;
        let store = RedisStore::connect(format!("redis://127.0.0.1:{port}"));
        let (store, witness) = (
            &store.await.unwrap(),
            &RedisStore::connect(redis.url()).await.unwrap(),
        );
        Stage {
            store,
            witness,
            cutter,
            in_steps,
        }
        .run()
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Redis; scripts/test starts one"]
async fn row_102_a_lost_connection_leaves_nothing_half_done_on_redis() {
    row_102_on_redis(false).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Redis; scripts/test starts one"]
async fn row_102_a_lost_connection_leaves_nothing_half_done_on_a_redis_cluster() {
    row_102_on_redis(true).await;
}

/// The test on a SQL server.
macro_rules! row_102_on_sql {
    ($name:ident, $module:ident, $store:ident, $reason:literal) => {
        #[tokio::test(flavor = "multi_thread")]
        #[ignore = $reason]
        async fn $name() {
            let cutter = Cutter::default();
            let table = servers::unique("sessions");
            let _cleanup = $module::drop_table_later(&table);
            let (proxied, direct) = $module::urls_through(&cutter).await;
            let connect = async |url: &str| {
                let store = $store::connect(url).connections(2).await.unwrap();
                let store = store.table(&table).unwrap().sweep_every(None);
                store.migrate().await.unwrap()
            };
            let (store, witness) = (&connect(&proxied).await, &connect(&direct).await);
            let stage = Stage {
                store,
                witness,
                cutter,
                in_steps: false,
            };
            stage.run().await;
        }
    };
}

row_102_on_sql!(
    row_102_a_lost_connection_leaves_nothing_half_done_on_postgres,
    postgres,
    PostgresStore,
    "needs PostgreSQL; scripts/test starts one"
);
row_102_on_sql!(
    row_102_a_lost_connection_leaves_nothing_half_done_on_mysql,
    mysql,
    MySqlStore,
    "needs MySQL or MariaDB; scripts/test starts one"
);
