//! Loads the session of a request for a view.

use std::sync::atomic::Ordering;

use super::RequestContext;
use super::adopt::{self, Adoption};
use super::load::{LoadPolicy, Loaded, load, or_none};
use super::open::store_of;
use super::open_plan::{Purpose, check_origin};
use super::request_scope::RequestScope;
use super::session_core::{Phase, SessionCore};
use super::wait;
use crate::config::SessionConfig;
use crate::error::Error;
use crate::sid::SessionId;

/// Loads the request's session for a view. Creates no session.
pub(crate) async fn view<C: SessionConfig>(
    context: &RequestContext<C>,
) -> Result<Option<(SessionId, Loaded<C::Data>)>, Error> {
    let Some(scope) = &context.scope else {
        return view_in(context, None).await;
    };
    scope.view_requested.store(true, Ordering::Relaxed);
    let viewed = view_in(context, Some(scope)).await?;
    if viewed.is_some() {
        scope.view_found.store(true, Ordering::Relaxed);
    }
    Ok(viewed)
}

async fn view_in<C: SessionConfig>(
    context: &RequestContext<C>,
    scope: Option<&RequestScope<C>>,
) -> Result<Option<(SessionId, Loaded<C::Data>)>, Error> {
    if context.is_options {
        return Ok(None);
    }
    let mut sessions = match scope {
        Some(scope) => Some(wait::in_time(scope.sessions.lock()).await?),
        None => None,
    };
    if let Some(core) = sessions
        .as_ref()
        .and_then(|sessions| sessions.find(context.loaders, &context.found))
    {
        return Ok(core.view());
    }
    // A view creates no session.
    check_origin(context, Purpose::LoadOptional)?;
    let Ok(found) = &context.found else {
        // The handler may run without the view.
        if let (Some(scope), Some(repair)) = (scope, context.target.repair()) {
            scope.note_repair(repair);
        }
        return Err(context.ambiguity());
    };
    let Some((sid, index)) = &found.sid else {
        let Some(request) = &context.old_request else {
            return Ok(None);
        };
        let viewed = adopt::view(context, request).await;
        return or_none(viewed.map(|viewed| match viewed {
            Adoption::Found(viewed) => Some(viewed),
            Adoption::NotSent | Adoption::Gone => None,
        }));
    };
    let store = store_of(context).await?;
    let transport = context.loaders.transport(*index);
    let loaded = if let Some(sessions) = &mut sessions {
        let on_undecodable = context.on_undecodable;
        sessions
            .load(context.options, &store, sid, transport, on_undecodable)
            .await?
    } else {
        // No handler shares this load, so nothing would send an offered sid.
        let policy = LoadPolicy::without_renewal(context.on_undecodable);
        load::<C>(&store, context.options, sid.hashed(), transport, policy).await?
    };
    Ok(loaded.map(|loaded| (sid.id(), loaded)))
}

impl<C: SessionConfig> SessionCore<C> {
    /// The stored session, for a view.
    pub(super) fn view(&self) -> Option<(SessionId, Loaded<C::Data>)> {
        let deadlines = self.stored_deadlines();
        let state = self.state();
        let Phase::Stored(snapshot) = &state.phase else {
            return None;
        };
        let loaded = Loaded {
            snapshot: snapshot.clone(),
            epoch: state.epoch,
            generation: state.generation,
            deadlines,
            lifetime: state.lifetime,
            login: state.login.clone(),
            offer: None,
        };
        Some((self.key.id, loaded))
    }
}
