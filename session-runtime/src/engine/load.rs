//! Loads the session of a sid from the store.

use std::sync::Arc;
use std::time::Instant;

use super::ending::{Ending, Undecodable};
use super::reuse::Reused;
use crate::config::{OnReuse, OnUndecodable, Options, SessionConfig};
use crate::error::{Error, ErrorKind};
use crate::event::trace::{self, StoreCall};
use crate::event::{self, EventKind};
use crate::record::{
    Deadlines, Key, Lifetime, LoadRequest, Login, Record, Renewal, Snapshot, Transport,
};
use crate::sid::{HashedSid, Sid};
use crate::store::{LoadOutcome, StoreError, StoreRef, SyncStore};

/// What a load does beside reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct LoadPolicy {
    /// Whether it may offer a second sid. It may if the response can carry that sid.
    pub(super) may_renew: bool,
    /// Whether a replaced secret counts as reused after its grace period. It does not if the request has
    /// already been let in with it.
    pub(super) watches_reuse: bool,
    pub(super) on_undecodable: OnUndecodable,
}

impl LoadPolicy {
    /// The policy of a load whose response cannot carry another sid.
    pub(super) const fn without_renewal(on_undecodable: OnUndecodable) -> Self {
        Self {
            may_renew: false,
            watches_reuse: true,
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

impl<D> Loaded<D> {
    #[allow(
        clippy::inline_always,
        reason = "the loaded record is not moved once more"
    )]
    #[inline(always)]
    pub(super) fn new(record: Record<D>, offer: Option<Box<Sid>>) -> Self {
        Self {
            snapshot: record.snapshot,
            epoch: record.epoch,
            generation: record.generation,
            deadlines: record.deadlines,
            lifetime: record.lifetime,
            login: record.login,
            offer,
        }
    }
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

#[cfg(all(feature = "_layer", feature = "testing"))]
impl<D> Loaded<D> {
    /// The parts of a record that was read without a load.
    pub(crate) fn of_record(record: Record<D>) -> Self {
        Self::new(record, None)
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
    sid: HashedSid,
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
    let ending = match query.finish::<C>(result, started) {
        Ok(loaded) => return loaded,
        Err(ending) => ending,
    };
    // Boxed: it is rare, and otherwise the future of every load would reserve room for it.
    let ended = Box::pin(store.destroy(key)).await;
    ending.finish::<C>(ended)
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
    sid: HashedSid,
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
        Err(ending) => ending.finish::<C>(store.destroy(key)),
    }
}

/// The arguments of a store's `load`.
struct LoadQuery {
    options: &'static Options,
    key: Key,
    request: LoadRequest,
    /// The sid that the store may offer, if a renewal is requested.
    offer: Option<Box<Sid>>,
    policy: LoadPolicy,
}

impl LoadQuery {
    fn new(
        options: &'static Options,
        sid: HashedSid,
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
                id: sid.id,
            },
            request: LoadRequest {
                secret: sid.secret,
                transport,
                touch_every: options.touch_every,
                renewal,
                format: options.data_format(),
            },
            offer,
            policy,
        }
    }

    /// Emits the events of the load and converts its result, unless the session has to end first.
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
    ) -> Result<LoadResult<C::Data>, Ending> {
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
                Ok(Ok(Some(Loaded::new(record, offer))))
            }
            Ok(LoadOutcome::Unknown) => {
                emit(EventKind::UnknownSid, elapsed);
                Ok(Ok(None))
            }
            Ok(LoadOutcome::Reused { subject }) => {
                emit(EventKind::UnknownSid, elapsed);
                if !self.policy.watches_reuse {
                    return Ok(Ok(None));
                }
                let reused = Reused {
                    options: self.options,
                    id: self.key.id,
                    subject,
                };
                match self.options.on_reuse {
                    OnReuse::Report => {
                        reused.report::<C>(false);
                        Ok(Ok(None))
                    }
                    OnReuse::End => Err(Ending::Reused(reused)),
                }
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
                if self.policy.on_undecodable == OnUndecodable::Replace && error.is_replaceable() {
                    return Err(Ending::Undecodable(Undecodable {
                        options: self.options,
                        id: self.key.id,
                    }));
                }
                Ok(Err(error.into()))
            }
        }
    }
}
