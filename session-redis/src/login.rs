//! Creations and changes that concern a login: the record and the index of its subject change together.

use redis::Value;

use super::arguments::{CommitArguments, LoginArguments, decimal};
use super::fields::Fields;
use super::header::{encode_new, stored_first_use, stored_lifetime};
use super::login_on_cluster::LoginOnCluster;
use super::reply::{self, Reply};
use super::script::{COMMIT_LOGIN, INSERT_LOGIN, MOVE};
use super::store::{
    RedisStore, insert_error, outcome_of_reply, outcome_without_write, snapshot_after, write_error,
};
use super::stored::StoredRecord;
use connect_session_runtime::data::SessionData;
use connect_session_runtime::record::{Change, Key, LoginChange, NewLogin, NewRecord, Snapshot};
use connect_session_runtime::sid::SessionId;
use connect_session_runtime::store::state::{Expiry, RecordState};
use connect_session_runtime::store::{CommitOutcome, InsertOutcome, LoginRefusal, StoreError};

/// How often a change is tried whose session logs in again each time.
const MAX_MOVES: usize = 8;

impl RedisStore {
    /// Inserts a record with a login; see [`Store::insert`](connect_session_runtime::store::Store::insert).
    pub(super) async fn insert_login<D: SessionData>(
        &self,
        key: Key,
        record: &NewRecord<D>,
        login: &NewLogin,
    ) -> Result<InsertOutcome<D>, StoreError> {
        let fields = Fields::encode(&record.fields()?);
        // The script fills in the times.
        let mut state = RecordState::new(record, 0);
        let first_use = stored_first_use(record.first_use_timeout);
        state.expiry = Expiry::new(stored_lifetime(record.lifetime), 0).with_first_use(first_use);
        let value = encode_new(
            key.namespace,
            &state,
            record.format.written,
            fields.as_slice(),
        );
        let mut arguments = LoginArguments::new(key.namespace, login);
        let name = self.key(key);
        let admitted = if self.servers().is_one() {
            None
        } else {
            let lifetime = Some(record.lifetime);
            let admitted = LoginOnCluster::admit(self, key, login, lifetime).await?;
            match admitted {
                Ok(admitted) => Some(admitted),
                Err(refusal) => return Ok(InsertOutcome::Refused(refusal)),
            }
        };
        if let Some(admitted) = &admitted {
            admitted.apply_to(&mut arguments);
        }
        let arguments = arguments.with_value(&value);
        let reply = INSERT_LOGIN
            .run(self.servers(), &name, &arguments, self.durability())
            .await;
        let mut reply = Reply::read(reply.map_err(insert_error)?)?;
        self.observe(reply.number()?);
        let ended = match &*reply.outcome {
            "applied" => Ok(ended_of(&mut reply)),
            "refused" => Err(refusal(&mut reply)?),
            "exists" => {
                if let Some(admitted) = admitted {
                    admitted.withdraw().await;
                }
                return Ok(InsertOutcome::Exists);
            }
            _ => return Err(reply.unknown_outcome()),
        };
        let ended = match (ended, admitted) {
            (Ok(_), Some(admitted)) => admitted.confirm(reply.number()?).await?,
            (ended, _) => ended,
        };
        Ok(match ended {
            Ok(ended) => InsertOutcome::Done {
                snapshot: Snapshot::with_bytes(
                    record.data.clone(),
                    1,
                    fields.into_snapshot_bytes(),
                ),
                evicted: Vec::new(),
                ended,
            },
            Err(refusal) => InsertOutcome::Refused(refusal),
        })
    }

