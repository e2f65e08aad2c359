//! Loads or creates the session of a request.

use std::sync::Arc;

use super::guards::{GuardIndex, Guards};
use super::load::{Loaded, RenewalPolicy, load, load_sync};
use super::request_scope::Sessions;
use super::session_core::{Phase, SessionCore, SessionState, SidToSend};
use super::wait;
use super::{CrossOrigin, RequestContext};
use crate::config::{self, OnStoreError, Options, SessionConfig};
use crate::error::{Error, ErrorKind};
use crate::event::EventKind;
use crate::record::Lifetime;
use crate::sid::{PresentedSid, SessionId, Sid};
use crate::store::StoreRef;

/// Whether a handler creates a session or needs a stored one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    Create,
    LoadRequired,
    LoadOptional,
}

/// The result of opening a session.
pub(crate) enum OpenOutcome<C: SessionConfig> {
    Session(OpenedSession<C>),
    None,
    /// The response to an OPTIONS request, which never has a session.
    NoContent,
}

/// The initial state of a handler's session.
pub(crate) struct OpenedSession<C: SessionConfig> {
    pub(crate) core: Arc<SessionCore<C>>,
    pub(crate) guard: GuardIndex,
    /// The stored data, or that of an unsaved session which guards may share; `None` for another new
    /// session.
    pub(crate) data: Option<Arc<C::Data>>,
    pub(crate) subject: Option<Arc<str>>,
}

/// How to open the session of a request.
enum OpenPlan<'a> {
    /// The handler runs without a session.
    None,
    /// The response to an OPTIONS request is sent; the handler does not run.
    NoContent,
    /// Create a session; the store is first called at the commit.
    New,
    /// Load the session of this sid, found by the loader at this index.
    Load(&'a (PresentedSid, usize)),
}

/// Opens the session without waiting; `None` if that is not possible.
///
/// The synchronous path exists because it is faster: each future moves everything that it holds.
pub(crate) fn open_sync<C: SessionConfig>(
    context: &RequestContext<C>,
    purpose: Purpose,
) -> Option<Result<OpenOutcome<C>, Error>> {
    // Another guard may have opened the session, or may be opening it.
    if context.scope.is_some() {
        return None;
    }
    let presented = match plan(context, purpose) {
        Ok(OpenPlan::None) => return Some(Ok(OpenOutcome::None)),
        Ok(OpenPlan::NoContent) => return Some(Ok(OpenOutcome::NoContent)),
        Ok(OpenPlan::New) => None,
        Ok(OpenPlan::Load(presented)) => Some(presented),
        Err(error) => return Some(Err(error)),
    };
    let store = StoreRef::Own(config::store_if_built::<C>()?);
    let Some((sid, index)) = presented else {
        return Some(Ok(OpenOutcome::Session(create(context, store))));
    };
    let as_sync = store.as_sync()?;
    let transport = context.loaders.transport(*index);
    let loaded = load_sync::<C>(
        as_sync,
        context.options,
        sid,
        transport,
        RenewalPolicy::Allowed,
    );
    Some(finish_load(context, purpose, store, sid, loaded))
}

/// Opens the session, and awaits the store if necessary.
pub(crate) async fn open<C: SessionConfig>(
    context: &RequestContext<C>,
    purpose: Purpose,
) -> Result<OpenOutcome<C>, Error> {
    let Some(scope) = &context.scope else {
        return open_alone(context, purpose, None).await;
    };
    let mut sessions = wait::in_time(scope.sessions.lock()).await?;
    let outcome = match sessions.find(context.loaders, &context.found).cloned() {
        Some(core) => join_opened(context, purpose, core).await?,
        None => open_alone(context, purpose, Some(&mut sessions)).await?,
    };
    // The first guard of a session has opened it; the others have joined it.
    if let OpenOutcome::Session(opened) = &outcome
        && opened.guard == 0
    {
        sessions.insert(context.loaders, &context.found, opened.core.clone());
    }
    Ok(outcome)
}

