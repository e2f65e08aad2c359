//! The scope of a request: the load and the opened sessions that its guards and views share.
//!
//! An app-wide layer, or a guard whose handler may pass the request on, puts a scope into the extensions
//! of the request. A request that is rebuilt without its extensions has no scope, and its guards do not
//! share anything.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use super::load::{LoadPolicy, LoadResult, Loaded, load};
use super::{Repair, SessionCore};
use crate::config::{OnUndecodable, Options, SessionConfig};
use crate::loader::{Ambiguous, Found, LoaderSet};
use crate::record::Transport;
use crate::sid::PresentedSid;
use crate::store::{AnyStore, StoreRef};

/// The sessions of one config in one request.
pub(crate) struct RequestScope<C: SessionConfig> {
    /// The store that a layer brought.
    pub(super) store: Option<AnyStore<C::Data>>,
    /// Locked while a guard opens its session, so that concurrent guards share one load.
    pub(super) sessions: tokio::sync::Mutex<Sessions<C>>,
    /// Whether a view was extracted: the response then depends on the session.
    pub(super) view_requested: AtomicBool,
    /// Whether a view found a session.
    pub(super) view_found: AtomicBool,
    /// Whether the request has passed the app-wide layer.
    layered: AtomicBool,
    /// Whether the store is that of a test client, which no layer below replaces.
    #[cfg(feature = "_layer")]
    of_test_client: AtomicBool,
    /// Set if a view was refused because the request carries different sids in cookies of one name.
    repair: OnceLock<Arc<Repair>>,
}

/// Whether any request has had a scope. Until then, requests are not searched for one.
static SCOPE_CREATED: AtomicBool = AtomicBool::new(false);

pub(crate) fn any_scope_created() -> bool {
    SCOPE_CREATED.load(Ordering::Relaxed)
}

pub(super) struct Sessions<C: SessionConfig> {
    loaded: Option<CachedLoad<C::Data>>,
    opened: Vec<Opened<C>>,
}

/// The latest load of a request.
struct CachedLoad<D> {
    presented: Presented,
    result: Option<Loaded<D>>,
}

/// A session that a guard has opened.
struct Opened<C: SessionConfig> {
    loaders: &'static LoaderSet,
    presented: Presented,
    core: Arc<SessionCore<C>>,
}

/// The sid that a request presents.
pub(super) enum Presented {
    Nothing,
    Ambiguous,
    Sid(PresentedSid, Transport),
}

impl PartialEq for Presented {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Nothing, Self::Nothing) | (Self::Ambiguous, Self::Ambiguous) => true,
            (Self::Sid(a, by_a), Self::Sid(b, by_b)) => by_a == by_b && a.is_same(b),
            _ => false,
        }
    }
}

impl Presented {
    pub(super) fn new(loaders: &LoaderSet, found: &Result<Found, Ambiguous>) -> Self {
        match found {
            Err(_) => Self::Ambiguous,
            Ok(found) => match &found.sid {
                None => Self::Nothing,
                Some((sid, index)) => Self::Sid(*sid, loaders.transport(*index)),
            },
        }
    }
}

impl<C: SessionConfig> RequestScope<C> {
    pub(crate) fn new(store: Option<AnyStore<C::Data>>) -> Self {
        // Read before writing, so that the cache line stays shared between processors.
        if !any_scope_created() {
            SCOPE_CREATED.store(true, Ordering::Relaxed);
        }
        Self {
            store,
            sessions: tokio::sync::Mutex::new(Sessions {
                loaded: None,
                opened: Vec::new(),
            }),
            view_requested: AtomicBool::new(false),
            view_found: AtomicBool::new(false),
            layered: AtomicBool::new(false),
            #[cfg(feature = "_layer")]
            of_test_client: AtomicBool::new(false),
            repair: OnceLock::new(),
        }
    }

