//! Loads or creates the session of a request.

use std::sync::Arc;

use super::RequestContext;
use super::adopt::{self, Adoption};
use super::ending::Undecodable;
use super::load::{LoadPolicy, Loaded, load, load_sync};
use super::open_plan::{OpenPlan, Purpose, check_origin, plan, without_sid};
use super::opened::{OpenedSession, create, resume};
use super::request_scope::Sessions;
use super::session_core::SessionCore;
use super::wait;
use crate::config::{self, OnStoreError, Options, SessionConfig};
use crate::error::{Error, ErrorKind};
use crate::sid::PresentedSid;
use crate::store::StoreRef;

/// The result of opening a session.
pub(crate) enum OpenOutcome<C: SessionConfig> {
    Session(OpenedSession<C>),
    None,
    /// The response to an OPTIONS request, which never has a session.
    NoContent,
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
        // The old store has to be awaited.
        Ok(OpenPlan::Adopt(_)) => return None,
        Ok(OpenPlan::Load(presented)) => Some(presented),
        Err(error) => return Some(Err(error)),
    };
    let store = StoreRef::Own(config::store_if_built::<C>()?);
    let Some((sid, index)) = presented else {
        return Some(Ok(OpenOutcome::Session(create(
            context,
            store,
            purpose.creation(),
        ))));
    };
    let as_sync = store.as_sync()?;
    let transport = context.loaders.transport(*index);
    let loaded = load_sync::<C>(
        as_sync,
        context.options,
        sid.hashed(),
        transport,
        policy(context),
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

/// Joins a session that another guard of the request has already opened.
async fn join_opened<C: SessionConfig>(
    context: &RequestContext<C>,
    purpose: Purpose,
    core: Arc<SessionCore<C>>,
) -> Result<OpenOutcome<C>, Error> {
    check_origin(context, purpose)?;
    if let Some(opened) = core.clone().join(purpose.creation()) {
        return Ok(OpenOutcome::Session(opened));
    }
    match purpose {
        Purpose::Create | Purpose::CreateLazily => {
            let store = store_of(context).await?;
            let created = create(context, store, purpose.creation());
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
    let mut plan = plan(context, purpose)?;
    if let OpenPlan::Adopt(cookies) = plan {
        plan = match adopt::open(context, cookies).await {
            Ok(Adoption::Found(opened)) => return Ok(OpenOutcome::Session(opened)),
            Ok(Adoption::Gone) if purpose == Purpose::LoadRequired => {
                return Err(Error::of(ErrorKind::Unknown));
            }
            Ok(Adoption::NotSent | Adoption::Gone) => without_sid(context, purpose)?,
            // A login must be possible.
            Err(error) if purpose.creates() && may_create_instead(&error) => OpenPlan::New,
            Err(error) => return without_store(context.options, purpose, error),
        };
    }
    let presented = match plan {
        OpenPlan::NoContent => return Ok(OpenOutcome::NoContent),
        OpenPlan::None | OpenPlan::Adopt(_) => return Ok(OpenOutcome::None),
        OpenPlan::New => None,
        OpenPlan::Load(presented) => Some(presented),
    };
    let store = match store_of(context).await {
        Ok(store) => store,
        Err(error) => return without_store(context.options, purpose, error),
    };
    let Some((sid, index)) = presented else {
        return Ok(OpenOutcome::Session(create(
            context,
            store,
            purpose.creation(),
        )));
    };
    let transport = context.loaders.transport(*index);
    let loaded = if let Some(sessions) = sessions {
        let on_undecodable = context.on_undecodable;
        sessions
            .load(context.options, &store, sid, transport, on_undecodable)
            .await
    } else {
        load::<C>(
            &store,
            context.options,
            sid.hashed(),
            transport,
            policy(context),
        )
        .await
    };
    finish_load(context, purpose, store, sid, loaded)
}

/// Whether a handler that creates a session may go on with a new one, because there will never be one for
/// the old cookie.
fn may_create_instead(error: &Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::Undecodable | ErrorKind::SessionReplaced
    )
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
        Ok(None) => without_session(context, purpose, store, None),
        Err(error) if error.kind() == ErrorKind::SessionReplaced => {
            without_session(context, purpose, store, Some(error))
        }
        // A login must be possible. The session is ended once the new one is stored.
        Err(error) if purpose.creates() && error.kind() == ErrorKind::Undecodable => {
            let undecodable = Undecodable::of(&error, context.options, sid.id());
            let created = create(context, store, purpose.creation());
            created.core.state().replaces = undecodable.map(Box::new);
            Ok(OpenOutcome::Session(created))
        }
        Err(error) => without_store(context.options, purpose, error),
    }
}

/// The outcome if there is no session, and the error that says why, if the client may know.
#[inline(never)]
fn without_session<C: SessionConfig>(
    context: &RequestContext<C>,
    purpose: Purpose,
    store: StoreRef<C::Data, C::Store>,
    reason: Option<Error>,
) -> Result<OpenOutcome<C>, Error> {
    match purpose {
        Purpose::Create | Purpose::CreateLazily => Ok(OpenOutcome::Session(create(
            context,
            store,
            purpose.creation(),
        ))),
        Purpose::LoadOptional => Ok(OpenOutcome::None),
        Purpose::LoadRequired => Err(reason.unwrap_or_else(|| context.no_session_error())),
    }
}

fn policy<C: SessionConfig>(context: &RequestContext<C>) -> LoadPolicy {
    LoadPolicy {
        may_renew: true,
        watches_reuse: true,
        on_undecodable: context.on_undecodable,
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
