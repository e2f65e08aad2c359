//! The scopes of a request, in its local cache.

use std::sync::{Mutex, MutexGuard, PoisonError};

use http::Extensions;
use rocket::Request;

/// The scopes that layers and guards have put into a request, of every config.
#[derive(Default)]
struct Scopes(Mutex<Extensions>);

/// Marks a HEAD request: rocket passes it to a GET route with that method.
#[derive(Clone)]
pub(super) struct DerivedFromHead;

pub(super) fn scopes<'a>(request: &'a Request<'_>) -> MutexGuard<'a, Extensions> {
    let Scopes(scopes) = request.local_cache(Scopes::default);
    scopes.lock().unwrap_or_else(PoisonError::into_inner)
}
