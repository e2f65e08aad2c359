//! The neighbours of what `session_config!` refuses: each is one token away from a mistake.

use std::time::Duration;

use connect_session::store::MemoryStore;
use connect_session::{Event, RequestHead, session_config};

const IDLE: Duration = Duration::from_secs(60);
const LIMIT: u64 = 4096;
const HEADER: &str = "X-Device-Session";
const NAMESPACE: &str = "blog";

#[derive(Clone, Default, serde::Serialize, serde::Deserialize)]
pub struct Cart {
    pub items: Vec<String>,
    pub visits: u64,
    pub seen: i64,
    pub r#type: String,
}

session_config! {
    /// Everything that a literal can say.
    #[derive(Debug, Clone, Copy)]
    pub struct Shop {
        data: Cart,
        loaders: [
            header("X-User-Session"),
            bearer,
            query("sid", allow_in_url = "download links cannot set headers"),
            path("sid", allow_in_url = "feeds cannot set headers"),
            custom(from_anywhere),
        ],
        emit: header,
        store: MemoryStore<Cart> = MemoryStore::default(),
        idle_timeout: 30m,
        absolute_timeout: 30m,
        touch_every: 29m,
        renew_every: 1_0m,
        renew_grace: 0s,
        max_size: 64KiB,
        merge: { items: union, visits: add, seen: max, r#type: last_wins },
        on_conflict: reject,
        on_gone: ignore,
        on_store_error: anonymous,
        commit: always,
        namespace: "shop",
        on_event: listen,
        crate: ::connect_session
    }
}

session_config! {
    pub(crate) struct Blog {
        // What only the compiler can evaluate.
        loaders: [header(HEADER), header("X-User-Session")],
        idle_timeout: IDLE,
        absolute_timeout: Duration::from_secs(60 * 60),
        touch_every: IDLE.saturating_sub(Duration::from_secs(1)),
        max_size: LIMIT * 2,
        namespace: NAMESPACE,
        on_event: |_: &Event<'_>| {},
    }
}

session_config! {
    struct Forum {
        store: MemoryStore<connect_session::Untyped> = {
            let limit: usize = std::env::var("LIMIT")?.parse()?;
            let _ = limit;
            MemoryStore::default()
        },
        on_conflict: last_wins,
    }
}

session_config! {
    struct Chat;
}

mod module {
    connect_session::session_config! {
        pub(in crate::module) struct Mail {}
    }
}

fn from_anywhere(head: &RequestHead<'_>) -> Option<String> {
    let _ = head;
    None
}

fn listen(_: &Event) {}

fn main() {
    let _ = (Forum::start, Chat::layer);
    let _ = Shop::configure(|options| options.idle_timeout = IDLE);
}
