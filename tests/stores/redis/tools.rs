//! Helpers for the tests of `RedisStore`: private servers, sessions, and direct access to the
//! server.

use std::hash::{BuildHasher as _, RandomState};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use connect_session::SessionId;
use connect_session::Untyped;
use connect_session::store::{
    Change, CommitId, CommitOutcome, DataChange, DataFormat, InsertOutcome, Key, Lifetime,
    LoadRequest, NewRecord, Record, RedisStore, Renewal, SecretHash, Store, StoreError, Transport,
};
use serde_json::{Value, json};

use crate::servers::process::{Folder, Process, free_ports};

/// The namespace of the sessions.
pub const NAMESPACE: &str = "test";

/// A Redis server of one test.
pub struct Redis {
    pub port: u16,
    process: Process,
}

impl Redis {
    pub async fn start(settings: &[&str]) -> Self {
        let [port] = free_ports();
        let mut all = vec!["--port".to_owned(), port.to_string()];
        all.extend(settings.iter().map(|setting| (*setting).to_owned()));
        Self::start_on(port, Folder::new(), all).await
    }

    /// Starts a server with these settings, which include the port.
    pub async fn start_on(port: u16, folder: Folder, mut settings: Vec<String>) -> Self {
        for setting in ["--save", "", "--appendonly", "no"] {
            settings.push(setting.to_owned());
        }
        let program = std::env::var("TEST_REDIS_PROGRAM");
        let program = program.unwrap_or_else(|_| "redis-server".to_owned());
        let redis = Self {
            port,
            process: Process::start(program, folder, settings),
        };
        redis.listening().await;
        redis
    }

    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// The folder of the server's files.
    pub fn folder(&self) -> &Path {
        self.process.folder()
    }

    /// Waits until the server accepts connections.
    pub async fn listening(&self) {
        let address = ("127.0.0.1", self.port);
        until("the server listens", || async {
            tokio::net::TcpStream::connect(address).await.is_ok()
        })
        .await;
    }

    pub fn kill(&mut self) {
        self.process.kill();
    }

    /// Restarts the server, which loses its data.
    pub async fn restart(&mut self) {
        self.process.restart();
        self.listening().await;
    }

    pub fn freeze(&self) {
        self.process.freeze();
    }

    pub fn thaw(&self) {
        self.process.thaw();
    }

    /// A direct connection to the server.
    pub fn raw(&self) -> ::redis::Connection {
        raw(&self.url())
    }
}

/// A direct connection to the server.
pub fn raw(url: &str) -> ::redis::Connection {
    ::redis::Client::open(url)
        .unwrap()
        .get_connection()
        .unwrap()
}