impl<C: SessionConfig> SessionCore<C> {
    /// Opens the session for another guard of the request. `None` if the session has ended, or if it
    /// is new and no open guard will store it.
    pub(super) fn join(self: Arc<Self>, creates: bool) -> Option<OpenedSession<C>> {
        let mut state = self.state();
        let data = match &state.phase {
            Phase::Stored(snapshot) => Some(snapshot.data.clone()),
            Phase::New if creates || state.guards.any_must_insert() => state.initial.clone(),
            Phase::New | Phase::Ended { .. } => return None,
        };
        let subject = match state.guards.pending_subject() {
            Some(subject) => subject.apply(None),
            None => state.subject.clone(),
        };
        let resets = state.resets;
        let guard = state.guards.join(creates, resets);
        drop(state);
        Some(OpenedSession {
            core: self,
            guard,
            data,
            subject,
        })
    }
}

/// Joins a session that another guard of the request has already opened.
async fn join_opened<C: SessionConfig>(
    context: &RequestContext<C>,
    purpose: Purpose,
    core: Arc<SessionCore<C>>,
) -> Result<OpenOutcome<C>, Error> {
    check_origin(context, purpose)?;
    if let Some(opened) = core.clone().join(purpose == Purpose::Create) {
        return Ok(OpenOutcome::Session(opened));
    }
    match purpose {
        Purpose::Create => {
            let store = store_of(context).await?;
            let created = create(context, store);
            core.state().replaced_by = Some(created.core.clone());
            Ok(OpenOutcome::Session(created))
        }
        Purpose::LoadOptional => Ok(OpenOutcome::None),
        Purpose::LoadRequired => Err(context.no_session_error()),
    }
}

/// Opens a session that no other guard of the request has opened.
async fn open_alone<C: SessionConfig>(
    context: &RequestContext<C>,
    purpose: Purpose,
    sessions: Option<&mut Sessions<C>>,
) -> Result<OpenOutcome<C>, Error> {
    let presented = match plan(context, purpose)? {
        OpenPlan::None => return Ok(OpenOutcome::None),
        OpenPlan::NoContent => return Ok(OpenOutcome::NoContent),
        OpenPlan::New => None,
        OpenPlan::Load(presented) => Some(presented),
    };
    let store = match store_of(context).await {
        Ok(store) => store,
        Err(error) => return without_store(context.options, purpose, error),
    };
    let Some((sid, index)) = presented else {
        return Ok(OpenOutcome::Session(create(context, store)));
    };
    let transport = context.loaders.transport(*index);
    let loaded = if let Some(sessions) = sessions {
        sessions.load(context.options, &store, sid, transport).await
    } else {
        let policy = RenewalPolicy::Allowed;
        load::<C>(&store, context.options, sid, transport, policy).await
    };
    finish_load(context, purpose, store, sid, loaded)
}

fn plan<C: SessionConfig>(
    context: &RequestContext<C>,
    purpose: Purpose,
) -> Result<OpenPlan<'_>, Error> {
    if context.is_options {
        return Ok(if purpose == Purpose::LoadOptional {
            OpenPlan::None
        } else {
            OpenPlan::NoContent
        });
    }
    check_origin(context, purpose)?;
    let sid = match &context.found {
        Ok(found) => &found.sid,
        // None of the sids is used; the response expires their cookies.
        Err(_) if purpose == Purpose::Create && context.target.repair().is_some() => &None,
        Err(_) => return Err(context.ambiguity()),
    };
    match (sid, purpose) {
        (Some(presented), _) => Ok(OpenPlan::Load(presented)),
        (None, Purpose::Create) => Ok(OpenPlan::New),
        (None, Purpose::LoadOptional) => Ok(OpenPlan::None),
        (None, Purpose::LoadRequired) => {
            context.emit_event(None, EventKind::Missing);
            Err(context.no_session_error())
        }
    }
}

/// Refuses a request that the cross-origin rule does not allow.
#[inline]
pub(super) fn check_origin<C: SessionConfig>(
    context: &RequestContext<C>,
    purpose: Purpose,
) -> Result<(), Error> {
    let refused = (context.target.faults()).and_then(|faults| faults.cross_origin.as_ref());
    match refused {
        // Without a sid, only a new session would use the cookie.
        Some(refused) if context.presents_sid() || purpose == Purpose::Create => {
            Err(refuse_cross_origin(context, refused))
        }
        _ => Ok(()),
    }
}

