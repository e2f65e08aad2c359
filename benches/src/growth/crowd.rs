//! Many living sessions, and requests to them at random: what the caches of a processor make of
//! them. Each crowd is a process of its own, so that nothing else is in its store or on its heap,
//! and all of them take turns.

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

/// What a new session counts from.
const SEED: u64 = 41;

struct Crowd {
    router: Router,
    carrier: Carrier,
    runtime: Runtime,
    sids: Vec<HeaderValue>,
    /// How often each session was changed.
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
                .answered::<Router>(&headers)
                .expect("a sid is answered");
            crowd.sids.push(copy(&sid));
        }
        crowd.read_all();
        crowd
    }

    /// All sessions live, and none of the requests that count is the first of its session: a store
    /// may keep a note of that.
    fn read_all(&mut self) {
        let name = self.carrier.request_header();
        let path = Workload::Read.path();
        for sid in &self.sids {
            let read = self.router.ask(path, &name, Some(sid.clone()));
            let (status, _, body) = self.runtime.block_on(read);
            let answer = (status, body.as_ref());
            assert_eq!(answer, (StatusCode::OK, SEED.to_string().as_bytes()));
        }
    }

    /// How long so many requests took. What each answered is held against what its session must
    /// count by then.
    fn batch(&mut self, workload: Workload, requests: usize) -> Duration {
        let picked: Vec<usize> = (0..requests)
            .map(|_| rand::random_range(0..self.sids.len()))
            .collect();
        // Copies that lie one after the other: a sid that came by a socket is in the cache.
        let sids: Vec<HeaderValue> = picked.iter().map(|one| copy(&self.sids[*one])).collect();
        let mut answers: Vec<(StatusCode, u64)> = Vec::with_capacity(requests);
        let name = self.carrier.request_header();
        let path = workload.path();

        let started = Instant::now();
        self.runtime.block_on(async {
            for sid in sids {
                let (status, _, body) = self.router.ask(path, &name, Some(sid)).await;
                let number = std::str::from_utf8(&body).ok();
                let number = number.and_then(|text| text.parse().ok());
                answers.push((status, number.unwrap_or(0)));
            }
        });
        let took = started.elapsed();

        assert_eq!(answers.len(), requests);
        for (session, answer) in picked.into_iter().zip(answers) {
            self.changes[session] += u64::from(workload == Workload::Write);
            let expected = (StatusCode::OK, SEED + self.changes[session]);
            assert_eq!(answer, expected, "session {session}");
        }
        took
    }
}

fn copy(sid: &HeaderValue) -> HeaderValue {
    HeaderValue::from_bytes(sid.as_bytes()).expect("a sid")
}

/// What the process of a crowd does: it says when it is there, and for each line how long so many
/// requests took, until its input ends.
pub fn take_turns(subject: &str, sessions: usize) {
    let mut crowd = Crowd::new(subject, sessions);
    println!("there");
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

/// Such a process, as the one sees it that lets them take turns.
pub struct Process {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Process {
    /// Starts it, and waits until its sessions are there.
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
        assert_eq!(process.line(), "there");
        process
    }

    pub fn batch(&mut self, workload: Workload, requests: usize) -> Duration {
        let input = self.input.as_mut().expect("its input");
        writeln!(input, "{} {requests}", workload.name()).expect("a crowd that lives");
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
