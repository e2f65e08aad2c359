//! Loads the session of a sid from the store.

use std::sync::Arc;
use std::time::Instant;

use crate::config::{OnUndecodable, Options, SessionConfig};
use crate::error::{Error, ErrorKind};
use crate::event::trace::{self, StoreCall};
use crate::event::{self, EventKind};
use crate::record::{Deadlines, Key, Lifetime, LoadRequest, Login, Renewal, Snapshot, Transport};
use crate::sid::{PresentedSid, SessionId, Sid};
use crate::store::{LoadOutcome, StoreError, StoreRef, SyncStore};

/// What a load does beside reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct LoadPolicy {
    /// Whether it may offer a second sid. It may if the response can carry that sid.
    pub(super) may_renew: bool,
    pub(super) on_undecodable: OnUndecodable,
}

impl LoadPolicy {
    /// The policy of a load whose response cannot carry another sid.
    pub(super) const fn without_renewal(on_undecodable: OnUndecodable) -> Self {
        Self {
            may_renew: false,
            on_undecodable,
        }
    }
}

/// The loaded parts of a record, and the sid that the load offered.
///
/// No field is a single byte, because a byte next to wider fields makes copies of the struct slower.
pub(crate) struct Loaded<D> {
    pub(crate) snapshot: Snapshot<D>,
    pub(crate) epoch: u64,
    pub(crate) generation: u64,
    pub(crate) deadlines: Deadlines,
    pub(crate) lifetime: Lifetime,
    pub(crate) login: Option<Arc<Login>>,
    pub(super) offer: Option<Box<Sid>>,
}

impl<D> Clone for Loaded<D> {
    fn clone(&self) -> Self {
        Self {
            snapshot: self.snapshot.clone(),
            login: self.login.clone(),
            offer: self.offer.clone(),
            ..*self
        }
    }
}

/// `None` if the sid is unknown. A session that was replaced is the error
/// [`SessionReplaced`](ErrorKind::SessionReplaced): see [`or_none`].
pub(super) type LoadResult<D> = Result<Option<Loaded<D>>, Error>;

/// The result for those who need not know why there is no session.
pub(crate) fn or_none<T>(result: Result<Option<T>, Error>) -> Result<Option<T>, Error> {
    match result {
        Err(error) if error.kind() == ErrorKind::SessionReplaced => Ok(None),
        other => other,
    }
}

/// Loads the record of a sid.
pub(super) async fn load<C: SessionConfig>(
    store: &StoreRef<C::Data, C::Store>,
    options: &'static Options,
    sid: &PresentedSid,
    transport: Transport,
    policy: LoadPolicy,
) -> LoadResult<C::Data> {
    if let Some(store) = store.as_sync() {
        return load_sync::<C>(store, options, sid, transport, policy);
    }
    let query = LoadQuery::new(options, sid, transport, policy);
    let (key, request) = (query.key, &query.request);
    let started = trace::started_awaited(options.on_event);
    let result = if trace::records_debug() {
        // Boxed, so that the future of a load without tracing has no room for the span.
        let call = store.load(key, request);
        Box::pin(trace::in_span_awaited(
            StoreCall::Load,
            C::NAME,
            key.id,
            call,
        ))
        .await
    } else {
        store.load(key, request).await
    };
    let undecodable = match query.finish::<C>(result, started) {
        Ok(loaded) => return loaded,
        Err(undecodable) => undecodable,
    };
    // Boxed: it is rare, and otherwise the future of every load would reserve room for it.
    let ended = Box::pin(store.destroy(key)).await;
    undecodable.replaced::<C>(ended)
}

/// Loads the record of a sid from a synchronous store.
#[allow(
    clippy::inline_always,
    reason = "the loaded record is not moved once more"
)]
#[inline(always)]
pub(super) fn load_sync<C: SessionConfig>(
    store: &dyn SyncStore<C::Data>,
    options: &'static Options,
    sid: &PresentedSid,
    transport: Transport,
    policy: LoadPolicy,
) -> LoadResult<C::Data> {
    let query = LoadQuery::new(options, sid, transport, policy);
    let (key, request) = (query.key, &query.request);
    let started = trace::started(options.on_event);
    let result = if trace::records_debug() {
        trace::in_span(StoreCall::Load, C::NAME, key.id, || {
            store.load(key, request)
        })
    } else {
        store.load(key, request)
    };
    match query.finish::<C>(result, started) {
        Ok(loaded) => loaded,
        Err(undecodable) => undecodable.replaced::<C>(store.destroy(key)),
    }
}

/// A session whose data does not decode, and that is to be replaced.
pub(super) struct Undecodable {
    options: &'static Options,
    id: SessionId,
}

