//! One side of the comparison: a server and its clients.

use std::time::{Duration, Instant};

use tokio::runtime::Runtime;

use super::client::{Client, Request};
use super::pin::Places;
use super::server::{Api, Server};

pub struct Side {
    api: Api,
    runtime: Runtime,
    clients: Vec<Client>,
    /// The last field, so that the connections are closed before the server stops.
    _server: Server,
}

/// The result of a batch: requests per second, the median and the 99th percentile of the latency in
/// microseconds, and the server's processor time per request in microseconds.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Batch {
    pub each_second: f64,
    pub p50: f64,
    pub p99: f64,
    pub server: f64,
}

impl Batch {
    /// The ratio to another result.
    pub fn over(self, other: Self) -> Self {
        Self {
            each_second: self.each_second / other.each_second,
            p50: self.p50 / other.p50,
            p99: self.p99 / other.p99,
            server: self.server / other.server,
        }
    }
}

impl Side {
    pub fn start(api: Api, connections: usize, places: Places) -> Self {
        assert!(
            (1..=256).contains(&connections),
            "from 1 to 256 connections"
        );
        let server = Server::start(api, places);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .build()
            .expect("a runtime");
        let clients = runtime.block_on(async {
            let mut clients = Vec::new();
            for _ in 0..connections {
                clients.push(Client::connect(server.address).await);
            }
            clients
        });
        Self {
            api,
            runtime,
            clients,
            _server: server,
        }
    }

    /// Runs `times` requests on every client concurrently, and verifies the responses.
    pub fn batch(&mut self, request: Request, times: usize) -> Batch {
        self.reload();
        let counted = self.counted();
        let busy = self.busy();
        let started = Instant::now();
        let mut took = self.ask(request, times);
        let wall = started.elapsed();
        let busy = self.busy() - busy;

        let requests = (self.clients.len() * times) as u64;
        assert_eq!(took.len() as u64, requests, "every request was answered");
        self.reload();
        let (visits, views) = self.counted();
        let added = (visits - counted.0, views - counted.1);
        let expected = match request {
            Request::Update => (requests, 0),
            Request::Change => (0, requests),
            Request::Read | Request::Create => (0, 0),
        };
        assert_eq!(added, expected, "every change counted once");
        if request == Request::Create {
            let last = self.clients.last_mut().expect("a client");
            self.runtime.block_on(last.prove_created());
        }

        took.sort_unstable();
        let micros = |took: Duration| took.as_secs_f64() * 1e6;
        let at = |part: f64| micros(took[((took.len() - 1) as f64 * part) as usize]);
        Batch {
            each_second: requests as f64 / wall.as_secs_f64(),
            p50: at(0.5),
            p99: at(0.99),
            server: micros(busy) / requests as f64,
        }
    }

    fn ask(&mut self, request: Request, times: usize) -> Vec<Duration> {
        let running = std::mem::take(&mut self.clients).into_iter();
        self.runtime.block_on(async {
            let running: Vec<_> = running
                .map(|mut client| {
                    tokio::spawn(async move {
                        let mut took = Vec::with_capacity(times);
                        client.ask(request, times, &mut took).await;
                        (client, took)
                    })
                })
                .collect();
            let mut all = Vec::new();
            for task in running {
                let (client, took) = task.await.expect("right responses");
                self.clients.push(client);
                all.extend(took);
            }
            all
        })
    }

    fn reload(&mut self) {
        for client in &mut self.clients {
            self.runtime.block_on(client.reload());
        }
    }

    /// The sums of the counters: of all clients' sessions, or of the server without sessions.
    fn counted(&self) -> (u64, u64) {
        let visits = self.clients.iter().map(|client| client.visits);
        let views = self.clients.iter().map(|client| client.views);
        match self.api {
            Api::WithSessions => (visits.sum(), views.sum()),
            Api::Without => (visits.max().unwrap_or(0), views.max().unwrap_or(0)),
        }
    }

    fn busy(&mut self) -> Duration {
        let client = self.clients.first_mut().expect("a client");
        self.runtime.block_on(client.busy())
    }
}
