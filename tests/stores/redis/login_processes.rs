//! Logins in two processes at the same time, on one server and on a Cluster.
//!
//! The other process is this program again, which runs one test. It reads lines and answers with lines.

use std::io::{BufRead as _, BufReader, Lines, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Arc;

use connect_session::store::{
    InsertOutcome, NewLogin, RedisStore, RevocationMark, Store, SubjectIndex,
};
use connect_session::{OnMaxSessions, Untyped};
use tokio::sync::Barrier;
use tokio::task::JoinSet;

use super::logins::{insert, limited, subject};
use super::own_cluster::cluster;
use super::tools::{NAMESPACE, Redis};
use crate::servers::cutter::Cutter;

const URLS: &str = "TEST_OTHER_PROCESS_URLS";
/// How many logins each process has at once.
const LOGINS: usize = 32;
const ROUNDS: usize = 100;
/// Begins the lines of the other process: the test runner prints too.
const ANSWER: &str = "> ";

/// A store on one server, or on the Cluster of several, whose URLs are separated by commas.
async fn connect(urls: &str) -> RedisStore {
    let builder = RedisStore::builder();
    let builder = if urls.contains(',') {
        builder.cluster(urls.split(','))
    } else {
        builder.url(urls)
    };
    builder.build().await.unwrap()
}

/// The other process.
struct Other {
    child: Child,
    to: ChildStdin,
    from: Lines<BufReader<ChildStdout>>,
}

impl Other {
    fn start(urls: &str) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "redis::login_processes::the_other_process"])
            .args(["--include-ignored", "--nocapture"])
            .env(URLS, urls)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (to, from) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let from = BufReader::new(from).lines();
        Self { child, to, from }
    }

    fn tell(&mut self, line: &str) {
        writeln!(self.to, "{line}").unwrap();
    }

    fn answer(&mut self) -> String {
        loop {
            let line = self.from.next().expect("the other process ended").unwrap();
            if let Some((_, answer)) = line.split_once(ANSWER) {
                return answer.to_owned();
            }
        }
    }
}

impl Drop for Other {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The login of a line: the user, and the fence or the limit.
fn login_of(line: &str) -> NewLogin {
    let words: Vec<_> = line.split(' ').collect();
    let [name, kind, number] = words[..] else {
        panic!("unexpected: {line}");
    };
    match kind {
        "fence" => NewLogin {
            fence: Some(RevocationMark::from_number(number.parse().unwrap())),
            ..NewLogin::new(name)
        },
        "end" => limited(name, number.parse().unwrap(), OnMaxSessions::EndOldest),
        _ => limited(name, number.parse().unwrap(), OnMaxSessions::Refuse),
    }
}

/// Prepares logins that begin together; returns how many were stored once they are done, and the most sessions that
/// one of them saw when it was done.
fn prepare(store: &RedisStore, line: &str, start: &Arc<Barrier>) -> JoinSet<(bool, u64)> {
    let mut tasks = JoinSet::new();
    for _ in 0..LOGINS {
        let (store, start, login) = (store.clone(), start.clone(), login_of(line));
        tasks.spawn(async move {
            let key = subject(&login.subject);
            start.wait().await;
            let (_, inserted) = insert(&store, login).await;
            let count = SubjectIndex::count_of(&store, key).await.unwrap();
            (matches!(inserted, InsertOutcome::Done { .. }), count)
        });
    }
    tasks
}

async fn finish(tasks: JoinSet<(bool, u64)>) -> (usize, u64) {
    let done = tasks.join_all().await;
    let stored = done.iter().filter(|(is_stored, _)| *is_stored).count();
    let most = done.iter().map(|(_, count)| *count).max();
    (stored, most.unwrap_or_default())
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "runs within the tests below"]
async fn the_other_process() {
    let Ok(urls) = std::env::var(URLS) else {
        return;
    };
    let store = connect(&urls).await;
    let mut lines = std::io::stdin().lines();
    while let Some(Ok(line)) = lines.next() {
        let start = Arc::new(Barrier::new(LOGINS + 1));
        let tasks = prepare(&store, &line, &start);
        println!("\n{ANSWER}ready");
        lines.next().unwrap().unwrap();
        start.wait().await;
        let (stored, most) = finish(tasks).await;
        println!("\n{ANSWER}{stored} {most}");
    }
}

/// Runs the logins of a line in both processes, and something else at the same time. Returns how many were stored,
/// and the most sessions that were seen.
async fn in_both<T: Send + 'static>(
    other: &mut Other,
    store: &RedisStore,
    line: &str,
    beside: impl Future<Output = T> + Send + 'static,
) -> (usize, u64, T) {
    let start = Arc::new(Barrier::new(LOGINS + 2));
    let tasks = prepare(store, line, &start);
    let beside = tokio::spawn({
        let start = start.clone();
        async move {
            start.wait().await;
            beside.await
        }
    });
    other.tell(line);
    assert_eq!(other.answer(), "ready");
    other.tell("go");
    start.wait().await;
    let (stored, most) = finish(tasks).await;
    let answer = other.answer();
    let (there, seen) = answer.split_once(' ').unwrap();
    let stored = stored + there.parse::<usize>().unwrap();
    let most = most.max(seen.parse().unwrap());
    (stored, most, beside.await.unwrap())
}

