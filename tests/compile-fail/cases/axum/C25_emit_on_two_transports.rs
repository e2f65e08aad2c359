//! A sid on two transports.

use connect_session::session_config;

session_config! {
    pub struct Shop {
        loaders: [header("X-User-Session"), cookie("__Host-sid")],
        emit: [header, cookie],
    }
}

session_config! {
    pub struct Blog {
        loaders: [header("X-User-Session"), cookie("__Host-sid")],
        emit: header | cookie,
    }
}

session_config! {
    pub struct Forum {
        emit: bearer,
    }
}

fn main() {}
