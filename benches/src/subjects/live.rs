//! The minimum that a session library does, on any framework: decode the id, look it up, and clone
//! the `Arc` of the value; a write clones the value and stores it. Inlined, so that a floor costs
//! the same wherever its code is.

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
    /// The session of a sid.
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

/// Stores the data, and returns its sid.
#[inline]
pub fn create(data: Data) -> String {
    let id: [u8; 16] = rand::random();
    SESSIONS.insert(id, Arc::new(data));
    URL_SAFE_NO_PAD.encode(id)
}

/// The data of a new session.
#[inline]
pub fn fresh() -> Data {
    Data {
        visits: 1,
        ..Data::default()
    }
}

/// The data of a seeded session.
#[inline]
pub fn seeded() -> Data {
    Data {
        visits: 41,
        ..Data::seed()
    }
}
