//! Data that cannot be kept.

use connect_session::session_config;

pub struct Cart {
    pub visits: u64,
}

session_config! {
    pub struct Shop {
        data: Cart,
    }
}

fn main() {}
