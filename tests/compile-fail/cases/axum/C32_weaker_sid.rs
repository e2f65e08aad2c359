//! An option that would weaken the sid.

use connect_session::session_config;

session_config! {
    pub struct Shop {
        sid_bits: 64,
        id: crate::next_id,
        secret: "cat",
    }
}

fn main() {}
