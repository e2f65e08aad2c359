//! The instructions of a request to Redis on the client's side, as cases for callgrind: up to 64 clients at
//! once on one thread.

use std::sync::Arc;

use axum::http::HeaderValue;
use tokio::runtime::Runtime;

use super::client::Client;
use super::place::{Kind, Place};
use super::rounds::CLIENTS;
use super::{plain_redis, shop};
use crate::callgrind;
use crate::case::{Case, Workload};

/// The number of requests, by the size of the data.
const REQUESTS: [(usize, usize); 2] = [(200, 2_048), (65_536, 64)];

/// Prints the instructions of a request, beside those of the plain commands.
pub fn print() {
    if !Place::given().iter().any(|place| place.kind == Kind::Redis) {
        return;
    }
    println!("## Instructions of a request to Redis, on the client's side\n");
    println!("Without SHA-256.\n");
    println!("| data | by | read | change | create | destroy |");
    println!("| ---: | --- | ---: | ---: | ---: | ---: |");
    for (size, requests) in REQUESTS {
        for (by, subject) in [("plain commands", "redis-plain"), ("ours", "redis")] {
            let count = |workload| callgrind::count(subject, workload, size, requests).ours;
            let counts = ["w2", "w3", "w4", "w5"].map(|workload| format!("{:.0}", count(workload)));
            println!("| {size} | {by} | {} |", counts.join(" | "));
        }
    }
    println!();
}

/// The case of a subject: `redis`, or `redis-plain` for the commands alone.
pub fn find(subject: &str, workload: Workload) -> Option<Box<dyn Case>> {
    let is_plain = match subject {
        "redis" => false,
        "redis-plain" => true,
        _ => return None,
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let is_redis = |place: &Place| place.kind == Kind::Redis;
    let place = Place::given().into_iter().find(is_redis)?;
    let client = runtime.block_on(async {
        if is_plain {
            plain_redis::client(&place).await
        } else {
            shop::client_on_redis()
        }
    });
    Some(Box::new(OnRedis {
        runtime,
        place,
        client,
        workload,
        sids: Arc::default(),
        requests: 0,
    }))
}

struct OnRedis {
    runtime: Runtime,
    place: Place,
    client: Client,
    workload: Workload,
    /// The sessions, one for each request; none for a creation.
    sids: Arc<Vec<HeaderValue>>,
    requests: usize,
}

impl OnRedis {
    /// The body of every response.
    fn body(&self) -> &'static str {
        match self.workload {
            Workload::Read => "41",
            Workload::Write => "42",
            Workload::Create => "1",
            Workload::Destroy | Workload::Anonymous | Workload::Unknown => "0",
        }
    }
}

impl Case for OnRedis {
    fn prepare(&mut self, requests: usize) {
        self.requests = requests;
        if self.workload == Workload::Create {
            return;
        }
        let sids = self.runtime.block_on(async {
            let mut sids = Vec::new();
            for _ in 0..requests {
                sids.push(self.client.seeded().await);
            }
            sids
        });
        self.sids = Arc::new(sids);
    }

    fn run(&mut self) {
        let (path, body, requests) = (self.workload.path(), self.body(), self.requests);
        // Fewer for large data, which takes valgrind longer than the driver waits.
        let at_once = (requests / 32).clamp(1, CLIENTS);
        self.runtime.block_on(async {
            let clients = (0..at_once).map(|number| {
                let (client, sids) = (self.client.clone(), self.sids.clone());
                tokio::spawn(async move {
                    for at in (number..requests).step_by(at_once) {
                        client.expect(path, sids.get(at), body).await;
                    }
                })
            });
            for client in clients.collect::<Vec<_>>() {
                client.await.expect("no client panics");
            }
        });
    }

    fn prove(&mut self) {
        if self.workload == Workload::Write {
            let sid = self.sids.last();
            let read = self.client.expect("/read", sid, "42");
            self.runtime.block_on(read);
        }
    }
}

impl Drop for OnRedis {
    fn drop(&mut self) {
        self.runtime.block_on(self.place.clean());
    }
}
