//! A Cluster: sends each command to the primary of its key, and follows redirects.
//!
//! A server that replies with `MOVED`, `ASK`, `TRYAGAIN`, `CLUSTERDOWN`, `LOADING` or `READONLY`
//! has not executed the command, so it is sent again, elsewhere or later. A command whose reply was
//! lost is never sent again.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use redis::{Client, ConnectionInfo, ServerErrorKind, Value};
use tokio::sync::{Mutex, MutexGuard};
use tokio::task::JoinSet;

use super::address::{ServerAddress, client_for};
use super::failure::Failure;
use super::node::{Command, Node, TimedReply};
use super::slots::{HostPort, SlotMap, SlotRange, slot_of};
use super::timeouts::Timeouts;

/// How many redirects one command follows.
const MAX_REDIRECTIONS: usize = 8;
/// The pause before a retry while the Cluster is being reconfigured.
const RETRY_DELAY: Duration = Duration::from_millis(50);
/// The slot map is not fetched again while it is younger than this.
const MIN_MAP_AGE: Duration = Duration::from_millis(100);

/// When the slot map was fetched, and the result.
type Refresh = (Instant, Result<(), Failure>);

/// A Cluster. Clones share the slot map and the connections.
#[derive(Clone)]
pub(super) struct Cluster(Arc<Inner>);

struct Inner {
    /// The servers that the settings name. The others are discovered through them.
    seeds: Vec<Node>,
    /// Credentials and TLS settings for every server.
    template: ConnectionInfo,
    timeouts: Timeouts,
    nodes: RwLock<HashMap<HostPort, Node>>,
    map: RwLock<Arc<SlotMap>>,
    /// When the slot map was last fetched, and the result. Locked while it is being fetched.
    last_refresh: Mutex<Option<Refresh>>,
}

impl fmt::Debug for Cluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Cluster").field(&self.0.seeds).finish()
    }
}

impl Cluster {
    pub(super) fn new(seeds: Vec<Client>, template: ConnectionInfo, timeouts: Timeouts) -> Self {
        let seeds = seeds
            .into_iter()
            .map(|seed| Node::new(ServerAddress::direct(seed), timeouts));
        Self(Arc::new(Inner {
            seeds: seeds.collect(),
            template,
            timeouts,
            nodes: RwLock::default(),
            map: RwLock::default(),
            last_refresh: Mutex::default(),
        }))
    }

    /// The servers that the settings name, in the order of their addresses.
    pub(super) fn seeds(&self) -> String {
        let address = |seed: &Node| seed.connection.address().to_string();
        let mut seeds: Vec<String> = self.0.seeds.iter().map(address).collect();
        seeds.sort_unstable();
        seeds.join(", ")
    }

    pub(super) async fn connect(&self) -> Result<(), Failure> {
        self.refresh().await
    }

    /// Sends a command to the primary of a key, and follows redirects.
    pub(super) async fn send(
        &self,
        key: &str,
        command: Command<'_>,
    ) -> Result<TimedReply, Failure> {
        let slot = slot_of(key);
        let deadline = Instant::now() + self.0.timeouts.command;
        let mut node = self.primary(slot).await?;
        let mut is_asking = false;
        let mut redirections = 0;
        loop {
            let failure = match node.send(command, is_asking).await {
                Ok(reply) => return Ok(reply),
                Err(failure) => failure,
            };
            is_asking = false;
            redirections += 1;
            let is_exhausted = redirections > MAX_REDIRECTIONS || Instant::now() >= deadline;
            match failure.kind() {
                Some(ServerErrorKind::Moved | ServerErrorKind::Ask) if !is_exhausted => {
                    let Some((host, port)) = failure.redirect() else {
                        return Err(failure);
                    };
                    // An empty host means the host of the server that sent the redirect.
                    let own = node.connection.address().host().unwrap_or_default();
                    let host = if host.is_empty() { own } else { host };
                    is_asking = failure.kind() == Some(ServerErrorKind::Ask);
                    node = self.node(&(host, port))?;
                    if !is_asking {
                        self.refresh_in_background();
                    }
                }
                Some(
                    ServerErrorKind::TryAgain
                    | ServerErrorKind::ClusterDown
                    | ServerErrorKind::MasterDown
                    | ServerErrorKind::BusyLoading
                    | ServerErrorKind::ReadOnly,
                ) if Instant::now() < deadline => {
                    redirections = 0;
                    tokio::time::sleep(RETRY_DELAY).await;
                    self.refresh().await?;
                    node = self.primary(slot).await?;
                }
                None if matches!(failure, Failure::NotSent { .. }) && !is_exhausted => {
                    // A replica may have been promoted.
                    self.refresh().await?;
                    let next = self.primary(slot).await?;
                    if next.connection.is_same(&node.connection) {
                        return Err(failure);
                    }
                    node = next;
                }
                _ => {
                    if matches!(failure, Failure::OutcomeUnknown(_)) {
                        self.refresh_in_background();
                    }
                    return Err(failure);
                }
            }
        }
    }

    /// The primaries of all slots.
    pub(super) async fn primaries(&self) -> Result<Vec<Node>, Failure> {
        self.refresh().await?;
        let Some(primaries) = self.map().primaries() else {
            return Err(self.failure("some slots have no primary"));
        };
        primaries.iter().map(|address| self.node(address)).collect()
    }

