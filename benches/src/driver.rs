//! Cases that send requests directly into an application of a framework, without a socket.

use std::fmt::Debug;

use axum::body::Bytes;
use axum::http::header::{COOKIE, HeaderName, SET_COOKIE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use tokio::runtime::Runtime;

use crate::case::{Case, SidSent, Workload, handlers_ran};

/// An application of a framework. Hides the differences between frameworks without boxing, which
/// would add to the cost of a request.
pub trait App: 'static {
    /// The value of a header, ready to send.
    type Value: Clone;
    type Headers: Debug;

    /// Sends a POST, and waits for the last byte of the response.
    fn ask(
        &mut self,
        path: &'static str,
        name: &HeaderName,
        sid: Option<Self::Value>,
    ) -> impl Future<Output = (StatusCode, Self::Headers, Bytes)>;

    /// All values of a header.
    fn texts<'a>(headers: &'a Self::Headers, name: &HeaderName) -> Vec<&'a str>;

    fn value(text: &str) -> Self::Value;
}

/// How a subject transports its sid.
#[derive(Clone)]
pub enum Carrier {
    /// In a header with this name, in both directions.
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
    pub fn sid_in<A: App>(&self, headers: &A::Headers) -> Option<A::Value> {
        match self {
            Self::Header(name) => Some(A::value(A::texts(headers, name).first()?)),
            Self::Cookie => {
                let cookies = A::texts(headers, &SET_COOKIE).into_iter();
                let pairs: Vec<&str> = cookies
                    .filter_map(|cookie| cookie.split(';').next())
                    .collect();
                (!pairs.is_empty()).then(|| A::value(&pairs.join("; ")))
            }
        }
    }
}

/// All values of a header, for frameworks that use the headers of `http` 1.
pub fn texts<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Vec<&'a str> {
    let values = headers.get_all(name).iter();
    values.filter_map(|value| value.to_str().ok()).collect()
}

pub fn value(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).expect("a sid")
}

type Reply<A> = (StatusCode, <A as App>::Headers, Bytes);

/// A workload on an application.
pub struct Driver<A: App> {
    app: A,
    carrier: Carrier,
    workload: Workload,
    sent: SidSent,
    /// Whether the handlers have sessions; floors do not, so their effects are not verified.
    keeps_sessions: bool,
    /// Whether the cookie contains the session: a change results in another cookie, and the
    /// previous one stays valid.
    in_cookie: bool,
    runtime: Runtime,
    sids: Vec<A::Value>,
    requests: usize,
    ran_before: u64,
    last: Option<Reply<A>>,
    good: usize,
    bad: Option<Reply<A>>,
}

impl<A: App> Driver<A> {
    pub fn new(app: A, carrier: Carrier, workload: Workload) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .expect("a runtime");
        Self {
            app,
            carrier,
            workload,
            sent: workload.sid(),
            keeps_sessions: true,
            in_cookie: false,
            runtime,
            sids: Vec::new(),
            requests: 0,
            ran_before: 0,
            last: None,
            good: 0,
            bad: None,
        }
    }

    /// For handlers without sessions; the requests still send a sid of the kind `sent`.
    pub fn without_sessions(self, sent: SidSent) -> Self {
        Self {
            keeps_sessions: false,
            sent,
            ..self
        }
    }

    /// Uses the runtime that the subject's own tasks run on.
    #[cfg(feature = "peers")]
    pub fn on(self, runtime: Runtime) -> Self {
        Self { runtime, ..self }
    }

    /// For sessions that are stored in their cookies.
    #[cfg(feature = "peers")]
    pub fn in_cookie(self) -> Self {
        Self {
            in_cookie: true,
            ..self
        }
    }

    fn ask(&mut self, path: &'static str, sid: Option<A::Value>) -> Reply<A> {
        let name = self.carrier.request_header();
        self.runtime.block_on(self.app.ask(path, &name, sid))
    }

    /// Sends this sid instead of the prepared ones.
    pub fn present(&mut self, sid: A::Value) {
        self.sids = vec![sid];
    }

    /// The number of responses with a 200, and the last response with another status.
    pub fn good(&self) -> (usize, Option<&Reply<A>>) {
        (self.good, self.bad.as_ref())
    }

    /// The number in the last successful response.
    pub fn last_number(&self) -> Option<u64> {
        let (.., body) = self.last.as_ref()?;
        std::str::from_utf8(body).ok()?.parse().ok()
    }

    /// The sid of a new session with seeded data.
    pub fn seeded(&mut self) -> A::Value {
        if !self.keeps_sessions {
            return A::value(&"A".repeat(64));
        }
        let (status, headers, body) = self.ask("/seed", None);
        assert_eq!(status, StatusCode::OK, "a session is created: {body:?}");
        let sid = self.carrier.sid_in::<A>(&headers);
        sid.expect("a sid is sent")
    }

    /// The value that a session returns.
    fn kept(&mut self, sid: Option<A::Value>) -> Bytes {
        let (status, _, body) = self.ask("/read", sid);
        assert_eq!(status, StatusCode::OK);
        body
    }
}

impl<A: App> Case for Driver<A> {
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
        // The first clone makes a value shareable; its cost is not part of the request.
        self.sids.iter().for_each(|sid| drop(sid.clone()));
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
                let reply = self.app.ask(path, &name, sid).await;
                if reply.0 == StatusCode::OK {
                    self.good += 1;
                    self.last = Some(reply);
                } else {
                    self.bad = Some(reply);
                }
            }
        });
    }

    fn prove(&mut self) {
        assert_eq!(
            self.good, self.requests,
            "not every response is a 200: {:?}",
            self.bad
        );
        let ran = handlers_ran() - self.ran_before;
        assert_eq!(ran, self.requests as u64, "every handler ran once");
        let number = self.last_number().expect("the response is a number");
        let (_, headers, _) = self.last.take().expect("a response");
        if !self.keeps_sessions {
            return;
        }
        let sid = self.sids.last().cloned();
        let sid_in = self.carrier.sid_in::<A>(&headers);
        match self.workload {
            // The seed is 41; without a session, a handler returns 0.
            Workload::Read => assert_eq!(number, 41, "the data came back"),
            Workload::Anonymous | Workload::Unknown => assert_eq!(number, 0, "there is no session"),
            Workload::Write if self.in_cookie => {
                assert_eq!(number, 42, "each request changes the cookie that it sent");
                let sid = sid_in.expect("the changed session is sent");
                assert_eq!(self.kept(Some(sid)), "42", "the cookie contains the change");
            }
            Workload::Write => {
                assert_eq!(number, 41 + self.requests as u64, "every change counted");
                assert_eq!(self.kept(sid), number.to_string(), "the change is stored");
            }
            Workload::Create => {
                let sid = sid_in.expect("a sid is sent");
                assert_eq!(self.kept(Some(sid)), "1", "the new session is stored");
            }
            Workload::Destroy => {
                let (_, _, body) = self.ask("/optional", sid);
                assert_eq!(body, "0", "the session has ended");
            }
        }
    }
}
