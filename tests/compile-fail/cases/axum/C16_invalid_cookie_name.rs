//! An invalid cookie name.

use connect_session::session_config;

const NAME: &str = "sid;";

session_config! {
    pub struct Shop {
        loaders: [cookie("s id"), cookie(""), cookie],
    }
}

session_config! {
    pub struct Blog {
        loaders: [cookie(NAME)],
    }
}

fn main() {}
