//! A client that sends requests directly into a router, without a socket.

use axum::Router;
use axum::body::Body;
use axum::http::header::{COOKIE, HeaderName, SET_COOKIE};
use axum::http::{HeaderMap, HeaderValue, Method, Request, StatusCode};
use http_body_util::BodyExt as _;
use tower::Service as _;

/// The header with this library's sids.
const SID: HeaderName = HeaderName::from_static("x-user-session");

#[derive(Clone)]
pub struct Client {
    router: Router,
    /// Whether the sid is in a cookie, as in the other libraries.
    by_cookie: bool,
}

pub struct Reply {
    pub status: StatusCode,
    /// The sid, as the next request sends it.
    pub sid: Option<HeaderValue>,
    pub body: String,
}

impl Client {
    pub fn by_header(router: Router) -> Self {
        Self {
            router,
            by_cookie: false,
        }
    }

    #[cfg(feature = "servers-peers")]
    pub fn by_cookie(router: Router) -> Self {
        Self {
            router,
            by_cookie: true,
        }
    }

    pub async fn ask(&self, path: &str, sid: Option<&HeaderValue>) -> Reply {
        let mut request = Request::new(Body::empty());
        *request.method_mut() = Method::POST;
        *request.uri_mut() = path.parse().expect("a path");
        if let Some(sid) = sid {
            let name = if self.by_cookie { COOKIE } else { SID };
            request.headers_mut().insert(name, sid.clone());
        }
        let response = match self.router.clone().call(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        };
        let (parts, body) = response.into_parts();
        let body = body.collect().await.expect("a whole body").to_bytes();
        Reply {
            status: parts.status,
            sid: self.sid_in(&parts.headers),
            body: String::from_utf8_lossy(&body).into_owned(),
        }
    }

    /// Sends a request, and panics unless the response is a 200 with this body.
    pub async fn expect(&self, path: &str, sid: Option<&HeaderValue>, body: &str) -> Reply {
        let reply = self.ask(path, sid).await;
        let said = (reply.status, &*reply.body);
        assert_eq!(said, (StatusCode::OK, body), "the response of {path}");
        reply
    }

    /// The sid of a new session with seeded data.
    pub async fn seeded(&self) -> HeaderValue {
        let reply = self.expect("/seed", None, "41").await;
        reply.sid.expect("a sid is sent")
    }

    /// A malformed sid in the place of a valid one.
    pub fn malformed(&self, living: &HeaderValue) -> HeaderValue {
        let text = living.to_str().expect("a sid");
        let name = text.split_once('=').filter(|_| self.by_cookie);
        let text = name.map_or("malformed".to_owned(), |(name, _)| {
            format!("{name}=malformed")
        });
        HeaderValue::try_from(text).expect("a header")
    }

    fn sid_in(&self, headers: &HeaderMap) -> Option<HeaderValue> {
        if !self.by_cookie {
            return headers.get(SID).cloned();
        }
        let cookies = headers.get_all(SET_COOKIE).iter();
        let pairs = cookies.filter_map(|cookie| cookie.to_str().ok()?.split(';').next());
        let pairs = pairs.collect::<Vec<_>>().join("; ");
        (!pairs.is_empty()).then(|| HeaderValue::from_str(&pairs).expect("a cookie"))
    }
}
