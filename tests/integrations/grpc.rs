//! gRPC with tonic: the sid is in the metadata. The layer is a tower layer for any service of
//! `http` requests. Messages are plain text, so no generated code is needed.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Buf as _, BufMut as _, Bytes};
use connect_session::store::MemoryStore;
use connect_session::{Session, SessionView, session, session_config};
use http::header::{CACHE_CONTROL, VARY};
use http::uri::PathAndQuery;
use http::{Request, Response, StatusCode};
use http_body_util::BodyExt;
use http_body_util::combinators::UnsyncBoxBody;
use tokio::net::TcpListener;
use tonic::body::Body;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::server::NamedService;
use tonic::transport::server::TcpIncoming;
use tonic::transport::{Channel, Server};
use tonic::{Code, Status};
use tower::{Service, service_fn};

#[derive(Debug, Clone, Default, serde::Serialize, serde::Deserialize)]
struct Tally {
    count: u32,
}

session_config! {
    struct Counting { data: Tally, loaders: [header("x-session"), bearer] }
}

type Reply = Response<UnsyncBoxBody<Bytes, Status>>;

/// A codec for text messages.
#[derive(Debug, Clone, Copy, Default)]
struct Text;

impl Codec for Text {
    type Encode = String;
    type Decode = String;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        *self
    }

    fn decoder(&mut self) -> Self {
        *self
    }
}

impl Encoder for Text {
    type Item = String;
    type Error = Status;

    fn encode(&mut self, item: String, to: &mut EncodeBuf<'_>) -> Result<(), Status> {
        to.put_slice(item.as_bytes());
        Ok(())
    }
}

impl Decoder for Text {
    type Item = String;
    type Error = Status;

    fn decode(&mut self, from: &mut DecodeBuf<'_>) -> Result<Option<String>, Status> {
        let bytes = from.copy_to_bytes(from.remaining());
        let text = String::from_utf8(bytes.into()).map_err(|_| Status::internal("no text"))?;
        Ok(Some(text))
    }
}

/// Handles a unary call; the response depends only on the message.
async fn unary(request: Request<Body>, respond: impl FnOnce(String) -> String + Clone) -> Reply {
    let service = service_fn(|request: tonic::Request<String>| {
        let respond = respond.clone();
        async move { Ok(tonic::Response::new(respond(request.into_inner()))) }
    });
    let response = tonic::server::Grpc::new(Text).unary(service, request).await;
    response.map(BodyExt::boxed_unsync)
}

#[session(create, http)]
async fn open(session: Session<Counting>, request: Request<Body>) -> Reply {
    drop(session);
    unary(request, |_| "opened".to_owned()).await
}

/// Returning a status as `Err` stores nothing.
#[session(load, http)]
async fn count(mut session: Session<Counting>, request: Request<Body>) -> Result<Reply, Status> {
    session.count += 1;
    if request.headers().contains_key("x-fail") {
        return Err(Status::failed_precondition("not today"));
    }
    let count = session.count;
    Ok(unary(request, move |unit| format!("{count} {unit}")).await)
}

async fn peek(request: Request<Body>) -> Reply {
    let view = SessionView::<Counting>::of_request(&request).await;
    let count = view.ok().flatten().map(|view| view.count);
    unary(request, move |_| format!("{count:?}")).await
}

#[derive(Clone)]
struct Counter;

impl NamedService for Counter {
    const NAME: &'static str = "integrations.Counter";
}

impl Service<Request<Body>> for Counter {
    type Response = Reply;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Reply, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        Box::pin(async move {
            Ok(match request.uri().path() {
                "/integrations.Counter/Open" => in_grpc(open(request).await),
                "/integrations.Counter/Count" => match count(request).await {
                    Ok(reply) => in_grpc(reply),
                    Err(status) => failed(status),
                },
                "/integrations.Counter/Peek" => peek(request).await,
                _ => failed(Status::unimplemented("no such method")),
            })
        })
    }
}

fn failed(status: Status) -> Reply {
    status.into_http::<Body>().map(BodyExt::boxed_unsync)
}

