//! Many live sessions, and requests to random ones: measures the effect of the processor's caches.
//! Each crowd is a separate process, so that nothing else is in its store or heap; they take turns.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use axum::Router;
use axum::http::{HeaderName, HeaderValue, StatusCode};
use tokio::runtime::Runtime;

use crate::case::Workload;
use crate::driver::App as _;
use crate::over_axum::Carrier;
use crate::subjects::{floor, ours};

/// The initial count of a session.
const SEED: u64 = 41;

struct Crowd {
    router: Router,
    carrier: Carrier,
    runtime: Runtime,
    sids: Vec<HeaderValue>,
    /// The number of changes of each session.
    changes: Vec<u64>,
}

fn subject(name: &str) -> (Router, Carrier) {
    let header = Carrier::Header(HeaderName::from_static("x-user-session"));
    match name {
        "map" => (floor::map_router(), header),
        "ours" => (ours::router(), header),
        #[cfg(feature = "peers")]
        "tower-sessions" => {
            use crate::subjects::tower_sessions;
            (tower_sessions::router(), Carrier::Cookie)
        }
        _ => panic!("`{name}` has no crowd"),
    }
}

impl Crowd {
    fn new(name: &str, sessions: usize) -> Self {
        let (router, carrier) = subject(name);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .expect("a runtime");
        let mut crowd = Self {
            router,
            carrier,
            runtime,
            sids: Vec::with_capacity(sessions),
            changes: vec![0; sessions],
        };
        let name = crowd.carrier.request_header();
        for _ in 0..sessions {
            let seed = crowd.router.ask("/seed", &name, None);
            let (status, headers, _) = crowd.runtime.block_on(seed);
            assert_eq!(status, StatusCode::OK, "a session is created");
            let sid = crowd
                .carrier
                .sid_in::<Router>(&headers)
                .expect("a sid is sent");
            crowd.sids.push(copy(&sid));
        }
        crowd.read_all();
        crowd
    }

    /// Checks that all sessions are alive, and makes sure that no measured request is the first of
    /// its session, which a store may have to record.
    fn read_all(&mut self) {
        let name = self.carrier.request_header();
        let path = Workload::Read.path();
        for sid in &self.sids {
            let read = self.router.ask(path, &name, Some(sid.clone()));
            let (status, _, body) = self.runtime.block_on(read);
            let reply = (status, body.as_ref());
            assert_eq!(reply, (StatusCode::OK, SEED.to_string().as_bytes()));
        }
    }

    /// Runs requests and returns their time. Each response is compared with the session's expected
    /// count.
    fn batch(&mut self, workload: Workload, requests: usize) -> Duration {
        let picked: Vec<usize> = (0..requests)
            .map(|_| rand::random_range(0..self.sids.len()))
            .collect();
        // Copies beside each other, because a sid that arrives through a socket is in the cache.
        let sids: Vec<HeaderValue> = picked.iter().map(|one| copy(&self.sids[*one])).collect();
        let mut replies: Vec<(StatusCode, u64)> = Vec::with_capacity(requests);
        let name = self.carrier.request_header();
        let path = workload.path();

        let started = Instant::now();
        self.runtime.block_on(async {
            for sid in sids {
                let (status, _, body) = self.router.ask(path, &name, Some(sid)).await;
                let number = std::str::from_utf8(&body).ok();
                let number = number.and_then(|text| text.parse().ok());
                replies.push((status, number.unwrap_or(0)));
            }
        });
        let took = started.elapsed();

        assert_eq!(replies.len(), requests);
        for (session, reply) in picked.into_iter().zip(replies) {
            self.changes[session] += u64::from(workload == Workload::Write);
            let expected = (StatusCode::OK, SEED + self.changes[session]);
            assert_eq!(reply, expected, "session {session}");
        }
        took
    }
}

fn copy(sid: &HeaderValue) -> HeaderValue {
    HeaderValue::from_bytes(sid.as_bytes()).expect("a sid")
}

/// The main function of a crowd's process: reports when its sessions exist, then runs a batch for
/// each input line and prints its time, until the input ends.
pub fn take_turns(subject: &str, sessions: usize) {
    let mut crowd = Crowd::new(subject, sessions);
    println!("ready");
    for line in std::io::stdin().lines() {
        let line = line.expect("a text");
        let (workload, requests) = line.split_once(' ').expect("a workload and a number");
        let workload = Workload::ALL.into_iter().find(|one| one.name() == workload);
        let requests = requests.parse().expect("a number");
        let took = crowd.batch(workload.expect("a workload"), requests);
        println!("{}", took.as_nanos());
        std::io::stdout().flush().expect("an output");
    }
}

/// A handle to a crowd's process.
pub struct Process {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Process {
    /// Starts the process, and waits until its sessions exist.
    pub fn start(subject: &str, sessions: usize) -> Self {
        let program = std::env::current_exe().expect("this program has a path");
        let mut child = Command::new(program)
            .args(["crowd", subject, &sessions.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a crowd");
        let output = BufReader::new(child.stdout.take().expect("its output"));
        let input = child.stdin.take();
        let mut process = Self {
            child,
            input,
            output,
        };
        assert_eq!(process.line(), "ready");
        process
    }

    pub fn batch(&mut self, workload: Workload, requests: usize) -> Duration {
        let input = self.input.as_mut().expect("its input");
        writeln!(input, "{} {requests}", workload.name()).expect("the crowd is running");
        Duration::from_nanos(self.line().parse().expect("nanoseconds"))
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.output.read_line(&mut line).expect("a line");
        line.trim().to_owned()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.input.take());
        self.child.wait().expect("the crowd ends");
    }
}
