//! One server: a link that all share, and, where replicas are waited for, some that nobody shares.

use std::sync::{Arc, Mutex, PoisonError};

use redis::{Cmd, Value};
use tokio::sync::Semaphore;

use super::failure::Failure;
use super::link::{Durability, Link, Patience};
use super::target::Target;

/// How many changes at once may wait for the replicas of a server.
const LANES: usize = 32;

/// A server. A clone is the same one.
#[derive(Debug, Clone)]
pub(super) struct Node {
    pub(super) link: Link,
    lanes: Arc<Lanes>,
}

/// Links for one change at a time: a connection that waits for replicas can do nothing else.
#[derive(Debug)]
struct Lanes {
    free: Semaphore,
    idle: Mutex<Vec<Link>>,
}

/// A command, and how it is to be sent.
#[derive(Clone, Copy)]
pub(super) struct Order<'a> {
    pub(super) command: &'a Cmd,
    /// How many replicas must have what it writes, if any.
    pub(super) durability: Option<Durability>,
}

impl Node {
    pub(super) fn new(target: Target, patience: Patience) -> Self {
        Self {
            link: Link::new(target, patience),
            lanes: Arc::new(Lanes {
                free: Semaphore::new(LANES),
                idle: Mutex::default(),
            }),
        }
    }

    pub(super) async fn send(&self, order: Order<'_>, is_asking: bool) -> Result<Value, Failure> {
        let Some(durability) = order.durability else {
            return if is_asking {
                self.link.ask(order.command).await
            } else {
                self.link.send(order.command).await
            };
        };
        let patience = self.link.patience().command;
        let permit = tokio::time::timeout(patience, self.lanes.free.acquire()).await;
        let Ok(Ok(_permit)) = permit else {
            return Err(Failure::not_sent(
                self.link.target(),
                format_args!("{LANES} changes wait for its replicas already"),
            ));
        };
        let idle = self.lanes.idle().pop();
        let lane =
            idle.unwrap_or_else(|| Link::new(self.link.target().clone(), self.link.patience()));
        let answer = lane
            .send_and_wait(order.command, is_asking, durability)
            .await;
        self.lanes.idle().push(lane);
        answer
    }
}

impl Lanes {
    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Link>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
