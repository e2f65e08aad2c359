//! The origin check disabled without a reason.

use connect_session::session_config;

session_config! {
    pub struct Shop {
        loaders: [cookie("__Host-sid", cross_origin = off)],
    }
}

session_config! {
    pub struct Blog {
        loaders: [cookie("__Host-sid", cross_origin = off(""))],
    }
}

session_config! {
    pub struct Forum {
        loaders: [cookie("__Host-sid", cross_origin = false)],
    }
}

fn main() {}
