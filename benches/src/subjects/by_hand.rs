//! The guarantees of this library, implemented by hand for these handlers only: a secret of which
//! only the hash is stored, deadlines, changes that do not overwrite others, and the headers that
//! keep a response out of caches. There are no configurable loaders, no guards, no commits, and no
//! index of deadlines.

use std::sync::{Arc, LazyLock};
use std::time::Instant;

use axum::Router;
use axum::extract::FromRequestParts;
use axum::http::header::{CACHE_CONTROL, ORIGIN, VARY};
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use dashmap::DashMap;
use sha2::{Digest as _, Sha256};

use super::floor::SID;
use super::live::{fresh, seeded};
use crate::case::{Case, Workload, handler_ran};
use crate::data::Data;
use crate::over_axum::{Carrier, OverAxum};

const IDLE: u64 = 30 * 60_000;
const ABSOLUTE: u64 = 24 * 3_600_000;

struct Entry {
    hash: [u8; 32],
    data: Arc<Data>,
    version: u64,
    idle_until: u64,
    absolute_until: u64,
}

static SESSIONS: LazyLock<DashMap<[u8; 16], Entry>> = LazyLock::new(DashMap::new);
static BEGAN: LazyLock<Instant> = LazyLock::new(Instant::now);

fn now() -> u64 {
    u64::try_from(BEGAN.elapsed().as_millis()).expect("a number")
}

struct Kept {
    id: [u8; 16],
    data: Arc<Data>,
    version: u64,
}

impl Kept {
    fn find(parts: &Parts) -> Option<Self> {
        let mut values = parts.headers.get_all(SID).iter();
        let (sid, None) = (values.next()?, values.next()) else {
            return None;
        };
        let mut bytes = [0; 48];
        let decoded = URL_SAFE_NO_PAD.decode_slice(sid.as_bytes(), &mut bytes);
        decoded.ok().filter(|decoded| *decoded == bytes.len())?;
        let (id, secret) = bytes.split_first_chunk::<16>()?;
        let hash: [u8; 32] = Sha256::digest(secret).into();
        let entry = SESSIONS.get(id)?;
        let difference = (hash.iter().zip(&entry.hash)).fold(0, |sum, (a, b)| sum | (a ^ b));
        let is_alive = now() < entry.idle_until.min(entry.absolute_until);
        (std::hint::black_box(difference) == 0 && is_alive).then(|| Self {
            id: *id,
            data: entry.data.clone(),
            version: entry.version,
        })
    }

    /// Replaces the data, if it has not changed since it was loaded.
    fn put_back(self, data: Data) -> bool {
        let Some(mut entry) = SESSIONS.get_mut(&self.id) else {
            return false;
        };
        let stands = entry.version == self.version;
        if stands {
            entry.data = Arc::new(data);
            entry.version += 1;
            entry.idle_until = now() + IDLE;
        }
        stands
    }
}

/// Whether the request has an `Origin`, and the session.
struct Asked(bool, Option<Kept>);

impl<S: Sync> FromRequestParts<S> for Asked {
    type Rejection = StatusCode;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, StatusCode> {
        Ok(Self(parts.headers.contains_key(ORIGIN), Kept::find(parts)))
    }
}

impl<S: Sync> FromRequestParts<S> for Kept {
    type Rejection = StatusCode;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, StatusCode> {
        Self::find(parts).ok_or(StatusCode::UNAUTHORIZED)
    }
}

fn respond(visits: u64, caching: Option<&'static str>) -> Response {
    let mut response = visits.to_string().into_response();
    let headers = response.headers_mut();
    headers.append(VARY, HeaderValue::from_static("x-user-session"));
    if let Some(caching) = caching {
        let value = HeaderValue::from_static(caching);
        headers.entry(CACHE_CONTROL).or_insert(value);
    }
    response
}

const PRIVATE: Option<&str> = Some("private, no-cache");

async fn optional(Asked(_, kept): Asked) -> Response {
    handler_ran();
    let caching = PRIVATE.filter(|_| kept.is_some());
    respond(kept.map_or(0, |kept| kept.data.visits), caching)
}

async fn read(kept: Kept) -> Response {
    handler_ran();
    respond(kept.data.visits, PRIVATE)
}

async fn write(kept: Kept) -> Response {
    handler_ran();
    let mut data = Data::clone(&kept.data);
    data.visits += 1;
    let visits = data.visits;
    assert!(kept.put_back(data), "there are no concurrent writes");
    respond(visits, PRIVATE)
}

async fn destroy(kept: Kept) -> Response {
    handler_ran();
    SESSIONS.remove(&kept.id);
    respond(0, PRIVATE)
}

async fn create(asked: Asked) -> Response {
    handler_ran();
    new_session(&asked, fresh())
}

async fn seed(asked: Asked) -> Response {
    new_session(&asked, seeded())
}

fn new_session(Asked(has_origin, _): &Asked, data: Data) -> Response {
    let bytes: [u8; 48] = rand::random();
    let (id, secret) = bytes.split_first_chunk::<16>().expect("16 bytes");
    let (visits, now) = (data.visits, now());
    let entry = Entry {
        hash: Sha256::digest(secret).into(),
        data: Arc::new(data),
        version: 0,
        idle_until: now + IDLE,
        absolute_until: now + ABSOLUTE,
    };
    SESSIONS.insert(*id, entry);
    let mut sid = HeaderValue::try_from(URL_SAFE_NO_PAD.encode(bytes)).expect("base64");
    sid.set_sensitive(true);
    let mut response = respond(visits, Some("no-store"));
    if *has_origin {
        let exposed = HeaderValue::from(SID);
        response
            .headers_mut()
            .append("access-control-expose-headers", exposed);
    }
    response.headers_mut().insert(SID, sid);
    response
}

pub fn case(workload: Workload) -> Option<Box<dyn Case>> {
    let router = Router::new()
        .route("/optional", post(optional))
        .route("/read", post(read))
        .route("/write", post(write))
        .route("/create", post(create))
        .route("/seed", post(seed))
        .route("/destroy", post(destroy));
    Some(Box::new(OverAxum::new(
        router,
        Carrier::Header(SID),
        workload,
    )))
}
