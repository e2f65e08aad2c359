//! What to do about a replaced sid, where none is ever replaced.

use connect_session::session_config;

session_config! {
    pub struct Shop {
        on_reuse: end,
    }
}

session_config! {
    pub struct Blog {
        renew_every: 10m,
        on_reuse: destroy,
    }
}

fn main() {}