    async fn primary(&self, slot: u16) -> Result<Node, Failure> {
        if let Some(address) = self.map().primary(slot) {
            return self.node(address);
        }
        self.refresh().await?;
        match self.map().primary(slot) {
            Some(address) => self.node(address),
            None => Err(self.failure(format_args!("slot {slot} has no primary"))),
        }
    }

    fn map(&self) -> Arc<SlotMap> {
        self.0
            .map
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn node(&self, address: &HostPort) -> Result<Node, Failure> {
        let known = self.0.nodes.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(node) = known.get(address) {
            return Ok(node.clone());
        }
        drop(known);
        let (host, port) = address.clone();
        let client =
            client_for(&self.0.template, host, port).map_err(|error| self.failure(error))?;
        let node = Node::new(ServerAddress::direct(client), self.0.timeouts);
        let mut nodes = self.0.nodes.write().unwrap_or_else(PoisonError::into_inner);
        Ok(nodes.entry(address.clone()).or_insert(node).clone())
    }

    fn all_nodes(&self) -> Vec<Node> {
        let known = self.0.nodes.read().unwrap_or_else(PoisonError::into_inner);
        known.values().chain(&self.0.seeds).cloned().collect()
    }

    fn failure(&self, why: impl fmt::Display) -> Failure {
        let Some(seed) = self.0.seeds.first() else {
            return Failure::OutcomeUnknown("the Cluster has no servers".into());
        };
        Failure::not_sent(
            seed.connection.address(),
            format_args!("the Cluster cannot be used: {why}"),
        )
    }

    /// Refreshes the slot map without delaying the caller.
    fn refresh_in_background(&self) {
        let this = self.clone();
        tokio::spawn(async move { this.refresh().await });
    }

    /// Fetches the slot map, unless it was fetched just now; then returns the same result.
    async fn refresh(&self) -> Result<(), Failure> {
        let mut last_refresh = self.lock_last_refresh().await?;
        if let Some((at, result)) = &*last_refresh
            && at.elapsed() < MIN_MAP_AGE
        {
            return result.clone();
        }
        let result = self.fetch_slot_map().await.map(|map| self.install(map));
        *last_refresh = Some((Instant::now(), result.clone()));
        result
    }

    /// Waits no longer than for a command: another runtime may hold the lock, and not be running.
    async fn lock_last_refresh(&self) -> Result<MutexGuard<'_, Option<Refresh>>, Failure> {
        let timeout = self.0.timeouts.connect + self.0.timeouts.command;
        let locked = tokio::time::timeout(timeout, self.0.last_refresh.lock()).await;
        locked.map_err(|_| self.failure(format_args!("no reply within {timeout:?}")))
    }

    fn install(&self, map: SlotMap) {
        let mut nodes = self.0.nodes.write().unwrap_or_else(PoisonError::into_inner);
        nodes.retain(|address, _| map.has(address));
        drop(nodes);
        *self.0.map.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(map);
    }

    /// Asks all known servers concurrently, and takes the first slot map.
    async fn fetch_slot_map(&self) -> Result<SlotMap, Failure> {
        let mut replies = JoinSet::new();
        for node in self.all_nodes() {
            replies.spawn(async move { fetch_slot_map(&node).await });
        }
        let mut failure = None;
        while let Some(reply) = replies.join_next().await {
            match reply {
                Ok(Ok(map)) => return Ok(map),
                Ok(Err(why)) => failure = Some(why),
                Err(why) => failure = Some(self.failure(why)),
            }
        }
        Err(match failure {
            // Only the query for the slot map was sent, not the command.
            Some(Failure::OutcomeUnknown(why)) => self.failure(why),
            Some(failure) => failure,
            None => self.failure("no server is known"),
        })
    }
}

async fn fetch_slot_map(node: &Node) -> Result<SlotMap, Failure> {
    let mut slots = redis::cmd("CLUSTER");
    slots.arg("SLOTS");
    let reply = node.connection.send(&slots).await?;
    let ranges: Vec<(u16, u16, Vec<Value>)> = read_ranges(node, reply)?;
    let own_host = node.connection.address().host();
    let ranges = ranges.into_iter().map(|(first, last, primary)| {
        let mut primary = primary.into_iter();
        let host: Option<String> = node.connection.read(primary.next().unwrap_or(Value::Nil))?;
        let port: u16 = node.connection.read(primary.next().unwrap_or(Value::Nil))?;
        // A server that does not know its own host sends none: it is the host we connected to.
        let host = host.filter(|host| !host.is_empty() && host != "?");
        let host = host.or_else(|| own_host.clone()).unwrap_or_default();
        Ok(SlotRange {
            first,
            last,
            primary: (host, port),
        })
    });
    Ok(SlotMap::new(ranges.collect::<Result<_, Failure>>()?))
}

/// The ranges of `CLUSTER SLOTS`: first slot, last slot and primary. The replicas are ignored.
fn read_ranges(node: &Node, reply: Value) -> Result<Vec<(u16, u16, Vec<Value>)>, Failure> {
    let ranges: Vec<Vec<Value>> = node.connection.read(reply)?;
    let read = |range: Vec<Value>| {
        let mut range = range.into_iter();
        let mut next = || range.next().unwrap_or(Value::Nil);
        Ok((
            node.connection.read(next())?,
            node.connection.read(next())?,
            node.connection.read(next())?,
        ))
    };
    ranges.into_iter().map(read).collect()
}
