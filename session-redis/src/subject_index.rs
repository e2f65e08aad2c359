//! The index of the sessions of each subject: a sorted set beside the sessions, described in `logins.lua`.
//!
//! It contains every living session of its subject, and for a while also some that have ended, because an end by id
//! and the server's expiry do not change it. Each reader therefore reads the sessions too.

use std::time::Duration;

use redis::{FromRedisValue as _, Value};
use tokio::task::JoinSet;

use super::arguments::decimal;
use super::failure::Failure;
use super::key::{id_text, subject_text};
use super::member::Member;
use super::node::Command;
use super::reply;
use super::script::{END, END_ALL, REVOKE};
use super::store::{RedisStore, read_error, write_error};
use super::stored::StoredRecord;
use connect_session_runtime::record::{Deadlines, Key, RevocationMark, SubjectKey};
use connect_session_runtime::sid::SessionId;
use connect_session_runtime::store::state::RecordState;
use connect_session_runtime::store::{
    BoxFuture, ListCursor, ListPage, Listed, StoreError, SubjectIndex,
};
use connect_session_runtime::timestamp::Timestamp;

/// How many records are read, or ended on a Cluster, at once.
const SLICE: usize = 100;

/// A member without a session is dropped when it is older than this. It may be that of a login
/// which is about to be stored.
const DROP_AFTER: Duration = Duration::from_secs(30);

impl SubjectIndex for RedisStore {
    fn revocation_mark(
        &self,
        subject: SubjectKey,
    ) -> BoxFuture<'_, Result<RevocationMark, StoreError>> {
        Box::pin(async move {
            let index = self.index(&subject);
            let mut zscore = redis::cmd("ZSCORE");
            zscore.arg(&index).arg("mark");
            let mark = self.send(&index, Command::new(&zscore, None)).await;
            let mark = mark.map_err(read_error)?.value;
            let mark = Option::<f64>::from_redis_value(mark);
            let mark = mark.map_err(|_| reply::unexpected("the mark is not a number"))?;
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a mark is a number of microseconds, which a double holds exactly"
            )]
            let number = mark.unwrap_or_default() as u64;
            Ok(RevocationMark::from_number(number))
        })
    }

    fn list(
        &self,
        subject: SubjectKey,
        after: Option<ListCursor>,
        limit: usize,
    ) -> BoxFuture<'_, Result<ListPage, StoreError>> {
        Box::pin(async move {
            let mut members = self.members(&subject).await?;
            members.retain(|member| after.is_none_or(|after| member.cursor() < after));
            members.sort_unstable_by(|one, other| other.cmp(one));
            let is_last = members.len() <= limit;
            members.truncate(limit);
            let next = members.last().filter(|_| !is_last).map(Member::cursor);
            let mut sessions = Vec::with_capacity(members.len());
            for slice in members.chunks(SLICE) {
                sessions.extend(self.listed(&subject, slice).await?);
            }
            Ok(ListPage::new(sessions, next))
        })
    }

    fn count_of(&self, subject: SubjectKey) -> BoxFuture<'_, Result<u64, StoreError>> {
        Box::pin(async move {
            let members = self.members(&subject).await?;
            let mut count = 0;
            for slice in members.chunks(SLICE) {
                count += self.listed(&subject, slice).await?.len() as u64;
            }
            Ok(count)
        })
    }

    fn end(&self, subject: SubjectKey, id: SessionId) -> BoxFuture<'_, Result<bool, StoreError>> {
        Box::pin(async move {
            let namespace = subject.namespace;
            let place: &[u8] = if self.servers().is_one() {
                b"here"
            } else {
                b"elsewhere"
            };
            let arguments = [subject_text(&subject).into_bytes(), Vec::new()];
            let [subject, at] = &arguments;
            let name = self.key(Key { namespace, id });
            let (reply, _) = self.run(&END, &name, &[subject, at, place, b""]).await?;
            match &*reply.outcome {
                "applied" => Ok(true),
                "none" => Ok(false),
                _ => Err(reply.unknown_outcome()),
            }
        })
    }

    fn end_all(
        &self,
        subject: SubjectKey,
        except: Option<SessionId>,
    ) -> BoxFuture<'_, Result<Vec<SessionId>, StoreError>> {
        Box::pin(async move {
            if self.servers().is_one() {
                self.end_all_here(&subject, except).await
            } else {
                self.end_all_on_cluster(&subject, except).await
            }
        })
    }
}

