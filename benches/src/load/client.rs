//! A client: one connection, one session, and the expected responses.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use serde::Deserialize;

use super::connection::{Connection, Reply};

/// A kind of request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Request {
    /// `GET /sessions/current`
    Read,
    /// `POST /views`: a change that is committed after the handler.
    Change,
    /// `POST /visits`: a change that the handler awaits.
    Update,
    /// `POST /sessions`
    Create,
}

impl Request {
    pub const ALL: [Self; 4] = [Self::Read, Self::Change, Self::Update, Self::Create];

    pub fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Change => "change",
            Self::Update => "update",
            Self::Create => "create",
        }
    }

    fn line(self) -> &'static str {
        match self {
            Self::Read => "GET /sessions/current",
            Self::Change => "POST /views",
            Self::Update => "POST /visits",
            Self::Create => "POST /sessions",
        }
    }

    /// The bytes of the request. They are the same without sessions, where the sid is ignored.
    fn bytes(self, sid: Option<&str>) -> Vec<u8> {
        let sid = sid.map_or_else(String::new, |sid| format!("X-User-Session: {sid}\r\n"));
        let length = match self {
            Self::Read => "",
            _ => "Content-Length: 0\r\n",
        };
        let line = self.line();
        format!("{line} HTTP/1.1\r\nHost: localhost\r\nAccept: */*\r\n{sid}{length}\r\n")
            .into_bytes()
    }
}

#[derive(Deserialize)]
struct Opened<'a> {
    sid: &'a str,
    id: &'a str,
}

#[derive(Deserialize)]
struct Current<'a> {
    id: &'a str,
    visits: u64,
    views: u64,
}

#[derive(Deserialize)]
struct Visited {
    visits: u64,
}

pub struct Client {
    connection: Connection,
    id: String,
    sid: String,
    /// The counters of the last response.
    pub visits: u64,
    pub views: u64,
    /// The sid that was created last, and the id of its session.
    created: Option<(String, String)>,
}

impl Client {
    /// Connects, and creates a session.
    pub async fn connect(address: SocketAddr) -> Self {
        let mut connection = Connection::open(address).await;
        let reply = connection.ask(&Request::Create.bytes(None)).await;
        let opened = opened(&reply).expect("a session is opened");
        Self {
            id: opened.id.to_owned(),
            sid: opened.sid.to_owned(),
            connection,
            visits: 0,
            views: 0,
            created: None,
        }
    }

    /// Sends `times` requests one after the other, and appends the time of each to `took`. Panics
    /// if a response is incomplete or wrong.
    pub async fn ask(&mut self, request: Request, times: usize, took: &mut Vec<Duration>) {
        let sid = (request != Request::Create).then_some(self.sid.as_str());
        let bytes = request.bytes(sid);
        for _ in 0..times {
            let started = Instant::now();
            let reply = self.connection.ask(&bytes).await;
            took.push(started.elapsed());
            let right = match request {
                Request::Read => current(&reply).is_some_and(|now| {
                    now.id == self.id && (now.visits, now.views) == (self.visits, self.views)
                }),
                Request::Change => reply.status == 204 && reply.body.is_empty(),
                Request::Update => visited(&reply).is_some_and(|visits| {
                    let before = std::mem::replace(&mut self.visits, visits);
                    visits > before
                }),
                Request::Create => opened(&reply).is_some_and(|opened| {
                    self.created = Some((opened.sid.to_owned(), opened.id.to_owned()));
                    opened.sid.len() == 64
                }),
            };
            assert!(right, "{request:?}: {}", shown(&reply));
        }
    }

    /// Loads the counters.
    pub async fn reload(&mut self) {
        let reply = self
            .connection
            .ask(&Request::Read.bytes(Some(&self.sid)))
            .await;
        let now = current(&reply).expect("the session exists");
        assert_eq!(now.id, self.id);
        (self.visits, self.views) = (now.visits, now.views);
    }

    /// Panics unless the session that was created last exists.
    pub async fn prove_created(&mut self) {
        let (sid, id) = self.created.take().expect("a session was created");
        let reply = self.connection.ask(&Request::Read.bytes(Some(&sid))).await;
        let now = current(&reply).expect("the new session exists");
        assert_eq!(now.id, id);
    }

    /// The processor time that the server has used.
    pub async fn busy(&mut self) -> Duration {
        let request = b"GET /busy HTTP/1.1\r\nHost: localhost\r\n\r\n";
        let reply = self.connection.ask(request).await;
        let text = std::str::from_utf8(reply.body).expect("a text");
        Duration::from_nanos(text.parse().expect("nanoseconds"))
    }
}

fn opened<'a>(reply: &Reply<'a>) -> Option<Opened<'a>> {
    (reply.status == 201).then(|| serde_json::from_slice(reply.body).ok())?
}

fn current<'a>(reply: &Reply<'a>) -> Option<Current<'a>> {
    (reply.status == 200).then(|| serde_json::from_slice(reply.body).ok())?
}

fn visited(reply: &Reply<'_>) -> Option<u64> {
    let visited: Option<Visited> =
        (reply.status == 200).then(|| serde_json::from_slice(reply.body).ok())?;
    Some(visited?.visits)
}

fn shown(reply: &Reply<'_>) -> String {
    format!("{} {}", reply.status, String::from_utf8_lossy(reply.body))
}
