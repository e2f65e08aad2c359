//! A merge rule that does not fit the field's type.

use connect_session::session_config;

#[derive(Clone, Default, serde::Serialize, serde::Deserialize)]
pub struct Cart {
    pub visits: u64,
    pub note: String,
}

session_config! {
    pub struct Shop {
        data: Cart,
        merge: { note: add, visits: union },
    }
}

session_config! {
    pub struct Blog {
        data: Cart,
        merge: { visits: addd, note: append, visits: max, other },
    }
}

fn main() {}
