//! The guard of a handler that runs without a session.

use std::sync::Arc;

use super::commit::{CommitProgress, Committable};
use super::guards::GuardIndex;
use super::request_scope::{Presented, RequestScope};
use super::{RequestContext, SessionHeaders};
use crate::config::SessionConfig;
use crate::loader::LoaderSet;

/// The guard of a handler that runs without a session. If an inner handler creates a session and the
/// outer one then fails, the response of the outer one must carry the sid.
struct WithoutSession<C: SessionConfig> {
    scope: Arc<RequestScope<C>>,
    loaders: &'static LoaderSet,
    presented: Presented,
}

/// The commit of a guard without a session; `None` if no inner guard can open one.
pub(crate) fn commit_without_session<C: SessionConfig>(
    context: &RequestContext<C>,
) -> Option<Arc<dyn Committable>> {
    let scope = context.scope.clone()?;
    Some(Arc::new(WithoutSession {
        scope,
        loaders: context.loaders,
        presented: Presented::new(context.loaders, &context.found),
    }))
}

impl<C: SessionConfig> Committable for WithoutSession<C> {
    fn commit(self: Arc<Self>, _: GuardIndex, _: bool) -> CommitProgress {
        // While another guard holds the lock, it has not opened a session yet.
        let sessions = self.scope.sessions.try_lock();
        let core = (sessions.as_ref().ok())
            .and_then(|sessions| sessions.find_presented(self.loaders, &self.presented));
        let headers = match core {
            Some(core) => core.headers(0, &core.state()),
            None => SessionHeaders::default(),
        };
        CommitProgress::Finished(Ok(headers))
    }

    fn abandon(&self, _: GuardIndex) {}
}
