//! An invalid size.

use connect_session::session_config;

const NOTHING: u64 = 0;

session_config! {
    pub struct Shop {
        max_size: 0KiB,
    }
}

session_config! {
    pub struct Blog {
        max_size: 64KB,
    }
}

session_config! {
    pub struct Forum {
        max_size: 64,
    }
}

session_config! {
    pub struct Chat {
        max_size: NOTHING,
    }
}

fn main() {}
