//! Loads: a `GET`, and a script if it may have something to write.

use redis::{Cmd, Value};

use super::arguments::{LoadArguments, decimal};
use super::clock;
use super::failure::Failure;
use super::member::Member;
use super::node::{Command, TimedReply};
use super::reply::{self, Reply};
use super::script::{LOAD, LOAD_LOGIN, MOVE};
use super::store::{RedisStore, read_error};
use super::stored::StoredRecord;
use connect_session_runtime::data::{DataFormat, SessionData};
use connect_session_runtime::record::{Key, LoadRequest, Login, SubjectKey};
use connect_session_runtime::store::state::{RecordState, SecretStep};
use connect_session_runtime::store::{LoadOutcome, StoreError};
use connect_session_runtime::versions::Versioned;

impl RedisStore {
    /// Loads the record under a key; see [`Store::load`](connect_session_runtime::store::Store::load).
    ///
    /// Futures that few loads need are boxed, so that the future of the other loads stays small.
    pub(super) async fn find<D: SessionData>(
        &self,
        key: Key,
        request: &LoadRequest,
    ) -> Result<LoadOutcome<D>, StoreError> {
        let name = &*self.key(key);
        let TimedReply { value, now } = match self.get(name).await {
            // It may be a tombstone.
            Err(failure) if failure.code() == "WRONGTYPE" => {
                return Box::pin(self.decide(name, request, None, false)).await;
            }
            answer => answer.map_err(read_error)?,
        };
        let bytes = match value {
            Value::Nil => return Ok(LoadOutcome::Unknown),
            Value::BulkString(bytes) => bytes,
            _ => return Err(reply::unexpected("it is not a string")),
        };
        let Some(stored) = StoredRecord::read_for(bytes, request.secret)? else {
            return Ok(LoadOutcome::Unknown);
        };
        match FirstStep::of(&stored.header.state, request, now) {
            FirstStep::Unknown => Ok(LoadOutcome::Unknown),
            FirstStep::Found => match stored.decode(request.format) {
                Ok(data) => Ok(LoadOutcome::Found(stored.with_data(data, false))),
                Err(error) => {
                    Box::pin(self.not_decoded(name, &stored.header.state, request, error)).await
                }
            },
            FirstStep::Reused => {
                let login = stored.header.state.login.as_deref();
                Box::pin(self.decide(name, request, login, true)).await
            }
            FirstStep::Undecided {
                is_alive,
                secrets_change,
            } => {
                let step = self.write_effects(key, name, request, stored, is_alive, secrets_change);
                Box::pin(step).await
            }
        }
    }

    async fn get(&self, name: &str) -> Result<TimedReply, Failure> {
        let mut get = Cmd::with_capacity(2, name.len() + 3);
        get.arg("GET").arg(name);
        self.send(name, Command::new(&get, None)).await
    }

    /// Lets the server decide about a load whose data has not been decoded. `login` is the login of the record, if that
    /// is known.
    async fn decide<D: SessionData>(
        &self,
        name: &str,
        request: &LoadRequest,
        login: Option<&Login>,
        secrets_change: bool,
    ) -> Result<LoadOutcome<D>, StoreError> {
        let reply = self.second_step(name, request, None, secrets_change).await;
        self.loaded(reply.map_err(read_error)?, login, None, request.format)
    }

    /// Lets the server decide about a load that has something to write.
    async fn write_effects<D: SessionData>(
        &self,
        key: Key,
        name: &str,
        request: &LoadRequest,
        stored: StoredRecord,
        is_alive: bool,
        secrets_change: bool,
    ) -> Result<LoadOutcome<D>, StoreError> {
        let format = request.format;
        let state = stored.header.state.clone();
        // Before anything is written: a session that cannot be read does not live longer.
        let decoded = if stored.may_open(request.secret) {
            match stored.decode(format) {
                Ok(data) => Some((stored, data)),
                Err(error) => return self.not_decoded(name, &state, request, error).await,
            }
        } else {
            None
        };
        let login = state.login.as_deref();
        match self.second_step(name, request, login, secrets_change).await {
            Ok(reply) => {
                self.file_again(key, login, state.expiry.absolute_until);
                self.loaded(reply, login, decoded, format)
            }
            // The record can be read but not written: the touch, the offer or the promotion
            // is left out.
            Err(failure) => match decoded.filter(|_| is_alive) {
                Some((stored, data)) => Ok(LoadOutcome::Found(stored.with_data(data, false))),
                None => Err(read_error(failure)),
            },
        }
    }