impl RedisStore {
    async fn end_all_here(
        &self,
        subject: &SubjectKey,
        except: Option<SessionId>,
    ) -> Result<Vec<SessionId>, StoreError> {
        let index = self.index(subject);
        let except = except.map(id_text).unwrap_or_default();
        let kept = decimal(RevocationMark::KEPT_MILLIS);
        let mut latest = Vec::new();
        let mut ended = Vec::new();
        loop {
            let arguments = [except.as_bytes(), &kept, &latest];
            let (mut reply, _) = self.run(&END_ALL, &index, &arguments).await?;
            ended.extend(reply.members().iter().map(|member| member.id));
            if reply.number()? == 0 {
                return Ok(ended);
            }
            latest = decimal(reply.number()?);
        }
    }

    /// A login that is not confirmed yet is refused by the mark if it has a fence; otherwise it comes after.
    async fn end_all_on_cluster(
        &self,
        subject: &SubjectKey,
        except: Option<SessionId>,
    ) -> Result<Vec<SessionId>, StoreError> {
        let index = self.index(subject);
        let kept = decimal(RevocationMark::KEPT_MILLIS);
        let (mut reply, now) = self.run(&REVOKE, &index, &[&kept]).await?;
        let mut members = reply.members();
        // A login in progress comes afterwards, or is refused by its fence.
        members.retain(|member| Some(member.id) != except && !member.is_in_progress(now));
        let mut ended = Vec::new();
        for slice in members.chunks(SLICE) {
            let mut tasks = JoinSet::new();
            for member in slice.iter().copied() {
                let (store, subject) = (self.clone(), *subject);
                tasks.spawn(async move {
                    let was_alive = store.end_member(&subject, member, b"").await?;
                    Ok::<_, StoreError>(was_alive.then_some(member.id))
                });
            }
            while let Some(joined) = tasks.join_next().await {
                let id = joined.map_err(|error| StoreError::OutcomeUnknown(error.into()))?;
                ended.extend(id?);
            }
            let gone: Vec<_> = slice.iter().map(Member::bytes).collect();
            self.remove_members(&index, &gone)
                .await
                .map_err(write_error)?;
        }
        Ok(ended)
    }

    /// The members of an index, in no order, without logins that are in progress.
    async fn members(&self, subject: &SubjectKey) -> Result<Vec<Member>, StoreError> {
        let index = self.index(subject);
        let mut zrange = redis::cmd("ZRANGE");
        zrange.arg(&index).arg(0).arg(-1);
        let members = self.send(&index, Command::new(&zrange, None)).await;
        match members.map_err(read_error)?.value {
            Value::Array(members) => {
                let now = self.now_millis();
                let members = members.iter().filter_map(Member::read);
                Ok(members
                    .filter(|member| !member.is_in_progress(now))
                    .collect())
            }
            _ => Err(reply::unexpected("it is not a list of members")),
        }
    }

    /// Removes members of an index, as they are in it.
    pub(super) async fn remove_members(
        &self,
        index: &str,
        members: &[Vec<u8>],
    ) -> Result<(), Failure> {
        if members.is_empty() {
            return Ok(());
        }
        let mut zrem = redis::cmd("ZREM");
        zrem.arg(index).arg(members);
        self.send(index, Command::new(&zrem, None)).await.map(drop)
    }

