//! The store on Redis and Valkey.
//!
//! Each verb is a script on one key, and so one atomic step in one round trip. The server's clock
//! decides, and its own expiry forgets what has ended. The driver is `redis`: the maintained client
//! with the most users, whose plain connection sends a command once, which is what this needs most
//! (what sends again after a lost connection may do a change twice).

mod answer;
mod builder;
mod check;
mod cluster;
mod failure;
mod link;
mod node;
mod script;
mod servers;
mod slots;
mod target;
mod trial;
mod url;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use redis::Value;

use self::answer::Answer;
pub use self::builder::{RedisStoreBuilder, RedisStoreError};
use self::failure::Failure;
use self::link::Durability;
use self::script::{Arguments, COMMIT, DESTROY, INSERT, LOAD, Verb};
use self::servers::Servers;
use super::{Committed, Inserted, Store, StoreError};
use crate::data::SessionData;
use crate::patch::Patch;
use crate::record::{
    Change, DataChange, IdentityChange, Key, Lifetime, LoadRequest, NewRecord, Record,
    SubjectChange, Transport,
};

/// Keeps sessions on Redis 7 or Valkey.
#[derive(Clone)]
pub struct RedisStore {
    shared: Arc<Shared>,
}

struct Shared {
    servers: Servers,
    prefix: String,
    /// How many replicas must have a change before it counts.
    replicas: u32,
    /// By how many milliseconds the server's clock is ahead of this machine's.
    ahead: AtomicI64,
}

impl fmt::Debug for RedisStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStore")
            .field("servers", &self.shared.servers)
            .field("prefix", &self.shared.prefix)
            .finish_non_exhaustive()
    }
}

impl RedisStore {
    /// A store on the server of a URL, with every other setting at its default.
    ///
    /// # Errors
    /// When the URL is wrong, or the server does not answer or does not let the client in.
    pub async fn connect(url: impl Into<String>) -> Result<Self, RedisStoreError> {
        Self::builder().url(url).build().await
    }

    /// A store with other settings.
    #[must_use]
    pub fn builder() -> RedisStoreBuilder {
        RedisStoreBuilder::default()
    }

    fn new(servers: Servers, prefix: String, replicas: u32) -> Self {
        Self {
            shared: Arc::new(Shared {
                servers,
                prefix,
                replicas,
                ahead: AtomicI64::new(0),
            }),
        }
    }

    /// An id is always as long, so that whatever is in front of it, no two records share a key.
    fn key(&self, key: Key) -> String {
        format!("{}{}:{}", self.shared.prefix, key.namespace, key.id)
    }

    async fn read(&self, verb: &Verb, key: Key, arguments: &Arguments) -> Result<Value, Failure> {
        let servers = &self.shared.servers;
        verb.run(servers, &self.key(key), arguments, None).await
    }

    /// Runs a verb, and waits for the replicas if it answers that it has written.
    async fn write(&self, verb: &Verb, key: Key, arguments: &Arguments) -> Result<Value, Failure> {
        let replicas = self.shared.replicas;
        let durability = (replicas > 0).then_some(Durability {
            replicas,
            has_written: answer::has_written,
        });
        let servers = &self.shared.servers;
        verb.run(servers, &self.key(key), arguments, durability)
            .await
    }

    fn answer(&self, answer: Value) -> Result<Answer, StoreError> {
        let answer = Answer::read(answer)?;
        let millis = |at: SystemTime| {
            let since = at.duration_since(UNIX_EPOCH).unwrap_or_default();
            i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
        };
        let ahead = millis(answer.now).saturating_sub(millis(SystemTime::now()));
        self.shared.ahead.store(ahead, Ordering::Relaxed);
        Ok(answer)
    }
}

impl<D: SessionData> Store<D> for RedisStore {
    async fn ready(&self) -> Result<(), StoreError> {
        check::check(self).await
    }

    async fn insert(&self, key: Key, record: &NewRecord<D>) -> Result<Inserted<D>, StoreError> {
        let fields = record.fields()?;
        let mut arguments = Arguments::default();
        arguments
            .push(record.secret.as_bytes())
            .push(transport(record.transport))
            .push(record.commit_id.to_bytes())
            .duration(record.lifetime.idle)
            .duration(record.lifetime.absolute)
            .push(record.subject.as_ref().map_or("", |_| "subject"))
            .push(record.subject.as_deref().unwrap_or_default());
        for (name, json) in &fields {
            arguments.push(name).push(json.get());
        }
        let answer = self.write(&INSERT, key, &arguments).await;
        let answer = answer.map_err(|failure| match failure.code() {
            "OOM" => StoreError::Full,
            _ => failure.of_write(),
        })?;
        let answer = self.answer(answer)?;
        match &*answer.outcome {
            "done" => Ok(Inserted::Done {
                snapshot: record.kept(&fields),
                evicted: Vec::new(),
            }),
            "exists" => Ok(Inserted::Exists),
            _ => Err(answer.unexpected()),
        }
    }

