//! Data that tells when the first of a slice is dropped: it is dropped when the lock is released.

use std::cell::Cell;

use cpu_time::ThreadTime;
use serde::{Deserialize, Serialize};

use crate::data::Data;

#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Watched(Data);

thread_local! {
    static FIRST_DROPPED: Cell<Option<ThreadTime>> = const { Cell::new(None) };
}

/// When the first was dropped by this thread since this was last asked.
pub fn first_dropped() -> Option<ThreadTime> {
    FIRST_DROPPED.take()
}

impl Drop for Watched {
    fn drop(&mut self) {
        if FIRST_DROPPED.get().is_none() {
            FIRST_DROPPED.set(Some(ThreadTime::now()));
        }
    }
}

impl From<Data> for Watched {
    fn from(data: Data) -> Self {
        Self(data)
    }
}

impl AsRef<Data> for Watched {
    fn as_ref(&self) -> &Data {
        &self.0
    }
}
