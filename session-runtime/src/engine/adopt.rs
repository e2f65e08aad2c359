//! Takes over the session of another library, for a request that carries its cookie and no sid.
//!
//! Two stores cannot be changed in one step. So that each old session becomes exactly one new one, whatever
//! fails or runs at the same time:
//!
//! 1. Insert a record whose id is derived from the old one. It opens nothing yet: its epoch is 0. Of several
//!    requests, one inserts it, and the others find it.
//! 2. Check that the old session is still there. Then nobody has adopted it before, and this record is not
//!    one of a request that was so slow that the adopted session has ended since.
//! 3. Confirm the record: raise its epoch, and log the user in. If this was a later record than that of step 1,
//!    check once more that the old session is there.
//! 4. Remove the old session.
//! 5. Load the record, with the offer of a sid. Only now can a response carry that sid.
//!
//! A request that finds a confirmed record goes on with step 4; one that finds no old session, with step 5.
//! So the next request repairs what a crash has left behind, and a session that was adopted and has ended
//! does not come back. A request whose login is refused ends the record of step 1; others that have found that
//! record begin again, and are refused, too.

mod record;
mod state;

use std::sync::Arc;
use std::time::Duration;

use http::header::HeaderValue;

pub(super) use self::state::AdoptedState;
use super::RequestContext;
use super::apply::TRIES;
use super::extract::OldRequest;
use super::load::Loaded;
use super::open::store_of;
use super::open_plan::refuse_cross_origin;
use super::opened::{OpenedSession, resume_adopted};
use super::session_core::deadlines;
use crate::adopt::{Adopt, Adopted, OldSession, OldSid};
use crate::config::{self, OnUndecodable, SessionConfig};
use crate::error::{Error, ErrorKind};
use crate::event::{self, EventKind};
use crate::record::{Key, Lifetime, Login, NewLogin, Snapshot};
use crate::sid::{HashedSid, SessionId};
use crate::store::{BoxError, BoxFuture, LoginRefusal, StoreError, StoreRef};

/// How long after an offer a request with the old cookie is offered another sid, because no request has
/// presented the first one.
const OFFER_AGAIN: Duration = Duration::from_secs(20);
/// How long an old cookie opens the adopted session if the old store contains all that is in it.
const STORED_SID_GRACE: Duration = Duration::from_secs(60);

/// The result of one try to adopt a session.
enum Attempt<T> {
    Done(Option<T>),
    /// Another request, whose login was refused, has ended the record before it was confirmed.
    Interrupted,
}

/// The result of looking for an old session.
pub(super) enum Adoption<T> {
    Found(T),
    /// The request carries no valid id of an old session.
    NotSent,
    /// The old session has ended, or was adopted and its new sid is in use.
    Gone,
}

/// A session that a view shows.
type Viewed<C> = (SessionId, Loaded<<C as SessionConfig>::Data>);

/// Opens the session of an old cookie, for a handler.
pub(super) fn open<'a, C: SessionConfig>(
    context: &'a RequestContext<C>,
    request: &'a OldRequest,
) -> BoxFuture<'a, Result<Adoption<OpenedSession<C>>, Error>> {
    config::if_adopting::<C, _, _>(|| adopt(context, request), Ok(Adoption::NotSent))
}

async fn adopt<C: SessionConfig>(
    context: &RequestContext<C>,
    request: &OldRequest,
) -> Result<Adoption<OpenedSession<C>>, Error> {
    let Some(adoption) = Adopter::find(context, request).await? else {
        return Ok(Adoption::NotSent);
    };
    let Some(loaded) = adoption.open().await? else {
        return Ok(adoption.gone());
    };
    let expired = adoption.adopt.cookie().expired();
    let state = AdoptedState {
        adopter: Some(adoption.sid),
        grace: context.options.renew_grace,
        expired_cookie: HeaderValue::try_from(expired).ok(),
    };
    let store = adoption.store.clone();
    let opened = resume_adopted(context, store, loaded, adoption.key.id, state);
    Ok(Adoption::Found(opened))
}

/// The session of an old cookie, for a view. Stores nothing: a view cannot send a sid.
pub(super) fn view<'a, C: SessionConfig>(
    context: &'a RequestContext<C>,
    request: &'a OldRequest,
) -> BoxFuture<'a, Result<Adoption<Viewed<C>>, Error>> {
    config::if_adopting::<C, _, _>(|| preview(context, request), Ok(Adoption::NotSent))
}

