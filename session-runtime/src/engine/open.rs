//! Loading the session of a request, or creating one.

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use super::Asked;
use super::shared::{Emit, Ledger, Phase, Shared, deadlines};
use crate::config::{self, OnStoreError, Options, SessionConfig};
use crate::error::{Error, ErrorKind};
use crate::event::{Event, EventKind, tell};
use crate::record::{Key, Lifetime, LoadRequest, Record, Renewal, Transport};
use crate::sid::{PresentedSid, SessionId, Sid};
use crate::store::{AnyStore, StoreRef};

/// What a handler wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    Create,
    LoadRequired,
    LoadOptional,
}

/// Whether a load may offer a second sid: only one whose answer can carry it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Offers {
    Allowed,
    None,
}

/// The session of a request.
pub(crate) enum Opened<C: SessionConfig> {
    Session(Arc<Shared<C>>),
    None,
    /// The answer to an OPTIONS request, which never has a session.
    NoContent,
}

/// What an app-wide layer keeps for one request: the store that it brought, and the first load.
pub(crate) struct LoadCache<C: SessionConfig> {
    store: Option<AnyStore<C::Data>>,
    loaded: tokio::sync::Mutex<Option<CachedLoad<C::Data>>>,
    /// A view looked for the session, so the response depends on whether there is one.
    looked: AtomicBool,
    /// A view showed the session.
    viewed: AtomicBool,
}

struct CachedLoad<D> {
    sid: PresentedSid,
    transport: Transport,
    result: Option<Loaded<D>>,
}

/// A record, and the sid that the load offered.
pub(crate) struct Loaded<D> {
    pub(crate) record: Record<D>,
    offer: Option<Box<Sid>>,
}

impl<D> Clone for Loaded<D> {
    fn clone(&self) -> Self {
        Self {
            record: self.record.clone(),
            offer: self.offer.clone(),
        }
    }
}

