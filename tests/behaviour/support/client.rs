//! An HTTP client over real sockets, with one connection for each request.

use std::net::SocketAddr;

use http::header::{CACHE_CONTROL, SET_COOKIE, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;

/// A request builder.
#[derive(Debug, Clone)]
pub struct Call {
    address: SocketAddr,
    method: Method,
    path: String,
    headers: HeaderMap,
    body: Bytes,
}

impl Call {
    pub fn new(address: SocketAddr, method: Method, path: impl Into<String>) -> Self {
        let mut headers = HeaderMap::new();
        headers.insert("host", HeaderValue::from_static("shop.example.com"));
        Self {
            address,
            method,
            path: path.into(),
            headers,
            body: Bytes::new(),
        }
    }

    pub fn method(mut self, method: Method) -> Self {
        self.method = method;
        self
    }

    /// Sets the `Host`. The default is `shop.example.com`.
    pub fn host(mut self, host: &str) -> Self {
        self.headers
            .insert("host", HeaderValue::from_str(host).unwrap());
        self
    }

    /// Appends a header; a name may occur several times.
    pub fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        let value = HeaderValue::from_bytes(value.as_ref()).unwrap();
        self.headers
            .append(HeaderName::try_from(name).unwrap(), value);
        self
    }

    pub fn sid(self, sid: impl AsRef<str>) -> Self {
        self.header("X-User-Session", sid.as_ref())
    }

    pub fn bearer(self, sid: impl AsRef<str>) -> Self {
        self.header("Authorization", format!("Bearer {}", sid.as_ref()))
    }

    pub fn cookie(self, name: &str, sid: impl AsRef<str>) -> Self {
        self.header("Cookie", format!("{name}={}", sid.as_ref()))
    }

    /// The operations that the handler runs.
    #[allow(clippy::needless_pass_by_value, reason = "`json!` makes a value")]
    pub fn script(self, script: Value) -> Self {
        // DEL is valid in JSON but not in a header.
        self.header("X-Script", script.to_string().replace('\u{7f}', "\\u007f"))
    }

    pub fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }

    pub async fn send(self) -> Reply {
        let what = format!("{} {}", self.method, self.path);
        self.try_send()
            .await
            .unwrap_or_else(|error| panic!("{what}: {error}"))
    }

    /// Like [`send`](Self::send); returns an error if the server closes the connection.
    pub async fn try_send(self) -> hyper::Result<Reply> {
        let stream = TcpStream::connect(self.address).await.unwrap();
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
        // Dropping this future drops the socket too, as when a client disconnects.
        let exchange = async {
            let mut request = Request::new(Full::new(self.body));
            *request.method_mut() = self.method;
            *request.uri_mut() = self.path.parse().unwrap();
            *request.headers_mut() = self.headers;
            let (head, body) = sender.send_request(request).await?.into_parts();
            let body = body.collect().await?.to_bytes();
            Ok(Reply {
                status: head.status,
                headers: head.headers,
                body,
            })
        };
        let connection = async {
            // The exchange also reports the connection's errors.
            let _ = connection.await;
            std::future::pending::<()>().await;
        };
        tokio::select! {
            reply = exchange => reply,
            () = connection => unreachable!(),
        }
    }
}

/// A response.
#[derive(Debug, Clone)]
pub struct Reply {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Reply {
    /// Returns the reply; panics if its status is not 200.
    #[track_caller]
    pub fn ok(self) -> Self {
        self.with(200)
    }

    #[track_caller]
    pub fn with(self, status: u16) -> Self {
        assert_eq!(self.status.as_u16(), status, "{self:?}");
        self
    }

    /// Returns the reply; panics if it is not the problem document of this name, or contains a sid.
    #[track_caller]
    pub fn problem(self, status: u16, name: &str) -> Self {
        let reply = self.with(status);
        assert_eq!(reply.text("content-type"), "application/problem+json");
        let kind = reply.json()["type"].as_str().unwrap().to_owned();
        assert!(kind.ends_with(&format!("#{name}")), "{kind} is not {name}");
        assert_eq!(reply.json()["status"], status);
        let retry_after = if status == 503 { "1" } else { "" };
        assert_eq!(reply.text("retry-after"), retry_after);
        let body = String::from_utf8_lossy(&reply.body);
        assert!(words(&body).all(|word| word.len() != 64), "{body}");
        reply.without_sid()
    }

    /// Returns the reply; panics if its head contains a sid.
    #[track_caller]
    pub fn without_sid(self) -> Self {
        assert!(self.sids().is_empty(), "{self:?}");
        self
    }

    /// The values of a header, joined with commas.
    pub fn text(&self, name: &str) -> String {
        let values = self.headers.get_all(name).iter();
        values
            .map(|value| value.to_str().unwrap())
            .collect::<Vec<_>>()
            .join(", ")
    }

    pub fn cache(&self) -> String {
        self.text(CACHE_CONTROL.as_str())
    }

    pub fn challenge(&self) -> String {
        self.text(WWW_AUTHENTICATE.as_str())
    }

    /// The sid in `X-User-Session`.
    #[track_caller]
    pub fn sid(&self) -> String {
        let sid = self.text("x-user-session");
        assert_eq!(sid.len(), 64, "no sid: {self:?}");
        sid
    }

    /// The value and the attributes of the `Set-Cookie` of this name.
    #[track_caller]
    pub fn cookie(&self, name: &str) -> (String, Vec<String>) {
        let cookies = self.headers.get_all(SET_COOKIE).iter();
        let lines = cookies.map(|line| line.to_str().unwrap());
        let mut lines = lines.filter(|line| line.starts_with(&format!("{name}=")));
        let line = lines
            .next()
            .unwrap_or_else(|| panic!("no cookie `{name}`: {self:?}"));
        assert!(lines.next().is_none(), "two cookies `{name}`");
        let mut parts = line.split("; ").map(str::to_owned);
        let pair = parts.next().unwrap();
        (pair[name.len() + 1..].to_owned(), parts.collect())
    }

    /// Every sid in the head.
    pub fn sids(&self) -> Vec<String> {
        let values = self
            .headers
            .values()
            .filter_map(|value| value.to_str().ok());
        let words = values.flat_map(words);
        words
            .filter(|word| word.len() == 64)
            .map(str::to_owned)
            .collect()
    }

    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    #[track_caller]
    pub fn id(&self) -> String {
        self.json()["id"]
            .as_str()
            .unwrap_or_else(|| panic!("no session: {self:?}"))
            .to_owned()
    }

    #[track_caller]
    pub fn data(&self) -> Value {
        self.json()["data"].clone()
    }

    /// The results of the script's operations.
    #[track_caller]
    pub fn results(&self) -> Value {
        self.json()["results"].clone()
    }
}

/// Splits the text at every character that cannot be part of a sid.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|byte: char| !(byte.is_ascii_alphanumeric() || byte == '-' || byte == '_'))
}
