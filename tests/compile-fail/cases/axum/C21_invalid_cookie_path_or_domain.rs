//! An invalid path, domain or origin.

use connect_session::session_config;

session_config! {
    pub struct Shop {
        loaders: [cookie("__Secure-sid", path = "api", domain = ".example.com")],
    }
}

session_config! {
    pub struct Blog {
        loaders: [cookie("__Secure-sid", domain = "exa mple.com")],
    }
}

session_config! {
    pub struct Forum {
        loaders: [cookie("__Secure-sid", origins = ["app.example.com", "https://app.example.com/"])],
    }
}

session_config! {
    pub struct Club {
        loaders: [cookie("__Secure-sid", origins = ["https://app.example.com:443", "https://app.example.com:8443"])],
    }
}

fn main() {}