impl<C: SessionConfig> LoadCache<C> {
    #[cfg(feature = "_layer")]
    pub(crate) fn new(store: Option<AnyStore<C::Data>>) -> Self {
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

fn report<C: SessionConfig>(options: &Options, id: Option<SessionId>, kind: EventKind<'_>) {
    tell(
        options.on_event,
        &Event {
            config: C::NAME,
            id,
            kind,
            elapsed: None,
        },
    );
}

/// The session that a handler asked for.
pub(crate) fn open<C: SessionConfig>(
    asked: &Asked<C>,
    purpose: Purpose,
) -> impl Future<Output = Result<Opened<C>, Error>> + Send {
    async move {
        let options = asked.options;
        if asked.is_options {
            return Ok(if purpose == Purpose::LoadOptional {
                Opened::None
            } else {
                Opened::NoContent
            });
        }
        let found = (asked.found.as_ref()).map_err(|_| Error::new(ErrorKind::Ambiguous))?;
        if asked.foreign.sent || (asked.foreign.created && purpose == Purpose::Create) {
            report::<C>(
                options,
                found.sid.map(|(sid, _)| sid.id()),
                EventKind::CrossOrigin,
            );
            return Err(Error::new(ErrorKind::CrossOrigin));
        }
        let Some((sid, place)) = &found.sid else {
            return match purpose {
                Purpose::Create => Ok(Opened::Session(create(asked, store_of(asked).await?))),
                Purpose::LoadOptional => Ok(Opened::None),
                Purpose::LoadRequired => {
                    report::<C>(options, None, EventKind::Missing);
                    Err(asked.absence())
                }
            };
        };
        let store = match store_of(asked).await {
            Ok(store) => store,
            Err(error) => return without_store(options, purpose, error),
        };
        let transport = asked.wire.transport(*place);
        match load_cached(asked, &store, sid, transport, Offers::Allowed).await {
            Ok(Some(loaded)) => Ok(Opened::Session(resume(asked, store, sid, loaded))),
            Ok(None) => match purpose {
                Purpose::Create => Ok(Opened::Session(create(asked, store))),
                Purpose::LoadOptional => Ok(Opened::None),
                Purpose::LoadRequired => Err(asked.absence()),
            },
            Err(error) => without_store(options, purpose, error),
        }
    }
}

/// What there is where the store does not answer.
fn without_store<C: SessionConfig>(
    options: &Options,
    purpose: Purpose,
    error: Error,
) -> Result<Opened<C>, Error> {
    let anonymous = options.on_store_error == OnStoreError::Anonymous
        && purpose == Purpose::LoadOptional
        && error.kind() == ErrorKind::StoreUnavailable;
    if anonymous {
        Ok(Opened::None)
    } else {
        Err(error)
    }
}

/// The record of the request's session, for a view: nothing is created or changed.
pub(crate) async fn view<C: SessionConfig>(
    asked: &Asked<C>,
) -> Result<Option<(SessionId, Record<C::Data>)>, Error> {
    if let Some(layer) = &asked.layer {
        layer.looked.store(true, Ordering::Relaxed);
    }
    if asked.is_options {
        return Ok(None);
    }
    let found = (asked.found.as_ref()).map_err(|_| Error::new(ErrorKind::Ambiguous))?;
    if asked.foreign.sent {
        report::<C>(
            asked.options,
            found.sid.map(|(sid, _)| sid.id()),
            EventKind::CrossOrigin,
        );
        return Err(Error::new(ErrorKind::CrossOrigin));
    }
    let Some((sid, place)) = &found.sid else {
        return Ok(None);
    };
    let store = store_of(asked).await?;
    let transport = asked.wire.transport(*place);
    // Without a layer nobody would send what a view's load offers.
    let loaded = load_cached(asked, &store, sid, transport, Offers::None).await?;
    if let (Some(layer), Some(_)) = (&asked.layer, &loaded) {
        layer.viewed.store(true, Ordering::Relaxed);
    }
    Ok(loaded.map(|loaded| (sid.id(), loaded.record)))
}

/// The store of this request: the layer's, or the config's own.
async fn store_of<C: SessionConfig>(
    asked: &Asked<C>,
) -> Result<StoreRef<C::Data, C::Store>, Error> {
    match asked.layer.as_ref().and_then(|layer| layer.store.clone()) {
        Some(store) => Ok(StoreRef::Given(store)),
        None => Ok(StoreRef::Own(config::store::<C>().await?)),
    }
}

/// The record of a sid, from the layer's cache if it has asked for the same sid before.
fn load_cached<C: SessionConfig>(
    asked: &Asked<C>,
    store: &StoreRef<C::Data, C::Store>,
    sid: &PresentedSid,
    transport: Transport,
    offers: Offers,
) -> impl Future<Output = Result<Option<Loaded<C::Data>>, Error>> + Send {
    async move {
        let Some(layer) = &asked.layer else {
            return load::<C>(store, asked.options, sid, transport, offers).await;
        };
        let mut cache = layer.loaded.lock().await;
        if let Some(cached) = &*cache
            && cached.transport == transport
            && cached.sid.id() == sid.id()
            && cached.sid.secret_hash() == sid.secret_hash()
        {
            return Ok(cached.result.clone());
        }
        let result = load::<C>(store, asked.options, sid, transport, Offers::Allowed).await?;
        *cache = Some(CachedLoad {
            sid: *sid,
            transport,
            result: result.clone(),
        });
        Ok(result)
    }
}

/// Asks the store.
pub(crate) fn load<C: SessionConfig>(
    store: &StoreRef<C::Data, C::Store>,
    options: &Options,
    sid: &PresentedSid,
    transport: Transport,
    offers: Offers,
) -> impl Future<Output = Result<Option<Loaded<C::Data>>, Error>> + Send {
    async move {
        let renew_every = options.renew_every.filter(|_| offers == Offers::Allowed);
        let offer = renew_every.map(|_| Box::new(sid.offer()));
        let request = LoadRequest {
            secret: sid.secret_hash(),
            transport,
            touch_every: options.touch_every,
            renewal: renew_every
                .zip(offer.as_ref())
                .map(|(every, offer)| Renewal {
                    every,
                    grace: options.renew_grace,
                    candidate: offer.secret_hash(),
                }),
        };
        let key = Key {
            namespace: options.namespace,
            id: sid.id(),
        };
        let started = options.on_event.map(|_| Instant::now());
        let result = store.load(key, &request).await;
        let elapsed = started.map(|at| at.elapsed());
        let kind = match &result {
            Ok(Some(_)) => EventKind::Loaded,
            Ok(None) => EventKind::UnknownSid,
            Err(error) => EventKind::StoreError {
                verb: "load",
                error,
            },
        };
        tell(
            options.on_event,
            &Event {
                config: C::NAME,
                id: Some(sid.id()),
                kind,
                elapsed,
            },
        );
        Ok(result?.map(|record| {
            let offer = offer.filter(|_| record.renewed);
            if offer.is_some() {
                report::<C>(options, Some(sid.id()), EventKind::Renewed);
            }
            Loaded { record, offer }
        }))
    }
}

fn resume<C: SessionConfig>(
    asked: &Asked<C>,
    store: StoreRef<C::Data, C::Store>,
    sid: &PresentedSid,
    loaded: Loaded<C::Data>,
) -> Arc<Shared<C>> {
    let Loaded { record, offer } = loaded;
    Shared::new(
        asked,
        store,
        sid.id(),
        Ledger {
            phase: Phase::Stored(record.snapshot),
            epoch: record.epoch,
            generation: record.generation,
            deadlines: record.deadlines,
            lifetime: record.lifetime,
            sid: sid.verified(),
            identity: None,
            pending_lifetime: None,
            subject: record.subject,
            emit: Emit::Nothing,
            offer,
            returned: None,
            closed: false,
        },
    )
}

fn create<C: SessionConfig>(
    asked: &Asked<C>,
    store: StoreRef<C::Data, C::Store>,
) -> Arc<Shared<C>> {
    let options = asked.options;
    let sid = Sid::mint();
    let now = store.now();
    let lifetime = Lifetime::new(options.idle_timeout, options.absolute_timeout);
    Shared::new(
        asked,
        store,
        sid.id(),
        Ledger {
            phase: Phase::New,
            epoch: 0,
            generation: 0,
            deadlines: deadlines(now, now, lifetime),
            lifetime,
            sid,
            identity: None,
            pending_lifetime: None,
            subject: None,
            emit: Emit::Nothing,
            offer: None,
            returned: None,
            closed: false,
        },
    )
}