#[cold]
fn refuse_cross_origin<C: SessionConfig>(
    context: &RequestContext<C>,
    refused: &CrossOrigin,
) -> Error {
    let presented = context.found.ok().and_then(|found| found.sid);
    let kind = EventKind::CrossOrigin {
        sent: &refused.sent,
        expected: &refused.expected,
    };
    context.emit_event(presented.map(|(sid, _)| sid.id()), kind);
    Error::new(ErrorKind::CrossOrigin)
}

/// Converts the result of a load to the outcome for the handler.
#[allow(
    clippy::inline_always,
    reason = "the loaded record is not moved once more"
)]
#[inline(always)]
fn finish_load<C: SessionConfig>(
    context: &RequestContext<C>,
    purpose: Purpose,
    store: StoreRef<C::Data, C::Store>,
    sid: &PresentedSid,
    loaded: Result<Option<Loaded<C::Data>>, Error>,
) -> Result<OpenOutcome<C>, Error> {
    match loaded {
        Ok(Some(loaded)) => Ok(OpenOutcome::Session(resume(context, store, sid, loaded))),
        Ok(None) => match purpose {
            Purpose::Create => Ok(OpenOutcome::Session(create(context, store))),
            Purpose::LoadOptional => Ok(OpenOutcome::None),
            Purpose::LoadRequired => Err(context.no_session_error()),
        },
        Err(error) => without_store(context.options, purpose, error),
    }
}

/// The outcome if the store fails. With `OnStoreError::Anonymous`, an optional session is `None` if the
/// store is unavailable.
fn without_store<C: SessionConfig>(
    options: &Options,
    purpose: Purpose,
    error: Error,
) -> Result<OpenOutcome<C>, Error> {
    let anonymous = options.on_store_error == OnStoreError::Anonymous
        && purpose == Purpose::LoadOptional
        && error.kind() == ErrorKind::StoreUnavailable;
    if anonymous {
        Ok(OpenOutcome::None)
    } else {
        Err(error)
    }
}

/// The store for this request: that of its layer, if it has one, otherwise the config's.
pub(super) async fn store_of<C: SessionConfig>(
    context: &RequestContext<C>,
) -> Result<StoreRef<C::Data, C::Store>, Error> {
    match context.scope.as_ref().and_then(|scope| scope.store.clone()) {
        Some(store) => Ok(StoreRef::Given(store)),
        None => Ok(StoreRef::Own(config::store::<C>().await?)),
    }
}

#[allow(
    clippy::inline_always,
    reason = "the loaded record is not moved once more"
)]
#[inline(always)]
fn resume<C: SessionConfig>(
    context: &RequestContext<C>,
    store: StoreRef<C::Data, C::Store>,
    sid: &PresentedSid,
    loaded: Loaded<C::Data>,
) -> OpenedSession<C> {
    let data = loaded.snapshot.data.clone();
    let subject = loaded.subject.clone();
    let state = SessionState {
        phase: Phase::Stored(loaded.snapshot),
        initial: None,
        epoch: loaded.epoch,
        generation: loaded.generation,
        deadlines: Some(loaded.deadlines),
        lifetime: loaded.lifetime,
        sid: sid.verified(),
        subject: loaded.subject,
        sid_to_send: SidToSend::None,
        offer: loaded.offer,
        guards: Guards::new(false),
        resets: 0,
        in_use: true,
        replaced_by: None,
    };
    OpenedSession {
        core: core(context, store, sid.id(), state),
        guard: 0,
        data: Some(data),
        subject,
    }
}

fn create<C: SessionConfig>(
    context: &RequestContext<C>,
    store: StoreRef<C::Data, C::Store>,
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
        subject: None,
        sid_to_send: SidToSend::None,
        offer: None,
        guards: Guards::new(true),
        resets: 0,
        in_use: true,
        replaced_by: None,
    };
    OpenedSession {
        core: core(context, store, sid.id(), state),
        guard: 0,
        data: initial,
        subject: None,
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
        state,
    )
}
