//! Many logins of one user at once: half of them in another process, unless the store is memory.

use std::env;
use std::io::{BufRead as _, BufReader, Lines, Write as _};
use std::num::NonZeroU32;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Arc;

use connect_session::store::{
    AnyStore, InsertOutcome, Key, NewLogin, NewRecord, RevocationMark, SessionLimit, Store as _,
    SubjectKey,
};
use connect_session::{OnMaxSessions, Untyped};
use serde_json::json;
use tokio::sync::{Barrier, mpsc};
use tokio::task::JoinSet;

use super::{connect, index};
use crate::fixture::{mint, new_record};
use crate::servers;

/// The logins of one round.
const LOGINS: usize = 64;
/// The most sessions in a round with a limit.
const MOST: u32 = 5;

type Shared = Arc<AnyStore<Untyped>>;

/// What all logins of a round have in common.
#[derive(Clone, Copy)]
enum Round {
    Fenced(RevocationMark),
    Limited(OnMaxSessions),
}

impl Round {
    fn login(self) -> NewLogin {
        let login = NewLogin::new("ada");
        match self {
            Self::Fenced(fence) => NewLogin {
                fence: Some(fence),
                ..login
            },
            Self::Limited(when_reached) => {
                let max = NonZeroU32::new(MOST).unwrap();
                let limit = Some(SessionLimit { max, when_reached });
                NewLogin { limit, ..login }
            }
        }
    }

    fn line(self) -> String {
        match self {
            Self::Fenced(fence) => format!("{}\n", fence.number()),
            Self::Limited(OnMaxSessions::EndOldest) => "end\n".to_owned(),
            Self::Limited(OnMaxSessions::Refuse) => "refuse\n".to_owned(),
        }
    }

    fn parse(line: &str) -> Self {
        match line {
            "end" => Self::Limited(OnMaxSessions::EndOldest),
            "refuse" => Self::Limited(OnMaxSessions::Refuse),
            fence => Self::Fenced(RevocationMark::from_number(fence.parse().unwrap())),
        }
    }
}

/// So many logins, all at once. Returns how many were accepted, and says so after each.
async fn log_in(
    store: &Shared,
    namespace: &'static str,
    logins: usize,
    round: Round,
    done: mpsc::UnboundedSender<()>,
) -> usize {
    let barrier = Arc::new(Barrier::new(logins));
    let mut tasks = JoinSet::new();
    for _ in 0..logins {
        let (store, barrier, done) = (store.clone(), barrier.clone(), done.clone());
        tasks.spawn(async move {
            let opened = mint();
            let key = Key {
                namespace,
                id: opened.key.id,
            };
            let record = NewRecord {
                login: Some(round.login()),
                ..new_record(opened.secret, &json!({}))
            };
            barrier.wait().await;
            let inserted = store.insert(key, &record).await.unwrap();
            if matches!(round, Round::Limited(_)) {
                let alive = index(&store)
                    .count_of(SubjectKey::new(namespace, "ada"))
                    .await;
                let alive = alive.unwrap();
                assert!(
                    alive <= u64::from(MOST),
                    "{alive} at the moment of an answer"
                );
            }
            let _ = done.send(());
            matches!(inserted, InsertOutcome::Done { .. })
        });
    }
    let accepted = tasks.join_all().await;
    accepted.into_iter().filter(|accepted| *accepted).count()
}

/// The other process: logs in for each line, and answers with the number of accepted logins.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn other_process() {
    let (Ok(kind), Ok(place), Ok(namespace)) = (
        env::var("LOGINS_STORE"),
        env::var("LOGINS_PLACE"),
        env::var("LOGINS_NAMESPACE"),
    ) else {
        return;
    };
    let store = Arc::new(connect(&kind, &place).await);
    let namespace = namespace.leak();
    println!("\nready");
    // Nothing else happens between two rounds, so the thread may block.
    for line in std::io::stdin().lines() {
        let line = line.unwrap();
        let (done, _wait) = mpsc::unbounded_channel();
        let accepted = log_in(&store, namespace, LOGINS / 2, Round::parse(&line), done).await;
        println!("accepted {accepted}");
    }
}