    /// The store that a layer brought.
    #[cfg(feature = "admin")]
    pub(crate) fn given_store(&self) -> Option<AnyStore<C::Data>> {
        self.store.clone()
    }

    pub(super) fn note_repair(&self, repair: &Arc<Repair>) {
        self.repair.get_or_init(|| repair.clone());
    }

    pub(crate) fn has_layer(&self) -> bool {
        self.layered.load(Ordering::Relaxed)
    }

    #[cfg(feature = "_layer")]
    pub(crate) fn set_has_layer(&self) {
        self.layered.store(true, Ordering::Relaxed);
    }

    #[cfg(all(feature = "_layer", feature = "testing"))]
    pub(crate) fn set_of_test_client(&self) {
        self.of_test_client.store(true, Ordering::Relaxed);
    }

    #[cfg(feature = "_layer")]
    pub(crate) fn is_of_test_client(&self) -> bool {
        self.of_test_client.load(Ordering::Relaxed)
    }

    #[cfg(feature = "_layer")]
    pub(crate) fn repair(&self) -> Option<&Arc<Repair>> {
        self.repair.get()
    }

    #[cfg(feature = "_layer")]
    pub(crate) fn view_requested(&self) -> bool {
        self.view_requested.load(Ordering::Relaxed)
    }

    #[cfg(feature = "_layer")]
    pub(crate) fn view_found(&self) -> bool {
        self.view_found.load(Ordering::Relaxed)
    }
}

impl<C: SessionConfig> Sessions<C> {
    /// The session that a guard with the same loaders, or with the same sid, has opened.
    pub(super) fn find(
        &self,
        loaders: &LoaderSet,
        found: &Result<Found, Ambiguous>,
    ) -> Option<&Arc<SessionCore<C>>> {
        self.find_presented(loaders, &Presented::new(loaders, found))
    }

    pub(super) fn find_presented(
        &self,
        loaders: &LoaderSet,
        presented: &Presented,
    ) -> Option<&Arc<SessionCore<C>>> {
        let is_same = |opened: &&Opened<C>| {
            opened.presented == *presented
                && (opened.loaders.reads_like(loaders)
                    || matches!(presented, Presented::Sid(..))
                    // A request has at most one old session, whatever the loaders are.
                    || opened.core.state().adopted.is_some())
        };
        Some(&self.opened.iter().find(is_same)?.core)
    }

    /// Remembers the session of a guard, in place of one that has ended.
    pub(super) fn insert(
        &mut self,
        loaders: &'static LoaderSet,
        found: &Result<Found, Ambiguous>,
        core: Arc<SessionCore<C>>,
    ) {
        let presented = Presented::new(loaders, found);
        self.opened
            .retain(|opened| opened.presented != presented || !opened.loaders.reads_like(loaders));
        let opened = Opened {
            loaders,
            presented,
            core,
        };
        // The latest one first.
        self.opened.insert(0, opened);
    }

    /// Loads the record of a sid, unless the latest load of the request was for the same sid.
    pub(super) async fn load(
        &mut self,
        options: &'static Options,
        store: &StoreRef<C::Data, C::Store>,
        sid: &PresentedSid,
        transport: Transport,
        on_undecodable: OnUndecodable,
    ) -> LoadResult<C::Data> {
        let presented = Presented::Sid(*sid, transport);
        if let Some(cached) = &self.loaded
            && cached.presented == presented
        {
            return Ok(cached.result.clone());
        }
        let policy = LoadPolicy {
            // For a view too: a handler that shares this load can send the offered sid.
            may_renew: true,
            watches_reuse: true,
            on_undecodable,
        };
        let result = load::<C>(store, options, sid.hashed(), transport, policy).await?;
        self.loaded = Some(CachedLoad {
            presented,
            result: result.clone(),
        });
        Ok(result)
    }
}

impl<C: SessionConfig> fmt::Debug for RequestScope<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestScope")
            .field("config", &C::NAME)
            .finish_non_exhaustive()
    }
}
