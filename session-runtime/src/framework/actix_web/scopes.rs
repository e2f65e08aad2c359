//! The scopes of a request, in its extensions.

use std::cell::Ref;

use actix_web::dev::Extensions as Local;
use actix_web::{HttpMessage as _, HttpRequest};
use http::Extensions;

use super::super::any_request::AnyRequest;
use crate::loader::RequestHead;

/// The scopes that layers and guards have put into a request, of every config.
#[derive(Default)]
struct Scopes(Extensions);

/// Changes the scopes of a request.
pub(super) fn with_scopes<T>(
    extensions: &mut Local,
    change: impl FnOnce(&mut Extensions) -> T,
) -> T {
    let mut scopes = extensions.remove::<Scopes>().unwrap_or_default();
    let result = change(&mut scopes.0);
    extensions.insert(scopes);
    result
}

impl AnyRequest for HttpRequest {
    fn read<T>(&self, read: impl FnOnce(RequestHead<'_>, &Extensions) -> T) -> T {
        let extensions = self.extensions();
        let scopes = Ref::filter_map(extensions, Local::get::<Scopes>).ok();
        let none = Extensions::new();
        let scopes = scopes.as_ref().map_or(&none, |scopes| &scopes.0);
        read(RequestHead::new(self), scopes)
    }
}
