//! The least that a library of sessions can do, on any framework: decode the id, look it up, clone
//! the `Arc` of a live value; a write clones the value and puts it back. It is inlined, so that a
//! floor costs the same wherever its code is.

use std::sync::{Arc, LazyLock};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use dashmap::DashMap;

use crate::data::Data;

static SESSIONS: LazyLock<DashMap<[u8; 16], Arc<Data>>> = LazyLock::new(DashMap::new);

pub struct Live {
    id: [u8; 16],
    data: Arc<Data>,
}

impl Live {
    /// The session of the sid that came.
    #[inline]
    pub fn find(sid: &[u8]) -> Option<Self> {
        let mut id = [0; 16];
        let bytes = URL_SAFE_NO_PAD.decode_slice(sid, &mut id).ok()?;
        let data = (bytes == id.len()).then(|| SESSIONS.get(&id))??;
        Some(Self {
            id,
            data: data.clone(),
        })
    }

    #[inline]
    pub fn visits(&self) -> u64 {
        self.data.visits
    }

    #[inline]
    pub fn raise(mut self) -> u64 {
        let data = Arc::make_mut(&mut self.data);
        data.visits += 1;
        let visits = data.visits;
        SESSIONS.insert(self.id, self.data);
        visits
    }

    #[inline]
    pub fn destroy(self) {
        SESSIONS.remove(&self.id);
    }
}

/// Keeps the data, and says under which sid.
#[inline]
pub fn create(data: Data) -> String {
    let id: [u8; 16] = rand::random();
    SESSIONS.insert(id, Arc::new(data));
    URL_SAFE_NO_PAD.encode(id)
}

/// What a new session holds.
#[inline]
pub fn fresh() -> Data {
    Data {
        visits: 1,
        ..Data::default()
    }
}

/// What a seeded session holds.
#[inline]
pub fn seeded() -> Data {
    Data {
        visits: 41,
        ..Data::seed()
    }
}
