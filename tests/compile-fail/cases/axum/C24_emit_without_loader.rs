//! A sid that the client could never send back.

use connect_session::session_config;

session_config! {
    pub struct Shop {
        emit: cookie,
    }
}

session_config! {
    pub struct Blog {
        loaders: [cookie("__Host-sid")],
        emit: header,
    }
}

fn main() {}
