//! Loading the session of a request, or creating one.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::Asked;
use super::load::{Loaded, Offers, load_cached, load_now, report};
use super::shared::{Emit, Ledger, Phase, Shared};
use crate::config::{self, OnStoreError, Options, SessionConfig};
use crate::error::{Error, ErrorKind};
use crate::event::EventKind;
use crate::loader::Found;
use crate::record::Lifetime;
use crate::sid::{PresentedSid, SessionId, Sid};
use crate::store::StoreRef;

/// What a handler wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    Create,
    LoadRequired,
    LoadOptional,
}

/// The session of a request.
pub(crate) enum Opened<C: SessionConfig> {
    Session(Start<C>),
    None,
    /// The answer to an OPTIONS request, which never has a session.
    NoContent,
}

/// What a handler's session begins with.
pub(crate) struct Start<C: SessionConfig> {
    pub(crate) shared: Arc<Shared<C>>,
    /// As it is stored; `None` in a new session.
    pub(crate) data: Option<Arc<C::Data>>,
    pub(crate) subject: Option<Arc<str>>,
}

/// What is to be had from the store.
enum Wanted<'a> {
    /// Nothing: there is no session.
    None,
    /// Nothing: the answer is that to an OPTIONS request.
    NoContent,
    /// A place for a new session, when that is committed.
    New,
    /// The session of a sid, which this loader found.
    Known(&'a (PresentedSid, usize)),
}

/// The session that a handler asked for; `None` if it has to be waited for.
///
/// Where it has not, there is no future at all: every one on the way of a request moves what it
/// holds.
pub(crate) fn open_now<C: SessionConfig>(
    asked: &Asked<C>,
    purpose: Purpose,
) -> Option<Result<Opened<C>, Error>> {
    let known = match wanted(asked, purpose) {
        Ok(Wanted::None) => return Some(Ok(Opened::None)),
        Ok(Wanted::NoContent) => return Some(Ok(Opened::NoContent)),
        Ok(Wanted::New) => None,
        Ok(Wanted::Known(known)) => Some(known),
        Err(error) => return Some(Err(error)),
    };
    // A layer's cache may be in use.
    if asked.layer.is_some() {
        return None;
    }
    let store = StoreRef::Own(config::built::<C>()?);
    let Some((sid, place)) = known else {
        return Some(Ok(Opened::Session(create(asked, store))));
    };
    let as_sync = store.as_sync()?;
    let transport = asked.wire.transport(*place);
    let loaded = load_now::<C>(as_sync, asked.options, sid, transport, Offers::Allowed);
    Some(opened(asked, purpose, store, sid, loaded))
}

/// The same, and waits where it has to.
pub(crate) async fn open<C: SessionConfig>(
    asked: &Asked<C>,
    purpose: Purpose,
) -> Result<Opened<C>, Error> {
    let known = match wanted(asked, purpose)? {
        Wanted::None => return Ok(Opened::None),
        Wanted::NoContent => return Ok(Opened::NoContent),
        Wanted::New => None,
        Wanted::Known(known) => Some(known),
    };
    let store = match store_of(asked).await {
        Ok(store) => store,
        Err(error) => return without_store(asked.options, purpose, error),
    };
    let Some((sid, place)) = known else {
        return Ok(Opened::Session(create(asked, store)));
    };
    let transport = asked.wire.transport(*place);
    let loaded = load_cached(asked, &store, sid, transport, Offers::Allowed).await;
    opened(asked, purpose, store, sid, loaded)
}

fn wanted<C: SessionConfig>(asked: &Asked<C>, purpose: Purpose) -> Result<Wanted<'_>, Error> {
    if asked.is_options {
        return Ok(if purpose == Purpose::LoadOptional {
            Wanted::None
        } else {
            Wanted::NoContent
        });
    }
    let found = (asked.found.as_ref()).map_err(|_| Error::new(ErrorKind::Ambiguous))?;
    if asked.foreign.sent || (asked.foreign.created && purpose == Purpose::Create) {
        return Err(refuse_foreign(asked, found));
    }
    match (&found.sid, purpose) {
        (Some(known), _) => Ok(Wanted::Known(known)),
        (None, Purpose::Create) => Ok(Wanted::New),
        (None, Purpose::LoadOptional) => Ok(Wanted::None),
        (None, Purpose::LoadRequired) => {
            report::<C>(asked.options, None, EventKind::Missing, None);
            Err(asked.absence())
        }
    }
}

fn refuse_foreign<C: SessionConfig>(asked: &Asked<C>, found: &Found) -> Error {
    let id = found.sid.map(|(sid, _)| sid.id());
    report::<C>(asked.options, id, EventKind::CrossOrigin, None);
    Error::new(ErrorKind::CrossOrigin)
}

/// What a load comes to.
fn opened<C: SessionConfig>(
    asked: &Asked<C>,
    purpose: Purpose,
    store: StoreRef<C::Data, C::Store>,
    sid: &PresentedSid,
    loaded: Result<Option<Loaded<C::Data>>, Error>,
) -> Result<Opened<C>, Error> {
    match loaded {
        Ok(Some(loaded)) => Ok(Opened::Session(resume(asked, store, sid, loaded))),
        Ok(None) => match purpose {
            Purpose::Create => Ok(Opened::Session(create(asked, store))),
            Purpose::LoadOptional => Ok(Opened::None),
            Purpose::LoadRequired => Err(asked.absence()),
        },
        Err(error) => without_store(asked.options, purpose, error),
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
) -> Result<Option<(SessionId, Loaded<C::Data>)>, Error> {
    if let Some(layer) = &asked.layer {
        layer.looked.store(true, Ordering::Relaxed);
    }
    if asked.is_options {
        return Ok(None);
    }
    let found = (asked.found.as_ref()).map_err(|_| Error::new(ErrorKind::Ambiguous))?;
    if asked.foreign.sent {
        return Err(refuse_foreign(asked, found));
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
    Ok(loaded.map(|loaded| (sid.id(), loaded)))
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

fn resume<C: SessionConfig>(
    asked: &Asked<C>,
    store: StoreRef<C::Data, C::Store>,
    sid: &PresentedSid,
    loaded: Loaded<C::Data>,
) -> Start<C> {
    let data = loaded.snapshot.data.clone();
    let subject = loaded.subject.clone();
    let ledger = Ledger {
        phase: Phase::Stored(loaded.snapshot),
        epoch: loaded.epoch,
        generation: loaded.generation,
        deadlines: Some(loaded.deadlines),
        lifetime: loaded.lifetime,
        sid: sid.verified(),
        identity: None,
        pending_lifetime: None,
        subject: loaded.subject,
        emit: Emit::Nothing,
        offer: loaded.offer,
        returned: None,
        closed: false,
        in_use: true,
    };
    Start {
        shared: Shared::new(asked, store, sid.id(), ledger),
        data: Some(data),
        subject,
    }
}

fn create<C: SessionConfig>(asked: &Asked<C>, store: StoreRef<C::Data, C::Store>) -> Start<C> {
    let options = asked.options;
    let sid = Sid::mint();
    let lifetime = Lifetime::new(options.idle_timeout, options.absolute_timeout);
    let ledger = Ledger {
        phase: Phase::New,
        epoch: 0,
        generation: 0,
        deadlines: None,
        lifetime,
        sid,
        identity: None,
        pending_lifetime: None,
        subject: None,
        emit: Emit::Nothing,
        offer: None,
        returned: None,
        closed: false,
        in_use: true,
    };
    Start {
        shared: Shared::new(asked, store, sid.id(), ledger),
        data: None,
        subject: None,
    }
}