    /// Commits a change that may concern the login, the label or the absolute deadline.
    pub(super) async fn commit_login<D: SessionData>(
        &self,
        key: Key,
        change: &Change<D>,
        arguments: &CommitArguments<'_>,
    ) -> Result<CommitOutcome<D>, StoreError> {
        let Some(login) = arguments.new_login() else {
            return self.commit_known_login(key, change, arguments).await;
        };
        let mut login_arguments = LoginArguments::new(key.namespace, login);
        let admitted = if self.servers().is_one() {
            None
        } else {
            match LoginOnCluster::admit(self, key, login, change.lifetime).await? {
                Ok(admitted) => Some(admitted),
                Err(refusal) => return self.refused(key, change, arguments, refusal).await,
            }
        };
        if let Some(admitted) = &admitted {
            admitted.apply_to(&mut login_arguments);
        }
        let committed = (self.commit_filed(key, arguments, &mut login_arguments)).await?;
        let (mut reply, now) = committed;
        match &*reply.outcome {
            "applied" => {}
            "refused" => return Ok(CommitOutcome::Refused(refusal(&mut reply)?)),
            _ => {
                if let Some(admitted) = admitted {
                    admitted.withdraw().await;
                }
                return outcome_of_reply(reply, now, change, arguments.fields().cloned());
            }
        }
        let snapshot = snapshot_after(change, reply.number()?, arguments.fields().cloned());
        let mut ended = ended_of(&mut reply);
        if let Some(admitted) = admitted {
            match admitted.confirm(reply.number()?).await? {
                Ok(others) => ended = others,
                Err(refusal) => return Ok(CommitOutcome::Refused(refusal)),
            }
        }
        Ok(CommitOutcome::Applied { snapshot, ended })
    }

    /// Commits a change that sets no login.
    async fn commit_known_login<D: SessionData>(
        &self,
        key: Key,
        change: &Change<D>,
        arguments: &CommitArguments<'_>,
    ) -> Result<CommitOutcome<D>, StoreError> {
        let keep = LoginChange::Keep;
        let login = change
            .identity
            .as_ref()
            .map_or(&keep, |identity| &identity.login);
        let mut login_arguments = LoginArguments::of_change(login);
        login_arguments.is_elsewhere = !self.servers().is_one();
        let (reply, now) = (self.commit_filed(key, arguments, &mut login_arguments)).await?;
        outcome_of_reply(reply, now, change, arguments.fields().cloned())
    }

    /// Runs the script of a change. On a Cluster, the deadline of a session never moves before that of its member.
    async fn commit_filed(
        &self,
        key: Key,
        arguments: &CommitArguments<'_>,
        login: &mut LoginArguments,
    ) -> Result<(Reply, u64), StoreError> {
        let name = self.key(key);
        for _ in 0..MAX_MOVES {
            let slices = arguments.with_login(login);
            let (mut reply, now) = self.run(&COMMIT_LOGIN, &name, &slices).await?;
            if reply.outcome != "elsewhere" {
                return Ok((reply, now));
            }
            let index = self.index_named(key.namespace, &reply.text());
            let member = reply.member()?.bytes();
            let deadline = decimal(reply.number()?);
            self.run(&MOVE, &index, &[&member, &deadline]).await?;
            login.moved = member;
            login.moved_until = deadline;
        }
        Err(reply::unexpected("the session logs in again and again"))
    }

    /// The outcome of a change whose login the index has refused: the check of the change comes first.
    async fn refused<D: SessionData>(
        &self,
        key: Key,
        change: &Change<D>,
        arguments: &CommitArguments<'_>,
        refusal: LoginRefusal,
    ) -> Result<CommitOutcome<D>, StoreError> {
        let values = self.servers().get_all(vec![self.key(key)]).await;
        let stored = match values.map_err(write_error)?.pop() {
            Some(Value::BulkString(bytes)) => StoredRecord::read(bytes)?,
            _ => return Ok(CommitOutcome::Ended),
        };
        let now = self.now_millis();
        let outcome = outcome_without_write(stored, now, change, arguments.fields().is_some())?;
        Ok(outcome.unwrap_or(CommitOutcome::Refused(refusal)))
    }
}

fn ended_of(reply: &mut Reply) -> Vec<SessionId> {
    let ended = reply.members().into_iter();
    ended.map(|member| member.id).collect()
}

/// The reason of a refused login.
pub(super) fn refusal(reply: &mut Reply) -> Result<LoginRefusal, StoreError> {
    match &*reply.text() {
        "revoked" => Ok(LoginRefusal::Revoked),
        "full" => Ok(LoginRefusal::TooManySessions),
        _ => Err(reply::unexpected("a login was refused for no reason")),
    }
}
