//! Configs that are not a struct with named fields.

use connect_session::session_config;

session_config! {}

session_config! {
    idle_timeout: 30m,
}

session_config! {
    pub enum Shop { idle_timeout: 30m }
}

session_config! {
    pub struct { idle_timeout: 30m }
}

session_config! {
    pub struct Blog(idle_timeout: 30m);
}

session_config! {
    pub struct Forum<T> { data: T }
}

session_config! {
    pub struct Chat {}
    pub struct Mail {}
}

session_config! {
    pub struct News {
        data: struct Cart { visits: u64 },
        store: MemoryStore::default(),
    }
}

session_config! {
    pub struct Wiki {
        data: Cart { visits: u64 },
        store: MemoryStore::builder().build(),
    }
}

fn main() {}
