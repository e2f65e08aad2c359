//! Asking the store for the session of a sid, once a request where a layer remembers it.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use super::RequestContext;
use crate::config::{Options, SessionConfig};
use crate::error::Error;
use crate::event::trace::{self, StoreCall};
use crate::event::{self, EventKind};
use crate::record::{Deadlines, Key, Lifetime, LoadRequest, Record, Renewal, Snapshot, Transport};
use crate::sid::{PresentedSid, Sid};
use crate::store::{AnyStore, StoreError, StoreRef, SyncStore};

/// Whether a load may offer a second sid: only one whose answer can carry it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RenewalPolicy {
    Allowed,
    Never,
}

/// What an app-wide layer keeps for one request: the store that it brought, and the first load.
pub(crate) struct LoadCache<C: SessionConfig> {
    pub(super) store: Option<AnyStore<C::Data>>,
    loaded: tokio::sync::Mutex<Option<CachedLoad<C::Data>>>,
    /// A view looked for the session, so the response depends on whether there is one.
    pub(super) looked: AtomicBool,
    /// A view showed the session.
    pub(super) viewed: AtomicBool,
}

/// Whether a request ever came through a layer. Where none did, none need be searched for what a
/// layer left in it.
static LAYERED: AtomicBool = AtomicBool::new(false);

pub(crate) fn layered() -> bool {
    LAYERED.load(Ordering::Relaxed)
}

struct CachedLoad<D> {
    sid: PresentedSid,
    transport: Transport,
    result: Option<Loaded<D>>,
}

/// What a request needs of a record, and the sid that the load offered.
///
/// No field is a single byte: what is next to one is moved in pieces, which every request would
/// wait for.
pub(crate) struct Loaded<D> {
    pub(crate) snapshot: Snapshot<D>,
    pub(crate) epoch: u64,
    pub(crate) generation: u64,
    pub(crate) deadlines: Deadlines,
    pub(crate) lifetime: Lifetime,
    pub(crate) subject: Option<Arc<str>>,
    pub(super) offer: Option<Box<Sid>>,
}

impl<D> Clone for Loaded<D> {
    fn clone(&self) -> Self {
        Self {
            snapshot: self.snapshot.clone(),
            subject: self.subject.clone(),
            offer: self.offer.clone(),
            ..*self
        }
    }
}

impl<C: SessionConfig> LoadCache<C> {
    #[cfg(feature = "_layer")]
    pub(crate) fn new(store: Option<AnyStore<C::Data>>) -> Self {
        // Read first: then it is written once, and every processor can keep it.
        if !layered() {
            LAYERED.store(true, Ordering::Relaxed);
        }
        Self {
            store,
            loaded: tokio::sync::Mutex::new(None),
            looked: AtomicBool::new(false),
            viewed: AtomicBool::new(false),
        }
    }

    #[cfg(feature = "_layer")]
    pub(crate) fn looked(&self) -> bool {
        self.looked.load(Ordering::Relaxed)
    }

    #[cfg(feature = "_layer")]
    pub(crate) fn viewed(&self) -> bool {
        self.viewed.load(Ordering::Relaxed)
    }
}

impl<C: SessionConfig> fmt::Debug for LoadCache<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoadCache")
            .field("config", &C::NAME)
            .finish_non_exhaustive()
    }
}

type LoadResult<D> = Result<Option<Loaded<D>>, Error>;

/// The record of a sid, from the layer's cache if it has asked for the same sid before.
pub(super) async fn load_cached<C: SessionConfig>(
    context: &RequestContext<C>,
    store: &StoreRef<C::Data, C::Store>,
    sid: &PresentedSid,
    transport: Transport,
    offers: RenewalPolicy,
) -> LoadResult<C::Data> {
    let Some(layer) = &context.layer else {
        return load::<C>(store, context.options, sid, transport, offers).await;
    };
    let mut cache = layer.loaded.lock().await;
    if let Some(cached) = &*cache
        && cached.transport == transport
        && cached.sid.id() == sid.id()
        && cached.sid.secret_hash() == sid.secret_hash()
    {
        return Ok(cached.result.clone());
    }
    let result = load::<C>(
        store,
        context.options,
        sid,
        transport,
        RenewalPolicy::Allowed,
    )
    .await?;
    *cache = Some(CachedLoad {
        sid: *sid,
        transport,
        result: result.clone(),
    });
    Ok(result)
}

/// Asks the store.
pub(super) async fn load<C: SessionConfig>(
    store: &StoreRef<C::Data, C::Store>,
    options: &'static Options,
    sid: &PresentedSid,
    transport: Transport,
    offers: RenewalPolicy,
) -> LoadResult<C::Data> {
    if let Some(store) = store.as_sync() {
        return load_sync::<C>(store, options, sid, transport, offers);
    }
    let query = LoadQuery::new(options, sid, transport, offers);
    let (key, request) = (query.key, &query.request);
    let started = trace::started_awaited(options.on_event);
    let answer = if trace::records_debug() {
        // In a box: the future of every load would have to have room for the span.
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
    query.finish::<C>(answer, started)
}

/// Asks a store that need not be waited for.
pub(super) fn load_sync<C: SessionConfig>(
    store: &dyn SyncStore<C::Data>,
    options: &'static Options,
    sid: &PresentedSid,
    transport: Transport,
    offers: RenewalPolicy,
) -> LoadResult<C::Data> {
    let query = LoadQuery::new(options, sid, transport, offers);
    let (key, request) = (query.key, &query.request);
    let started = trace::started(options.on_event);
    let answer = if trace::records_debug() {
        trace::in_span(StoreCall::Load, C::NAME, key.id, || {
            store.load(key, request)
        })
    } else {
        store.load(key, request)
    };
    query.finish::<C>(answer, started)
}

/// What a store is asked.
struct LoadQuery {
    options: &'static Options,
    key: Key,
    request: LoadRequest,
    /// The sid of the renewal that is asked for.
    offer: Option<Box<Sid>>,
}

impl LoadQuery {
    fn new(
        options: &'static Options,
        sid: &PresentedSid,
        transport: Transport,
        offers: RenewalPolicy,
    ) -> Self {
        let renew_every = options
            .renew_every
            .filter(|_| offers == RenewalPolicy::Allowed);
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
            },
            offer,
        }
    }

    /// Emits the events of the answer, and takes from it what a request needs. The load `started` then,
    /// if it is timed.
    fn finish<C: SessionConfig>(
        self,
        answer: Result<Option<Record<C::Data>>, StoreError>,
        started: Option<Instant>,
    ) -> Result<Option<Loaded<C::Data>>, Error> {
        let elapsed = started.map(|at| at.elapsed());
        let emit = |kind: EventKind<'_>, elapsed| {
            let listener = self.options.on_event;
            event::emit(listener, C::NAME, Some(self.key.id), kind, elapsed);
        };
        match answer {
            Ok(Some(record)) => {
                emit(EventKind::Loaded, elapsed);
                let offer = self.offer.filter(|_| record.renewed);
                if offer.is_some() {
                    emit(EventKind::Renewed, None);
                }
                Ok(Some(Loaded {
                    snapshot: record.snapshot,
                    epoch: record.epoch,
                    generation: record.generation,
                    deadlines: record.deadlines,
                    lifetime: record.lifetime,
                    subject: record.subject,
                    offer,
                }))
            }
            Ok(None) => {
                emit(EventKind::UnknownSid, elapsed);
                Ok(None)
            }
            Err(error) => {
                let kind = EventKind::StoreError {
                    verb: "load",
                    error: &error,
                };
                emit(kind, elapsed);
                Err(error.into())
            }
        }
    }
}
