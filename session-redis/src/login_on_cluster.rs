//! Logins on a Cluster, where the record and the index of its subject are on different servers.
//!
//! A login has three steps. It is *admitted* to the index, as a member that is not finished; it is
//! *committed* to the record; and it is *confirmed* in the index, if the mark of the subject is still the
//! fence, and after the sessions beyond the limit have ended. Only then is the session in the list of its
//! subject, and only then does anybody get its new secret. One that is refused at the end has its session ended.
//!
//! A login that stops half-way may leave a session that nobody can use. Its member stays: as soon as the
//! login can no longer be confirmed, the session is in the list of its subject as any other.

use super::arguments::{LoginArguments, decimal, fence_text, refuses};
use super::header::stored_lifetime;
use super::key::subject_text;
use super::login::refusal;
use super::member::Member;
use super::script::{ADMIT, CONFIRM, END};
use super::store::RedisStore;
use connect_session_runtime::record::{Key, Lifetime, NewLogin, SubjectKey};
use connect_session_runtime::sid::SessionId;
use connect_session_runtime::store::{LoginRefusal, StoreError};

/// How long the member of a login is kept that is not confirmed, if its session may not live longer.
const DAY: u64 = 24 * 60 * 60 * 1_000;

/// How often a confirmation is tried while others log in.
const MAX_CONFIRMATIONS: usize = 256;

/// A login that was admitted.
pub(super) struct LoginOnCluster<'a> {
    store: &'a RedisStore,
    subject: SubjectKey,
    index: String,
    key: Key,
    login: &'a NewLogin,
    member: Member,
    /// Until when its member is kept at least if it is not confirmed.
    kept_until: u64,
}

impl<'a> LoginOnCluster<'a> {
    /// Admits a login, unless it is refused. The lifetime is that of the session, if it is known already.
    pub(super) async fn admit(
        store: &'a RedisStore,
        key: Key,
        login: &'a NewLogin,
        lifetime: Option<Lifetime>,
    ) -> Result<Result<Self, LoginRefusal>, StoreError> {
        let subject = SubjectKey::new(key.namespace, &login.subject);
        let mut admitted = Self {
            store,
            subject,
            index: store.index(&subject),
            key,
            login,
            member: Member {
                logged_in_at: 0,
                id: key.id,
                is_unfinished: true,
            },
            kept_until: 0,
        };
        let kept = lifetime.map_or(DAY, |lifetime| stored_lifetime(lifetime).absolute_millis());
        let own = [decimal(kept)];
        // Only a refusal needs the number of sessions now.
        let max = admitted.max(refuses(login));
        let mut gone = Vec::new();
        loop {
            let arguments = admitted.arguments(&own, &max, &gone);
            let slices: Vec<_> = arguments.iter().map(Vec::as_slice).collect();
            let (mut reply, now) = store.run(&ADMIT, &admitted.index, &slices).await?;
            match &*reply.outcome {
                "admitted" => {
                    admitted.member.logged_in_at = now;
                    admitted.kept_until = now.saturating_add(kept);
                    return Ok(Ok(admitted));
                }
                "refused" => return Ok(Err(refusal(&mut reply)?)),
                "full" => {
                    let members = reply.members();
                    gone = store.gone(&admitted.subject, &members).await?;
                    if gone.is_empty() {
                        return Ok(Err(LoginRefusal::TooManySessions));
                    }
                }
                _ => return Err(reply.unknown_outcome()),
            }
        }
    }

    /// Sets the time of the login, which is that of the index.
    pub(super) fn apply_to(&self, arguments: &mut LoginArguments) {
        arguments.is_elsewhere = true;
        arguments.logged_in_at = decimal(self.member.logged_in_at);
        arguments.moved_until = decimal(self.kept_until);
    }

    /// Takes back a login that was not committed. If that fails, it is dropped later.
    pub(super) async fn withdraw(&self) {
        let members = [self.member.bytes()];
        let _ = self.store.remove_members(&self.index, &members).await;
    }