async fn preview<C: SessionConfig>(
    context: &RequestContext<C>,
    request: &OldRequest,
) -> Result<Adoption<Viewed<C>>, Error> {
    let Some(adoption) = Adopter::find(context, request).await? else {
        return Ok(Adoption::NotSent);
    };
    let loaded = match adoption.read_old().await? {
        Some(adopted) => Some(adoption.preview(adopted)),
        None => adoption.follow(None).await?,
    };
    Ok(match loaded {
        Some(loaded) => Adoption::Found((adoption.key.id, loaded)),
        None => adoption.gone(),
    })
}

/// One old session, and where it goes.
struct Adopter<'a, C: SessionConfig> {
    context: &'a RequestContext<C>,
    adopt: &'static Adopt<C::Data>,
    store: StoreRef<C::Data, C::Store>,
    old: OldSid,
    key: Key,
    sid: HashedSid,
}

impl<'a, C: SessionConfig> Adopter<'a, C> {
    /// `None` if the request carries no valid id of an old session.
    async fn find(
        context: &'a RequestContext<C>,
        request: &OldRequest,
    ) -> Result<Option<Self>, Error> {
        let adopt = config::adopt::<C>().await?;
        let Some(old) = adopt.find(&request.headers) else {
            return Ok(None);
        };
        let key = old.key(context.options.namespace);
        if let Some(refused) = &request.cross_origin {
            return Err(refuse_cross_origin(context, Some(key.id), refused));
        }
        Ok(Some(Self {
            context,
            adopt,
            store: store_of(context).await?,
            sid: old.adopter(context.options.namespace),
            old,
            key,
        }))
    }

    /// The adopted session, and how its sid travels. Adopts it if nobody has.
    async fn open(&self) -> Result<Option<Loaded<C::Data>>, Error> {
        for _ in 0..TRIES {
            if let Attempt::Done(opened) = self.try_open().await? {
                return Ok(opened);
            }
        }
        // The old session stays where it is, for the next request.
        Err(Error::of(ErrorKind::Contention))
    }

    /// One try of [`open`](Self::open).
    async fn try_open(&self) -> Result<Attempt<Loaded<C::Data>>, Error> {
        let Some(adopted) = self.read_old().await? else {
            return Ok(Attempt::Done(self.follow(Some(OFFER_AGAIN)).await?));
        };
        let user = adopted.user.clone();
        self.insert(adopted).await?;
        let Some(inserted) = self.load(None).await? else {
            // Once the sid is in use, the old cookie opens nothing, and the old session is gone.
            return Ok(if self.is_old_there().await? {
                Attempt::Interrupted
            } else {
                Attempt::Done(None)
            });
        };
        let (mut record, mut offer_every) = (inserted, OFFER_AGAIN);
        if !is_confirmed(&record) {
            if !self.is_old_there().await? {
                return Ok(Attempt::Done(self.follow_or_end().await?));
            }
            let is_first = self.confirm(user).await?;
            if is_first {
                // Nobody else has been offered a sid.
                offer_every = Duration::ZERO;
            }
            match self.load_confirmed().await {
                Ok(Some(confirmed)) => {
                    // A request that was slow may have confirmed a later record than the one that it saw.
                    let is_later = is_first && !is_same(&confirmed, &record);
                    if is_later && !self.is_old_there().await? {
                        self.end().await?;
                        return Ok(Attempt::Done(None));
                    }
                    record = confirmed;
                }
                // It has ended, after it was confirmed.
                Ok(None) if is_first => {}
                Err(error) if is_first && error.kind() == ErrorKind::SessionReplaced => {}
                Ok(None) => return Ok(Attempt::Interrupted),
                Err(error) => return Err(error),
            }
        }
        let removed = self.adopt.remove(&self.old).await;
        removed.map_err(|error| self.old_store_failed(error))?;
        let opened = self.follow(Some(offer_every)).await?;
        if (opened.as_ref()).is_some_and(|opened| !is_same(opened, &record)) {
            // The session has ended, and another slow request has confirmed a record since.
            self.end().await?;
            return Ok(Attempt::Done(None));
        }
        Ok(Attempt::Done(opened))
    }

