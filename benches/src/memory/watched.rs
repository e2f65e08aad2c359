//! Data that records when the first of a slice is dropped, which is when the lock is released.

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

/// When this thread dropped the first one since the last call.
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