/// The command that creates a user with the documented permissions and `more`.
pub fn granted(more: &[&'static str]) -> Vec<&'static str> {
    let user = "ACL SETUSER shop on >hunter2/@:? ~shop:* -@all";
    let always = "+get +getrange +set +getdel +evalsha +eval +time +pexpireat +unlink +info +scan +wait \
         +zadd +zrange +zrem +zremrangebyscore +zscore";
    let words = user.split(' ').chain(always.split(' '));
    words.chain(more.iter().copied()).collect()
}

/// Runs a command on a direct connection.
pub fn command<T: ::redis::FromRedisValue>(
    connection: &mut ::redis::Connection,
    words: &[impl AsRef<[u8]>],
) -> T {
    let mut words = words.iter();
    let mut command = ::redis::cmd(std::str::from_utf8(words.next().unwrap().as_ref()).unwrap());
    for word in words {
        command.arg(word.as_ref());
    }
    command.query(connection).unwrap()
}

/// Waits for a condition. The limit only stops tests that hang.
pub async fn until<F: Future<Output = bool>>(what: &str, mut is_so: impl FnMut() -> F) {
    let waiting = async {
        while !is_so().await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let waited = tokio::time::timeout(Duration::from_secs(60), waiting).await;
    waited.unwrap_or_else(|_| panic!("timeout: {what}"));
}

/// Fails if the future hangs.
pub async fn no_hang<T>(what: &str, future: impl Future<Output = T>) -> T {
    let done = tokio::time::timeout(Duration::from_secs(60), future).await;
    done.unwrap_or_else(|_| panic!("timeout: {what}"))
}

/// A session of a test.
#[derive(Clone, Copy)]
pub struct Session {
    pub key: Key,
    pub secret: SecretHash,
}

/// Base64url without padding.
fn base64url(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let bit = |at: usize| {
        bytes
            .get(at / 8)
            .is_some_and(|byte| byte >> (7 - at % 8) & 1 == 1)
    };
    let digits = (0..bytes.len() * 8).step_by(6);
    let digit = |from| (from..from + 6).fold(0, |digit, at| digit << 1 | usize::from(bit(at)));
    digits
        .map(|from| char::from(ALPHABET[digit(from)]))
        .collect()
}

pub fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    for chunk in bytes.chunks_mut(8) {
        let random = RandomState::new().hash_one(0).to_le_bytes();
        chunk.copy_from_slice(&random[..chunk.len()]);
    }
    bytes
}

pub fn data(json: &Value) -> Arc<Untyped> {
    Arc::new(serde_json::from_value(json.clone()).unwrap())
}

pub fn json(record: &Record<Untyped>) -> Value {
    serde_json::to_value(&*record.snapshot.data).unwrap()
}

impl Session {
    pub fn mint() -> Self {
        Self {
            key: Key {
                namespace: NAMESPACE,
                id: SessionId::from_bytes(random()),
            },
            secret: SecretHash::from_bytes(random()),
        }
    }

    /// The key, without the prefix.
    pub fn name(&self) -> String {
        let id = base64url(self.key.id.as_bytes());
        format!("s1:{}:{id}", self.key.namespace)
    }

    pub fn new_record(&self, json: &Value) -> NewRecord<Untyped> {
        NewRecord {
            secret: self.secret,
            transport: Transport::Other,
            data: data(json),
            login: None,
            label: None,
            lifetime: Lifetime::new(Duration::from_secs(600), Duration::from_secs(6_000)),
            commit_id: CommitId::from_bytes(random()),
            first_use_timeout: None,
            max_size: 1 << 20,
            format: DataFormat::FIRST,
        }
    }

    pub fn request(&self) -> LoadRequest {
        LoadRequest {
            secret: self.secret,
            transport: Transport::Other,
            touch_every: None,
            renewal: None,
            format: DataFormat::FIRST,
        }
    }

    pub async fn insert(
        &self,
        store: &RedisStore,
        json: &Value,
    ) -> Result<InsertOutcome<Untyped>, StoreError> {
        store.insert(self.key, &self.new_record(json)).await
    }

    pub async fn load(&self, store: &RedisStore) -> Result<Option<Record<Untyped>>, StoreError> {
        let loaded = store.load(self.key, &self.request()).await?;
        Ok(loaded.found())
    }

    pub async fn commit(
        &self,
        store: &RedisStore,
        change: &Change<Untyped>,
    ) -> Result<CommitOutcome<Untyped>, StoreError> {
        store.commit(self.key, change).await
    }

    pub async fn destroy(&self, store: &RedisStore) -> Result<bool, StoreError> {
        Store::<Untyped>::destroy(store, self.key).await
    }
}

/// Inserts a new session.
pub async fn opened(store: &RedisStore, json: &Value) -> Session {
    let session = Session::mint();
    let inserted = session.insert(store, json).await.unwrap();
    assert!(matches!(inserted, InsertOutcome::Done { .. }));
    session
}

/// Makes the server know all scripts that loads and changes use.
pub async fn load_scripts(store: &RedisStore) {
    let session = opened(store, &json!({})).await;
    let renewal = LoadRequest {
        renewal: Some(Renewal {
            every: Duration::ZERO,
            grace: Duration::ZERO,
            candidate: SecretHash::from_bytes(random()),
        }),
        ..session.request()
    };
    let load = Store::<Untyped>::load(store, session.key, &renewal);
    let record = load.await.unwrap().found().unwrap();
    assert!(record.renewed);
    let changed = session.commit(store, &set(&record, &json!({"a": 1}))).await;
    assert!(matches!(changed, Ok(CommitOutcome::Applied { .. })));
    session.commit(store, &change(&record)).await.unwrap();
    session.destroy(store).await.unwrap();
}

/// An empty change, based on this record.
pub fn change(record: &Record<Untyped>) -> Change<Untyped> {
    Change {
        commit_id: CommitId::from_bytes(random()),
        epoch: record.epoch,
        generation: record.generation,
        data: None,
        identity: None,
        lifetime: None,
        label: None,
        format: DataFormat::FIRST,
    }
}

/// A change of the data, based on this record.
pub fn set(record: &Record<Untyped>, json: &Value) -> Change<Untyped> {
    Change {
        data: Some(DataChange {
            base: Some(record.snapshot.clone()),
            data: data(json),
            max_size: 1 << 20,
        }),
        ..change(record)
    }
}

pub async fn ready(store: &RedisStore) -> Result<(), StoreError> {
    Store::<Untyped>::check_ready(store).await
}

/// The text of an error, with its causes.
pub fn error_chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
