//! Finds the scope of a request in its extensions.

use std::sync::Arc;

use http::Extensions;

use crate::config::SessionConfig;
use crate::engine::{self, RequestScope};

/// The scope of a request, if a layer or a guard has put one there.
pub(crate) fn scope_of<C: SessionConfig>(extensions: &Extensions) -> Option<Arc<RequestScope<C>>> {
    if !engine::any_scope_created() {
        return None;
    }
    extensions.get::<Arc<RequestScope<C>>>().cloned()
}

/// The scope of a request. Inserts one if there is none, for guards that open later in the request.
pub(crate) fn shared_scope<C: SessionConfig>(extensions: &mut Extensions) -> Arc<RequestScope<C>> {
    scope_of(extensions).unwrap_or_else(|| {
        let scope = Arc::new(RequestScope::new(None));
        extensions.insert(scope.clone());
        scope
    })
}
