//! Operations on sessions, through a router.

use std::sync::atomic::{AtomicU64, Ordering};

use axum::http::HeaderValue;
use tokio::sync::Mutex;

use super::Boxed;
use super::client::Client;
use super::rounds::{CLIENTS, Work};

/// Each client reads its own session.
pub struct Reads(Sessions);

/// Each client changes its own session.
pub struct Changes(Sessions, Vec<AtomicU64>);

/// All clients change the same session.
pub struct ChangesOfOne(Client, HeaderValue);

/// Each client creates sessions.
pub struct Creates(Client, Vec<Mutex<Option<HeaderValue>>>);

/// A session for each client. There may be several routers, each with its own store.
struct Sessions {
    routers: Vec<Client>,
    sids: Vec<HeaderValue>,
}

impl Sessions {
    async fn new(routers: &[Client]) -> Self {
        let mut sids = Vec::new();
        for client in 0..CLIENTS {
            sids.push(routers[client % routers.len()].seeded().await);
        }
        Self {
            routers: routers.to_vec(),
            sids,
        }
    }

    async fn expect(&self, client: usize, path: &str, visits: u64) {
        let router = &self.routers[client % self.routers.len()];
        let sid = Some(&self.sids[client]);
        router.expect(path, sid, &visits.to_string()).await;
    }
}

impl Reads {
    pub async fn new(routers: &[Client]) -> Self {
        Self(Sessions::new(routers).await)
    }
}

impl Work for Reads {
    fn once(&self, client: usize) -> Boxed<'_, ()> {
        Box::pin(self.0.expect(client, "/read", 41))
    }

    fn prove(&self, _: u64) -> Boxed<'_, ()> {
        // Each response was verified already.
        Box::pin(std::future::ready(()))
    }
}

impl Changes {
    pub async fn new(routers: &[Client]) -> Self {
        let counts = (0..CLIENTS).map(|_| AtomicU64::new(41)).collect();
        Self(Sessions::new(routers).await, counts)
    }
}

impl Work for Changes {
    fn once(&self, client: usize) -> Boxed<'_, ()> {
        let visits = self.1[client].fetch_add(1, Ordering::Relaxed) + 1;
        Box::pin(self.0.expect(client, "/write", visits))
    }

    fn prove(&self, times: u64) -> Boxed<'_, ()> {
        Box::pin(async move {
            for client in 0..CLIENTS {
                self.0.expect(client, "/read", 41 + times).await;
            }
        })
    }
}

impl ChangesOfOne {
    pub async fn new(router: &Client) -> Self {
        Self(router.clone(), router.seeded().await)
    }
}

impl Work for ChangesOfOne {
    fn once(&self, _: usize) -> Boxed<'_, ()> {
        Box::pin(async {
            let reply = self.0.ask("/write", Some(&self.1)).await;
            assert_eq!(reply.status, 200, "{}", reply.body);
        })
    }

    fn prove(&self, times: u64) -> Boxed<'_, ()> {
        Box::pin(async move {
            let visits = 41 + times * CLIENTS as u64;
            let visits = visits.to_string();
            self.0.expect("/read", Some(&self.1), &visits).await;
        })
    }
}

impl Creates {
    pub fn new(router: &Client) -> Self {
        let last = (0..CLIENTS).map(|_| Mutex::new(None)).collect();
        Self(router.clone(), last)
    }
}

impl Work for Creates {
    fn once(&self, client: usize) -> Boxed<'_, ()> {
        Box::pin(async move {
            let reply = self.0.expect("/create", None, "1").await;
            let before = std::mem::replace(&mut *self.1[client].lock().await, reply.sid);
            let now = self.1[client].lock().await.clone();
            assert!(now.is_some() && now != before, "a new sid is sent");
        })
    }

    fn prove(&self, _: u64) -> Boxed<'_, ()> {
        Box::pin(async {
            for last in &self.1 {
                let last = last.lock().await.clone();
                self.0.expect("/read", last.as_ref(), "1").await;
            }
        })
    }
}
