//! The index of the sessions of each subject.

use std::future::ready;

use super::MemoryStore;
use super::deferred_drop::DeferredDrop;
use super::logins::Reason;
use super::records::Records;
use super::subjects::Member;
use crate::data::SessionData;
use crate::record::{Key, RevocationMark, SubjectKey};
use crate::sid::SessionId;
use crate::store::{BoxFuture, ListCursor, ListPage, Listed, StoreError, SubjectIndex};

/// How many sessions are looked at under one lock to count them.
const SLICE: usize = 256;

#[diagnostic::do_not_recommend]
impl<D: SessionData> SubjectIndex for MemoryStore<D> {
    fn revocation_mark(
        &self,
        subject: SubjectKey,
    ) -> BoxFuture<'_, Result<RevocationMark, StoreError>> {
        let shard = self.records.subjects.lock(&subject);
        let mark = shard.get(&subject).map(|subject| subject.mark);
        Box::pin(ready(Ok(mark.unwrap_or_default())))
    }

    fn list(
        &self,
        subject: SubjectKey,
        after: Option<ListCursor>,
        limit: usize,
    ) -> BoxFuture<'_, Result<ListPage, StoreError>> {
        Box::pin(ready(Ok(self.records.list(subject, after, limit))))
    }

    fn count_of(&self, subject: SubjectKey) -> BoxFuture<'_, Result<u64, StoreError>> {
        let mut count = 0;
        let mut after = None;
        loop {
            let page = self.records.list(subject, after, SLICE);
            count += page.sessions.len() as u64;
            after = page.next;
            if after.is_none() {
                return Box::pin(ready(Ok(count)));
            }
        }
    }

    fn end(&self, subject: SubjectKey, id: SessionId) -> BoxFuture<'_, Result<bool, StoreError>> {
        let records = &*self.records;
        let mut deferred = DeferredDrop::new(records);
        let mut shard = records.subjects.lock(&subject);
        let members = shard.get(&subject).map(|subject| &subject.members);
        // One that has just logged in again may be there twice.
        let members = members.into_iter().flatten().copied();
        let members: Vec<_> = members.filter(|member| member.id == id).collect();
        let ended = records.end_members(
            &mut shard,
            &subject,
            &members,
            Reason::Revoked,
            &mut deferred,
        );
        drop(shard);
        Box::pin(ready(Ok(!ended.is_empty())))
    }

    fn end_all(
        &self,
        subject: SubjectKey,
        except: Option<SessionId>,
    ) -> BoxFuture<'_, Result<Vec<SessionId>, StoreError>> {
        let records = &*self.records;
        let mut deferred = DeferredDrop::new(records);
        let mut shard = records.subjects.lock(&subject);
        let now = records.clock.millis();
        shard.raise_mark(&subject, records.clock.at(now), now);
        let members = shard.get(&subject).map(|subject| &*subject.members);
        let mut members = members.unwrap_or_default().to_vec();
        members.retain(|member| Some(member.id) != except);
        let ended = records.end_members(
            &mut shard,
            &subject,
            &members,
            Reason::Revoked,
            &mut deferred,
        );
        drop(shard);
        Box::pin(ready(Ok(ended)))
    }
}

impl<D> Records<D> {
    fn list(&self, subject: SubjectKey, after: Option<ListCursor>, limit: usize) -> ListPage {
        let shard = self.subjects.lock(&subject);
        let members = shard
            .get(&subject)
            .map_or(&[][..], |subject| &subject.members);
        let until = after.map_or(members.len(), |after| {
            members.partition_point(|member| cursor(*member) < after)
        });
        let from = until.saturating_sub(limit);
        let now = self.clock.millis();
        let page = &members[from..until];
        let sessions = page.iter().rev();
        let sessions = sessions.filter_map(|member| self.listed(&subject, *member, now));
        let next = page.first().filter(|_| from > 0);
        ListPage::new(sessions.collect(), next.copied().map(cursor))
    }

    fn listed(&self, subject: &SubjectKey, member: Member, now: u64) -> Option<Listed> {
        let entry = self.get(Key {
            namespace: subject.namespace,
            id: member.id,
        })?;
        let login = entry
            .member_login(subject, member)
            .filter(|_| entry.is_alive(now))?;
        Some(entry.listed(member.id, login, &self.clock))
    }
}

fn cursor(member: Member) -> ListCursor {
    ListCursor {
        logged_in_at: member.logged_in_at,
        id: member.id,
    }
}
