//! A sid in the URL without a reason.

use connect_session::session_config;

const WHY: &str = "";

session_config! {
    pub struct Shop {
        loaders: [query("sid"), path("sid", allow_in_url = "")],
    }
}

session_config! {
    pub struct Blog {
        loaders: [query("sid", allow_in_url = WHY)],
    }
}

fn main() {}
