//! A namespace that is not valid in a store key.

use connect_session::session_config;

const NAMESPACE: &str = "{shop}";

session_config! {
    pub struct Shop {
        namespace: "",
    }
}

session_config! {
    pub struct Blog {
        namespace: "my shop",
    }
}

session_config! {
    pub struct Forum {
        namespace: NAMESPACE,
    }
}

fn main() {}
