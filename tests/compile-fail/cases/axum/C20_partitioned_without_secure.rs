//! `Partitioned` without `Secure`.

use connect_session::session_config;

session_config! {
    pub struct Shop {
        loaders: [cookie("sid", partitioned, insecure = "local development over http")],
    }
}

fn main() {}
