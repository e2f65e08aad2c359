//! Types that are not session data, and types that are not stores.

use connect_session::session_config;
use connect_session::store::MemoryStore;

#[derive(Clone, Default, serde::Serialize, serde::Deserialize)]
pub struct Cart {
    visits: u64,
}

session_config! { pub struct Number { data: u64 } }
session_config! { pub struct List { data: Vec<Cart> } }
session_config! { pub struct Maybe { data: std::option::Option<Cart> } }
session_config! { pub struct Pair { data: (Cart, u64) } }
session_config! { pub struct Borrowed { data: &'static Cart } }
session_config! { pub struct Text { data: &'static str } }
session_config! { pub struct Value { data: serde_json::Value } }
session_config! { pub struct Itself { data: Itself } }
session_config! { pub struct Hidden { data: dyn std::any::Any } }

session_config! { pub struct Boxed { data: Cart, store: Box<dyn connect_session::store::Store<Cart>> } }
session_config! { pub struct Opaque { data: Cart, store: impl connect_session::store::Store<Cart> = MemoryStore::new() } }
session_config! { pub struct Inferred { data: Cart, store: _ = MemoryStore::<Cart>::new() } }
session_config! { pub struct Empty { data: Cart, store: MemoryStore<Cart> = } }

async fn open() -> MemoryStore<Cart> {
    MemoryStore::new()
}

session_config! { pub struct NotAwaited { data: Cart, store: MemoryStore<Cart> = open() } }
session_config! { pub struct Wrapped { data: Cart, store: MemoryStore<Cart> = Some(MemoryStore::new()) } }

session_config! { pub struct Nested { data: Cart, merge: { inner.visits: add, "visits": add, visits: { a: add } } } }
session_config! { pub struct Generic<T> { data: Cart, merge: { visits: add }, store: MemoryStore<T> } }

fn main() {}
