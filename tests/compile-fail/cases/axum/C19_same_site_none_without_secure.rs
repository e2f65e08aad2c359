//! `SameSite=None` without `Secure`.

use connect_session::session_config;

session_config! {
    pub struct Shop {
        loaders: [cookie("sid", same_site = None, insecure = "local development over http")],
    }
}

session_config! {
    pub struct Blog {
        loaders: [cookie("__Host-sid", same_site = "None"), cookie("__Host-sid2", same_site = strict)],
    }
}

fn main() {}
