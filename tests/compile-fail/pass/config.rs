//! Configs that compile, one token away from those that `session_config!` rejects. Comments name
//! the rows of the mistakes.

use std::time::Duration;

use connect_session::adopt::{Adopted, OldCookie, OldSessions, OldSid, RequestHeaders};
use connect_session::store::{BoxError, MemoryStore};
use connect_session::{Event, Fields, RequestHead, session_config};

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

fn migrate(from: u32, fields: &mut Fields) -> Result<(), BoxError> {
    fields.rename("count", format!("visits of version {from}"));
    Ok(())
}

struct Legacy;

impl Legacy {
    async fn connect(_: &str) -> Result<Self, BoxError> {
        Ok(Self)
    }
}

impl OldSessions for Legacy {
    fn find(&self, _: &RequestHeaders) -> Option<OldSid> {
        None
    }

    async fn read(&self, _: &OldSid) -> Result<Option<serde_json::Value>, BoxError> {
        Ok(None)
    }

    async fn remove(&self, _: &OldSid) -> Result<(), BoxError> {
        Ok(())
    }

    fn cookie(&self) -> OldCookie {
        OldCookie::new("legacy")
    }
}

fn cart_of(_: serde_json::Value) -> Option<Adopted<Cart>> {
    None
}

session_config! {
    /// Old sessions, and a grace for their cookies.
    pub struct Migrating {
        data: Cart,
        renew_grace: 10s,
        adopt: Legacy::connect("redis://cache").await?.adopt(cart_of), // C52
    }
}

session_config! {
    /// Every option with a literal.
    #[derive(Debug, Clone, Copy)]
    pub struct Shop {
        data: Cart,                     // C29
        loaders: [                      // C10
            header("X-User-Session"),   // C11, C13, C14
            bearer,                     // C15
            query("sid", allow_in_url = "download links cannot set headers"), // C23
            path("sid", allow_in_url = "feeds cannot set headers"),
            custom(from_anywhere),
        ],
        emit: header,                   // C25
        store: MemoryStore<Cart> = MemoryStore::default(), // C28
        idle_timeout: 30m,              // C01, C02, C03, C04
        absolute_timeout: 30m,          // C06
        first_use_timeout: 29m,         // C48
        touch_every: 29m,               // C08
        renew_every: 1_0m,              // C09
        renew_grace: 0s,                // C05
        on_reuse: end,                  // C44
        max_size: 64KiB,                // C30
        max_fields: 1_000,              // C33
        max_sessions: 10_000,           // C47
        on_max_sessions: refuse,
        merge: { items: union, visits: add, seen: max, r#type: last_wins }, // C39, C40
        on_conflict: reject,            // C41
        on_ended: ignore,
        data_version: 2,                // C51
        write_version: 1,
        migrate: migrate,
        on_store_error: anonymous,
        on_undecodable: replace,        // C51
        commit: always,
        trusted_proxy: x_forwarded,     // C03
        namespace: "shop",              // C37
        on_event: listen,
        crate: ::connect_session
    }
}

session_config! {
    pub(crate) struct Blog {
        // Values that only the compiler can evaluate.
        loaders: [header(HEADER), header("X-User-Session")], // C12
        idle_timeout: IDLE,             // C05, C06
        absolute_timeout: Duration::from_secs(60 * 60),
        touch_every: IDLE.saturating_sub(Duration::from_secs(1)), // C08
        max_size: LIMIT * 2,            // C30
        max_fields: LIMIT,              // C33
        namespace: NAMESPACE,           // C37
        on_event: |_: &Event<'_>| {},
    }
}

session_config! {
    struct Forum {
        store: MemoryStore<connect_session::Untyped> = { // C27
            let limit: usize = std::env::var("LIMIT")?.parse()?; // C31
            let _ = limit;
            MemoryStore::default()
        },
        on_conflict: last_wins,         // C41
    }
}

session_config! {
    // C32: nothing about the sid can be set.
    struct Chat;
}

session_config! {
    // C27: a store that has a default needs no value.
    struct Mail {
        store: MemoryStore<connect_session::Untyped>,
        absolute_timeout: 30d,          // W01, W02
    };
}

mod module {
    connect_session::session_config! {
        pub(in crate::module) struct Letters {}
    }
}

fn from_anywhere(head: &RequestHead<'_>) -> Option<String> {
    let _ = head;
    None
}

fn listen(_: &Event) {}

// C50
#[cfg(any())]
session_config! {
    struct Chosen { loaders: [bearer] }
}

#[cfg(not(any()))]
session_config! {
    struct Chosen { loaders: [header("X-User-Session")] }
}

// C60
async fn administrators(
    _: http::Request<()>,
) -> Result<connect_session::admin::Access, std::io::Error> {
    Ok(connect_session::admin::Access::Read)
}

fn main() {
    let _ = Chosen::admin(administrators);
    let _ = (Forum::start, Chat::layer);
    let _ = Shop::configure(|options| options.idle_timeout = IDLE);
}
