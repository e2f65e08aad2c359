//! A merge rule for a field that does not exist.

use connect_session::session_config;

#[derive(Clone, Default, serde::Serialize, serde::Deserialize)]
pub struct Cart {
    pub visits: u64,
    pub note: String,
}

session_config! {
    pub struct Shop {
        data: Cart,
        merge: { visit: add },
    }
}

fn main() {}
