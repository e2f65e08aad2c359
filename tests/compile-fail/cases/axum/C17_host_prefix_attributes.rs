//! `__Host-` with an attribute that browsers reject.

use connect_session::session_config;

const PATH: &str = "/api";

session_config! {
    pub struct Shop {
        loaders: [cookie("__Host-sid", domain = "example.com", path = "/api", insecure = "local development")],
    }
}

session_config! {
    pub struct Blog {
        loaders: [cookie("__host-sid", domain = "example.com")],
    }
}

session_config! {
    pub struct Forum {
        loaders: [cookie("__Host-sid", path = PATH)],
    }
}

fn main() {}