impl Undecodable {
    /// The session of this sid, if it was found with the right secret.
    #[cold]
    pub(super) fn of(error: &Error, options: &'static Options, id: SessionId) -> Option<Self> {
        let error = error.store_error()?;
        error.is_of_data().then_some(Self { options, id })
    }

    pub(super) fn key(&self) -> Key {
        Key {
            namespace: self.options.namespace,
            id: self.id,
        }
    }

    /// The result of the load after the session was ended.
    #[cold]
    fn replaced<C: SessionConfig>(self, ended: Result<bool, StoreError>) -> LoadResult<C::Data> {
        let (listener, id) = (self.options.on_event, Some(self.id));
        self.ended::<C>(ended)?;
        event::emit(listener, C::NAME, id, EventKind::UnknownSid, None);
        Ok(None)
    }

    /// Emits the event of the end.
    #[cold]
    pub(super) fn ended<C: SessionConfig>(
        &self,
        ended: Result<bool, StoreError>,
    ) -> Result<(), Error> {
        let emit = |kind: EventKind<'_>| {
            event::emit(self.options.on_event, C::NAME, Some(self.id), kind, None);
        };
        match ended {
            Ok(_) => {
                emit(EventKind::Destroyed);
                Ok(())
            }
            Err(error) => {
                emit(EventKind::StoreError {
                    operation: "destroy",
                    error: &error,
                });
                Err(error.into())
            }
        }
    }
}

/// The arguments of a store's `load`.
struct LoadQuery {
    options: &'static Options,
    key: Key,
    request: LoadRequest,
    /// The sid that the store may offer, if a renewal is requested.
    offer: Option<Box<Sid>>,
    on_undecodable: OnUndecodable,
}

impl LoadQuery {
    fn new(
        options: &'static Options,
        sid: &PresentedSid,
        transport: Transport,
        policy: LoadPolicy,
    ) -> Self {
        let renew_every = options.renew_every.filter(|_| policy.may_renew);
        let offer = renew_every.map(|_| Box::new(sid.offer()));
        let renewal = (renew_every.zip(offer.as_ref())).map(|(every, offer)| Renewal {
            every,
            grace: options.renew_grace,
            candidate: offer.secret_hash(),
        });
        Self {
            options,
            key: Key {
                namespace: options.namespace,
                id: sid.id(),
            },
            request: LoadRequest {
                secret: sid.secret_hash(),
                transport,
                touch_every: options.touch_every,
                renewal,
                versions: options.data_versions(),
            },
            offer,
            on_undecodable: policy.on_undecodable,
        }
    }

    /// Emits the events of the load and converts its result, unless the session is to be replaced.
    /// `started` is the start of the load, if it is timed.
    #[allow(
        clippy::inline_always,
        reason = "the loaded record is not moved once more"
    )]
    #[inline(always)]
    fn finish<C: SessionConfig>(
        self,
        result: Result<LoadOutcome<C::Data>, StoreError>,
        started: Option<Instant>,
    ) -> Result<LoadResult<C::Data>, Undecodable> {
        let elapsed = started.map(|at| at.elapsed());
        let emit = |kind: EventKind<'_>, elapsed| {
            let listener = self.options.on_event;
            event::emit(listener, C::NAME, Some(self.key.id), kind, elapsed);
        };
        match result {
            Ok(LoadOutcome::Found(record)) => {
                emit(EventKind::Loaded, elapsed);
                let offer = self.offer.filter(|_| record.renewed);
                if offer.is_some() {
                    emit(EventKind::Renewed, None);
                }
                Ok(Ok(Some(Loaded {
                    snapshot: record.snapshot,
                    epoch: record.epoch,
                    generation: record.generation,
                    deadlines: record.deadlines,
                    lifetime: record.lifetime,
                    login: record.login,
                    offer,
                })))
            }
            Ok(LoadOutcome::Unknown | LoadOutcome::Reused { .. }) => {
                emit(EventKind::UnknownSid, elapsed);
                Ok(Ok(None))
            }
            Ok(LoadOutcome::Replaced) => {
                emit(EventKind::UnknownSid, elapsed);
                Ok(Err(Error::of(ErrorKind::SessionReplaced)))
            }
            Err(error) => {
                let kind = EventKind::StoreError {
                    operation: "load",
                    error: &error,
                };
                emit(kind, elapsed);
                if self.on_undecodable == OnUndecodable::Replace && error.is_of_data() {
                    return Err(Undecodable {
                        options: self.options,
                        id: self.key.id,
                    });
                }
                Ok(Err(error.into()))
            }
        }
    }
}