struct Other {
    process: Child,
    to: ChildStdin,
    from: Lines<BufReader<ChildStdout>>,
}

impl Other {
    /// `None` for a store in memory, which no other process has.
    fn start(kind: &str, place: &str, namespace: &str) -> Option<Self> {
        if kind == "memory" {
            return None;
        }
        let mut command = Command::new(env::current_exe().unwrap());
        command.args(["--exact", "logins::at_once::other_process", "--nocapture"]);
        command.env("LOGINS_STORE", kind).env("LOGINS_PLACE", place);
        command.env("LOGINS_NAMESPACE", namespace);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = command.spawn().unwrap();
        let mut other = Self {
            to: process.stdin.take().unwrap(),
            from: BufReader::new(process.stdout.take().unwrap()).lines(),
            process,
        };
        other.line("ready");
        Some(other)
    }

    /// Reads up to a line that begins like this, and returns its rest.
    fn line(&mut self, start: &str) -> String {
        for line in &mut self.from {
            if let Some(rest) = line.unwrap().strip_prefix(start) {
                return rest.trim().to_owned();
            }
        }
        panic!("the other process has ended");
    }

    /// Begins half of the logins of a round. Returns how many are left for this process.
    fn begin(other: &mut Option<Self>, round: Round) -> usize {
        let Some(other) = other else {
            return LOGINS;
        };
        other.begin_half(round);
        LOGINS - LOGINS / 2
    }

    fn begin_half(&mut self, round: Round) {
        self.to.write_all(round.line().as_bytes()).unwrap();
    }

    fn accepted(&mut self) -> usize {
        self.line("accepted").parse().unwrap()
    }
}

impl Drop for Other {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Logins that began before an end of all and are committed while it runs do not survive it: those that it
/// did not end are refused.
pub async fn no_login_survives_an_end_of_all(kind: &str, place: &str) {
    let namespace: &'static str = servers::unique("ends").leak();
    let store = Arc::new(connect(kind, place).await);
    let mut other = Other::start(kind, place, namespace);
    let subject = SubjectKey::new(namespace, "ada");
    for round in 0..100 {
        let fence = index(&store).revocation_mark(subject).await.unwrap();
        let (done, mut wait) = mpsc::unbounded_channel();
        let round_of_logins = Round::Fenced(fence);
        let here = Other::begin(&mut other, round_of_logins);
        let logins = log_in(&store, namespace, here, round_of_logins, done);
        let end_all = async {
            // Before, among and after the logins of this process.
            for _ in 0..round % (here + 1) {
                wait.recv().await;
            }
            index(&store).end_all(subject, None).await.unwrap()
        };
        let (accepted, ended) = tokio::join!(logins, end_all);
        let accepted = accepted + other.as_mut().map_or(0, Other::accepted);
        assert_eq!(ended.len(), accepted, "round {round}");
        assert_eq!(index(&store).count_of(subject).await.unwrap(), 0);
        assert_eq!(store.count(namespace).await.unwrap(), 0);
    }
}

/// A limit is exact, and holds at the moment of each answer.
pub async fn a_limit_holds(kind: &str, place: &str) {
    let namespace: &'static str = servers::unique("limits").leak();
    let store = Arc::new(connect(kind, place).await);
    let mut other = Other::start(kind, place, namespace);
    let subject = SubjectKey::new(namespace, "ada");
    for when_reached in [OnMaxSessions::EndOldest, OnMaxSessions::Refuse] {
        for _ in 0..5 {
            let round = Round::Limited(when_reached);
            let (done, _wait) = mpsc::unbounded_channel();
            let here = Other::begin(&mut other, round);
            let accepted = log_in(&store, namespace, here, round, done).await;
            let accepted = accepted + other.as_mut().map_or(0, Other::accepted);
            let most = usize::try_from(MOST).unwrap();
            let expected = match when_reached {
                OnMaxSessions::EndOldest => LOGINS,
                OnMaxSessions::Refuse => most,
            };
            assert_eq!(accepted, expected);
            let ended = index(&store).end_all(subject, None).await.unwrap();
            assert_eq!(ended.len(), most);
        }
    }
}
