//! A password in the source code.

use connect_session::store::MemoryStore;
use connect_session::{Untyped, session_config};

session_config! {
    pub struct Shop {
        store: MemoryStore<Untyped> = open("redis://shop:hunter2@cache:6379/0"),
    }
}

fn open(_: &str) -> MemoryStore<Untyped> {
    MemoryStore::default()
}

fn main() {}