    async fn load(&self, key: Key, request: &LoadRequest) -> Result<Option<Record<D>>, StoreError> {
        let mut arguments = Arguments::default();
        arguments
            .push(request.secret.as_bytes())
            .push(transport(request.transport));
        match request.touch_every {
            Some(every) => arguments.duration(every),
            None => arguments.push(""),
        };
        match &request.renewal {
            Some(renewal) => arguments
                .duration(renewal.every)
                .duration(renewal.grace)
                .push(renewal.candidate.as_bytes()),
            None => arguments.push("").push("").push(""),
        };
        // A load that says that it writes promises a secret to the client.
        let answer = match &request.renewal {
            Some(_) => self.write(&LOAD, key, &arguments).await,
            None => self.read(&LOAD, key, &arguments).await,
        };
        let mut answer = self.answer(answer.map_err(Failure::of_read)?)?;
        match &*answer.outcome {
            "record" => {
                let kept = answer.kept()?;
                let renewed = answer.number()? == 1;
                kept.record(renewed).map(Some)
            }
            "none" => Ok(None),
            _ => Err(answer.unexpected()),
        }
    }

    async fn commit(&self, key: Key, change: &Change<D>) -> Result<Committed<D>, StoreError> {
        let patch = change.data.as_ref().map(DataChange::patch).transpose()?;
        let arguments = commit_arguments(change, patch.as_ref());
        let answer = self.write(&COMMIT, key, &arguments).await;
        let mut answer = self.answer(answer.map_err(Failure::of_write)?)?;
        match &*answer.outcome {
            "applied" => {
                let version = answer.number()?;
                let data = change.data.as_ref().zip(patch.as_ref());
                Ok(Committed::Applied(
                    data.map(|(data, patch)| data.kept(patch, version)),
                ))
            }
            "repeated" => {
                let record = answer.kept()?.record(false)?;
                let data = change.data.as_ref();
                Ok(Committed::Applied(data.map(|_| record.snapshot)))
            }
            "conflict" => {
                let record = answer.kept()?.record(false)?;
                Ok(Committed::Conflict(Box::new(record)))
            }
            "gone" => Ok(Committed::Gone),
            _ => Err(answer.unexpected()),
        }
    }

    async fn destroy(&self, key: Key) -> Result<bool, StoreError> {
        let answer = self.write(&DESTROY, key, &Arguments::default()).await;
        let mut answer = self.answer(answer.map_err(Failure::of_write)?)?;
        match &*answer.outcome {
            "destroyed" => Ok(answer.number()? == 1),
            _ => Err(answer.unexpected()),
        }
    }

    async fn count(&self, namespace: &'static str) -> Result<u64, StoreError> {
        let pattern = pattern(&self.shared.prefix, namespace);
        let servers = &self.shared.servers;
        servers.count(&pattern).await.map_err(Failure::of_read)
    }

    fn now(&self) -> SystemTime {
        let ahead = self.shared.ahead.load(Ordering::Relaxed);
        let by = Duration::from_millis(ahead.unsigned_abs());
        let here = SystemTime::now();
        let there = if ahead < 0 {
            here.checked_sub(by)
        } else {
            here.checked_add(by)
        };
        there.unwrap_or(here)
    }
}

fn transport(transport: Transport) -> &'static str {
    match transport {
        Transport::Cookie => "cookie",
        Transport::Other => "other",
    }
}

fn commit_arguments<D>(change: &Change<D>, patch: Option<&Patch>) -> Arguments {
    let mut arguments = Arguments::default();
    arguments
        .push(change.commit_id.to_bytes())
        .number(change.epoch)
        .number(change.generation);
    push_data(&mut arguments, patch);
    push_identity(&mut arguments, change.identity.as_ref());
    push_lifetime(&mut arguments, change.lifetime);
    arguments
}

fn push_data(arguments: &mut Arguments, patch: Option<&Patch>) {
    let Some(patch) = patch else {
        arguments.push("none");
        return;
    };
    arguments.push(if patch.replace_all { "all" } else { "some" });
    arguments.number(patch.set.len() as u64);
    for field in &patch.set {
        let base = field.base.map_or(String::new(), |base| base.to_string());
        arguments.push(&field.name).push(base).push(&field.json);
    }
    arguments.number(patch.remove.len() as u64);
    for (name, base) in &patch.remove {
        arguments.push(name).number(*base);
    }
}

fn push_identity(arguments: &mut Arguments, identity: Option<&IdentityChange>) {
    let Some(identity) = identity else {
        arguments.push("none").push("").push("").push("");
        return;
    };
    let (change, subject) = match &identity.subject {
        SubjectChange::Keep => ("keep", ""),
        SubjectChange::Set(subject) => ("set", &**subject),
        SubjectChange::Clear => ("clear", ""),
    };
    arguments
        .push(if identity.new_generation {
            "new"
        } else {
            "same"
        })
        .push(identity.secret.as_bytes())
        .push(change)
        .push(subject);
}

fn push_lifetime(arguments: &mut Arguments, lifetime: Option<Lifetime>) {
    match lifetime {
        Some(lifetime) => arguments
            .push("set")
            .duration(lifetime.idle)
            .duration(lifetime.absolute),
        None => arguments.push("keep"),
    };
}

/// What the keys of a namespace look like: its name as it is, and any id.
fn pattern(prefix: &str, namespace: &str) -> String {
    let mut pattern = String::new();
    for character in prefix.chars().chain(namespace.chars()) {
        if matches!(character, '*' | '?' | '[' | ']' | '^' | '\\') {
            pattern.push('\\');
        }
        pattern.push(character);
    }
    pattern + ":" + &"?".repeat(36)
}
