//! A number of fields that is none.

use connect_session::session_config;

const NOTHING: u64 = 0;

session_config! {
    pub struct Shop {
        max_fields: 0,
    }
}

session_config! {
    pub struct Blog {
        max_fields: 1KiB,
    }
}

session_config! {
    pub struct Forum {
        max_fields: "1000",
    }
}

session_config! {
    pub struct Chat {
        max_fields: unlimited,
    }
}

session_config! {
    pub struct Mail {
        max_fields: NOTHING,
    }
}

fn main() {}