    async fn is_old_there(&self) -> Result<bool, Error> {
        let is_there = self.adopt.has(&self.old).await;
        is_there.map_err(|error| self.old_store_failed(error))
    }

    /// What the old session becomes; `None` if there is none.
    async fn read_old(&self) -> Result<Option<Adopted<C::Data>>, Error> {
        match self.adopt.read(&self.old).await {
            Ok(OldSession::Found(adopted)) => Ok(Some(adopted)),
            Ok(OldSession::Gone) => Ok(None),
            Ok(OldSession::Undecodable(error)) => {
                let kind = EventKind::StoreError {
                    operation: "adopt",
                    error: &*error,
                };
                self.emit(None, kind);
                if self.context.on_undecodable == OnUndecodable::Replace {
                    return Ok(None);
                }
                Err(Error::with_source(ErrorKind::Undecodable, error))
            }
            Err(error) => Err(self.old_store_failed(error)),
        }
    }

    /// The session that was adopted before, if the old cookie still opens it. With `offer_every`, it may
    /// come with the offer of a sid.
    async fn follow(
        &self,
        offer_every: Option<Duration>,
    ) -> Result<Option<Loaded<C::Data>>, Error> {
        let found = self.load(offer_every).await?;
        Ok(found.filter(|loaded| is_confirmed(loaded) && self.may_follow(loaded)))
    }

    fn may_follow(&self, loaded: &Loaded<C::Data>) -> bool {
        let age = (self.store.now()).saturating_since(loaded.deadlines.created_at);
        !self.old.is_in_store() || age < STORED_SID_GRACE
    }

    /// The same. A record that nobody has confirmed is that of a session which has ended: another request
    /// has adopted it, while this one was waiting for the old store.
    async fn follow_or_end(&self) -> Result<Option<Loaded<C::Data>>, Error> {
        let found = self.load(Some(OFFER_AGAIN)).await?;
        match found {
            Some(loaded) if !is_confirmed(&loaded) => {
                self.end().await?;
                Ok(None)
            }
            found => Ok(found),
        }
    }

    /// What the session will be once it is adopted.
    fn preview(&self, adopted: Adopted<C::Data>) -> Loaded<C::Data> {
        let (now, options) = (self.store.now(), self.context.options);
        let lifetime = Lifetime::new(options.idle_timeout, options.absolute_timeout);
        let login = adopted
            .user
            .map(|user| Login::new(&NewLogin::new(user), now));
        Loaded {
            snapshot: Snapshot {
                data: Arc::new(adopted.data),
                version: 1,
                stored: None,
            },
            epoch: 0,
            generation: 0,
            deadlines: deadlines(now, now, lifetime),
            lifetime,
            login: login.map(Arc::new),
            offer: None,
        }
    }

    fn gone<T>(&self) -> Adoption<T> {
        self.emit(None, EventKind::UnknownSid);
        Adoption::Gone
    }

    fn emit(&self, user: Option<&str>, kind: EventKind<'_>) {
        let (listener, id) = (self.context.options.on_event, Some(self.key.id));
        event::emit_of_user(listener, C::NAME, id, user, kind, None);
    }

    fn store_failed(&self, operation: &'static str, error: StoreError) -> Error {
        let kind = match &error {
            StoreError::Encode(error) if error.is_over_a_limit() => {
                EventKind::DataRefused { error }
            }
            error => EventKind::StoreError { operation, error },
        };
        self.emit(None, kind);
        error.into()
    }

    fn old_store_failed(&self, error: BoxError) -> Error {
        self.store_failed("adopt", StoreError::Unavailable(error))
    }

    fn login_refused(&self, user: Option<&str>, refusal: LoginRefusal) -> Error {
        self.emit(user, EventKind::LoginRefused { refusal });
        Error::of(match refusal {
            LoginRefusal::Revoked => ErrorKind::LoginRevoked,
            LoginRefusal::TooManySessions => ErrorKind::TooManySessions,
        })
    }
}

/// Whether both are the same record, and not one that was inserted after the other had ended.
fn is_same<D>(one: &Loaded<D>, other: &Loaded<D>) -> bool {
    one.deadlines.created_at == other.deadlines.created_at
}

/// Whether the record opens a session: the old one was still there when the record was.
fn is_confirmed<D>(loaded: &Loaded<D>) -> bool {
    loaded.epoch > 0
}