/// Converts a rejection, an HTTP response that gRPC clients cannot read, to a gRPC status with its
/// headers.
fn in_grpc(reply: Reply) -> Reply {
    let status = match reply.status() {
        StatusCode::OK => return reply,
        StatusCode::UNAUTHORIZED => Status::unauthenticated("there is no session"),
        StatusCode::SERVICE_UNAVAILABLE => Status::unavailable("sessions are not available"),
        _ => Status::internal("the session could not be used"),
    };
    let mut failed = failed(status);
    for name in [CACHE_CONTROL, VARY] {
        let value = reply.headers().get(&name).cloned();
        failed
            .headers_mut()
            .extend(value.map(|value| (name, value)));
    }
    failed
}

async fn channel() -> Channel {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = Server::builder()
        .layer(Counting::layer().with_store(MemoryStore::default()))
        .add_service(Counter);
    tokio::spawn(server.serve_with_incoming(TcpIncoming::from(listener)));
    let endpoint = Channel::from_shared(format!("http://{address}")).unwrap();
    endpoint.connect().await.unwrap()
}

async fn call(
    channel: &Channel,
    method: &'static str,
    metadata: &[(&'static str, &str)],
) -> Result<tonic::Response<String>, Status> {
    let mut request = tonic::Request::new("apples".to_owned());
    for (name, value) in metadata {
        request.metadata_mut().insert(*name, value.parse().unwrap());
    }
    let mut client = tonic::client::Grpc::new(channel.clone());
    client.ready().await.unwrap();
    client
        .unary(request, PathAndQuery::from_static(method), Text)
        .await
}

const OPEN: &str = "/integrations.Counter/Open";
const COUNT: &str = "/integrations.Counter/Count";
const PEEK: &str = "/integrations.Counter/Peek";

#[tokio::test]
async fn calls_carry_the_sid_in_the_metadata() {
    let channel = channel().await;
    let opened = call(&channel, OPEN, &[]).await.unwrap();
    assert_eq!(opened.get_ref(), "opened");
    let sid = opened
        .metadata()
        .get("x-session")
        .unwrap()
        .to_str()
        .unwrap();
    assert_eq!(sid.len(), 64);
    let bearer = format!("Bearer {sid}");
    for (metadata, count) in [
        (("x-session", sid), "1 apples"),
        (("x-session", sid), "2 apples"),
        (("authorization", &*bearer), "3 apples"),
    ] {
        let counted = call(&channel, COUNT, &[metadata]).await.unwrap();
        assert_eq!(counted.get_ref(), count);
        assert!(!counted.metadata().contains_key("x-session"));
    }
    let peeked = call(&channel, PEEK, &[("x-session", sid)]).await.unwrap();
    assert_eq!(peeked.get_ref(), "Some(3)");
    let cache = peeked.metadata().get("cache-control").unwrap();
    assert_eq!(
        cache, "private, no-cache",
        "the layer sets the header for a view"
    );
}

#[tokio::test]
async fn a_call_without_its_session_is_unauthenticated() {
    let channel = channel().await;
    let unknown = "A".repeat(64);
    for metadata in [&[][..], &[("x-session", &*unknown)]] {
        let status = call(&channel, COUNT, metadata).await.unwrap_err();
        assert_eq!(status.code(), Code::Unauthenticated, "{status:?}");
        assert_eq!(status.metadata().get("cache-control").unwrap(), "no-store");
    }
    let peeked = call(&channel, PEEK, &[]).await.unwrap();
    assert_eq!(peeked.get_ref(), "None");
}

#[tokio::test]
async fn a_call_that_fails_stores_nothing() {
    let channel = channel().await;
    let opened = call(&channel, OPEN, &[]).await.unwrap();
    let sid = opened
        .metadata()
        .get("x-session")
        .unwrap()
        .to_str()
        .unwrap();
    let failing = [("x-session", sid), ("x-fail", "1")];
    let status = call(&channel, COUNT, &failing).await.unwrap_err();
    assert_eq!(
        (status.code(), status.message()),
        (Code::FailedPrecondition, "not today")
    );
    let peeked = call(&channel, PEEK, &[("x-session", sid)]).await.unwrap();
    assert_eq!(peeked.get_ref(), "Some(0)");
}
