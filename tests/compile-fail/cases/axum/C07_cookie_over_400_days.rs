//! A cookie lifetime that browsers would shorten.

use connect_session::session_config;

const YEARS: std::time::Duration = std::time::Duration::from_secs(2 * 365 * 24 * 60 * 60);

session_config! {
    pub struct Shop {
        loaders: [cookie("__Host-sid", persistent)],
        absolute_timeout: 401d,
    }
}

session_config! {
    pub struct Blog {
        loaders: [cookie("__Host-sid", persistent)],
        absolute_timeout: YEARS,
    }
}

fn main() {}
