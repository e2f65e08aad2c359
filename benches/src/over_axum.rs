//! Cases of subjects on axum: requests straight into the router, without a socket.

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::header::{COOKIE, HeaderName, SET_COOKIE};
use axum::http::{HeaderMap, HeaderValue, Method, Request, StatusCode};
use http_body_util::BodyExt as _;
use tokio::runtime::Runtime;
use tower::Service as _;

use crate::case::{Case, SidSent, Workload, handlers_ran};

/// How a subject's sid travels.
#[derive(Clone)]
pub enum Carrier {
    /// In a header of this name, both ways.
    Header(HeaderName),
    /// In a cookie.
    #[cfg_attr(not(feature = "peers"), expect(dead_code))]
    Cookie,
}

impl Carrier {
    pub fn request_header(&self) -> HeaderName {
        match self {
            Self::Header(name) => name.clone(),
            Self::Cookie => COOKIE,
        }
    }

    /// The sid in a response, as the next request sends it.
    pub fn answered(&self, headers: &HeaderMap) -> Option<HeaderValue> {
        match self {
            Self::Header(name) => headers.get(name).cloned(),
            Self::Cookie => {
                let cookies = headers.get_all(SET_COOKIE).iter();
                let pairs = cookies.filter_map(|cookie| cookie.to_str().ok()?.split(';').next());
                let pairs = pairs.collect::<Vec<_>>().join("; ");
                (!pairs.is_empty()).then(|| HeaderValue::from_str(&pairs).expect("a cookie"))
            }
        }
    }
}

/// A workload over a router.
pub struct OverAxum {
    router: Router,
    carrier: Carrier,
    workload: Workload,
    sent: SidSent,
    /// What the handlers of a floor do not know is not asked of them.
    keeps_sessions: bool,
    runtime: Runtime,
    sids: Vec<HeaderValue>,
    requests: usize,
    ran_before: u64,
    last: Option<(StatusCode, HeaderMap, Bytes)>,
    good: usize,
    bad: Option<(StatusCode, HeaderMap, Bytes)>,
}

impl OverAxum {
    pub fn new(router: Router, carrier: Carrier, workload: Workload) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .expect("a runtime");
        Self {
            router,
            carrier,
            workload,
            sent: workload.sid(),
            keeps_sessions: true,
            runtime,
            sids: Vec::new(),
            requests: 0,
            ran_before: 0,
            last: None,
            good: 0,
            bad: None,
        }
    }

    /// The same for handlers that know no session; `sent` says which sid is sent in vain.
    pub fn without_sessions(self, sent: SidSent) -> Self {
        Self {
            keeps_sessions: false,
            sent,
            ..self
        }
    }

    /// The same on the runtime that the subject's own tasks are on.
    #[cfg(feature = "peers")]
    pub fn on(self, runtime: Runtime) -> Self {
        Self { runtime, ..self }
    }

    fn ask(
        &mut self,
        path: &'static str,
        sid: Option<HeaderValue>,
    ) -> (StatusCode, HeaderMap, Bytes) {
        let name = self.carrier.request_header();
        self.runtime
            .block_on(ask(&mut self.router, path, &name, sid))
    }

    /// Presents this sid, instead of what was prepared.
    pub fn present(&mut self, sid: HeaderValue) {
        self.sids = vec![sid];
    }

    /// How many requests got a 200, and the last answer of the others.
    pub fn good(&self) -> (usize, Option<&(StatusCode, HeaderMap, Bytes)>) {
        (self.good, self.bad.as_ref())
    }

    /// The number that the last good answer brought.
    pub fn last_number(&self) -> Option<u64> {
        let (.., body) = self.last.as_ref()?;
        std::str::from_utf8(body).ok()?.parse().ok()
    }

    /// The sid of a new session whose data is seeded.
    pub fn seeded(&mut self) -> HeaderValue {
        if !self.keeps_sessions {
            return HeaderValue::from_str(&"A".repeat(64)).expect("a sid");
        }
        let (status, headers, _) = self.ask("/seed", None);
        assert_eq!(status, StatusCode::OK, "a session is created");
        self.carrier.answered(&headers).expect("a sid is answered")
    }
}

pub async fn ask(
    router: &mut Router,
    path: &'static str,
    name: &HeaderName,
    sid: Option<HeaderValue>,
) -> (StatusCode, HeaderMap, Bytes) {
    let mut request = Request::new(Body::empty());
    *request.method_mut() = Method::POST;
    *request.uri_mut() = axum::http::Uri::from_static(path);
    if let Some(sid) = sid {
        request.headers_mut().insert(name, sid);
    }
    let response = match router.call(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    };
    let (parts, body) = response.into_parts();
    let body = body.collect().await.expect("a whole body").to_bytes();
    (parts.status, parts.headers, body)
}

impl Case for OverAxum {
    fn prepare(&mut self, requests: usize) {
        self.sids = match self.sent {
            SidSent::None => Vec::new(),
            SidSent::Same => vec![self.seeded()],
            SidSent::OneEach => (0..requests).map(|_| self.seeded()).collect(),
            SidSent::Dead => {
                let sid = self.seeded();
                if self.keeps_sessions {
                    let (status, ..) = self.ask("/destroy", Some(sid.clone()));
                    assert_eq!(status, StatusCode::OK, "a session is destroyed");
                }
                vec![sid]
            }
        };
        self.requests = requests;
        self.good = 0;
        self.bad = None;
        self.last = None;
        self.ran_before = handlers_ran();
    }

    fn run(&mut self) {
        let name = self.carrier.request_header();
        let path = self.workload.path();
        let each = usize::from(self.sent == SidSent::OneEach);
        self.runtime.block_on(async {
            for n in 0..self.requests {
                let sid = self.sids.get(n * each).cloned();
                let answer = ask(&mut self.router, path, &name, sid).await;
                if answer.0 == StatusCode::OK {
                    self.good += 1;
                    self.last = Some(answer);
                } else {
                    self.bad = Some(answer);
                }
            }
        });
    }

    fn prove(&mut self) {
        assert_eq!(
            self.good, self.requests,
            "every answer is a 200: {:?}",
            self.bad
        );
        let ran = handlers_ran() - self.ran_before;
        assert_eq!(ran, self.requests as u64, "every handler ran once");
        let number = self.last_number().expect("a number is answered");
        let (_, headers, _) = self.last.take().expect("an answer");
        if !self.keeps_sessions {
            return;
        }
        let sid = self.sids.last().cloned();
        match self.workload {
            // The seed says 41; without a session a handler says 0.
            Workload::Read => assert_eq!(number, 41, "the data came back"),
            Workload::Anonymous | Workload::Unknown => assert_eq!(number, 0, "there is no session"),
            Workload::Write => {
                assert_eq!(number, 41 + self.requests as u64, "every change counted");
                let (status, _, body) = self.ask("/read", sid);
                assert_eq!(status, StatusCode::OK);
                assert_eq!(body, number.to_string(), "the change is stored");
            }
            Workload::Create => {
                let sid = self.carrier.answered(&headers).expect("a sid is answered");
                let (status, _, body) = self.ask("/read", Some(sid));
                assert_eq!(status, StatusCode::OK);
                assert_eq!(body, "1", "the new session is stored");
            }
            Workload::Destroy => {
                let (_, _, body) = self.ask("/optional", sid);
                assert_eq!(body, "0", "the session is gone");
            }
        }
    }
}
