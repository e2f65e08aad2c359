//! `cfg` inside of `loaders` or `merge`.

use connect_session::session_config;

#[derive(Clone, Default, serde::Serialize, serde::Deserialize)]
struct Cart {
    visits: u64,
}

session_config! {
    struct Shop {
        data: Cart,
        loaders: [
            header("X-User-Session"),
            #[cfg(debug_assertions)]
            bearer,
        ],
        merge: {
            #[cfg(debug_assertions)]
            visits: add,
        },
    }
}

session_config! {
    struct Blog {
        loaders: [#[deprecated] bearer],
    }
}

fn main() {}