    /// Those of these sessions that live, in the same order. Drops members whose sessions have gone.
    async fn listed(
        &self,
        subject: &SubjectKey,
        members: &[Member],
    ) -> Result<Vec<Listed>, StoreError> {
        let found = self.find_sessions(subject, members).await?;
        let now = self.now_millis();
        let (mut listed, mut gone) = (Vec::new(), Vec::new());
        for (member, found) in members.iter().zip(found) {
            match found {
                Found::Session(stored) => listed.extend(show(member.id, &stored, now)),
                // On one server, it has logged in again since the index was read, and has another entry now. On a
                // Cluster, it is in no list before that is confirmed.
                Found::LoginAgain(stored) => {
                    let is_filed = self.servers().is_one();
                    listed.extend(show(member.id, &stored, now).filter(|_| is_filed));
                }
                Found::Unreadable => {}
                Found::Gone => {
                    let age = now.saturating_sub(member.logged_in_at);
                    if Duration::from_millis(age) > DROP_AFTER {
                        gone.push(member.bytes());
                    }
                }
            }
        }
        // The next list drops what this one could not.
        let _ = self.remove_members(&self.index(subject), &gone).await;
        Ok(listed)
    }

    /// Those of these members whose sessions have gone.
    pub(super) async fn gone(
        &self,
        subject: &SubjectKey,
        members: &[Member],
    ) -> Result<Vec<Vec<u8>>, StoreError> {
        let mut gone = Vec::new();
        for slice in members.chunks(SLICE) {
            let found = self.find_sessions(subject, slice).await?;
            let now = self.now_millis();
            let are_gone = slice.iter().zip(found);
            let are_gone = are_gone.filter(|(member, _)| !member.is_in_progress(now));
            gone.extend(are_gone.filter_map(|(member, found)| {
                matches!(found, Found::Gone | Found::LoginAgain(_)).then(|| member.bytes())
            }));
        }
        Ok(gone)
    }

    async fn find_sessions(
        &self,
        subject: &SubjectKey,
        members: &[Member],
    ) -> Result<Vec<Found>, StoreError> {
        if members.is_empty() {
            return Ok(Vec::new());
        }
        let names = members.iter().map(|member| {
            self.key(Key {
                namespace: subject.namespace,
                id: member.id,
            })
        });
        let values = self.servers().get_all(names.collect()).await;
        let values = values.map_err(read_error)?;
        let found = members.iter().zip(values);
        Ok(found
            .map(|(member, value)| Found::of(subject, member, value))
            .collect())
    }
}

/// What the key of a member holds.
enum Found {
    /// The session of this login.
    Session(Box<StoredRecord>),
    /// The session, which has logged in again as the same subject.
    LoginAgain(Box<StoredRecord>),
    /// It has ended, or belongs to another subject by now.
    Gone,
    /// Something that cannot be read.
    Unreadable,
}

impl Found {
    fn of(subject: &SubjectKey, member: &Member, value: Value) -> Self {
        let stored = match value {
            Value::BulkString(bytes) => StoredRecord::read(bytes),
            // Nothing, or a tombstone.
            _ => return Self::Gone,
        };
        let Ok(stored) = stored else {
            return Self::Unreadable;
        };
        let login = stored.header.state.login.as_ref();
        let login =
            login.filter(|login| SubjectKey::new(subject.namespace, &login.subject) == *subject);
        match login.map(|login| login.logged_in_at.as_millis()) {
            None => Self::Gone,
            Some(at) if at == member.logged_in_at => Self::Session(Box::new(stored)),
            Some(_) => Self::LoginAgain(Box::new(stored)),
        }
    }
}

/// A session as a list shows it, if it lives.
fn show(id: SessionId, stored: &StoredRecord, now: u64) -> Option<Listed> {
    let state = &stored.header.state;
    let login = state.login.as_ref().filter(|_| state.is_alive(now))?;
    let (lifetime, label) = (state.expiry.lifetime, state.label.as_deref());
    Some(Listed::new(id, login, &deadlines(state), lifetime, label))
}

/// The deadlines of a record.
pub(super) fn deadlines(state: &RecordState) -> Deadlines {
    Deadlines {
        created_at: Timestamp::from_millis(state.expiry.created_at),
        idle_until: Timestamp::from_millis(state.expiry.idle_until),
        absolute_until: Timestamp::from_millis(state.expiry.absolute_until),
    }
}
