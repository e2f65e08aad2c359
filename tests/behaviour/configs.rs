//! The configs of the suite. Each sets only the options that its tests are about.

use connect_session::{RequestHead, session_config};

use crate::data::{Heap, Newer, Older, Stuff};
use crate::support::events::note;

session_config! {
    /// The common case, with a rule for most fields.
    pub struct Main {
        data: Stuff,
        loaders: [header("X-User-Session"), bearer, cookie("__Host-sid")],
        idle_timeout: 30m,
        absolute_timeout: 12h,
        merge: {
            visits: add, renamed: add, best: max, tags: union, prefs: keys, draft: last_wins,
        },
        on_event: note,
    }
}

session_config! {
    /// The same data with the loaders in another order, and another namespace.
    pub struct CookieFirst {
        data: Stuff,
        loaders: [cookie("__Host-sid"), header("X-User-Session"), bearer],
        on_event: note,
    }
}

session_config! {
    /// The header is read first, but a new sid is set as a cookie.
    pub struct EmitCookie {
        data: Stuff,
        loaders: [header("X-User-Session"), cookie("sid", unprefixed = "the suite tests it")],
        emit: cookie,
        on_event: note,
    }
}

session_config! {
    /// A cookie with every attribute.
    pub struct Jar {
        data: Stuff,
        loaders: [cookie(
            "__Secure-shop.sid",
            path = "/jar",
            domain = "example.com",
            same_site = Strict,
            persistent,
            clear_site_data,
            origins = ["https://app.example.com"],
        )],
        on_event: note,
    }
}

session_config! {
    /// A cookie that is accepted from any origin.
    pub struct OpenJar {
        data: Stuff,
        loaders: [cookie("__Host-open.sid", cross_origin = off("the suite tests it"))],
        on_event: note,
    }
}

session_config! {
    /// Behind a proxy that sets `X-Forwarded-Host` and `X-Forwarded-Proto`.
    pub struct XForwarded {
        data: Stuff,
        loaders: [cookie("proxied.sid", unprefixed = "the suite tests it")],
        trusted_proxy: x_forwarded,
        on_event: note,
    }
}

session_config! {
    /// Behind a proxy that sets `Forwarded`.
    pub struct Forwarded {
        data: Stuff,
        loaders: [cookie("proxied.sid", unprefixed = "the suite tests it")],
        trusted_proxy: forwarded,
        on_event: note,
    }
}

session_config! {
    /// Sids in URLs, and a custom loader.
    pub struct Urls {
        data: Stuff,
        loaders: [
            query("sid", allow_in_url = "the suite tests it"),
            path("sid", allow_in_url = "the suite tests it"),
            custom(of_api_key),
        ],
        on_event: note,
    }
}

/// The part after the dot in `X-Api-Key: <key>.<sid>`.
fn of_api_key(head: &RequestHead<'_>) -> Option<String> {
    let (_, sid) = head.header("X-Api-Key")?.split_once('.')?;
    Some(sid.to_owned())
}

session_config! {
    /// Only bearer tokens.
    pub struct Bearer { data: Stuff, loaders: [bearer], on_event: note }
}

session_config! {
    /// A failed handler's changes are stored too.
    pub struct Always { data: Stuff, commit: always, on_event: note }
}

session_config! {
    /// Changes that cannot be merged are rejected.
    pub struct Rejecting { data: Stuff, on_conflict: reject, on_event: note }
}

session_config! {
    /// A commit to a session that has ended in the meantime succeeds without effect.
    pub struct Lenient { data: Stuff, on_ended: ignore, on_event: note }
}

session_config! {
    /// If the store is unavailable, an optional session is `None`.
    pub struct Anonymous { data: Stuff, on_store_error: anonymous, on_event: note }
}

session_config! {
    /// A new sid is offered every ten minutes.
    pub struct Renewing {
        data: Stuff,
        loaders: [header("X-User-Session"), cookie("__Host-sid")],
        renew_every: 10m,
        renew_grace: 30s,
        on_event: note,
    }
}

session_config! {
    /// A small limit for the size of the data.
    pub struct Small { data: Stuff, max_size: 4KiB, on_event: note }
}

session_config! {
    /// A user may have two sessions.
    pub struct Limited { data: Stuff, max_sessions: 2, on_event: note }
}

session_config! {
    /// A user who has two sessions cannot log in elsewhere.
    pub struct Refusing { data: Stuff, max_sessions: 2, on_max_sessions: refuse, on_event: note }
}

session_config! {
    /// A replaced sid that comes back ends the session, and one that nobody presents ends early.
    pub struct Watchful {
        data: Stuff,
        renew_every: 10m,
        renew_grace: 30s,
        on_reuse: end,
        first_use_timeout: 10m,
        on_event: note,
    }
}

session_config! {
    /// The same with times that a case can wait for.
    pub struct Hasty {
        data: Stuff,
        renew_every: 2s,
        renew_grace: 1s,
        on_reuse: end,
        first_use_timeout: 4s,
        on_event: note,
    }
}

session_config! {
    /// Adopts old sessions, and sends the new sid as a cookie.
    pub struct Adopting {
        data: Stuff,
        namespace: "adopting",
        loaders: [cookie("__Host-sid")],
        merge: { visits: add },
        adopt: crate::old_sessions::source(),
        on_event: note,
    }
}

session_config! {
    /// The same for users who may have two sessions.
    pub struct AdoptingLimited {
        data: Stuff,
        loaders: [cookie("__Host-sid")],
        max_sessions: 2,
        adopt: crate::old_sessions::source(),
        on_event: note,
    }
}

session_config! {
    /// The same with a header.
    pub struct AdoptingByHeader {
        data: Stuff,
        adopt: crate::old_sessions::source(),
        on_store_error: anonymous,
        on_event: note,
    }
}

session_config! {
    /// Data without a type.
    pub struct Loose { on_event: note }
}

session_config! {
    /// Large data, with merge rules that compare all of it.
    pub struct Large {
        data: Heap,
        max_size: 16MiB,
        merge: { numbers: union, by_key: keys },
        on_event: note,
    }
}

session_config! {
    /// Untyped data with few fields.
    pub struct Narrow { max_fields: 3, on_event: note }
}

session_config! {
    /// Never mounted with a test store: uses its own default memory store.
    pub struct Bare { data: Stuff, on_event: note }
}

session_config! {
    /// The data type before an update of the program.
    pub struct Before { data: Older, namespace: "updated", on_event: note }
}

session_config! {
    /// The data type after the update, on the same records.
    pub struct After { data: Newer, namespace: "updated", on_event: note }
}
