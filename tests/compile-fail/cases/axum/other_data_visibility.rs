//! Data that is less visible than the config.

use connect_session::session_config;

mod shop {
    use super::session_config;

    #[derive(Clone, Default, serde::Serialize, serde::Deserialize)]
    struct Cart {
        visits: u64,
    }

    session_config! {
        pub struct Shop {
            data: Cart,
            idle_timeout: 5m,
        }
    }
}

fn main() {}
