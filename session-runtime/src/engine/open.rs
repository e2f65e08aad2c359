//! Loading the session of a request, or creating one.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use super::Asked;
use super::shared::{Ledger, Phase, Shared, SharedParts, deadlines};
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
    offer: Option<Sid>,
}

impl<D> Clone for Loaded<D> {
    fn clone(&self) -> Self {
        Self {
            record: self.record.clone(),
            offer: self.offer,
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
pub(crate) async fn open<C: SessionConfig>(
    asked: &Asked<C>,
    purpose: Purpose,
) -> Result<Opened<C>, Error> {
    let options = asked.options;
    if asked.is_options {
        return Ok(if purpose == Purpose::LoadOptional {
            Opened::None
        } else {
            Opened::NoContent
        });
    }
    let found = asked.found.map_err(|_| Error::new(ErrorKind::Ambiguous))?;
    if asked.foreign.sent || (asked.foreign.created && purpose == Purpose::Create) {
        report::<C>(
            options,
            found.sid.map(|(sid, _)| sid.id()),
            EventKind::CrossOrigin,
        );
        return Err(Error::new(ErrorKind::CrossOrigin));
    }
    let Some((sid, place)) = found.sid else {
        return match purpose {
            Purpose::Create => Ok(Opened::Session(create(asked, store_of(asked).await?))),
            Purpose::LoadOptional => Ok(Opened::None),
            Purpose::LoadRequired => {
                report::<C>(options, None, EventKind::Missing);
                Err(asked.absence())
            }
        };
    };
    let transport = asked.wire.transport(place);
    let (store, loaded) = match load_cached(asked, sid, transport, Offers::Allowed).await {
        Ok(found) => found,
        Err(error) => {
            let anonymous = options.on_store_error == OnStoreError::Anonymous
                && purpose == Purpose::LoadOptional
                && error.kind() == ErrorKind::StoreUnavailable;
            return if anonymous {
                Ok(Opened::None)
            } else {
                Err(error)
            };
        }
    };
    match (loaded, purpose) {
        (Some(loaded), _) => Ok(Opened::Session(resume(asked, store, sid, loaded))),
        (None, Purpose::Create) => Ok(Opened::Session(create(asked, store))),
        (None, Purpose::LoadOptional) => Ok(Opened::None),
        (None, Purpose::LoadRequired) => Err(asked.absence()),
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
    let found = asked.found.map_err(|_| Error::new(ErrorKind::Ambiguous))?;
    if asked.foreign.sent {
        report::<C>(
            asked.options,
            found.sid.map(|(sid, _)| sid.id()),
            EventKind::CrossOrigin,
        );
        return Err(Error::new(ErrorKind::CrossOrigin));
    }
    let Some((sid, place)) = found.sid else {
        return Ok(None);
    };
    // Without a layer nobody would send what a view's load offers.
    let (_, loaded) = load_cached(asked, sid, asked.wire.transport(place), Offers::None).await?;
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

type Found<C> = (
    StoreRef<<C as SessionConfig>::Data, <C as SessionConfig>::Store>,
    Option<Loaded<<C as SessionConfig>::Data>>,
);

/// The record of a sid, from the layer's cache if it has asked for the same sid before.
async fn load_cached<C: SessionConfig>(
    asked: &Asked<C>,
    sid: PresentedSid,
    transport: Transport,
    offers: Offers,
) -> Result<Found<C>, Error> {
    let store = store_of(asked).await?;
    let Some(layer) = &asked.layer else {
        let loaded = load::<C>(&store, asked.options, sid, transport, offers).await?;
        return Ok((store, loaded));
    };
    let mut cache = layer.loaded.lock().await;
    if let Some(cached) = &*cache
        && cached.transport == transport
        && cached.sid.id() == sid.id()
        && cached.sid.secret_hash() == sid.secret_hash()
    {
        return Ok((store, cached.result.clone()));
    }
    let result = load::<C>(&store, asked.options, sid, transport, Offers::Allowed).await?;
    *cache = Some(CachedLoad {
        sid,
        transport,
        result: result.clone(),
    });
    Ok((store, result))
}

/// Asks the store.
pub(crate) async fn load<C: SessionConfig>(
    store: &StoreRef<C::Data, C::Store>,
    options: &Options,
    sid: PresentedSid,
    transport: Transport,
    offers: Offers,
) -> Result<Option<Loaded<C::Data>>, Error> {
    let renew_every = options.renew_every.filter(|_| offers == Offers::Allowed);
    let offer = renew_every.map(|every| (every, sid.offer()));
    let request = LoadRequest {
        secret: sid.secret_hash(),
        transport,
        touch_every: options.touch_every,
        renewal: offer.map(|(every, offer)| Renewal {
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
        let offer = offer.filter(|_| record.renewed).map(|(_, offer)| offer);
        if offer.is_some() {
            report::<C>(options, Some(sid.id()), EventKind::Renewed);
        }
        Loaded { record, offer }
    }))
}

fn resume<C: SessionConfig>(
    asked: &Asked<C>,
    store: StoreRef<C::Data, C::Store>,
    sid: PresentedSid,
    loaded: Loaded<C::Data>,
) -> Arc<Shared<C>> {
    let Loaded { record, offer } = loaded;
    let parts = SharedParts {
        store,
        options: asked.options,
        key: Key {
            namespace: asked.options.namespace,
            id: sid.id(),
        },
        target: asked.target,
        has_origin: asked.has_origin,
    };
    Shared::new(
        parts,
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
            emit: None,
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
    let lifetime = Lifetime {
        idle: options.idle_timeout,
        absolute: options.absolute_timeout,
    };
    let parts = SharedParts {
        store,
        options,
        key: Key {
            namespace: options.namespace,
            id: sid.id(),
        },
        target: asked.target,
        has_origin: asked.has_origin,
    };
    Shared::new(
        parts,
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
            emit: None,
            offer: None,
            returned: None,
            closed: false,
        },
    )
}
