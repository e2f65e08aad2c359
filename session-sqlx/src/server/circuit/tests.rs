use std::future::pending;
use std::sync::Mutex;

use tokio::time::advance;

use super::*;

/// What the server of a test does with a connection.
#[derive(Clone, Copy)]
enum Server {
    Accepts,
    Refuses,
    IsSilent,
}

struct Fixture {
    server: Arc<Mutex<Server>>,
    circuit: Circuit,
}

impl Fixture {
    fn new(server: Server) -> Self {
        let server = Arc::new(Mutex::new(server));
        let current = server.clone();
        let circuit = Circuit::new(move || {
            let server = *current.lock().unwrap();
            async move {
                match server {
                    Server::Accepts => Ok(()),
                    Server::Refuses => Err(Outage::new(false, "refused")),
                    Server::IsSilent => pending().await,
                }
            }
        });
        Self { server, circuit }
    }

    fn set(&self, server: Server) {
        *self.server.lock().unwrap() = server;
    }

    fn is_open(&self) -> bool {
        self.circuit.outage().is_some()
    }

    /// Waits for as long as the fake clock allows.
    async fn changes_within(&self, limit: Duration) -> bool {
        let before = self.is_open();
        let began = Instant::now();
        while self.is_open() == before {
            if began.elapsed() > limit {
                return false;
            }
            sleep(Duration::from_millis(10)).await;
        }
        true
    }
}

#[tokio::test(start_paused = true)]
async fn an_open_circuit_closes_within_a_second_of_the_return_of_the_server() {
    for outage in [Server::Refuses, Server::IsSilent] {
        let fixture = Fixture::new(outage);
        fixture.circuit.open(Outage::new(false, "refused"));
        assert!(fixture.is_open());
        advance(Duration::from_hours(1)).await;
        sleep(Duration::from_mins(1)).await;
        assert!(fixture.is_open());
        fixture.set(Server::Accepts);
        assert!(fixture.changes_within(Duration::from_secs(1)).await);
        assert!(!fixture.changes_within(Duration::from_mins(1)).await);
    }
}

#[tokio::test(start_paused = true)]
async fn a_suspicion_opens_the_circuit_only_if_the_probe_confirms_it() {
    for (server, opens) in [
        (Server::Accepts, false),
        (Server::Refuses, true),
        (Server::IsSilent, true),
    ] {
        let fixture = Fixture::new(server);
        fixture.circuit.suspect();
        assert!(!fixture.is_open());
        assert_eq!(
            fixture.changes_within(Duration::from_millis(1_100)).await,
            opens
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_without_an_answer_raises_a_suspicion() {
    let fixture = Fixture::new(Server::IsSilent);
    for limit in [Duration::from_secs(5), Duration::from_millis(100)] {
        let answer: Option<()> = fixture.circuit.within(limit, pending()).await;
        assert!(answer.is_none());
        assert!(fixture.is_open() || fixture.changes_within(Duration::from_millis(1_100)).await);
        fixture.set(Server::Accepts);
        assert!(fixture.changes_within(Duration::from_secs(1)).await);
        fixture.set(Server::IsSilent);
    }
}

/// A request that waits for a connection when the circuit opens fails then, unless the server answers.
#[tokio::test(start_paused = true)]
async fn waiting_requests_fail_when_the_circuit_opens() {
    let fixture = Fixture::new(Server::IsSilent);
    let waiting = fixture.circuit.unless_silent(pending::<Result<(), _>>());
    let waiting = timeout(Duration::from_mins(1), waiting);
    let opening = async {
        sleep(Duration::from_secs(1)).await;
        fixture
            .circuit
            .open(Outage::new(true, "no free connection"));
        sleep(Duration::from_secs(1)).await;
        fixture.circuit.open(Outage::new(false, "refused"));
        Instant::now()
    };
    let failing = async { (waiting.await, Instant::now()) };
    let ((failed, failed_at), opened_at) = tokio::join!(failing, opening);
    let outage = failed.expect("the request does not wait").unwrap_err();
    assert!(!outage.answers);
    assert_eq!(failed_at, opened_at);
}

/// The task that probes ends with its runtime, and the circuit must not stay open without it.
#[test]
fn a_circuit_does_not_stay_open_without_a_probe() {
    let fixture = Fixture::new(Server::Refuses);
    let runtime = || {
        tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .unwrap()
    };
    let first = runtime();
    first.block_on(async { fixture.circuit.open(Outage::new(false, "refused")) });
    assert!(fixture.is_open());
    drop(first);
    assert!(!fixture.is_open());
    // Nor while its runtime does not run.
    let idle = runtime();
    idle.block_on(async { fixture.circuit.open(Outage::new(false, "refused")) });
    assert!(fixture.is_open());
    fixture.circuit.0.state.send_modify(|state| {
        state.probed_at = state.probed_at.and_then(|at| at.checked_sub(STALLED));
    });
    assert!(!fixture.is_open());
}
