//! A cookie without `Secure` and without a reason.

use connect_session::session_config;

session_config! {
    pub struct Shop {
        loaders: [cookie("sid", secure = false)],
    }
}

session_config! {
    pub struct Blog {
        loaders: [cookie("sid", insecure = " ")],
    }
}

session_config! {
    pub struct Forum {
        loaders: [cookie("sid", insecure)],
    }
}

session_config! {
    pub struct Chat {
        loaders: [cookie("__Host-sid", http_only = false, max_age = 3600)],
    }
}

fn main() {}
