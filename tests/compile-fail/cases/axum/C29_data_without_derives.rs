//! A data type without a required derive.

use connect_session::session_config;

#[derive(Clone, serde::Serialize, serde::Deserialize)]
pub struct Cart {
    pub visits: u64,
}

session_config! {
    pub struct Shop {
        data: Cart,
    }
}

fn main() {}
