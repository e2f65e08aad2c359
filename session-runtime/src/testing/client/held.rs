//! Which session a client holds, and how a request carries its sid.

use http::header::{AUTHORIZATION, COOKIE, HeaderName, HeaderValue};
use http::{HeaderMap, Request, Uri};

use super::Client;
use crate::config::{SessionConfig, prepared};
use crate::engine::Loaded;
use crate::framework::http_head::HttpHead;
use crate::loader::{Emit, EmitTarget, RequestHead, SidSource};
use crate::record::{Key, LoadRequest, Transport};
use crate::sid::PresentedSid;
use crate::view::SessionView;

/// The sid that a client holds.
pub(super) struct Held {
    pub(super) token: String,
    sid: PresentedSid,
    transport: Transport,
}

impl<C: SessionConfig> Client<C> {
    /// Keeps the cookies of a response, and its sid if it has one.
    pub(super) fn keep(&self, headers: &HeaderMap, path: &str) {
        let now = self.clock().now();
        let mut jar = self.jar.borrow_mut();
        jar.keep_cookies(headers, path, now);
        let EmitTarget::Header(name) = prepared::<C>().loaders.target(None, Some(Emit::Header))
        else {
            return;
        };
        let value = headers.get(name).and_then(|value| value.to_str().ok());
        if let Some(sid) = value.filter(|value| PresentedSid::parse(value).is_some()) {
            jar.header_sid = Some(sid.to_owned());
        }
    }

    /// Adds the cookies and the sid to a request, unless it has such a header already.
    pub(super) fn add_to<B>(&self, request: &mut Request<B>) {
        let jar = self.jar.borrow();
        let cookies = jar.cookie_header(Some(request.uri().path()), self.clock().now());
        if let Some(cookies) = cookies {
            add(request.headers_mut(), COOKIE, &cookies);
        }
        if let Some(sid) = &jar.header_sid {
            add_sid::<C, B>(request, sid);
        }
    }

    /// The sid that a request would present, whatever its path is.
    pub(super) fn held(&self) -> Option<Held> {
        let mut request = Request::new(());
        let jar = self.jar.borrow();
        if let Some(cookies) = jar.cookie_header(None, self.clock().now()) {
            add(request.headers_mut(), COOKIE, &cookies);
        }
        if let Some(sid) = &jar.header_sid {
            add_sid::<C, _>(&mut request, sid);
        }
        let loaders = &prepared::<C>().loaders;
        let head = HttpHead::of_request(&request);
        let found = loaders.find(RequestHead::new(&head)).ok()?;
        let (sid, transport) = match found.sid {
            Some((sid, index)) => (sid, loaders.transport(index)),
            // A loader of the path, or a function, finds it where the test puts it.
            None => (
                PresentedSid::parse(jar.header_sid.as_deref()?)?,
                Transport::Other,
            ),
        };
        Some(Held {
            token: sid.verified().expose(),
            sid,
            transport,
        })
    }

    pub(super) fn find_held(&self) -> Option<SessionView<C>> {
        let held = self.held()?;
        let options = &prepared::<C>().options;
        let request = LoadRequest {
            secret: held.sid.secret_hash(),
            transport: held.transport,
            touch_every: options.touch_every,
            renewal: None,
            format: options.data_format(),
        };
        let key = Key {
            namespace: options.namespace,
            id: held.sid.id(),
        };
        let record = self.backend.store.store.peek(key, &request)?;
        Some(SessionView::found(held.sid.id(), Loaded::of_record(record)))
    }
}

/// Puts a sid where the first loader that can find it there looks for it. A request has no place for a sid
/// that is not sent in a cookie, if only the path or a function says where it is.
fn add_sid<C: SessionConfig, B>(request: &mut Request<B>, sid: &str) {
    for source in prepared::<C>().loaders.sources() {
        match source {
            SidSource::Header(name) => {
                if let Ok(name) = HeaderName::from_bytes(name.as_bytes()) {
                    return add(request.headers_mut(), name, sid);
                }
            }
            SidSource::Bearer => {
                return add(
                    request.headers_mut(),
                    AUTHORIZATION,
                    &format!("Bearer {sid}"),
                );
            }
            SidSource::Query(name) => return add_parameter(request.uri_mut(), name, sid),
            SidSource::Cookie(_) | SidSource::Path(_) | SidSource::Custom(_) => {}
        }
    }
}

/// Adds a header that is not there. The values are cookies and sids, which are valid in a header.
fn add(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.entry(name).or_insert(value);
    }
}

/// Adds a query parameter that is not there.
fn add_parameter(uri: &mut Uri, name: &str, value: &str) {
    let query = uri.query().unwrap_or_default();
    let is_there = query
        .split('&')
        .any(|pair| pair.split_once('=').is_some_and(|(key, _)| key == name));
    if is_there {
        return;
    }
    let query = if query.is_empty() {
        format!("{name}={value}")
    } else {
        format!("{query}&{name}={value}")
    };
    if let Ok(with_sid) = format!("{}?{query}", uri.path()).parse() {
        *uri = with_sid;
    }
}
