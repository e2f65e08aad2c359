//! A session as a handler gets it: new, loaded, or joined to another guard's.

use std::sync::Arc;

use super::RequestContext;
use super::adopt::AdoptedState;
use super::guards::{Creation, GuardIndex, Guards};
use super::load::Loaded;
use super::session_core::{Phase, SessionCore, SessionState, SidToSend};
use crate::config::SessionConfig;
use crate::record::{Lifetime, Login};
use crate::sid::{PresentedSid, SessionId, Sid};
use crate::store::StoreRef;

/// The initial state of a handler's session.
pub(crate) struct OpenedSession<C: SessionConfig> {
    pub(crate) core: Arc<SessionCore<C>>,
    pub(crate) guard: GuardIndex,
    /// The stored data, or that of an unsaved session which guards may share; `None` for another new
    /// session.
    pub(crate) data: Option<Arc<C::Data>>,
    pub(crate) login: Option<Arc<Login>>,
}

impl<C: SessionConfig> SessionCore<C> {
    /// Opens the session for another guard of the request. `None` if the session has ended, or if it
    /// is new and no open guard has created it.
    pub(super) fn join(self: Arc<Self>, creation: Creation) -> Option<OpenedSession<C>> {
        let mut state = self.state();
        let data = match &state.phase {
            Phase::Stored(snapshot) => Some(snapshot.data.clone()),
            Phase::New if creation != Creation::IfChanged || state.guards.any_creates() => {
                state.initial.clone()
            }
            Phase::New | Phase::Ended { .. } => return None,
        };
        let login = state.login_after(self.store.now());
        let resets = state.resets;
        let guard = state.guards.join(creation, resets);
        drop(state);
        Some(OpenedSession {
            core: self,
            guard,
            data,
            login,
        })
    }
}

#[allow(
    clippy::inline_always,
    reason = "the loaded record is not moved once more"
)]
#[inline(always)]
pub(super) fn resume<C: SessionConfig>(
    context: &RequestContext<C>,
    store: StoreRef<C::Data, C::Store>,
    sid: &PresentedSid,
    loaded: Loaded<C::Data>,
) -> OpenedSession<C> {
    let data = loaded.snapshot.data.clone();
    let login = loaded.login.clone();
    let state = SessionState {
        phase: Phase::Stored(loaded.snapshot),
        initial: None,
        epoch: loaded.epoch,
        generation: loaded.generation,
        deadlines: Some(loaded.deadlines),
        lifetime: loaded.lifetime,
        sid: sid.verified(),
        login: loaded.login,
        sid_to_send: SidToSend::None,
        offer: loaded.offer,
        guards: Guards::new(Creation::IfChanged),
        resets: 0,
        in_use: true,
        replaced_by: None,
        replaces: None,
        adopted: None,
    };
    OpenedSession {
        core: core(context, store, sid.id(), state),
        guard: 0,
        data: Some(data),
        login,
    }
}

/// Opens a session that was loaded with an old cookie.
pub(super) fn resume_adopted<C: SessionConfig>(
    context: &RequestContext<C>,
    store: StoreRef<C::Data, C::Store>,
    loaded: Loaded<C::Data>,
    id: SessionId,
    adopted: AdoptedState,
) -> OpenedSession<C> {
    // Without an offer, no sid of the session is known. Nothing sends this one.
    let sid = (loaded.offer.as_deref().copied()).unwrap_or_else(|| Sid::mint().of(id));
    let opened = resume(context, store, &sid.presented(), loaded);
    opened.core.state().adopted = Some(Box::new(adopted));
    opened
}

pub(super) fn create<C: SessionConfig>(
    context: &RequestContext<C>,
    store: StoreRef<C::Data, C::Store>,
    creation: Creation,
) -> OpenedSession<C> {
    let options = context.options;
    let sid = Sid::mint();
    let lifetime = Lifetime::new(options.idle_timeout, options.absolute_timeout);
    let initial = context.scope.as_ref().map(|_| Arc::default());
    let state = SessionState {
        phase: Phase::New,
        initial: initial.clone(),
        epoch: 0,
        generation: 0,
        deadlines: None,
        lifetime,
        sid,
        login: None,
        sid_to_send: SidToSend::None,
        offer: None,
        guards: Guards::new(creation),
        resets: 0,
        in_use: true,
        replaced_by: None,
        replaces: None,
        adopted: None,
    };
    OpenedSession {
        core: core(context, store, sid.id(), state),
        guard: 0,
        data: initial,
        login: None,
    }
}

#[allow(
    clippy::inline_always,
    reason = "constructs the value in place, which saves two moves"
)]
#[inline(always)]
fn core<C: SessionConfig>(
    context: &RequestContext<C>,
    store: StoreRef<C::Data, C::Store>,
    id: SessionId,
    state: SessionState<C>,
) -> Arc<SessionCore<C>> {
    let target = context.target.clone();
    SessionCore::new(
        store,
        context.options,
        id,
        target,
        context.has_origin,
        context.is_head,
        state,
    )
}