    /// Confirms a login that was committed, after it has ended the earliest sessions beyond the limit. Returns the
    /// ids of those.
    pub(super) async fn confirm(
        &self,
        absolute_until: u64,
    ) -> Result<Result<Vec<SessionId>, LoginRefusal>, StoreError> {
        let confirmed = self.try_confirm(absolute_until).await;
        if !matches!(confirmed, Ok(Ok(_))) {
            // Nobody has its secret. If this fails too, its member stays, so that it is listed.
            match self.end(self.member, b"").await {
                Ok(_) => self.withdraw().await,
                Err(error) if confirmed.is_ok() => return Err(error),
                Err(_) => {}
            }
        }
        confirmed
    }

    async fn try_confirm(
        &self,
        absolute_until: u64,
    ) -> Result<Result<Vec<SessionId>, LoginRefusal>, StoreError> {
        let max = self.max(!refuses(self.login));
        let (mut gone, mut ended) = (Vec::new(), Vec::new());
        for _ in 0..MAX_CONFIRMATIONS {
            let times = [decimal(self.member.logged_in_at), decimal(absolute_until)];
            let arguments = self.arguments(&times, &max, &gone);
            let slices: Vec<_> = arguments.iter().map(Vec::as_slice).collect();
            let (mut reply, _) = self.store.run(&CONFIRM, &self.index, &slices).await?;
            match &*reply.outcome {
                "applied" => return Ok(Ok(ended)),
                "refused" => return Ok(Err(refusal(&mut reply)?)),
                "full" => gone = self.make_room(reply.members(), &mut ended).await?,
                "late" => break,
                _ => return Err(reply.unknown_outcome()),
            }
        }
        let reason = "the login took too long to be confirmed in the index of its user";
        Err(StoreError::OutcomeUnknown(reason.into()))
    }

    /// Ends the earliest sessions beyond the limit. Returns the members that have gone.
    async fn make_room(
        &self,
        mut members: Vec<Member>,
        ended: &mut Vec<SessionId>,
    ) -> Result<Vec<Vec<u8>>, StoreError> {
        let mut gone = self.store.gone(&self.subject, &members).await?;
        members.retain(|member| !gone.contains(&member.bytes()));
        members.sort_unstable();
        let max = (self.login.limit).map_or(u32::MAX, |limit| limit.max.get());
        let max = usize::try_from(max).unwrap_or(usize::MAX);
        let excess = (members.len() + 1).saturating_sub(max);
        for member in members.into_iter().take(excess) {
            if self.end(member, b"replaced").await? {
                ended.push(member.id);
            }
            gone.push(member.bytes());
        }
        Ok(gone)
    }

    /// Ends the session of a member, unless it has logged in again. Returns whether it was alive.
    async fn end(&self, member: Member, reason: &[u8]) -> Result<bool, StoreError> {
        self.store.end_member(&self.subject, member, reason).await
    }

    /// The arguments of a script: the id, those of this script, the fence, the limit and the members that
    /// have gone.
    fn arguments(&self, own: &[Vec<u8>], max: &[u8], gone: &[Vec<u8>]) -> Vec<Vec<u8>> {
        let fence = self.login.fence.map(fence_text).unwrap_or_default();
        let mut arguments = vec![super::key::id_text(self.key.id).into_bytes()];
        arguments.extend_from_slice(own);
        arguments.extend([fence, max.to_vec()]);
        arguments.extend_from_slice(gone);
        arguments
    }

    fn max(&self, applies: bool) -> Vec<u8> {
        let limit = self.login.limit.filter(|_| applies);
        limit.map_or(Vec::new(), |limit| decimal(limit.max.get().into()))
    }
}

impl RedisStore {
    /// Ends the session of a member, unless it has logged in again. If the reason is "replaced", it leaves a
    /// tombstone. Returns whether it was alive.
    pub(super) async fn end_member(
        &self,
        subject: &SubjectKey,
        member: Member,
        reason: &[u8],
    ) -> Result<bool, StoreError> {
        let name = self.key(Key {
            namespace: subject.namespace,
            id: member.id,
        });
        let (subject, at) = (subject_text(subject), decimal(member.logged_in_at));
        let arguments = [subject.as_bytes(), &at, b"elsewhere", reason];
        let (reply, _) = self.run(&END, &name, &arguments).await?;
        match &*reply.outcome {
            "applied" => Ok(true),
            "none" => Ok(false),
            _ => Err(reply.unknown_outcome()),
        }
    }
}
