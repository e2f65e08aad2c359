//! The data of the sessions: a counter, and as many small items as its size requires.

use std::sync::atomic::{AtomicUsize, Ordering};

use serde::{Deserialize, Serialize};

#[derive(Clone, Default, Serialize, Deserialize)]
pub struct Data {
    pub visits: u64,
    pub items: Vec<Item>,
}

#[derive(Clone, Default, Serialize, Deserialize)]
pub struct Item {
    name: String,
    count: u32,
}

impl AsRef<Self> for Data {
    fn as_ref(&self) -> &Self {
        self
    }
}

static SIZE: AtomicUsize = AtomicUsize::new(200);

/// Sets the size of the data of sessions that are seeded from now on, in bytes of JSON.
pub fn set_size(bytes: usize) {
    SIZE.store(bytes, Ordering::Relaxed);
}

impl Data {
    /// Data of the current size.
    pub fn seed() -> Self {
        let mut data = Self::default();
        let mut size = serde_json::to_string(&data).expect("plain data").len();
        while size < SIZE.load(Ordering::Relaxed) {
            let number = data.items.len() as u32;
            let item = Item {
                name: format!("article {number:05}"),
                count: number % 10,
            };
            size += serde_json::to_string(&item).expect("plain data").len() + 1;
            data.items.push(item);
        }
        data
    }
}