async fn no_login_survives(urls: &str) {
    let store = connect(urls).await;
    let mut other = Other::start(urls);
    let (mut ended, mut refused) = (0, 0);
    for round in 0..ROUNDS {
        let fence = store.revocation_mark(subject("ada")).await.unwrap();
        let line = format!("ada fence {}", fence.number());
        let revoker = store.clone();
        let end_all = async move { revoker.end_all(subject("ada"), None).await.unwrap().len() };
        let (stored, _, were_ended) = in_both(&mut other, &store, &line, end_all).await;
        assert_eq!(
            stored, were_ended,
            "round {round}: each that was stored was ended"
        );
        assert_eq!(Store::<Untyped>::count(&store, NAMESPACE).await.unwrap(), 0);
        assert_eq!(
            SubjectIndex::count_of(&store, subject("ada"))
                .await
                .unwrap(),
            0
        );
        ended += stored;
        refused += 2 * LOGINS - stored;
    }
    println!("{ended} logins were ended, and {refused} refused");
}

async fn a_limit_is_exact(urls: &str) {
    let store = connect(urls).await;
    let mut other = Other::start(urls);
    for round in 0..10 {
        for (kind, expected) in [("refuse", 5), ("end", 2 * LOGINS)] {
            let line = format!("{kind}-{round} {kind} 5");
            let (stored, most, ()) = in_both(&mut other, &store, &line, async {}).await;
            assert_eq!((stored, most), (expected, 5), "{line}");
            let key = subject(&format!("{kind}-{round}"));
            assert_eq!(store.end_all(key, None).await.unwrap().len(), 5);
        }
    }
    assert_eq!(Store::<Untyped>::count(&store, NAMESPACE).await.unwrap(), 0);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Redis; scripts/test starts one"]
async fn no_login_in_flight_survives_an_end_of_all() {
    let redis = Redis::start(&[]).await;
    no_login_survives(&redis.url()).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Redis; scripts/test starts one"]
async fn a_limit_is_exact_in_two_processes() {
    let redis = Redis::start(&[]).await;
    a_limit_is_exact(&redis.url()).await;
}

fn urls(servers: &[Redis]) -> String {
    let urls: Vec<_> = servers.iter().map(Redis::url).collect();
    urls.join(",")
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Redis; scripts/test starts one"]
async fn no_login_in_flight_survives_an_end_of_all_on_a_cluster() {
    let cutter = Cutter::default();
    let servers = cluster(&cutter).await;
    no_login_survives(&urls(&servers)).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Redis; scripts/test starts one"]
async fn a_limit_is_exact_in_two_processes_on_a_cluster() {
    let cutter = Cutter::default();
    let servers = cluster(&cutter).await;
    a_limit_is_exact(&urls(&servers)).await;
}
