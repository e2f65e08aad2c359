//! `__Secure-` without `Secure`.

use connect_session::session_config;

session_config! {
    pub struct Shop {
        loaders: [cookie("__Secure-sid", insecure = "local development over http")],
    }
}

fn main() {}