    /// Runs the script that decides about a load by the server's clock, and writes.
    async fn second_step(
        &self,
        name: &str,
        request: &LoadRequest,
        login: Option<&Login>,
        secrets_change: bool,
    ) -> Result<Value, Failure> {
        let arguments = LoadArguments::new(request);
        // A touch that a failover loses is harmless; a new secret must not be lost.
        let durability = self.durability().filter(|_| secrets_change);
        let servers = self.servers();
        let mut arguments = arguments.as_slices();
        let script = match login {
            Some(_) if servers.is_one() => {
                arguments.push(b"here");
                &LOAD_LOGIN
            }
            _ => &LOAD,
        };
        script.run(servers, name, &arguments, durability).await
    }

    /// On a Cluster, sees to it that a session that is in use is in the index of its subject, which may have been lost.
    /// The load does not wait for it. If it fails, a later load tries again.
    fn file_again(&self, key: Key, login: Option<&Login>, absolute_until: u64) {
        let Some(login) = login.filter(|_| !self.servers().is_one()) else {
            return;
        };
        let index = self.index(&SubjectKey::new(key.namespace, &login.subject));
        let member = Member {
            logged_in_at: login.logged_in_at.as_millis(),
            id: key.id,
            is_unfinished: false,
        };
        let store = self.clone();
        tokio::spawn(async move {
            let deadline = decimal(absolute_until);
            let _ = store
                .run(&MOVE, &index, &[&member.bytes(), &deadline])
                .await;
        });
    }

    /// The outcome of a load whose record cannot be decoded: `error`, but only if the load finds the record by
    /// the clock of the server. Nothing but a secret that opens it may learn of the data.
    async fn not_decoded<D: SessionData>(
        &self,
        name: &str,
        state: &RecordState,
        request: &LoadRequest,
        error: StoreError,
    ) -> Result<LoadOutcome<D>, StoreError> {
        let time = redis::cmd("TIME");
        let answer = self.send(name, Command::new(&time, None)).await;
        let now = clock::millis_of(&answer.map_err(read_error)?.value)
            .ok_or_else(|| reply::unexpected("it is not the time"))?;
        if state.on_load(request, now).is_some() {
            Err(error)
        } else {
            Ok(state.not_found(request, now))
        }
    }

    /// The outcome in the reply of the second step. `login` is what the first step has found. The record is only
    /// decoded if it is not the one that the first step has decoded.
    fn loaded<D: SessionData>(
        &self,
        reply: Value,
        login: Option<&Login>,
        decoded: Option<(StoredRecord, Versioned<D>)>,
        format: DataFormat,
    ) -> Result<LoadOutcome<D>, StoreError> {
        let mut reply = Reply::read(reply)?;
        self.observe(reply.number()?);
        match &*reply.outcome {
            "record" => {
                let stored = reply.stored_record()?;
                let _secrets_changed = reply.number()?;
                let is_offered = reply.number()? == 1;
                let record = match decoded.filter(|(first, _)| stored.has_data_of(first)) {
                    Some((_, data)) => stored.with_data(data, is_offered),
                    None => stored.into_record(is_offered, format)?,
                };
                Ok(LoadOutcome::Found(record))
            }
            "none" => Ok(LoadOutcome::Unknown),
            "replaced" => Ok(LoadOutcome::Replaced),
            "reused" => Ok(LoadOutcome::Reused {
                subject: login.map(|login| login.subject.clone()),
            }),
            _ => Err(reply.unknown_outcome()),
        }
    }
}

/// What a record that was read, and the estimated time of its server, say about a load.
enum FirstStep {
    /// The secret is wrong.
    Unknown,
    /// Nothing is to be written.
    Found,
    /// The secret is most likely one that a renewal has replaced, after its grace period; the server decides.
    Reused,
    /// The server decides.
    Undecided {
        /// Whether it most likely finds the record.
        is_alive: bool,
        /// Whether it may change the secrets.
        secrets_change: bool,
    },
}

impl FirstStep {
    fn of(state: &RecordState, request: &LoadRequest, now: Option<u64>) -> Self {
        let undecided = |is_alive, secrets_change| Self::Undecided {
            is_alive,
            secrets_change,
        };
        let Some(now) = now else {
            return undecided(false, true);
        };
        match state.on_load(request, now) {
            Some(effects) if effects.is_empty() => Self::Found,
            Some(effects) => undecided(true, effects.secret != SecretStep::Keep),
            // Its key has not expired by the server's clock.
            None if !state.is_alive(now) => undecided(false, true),
            None if state.load_view().is_reuse(request, now) => Self::Reused,
            None => Self::Unknown,
        }
    }
}
