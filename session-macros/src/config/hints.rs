//! What a user meant who wrote an option that does not exist.

use crate::choice::snake;
use crate::suggest::{hint, nearest};

pub(crate) const OPTIONS: &[&str] = &[
    "data",
    "loaders",
    "emit",
    "store",
    "idle_timeout",
    "absolute_timeout",
    "touch_every",
    "renew_every",
    "renew_grace",
    "max_size",
    "merge",
    "on_conflict",
    "on_gone",
    "on_store_error",
    "commit",
    "namespace",
    "on_event",
    "crate",
];

/// Words from elsewhere, and what they are here.
const ELSEWHERE: &[(&[&str], &str)] = &[
    (
        &[
            "sid_bits",
            "bits",
            "entropy",
            "id",
            "sid",
            "id_length",
            "sid_length",
            "token_length",
            "id_bits",
            "generator",
            "id_generator",
            "generate_id",
            "sid_generator",
            "genid",
            "rng",
            "hash",
            "token",
        ],
        "; nothing about the sid can be set: each has 256 random bits (ASVS 7.2.3 asks for 128)",
    ),
    (
        &[
            "secret",
            "secrets",
            "key",
            "keys",
            "signing_key",
            "secret_key",
        ],
        "; there is nothing to sign: a sid is random, and the store keeps only its hash",
    ),
    (
        &[
            "ttl",
            "timeout",
            "expiry",
            "expires",
            "expires_in",
            "ttl_secs",
            "ttl_seconds",
            "timeout_secs",
            "max_age",
            "lifetime",
            "duration",
            "cookie_max_age",
        ],
        "; write `idle_timeout` (without a request) or `absolute_timeout` (in all)",
    ),
    (
        &["idle", "inactivity", "inactivity_timeout"],
        "; did you mean `idle_timeout`?",
    ),
    (
        &["absolute", "max_lifetime"],
        "; did you mean `absolute_timeout`?",
    ),
    (&["touch", "touch_after"], "; did you mean `touch_every`?"),
    (
        &["renew", "rotate", "rotate_every"],
        "; did you mean `renew_every`?",
    ),
    (
        &[
            "rolling",
            "sliding",
            "resave",
            "save_uninitialized",
            "autosave",
            "save",
        ],
        "; there is nothing to set: a request slides the idle deadline, and what it changed is stored",
    ),
    (
        &[
            "capacity",
            "max_sessions",
            "url",
            "uri",
            "connection",
            "pool",
            "redis",
            "memory",
        ],
        "; that is said of the store: `store: RedisStore = RedisStore::connect(…).await?`",
    ),
    (&["grace"], "; did you mean `renew_grace`?"),
    (&["prefix", "key_prefix"], "; did you mean `namespace`?"),
    (&["backend", "storage"], "; did you mean `store`?"),
    (
        &[
            "header",
            "bearer",
            "cookie",
            "query",
            "path",
            "custom",
            "loader",
            "name",
            "header_name",
            "cookie_name",
            "transport",
        ],
        "; that is a loader: `loaders: [header(\"X-User-Session\"), bearer]`",
    ),
    (
        &[
            "domain",
            "same_site",
            "secure",
            "insecure",
            "http_only",
            "partitioned",
            "persistent",
            "origins",
            "cross_origin",
        ],
        "; that is said of a cookie: `loaders: [cookie(\"__Host-sid\", …)]`",
    ),
    (
        &["allow_in_url"],
        "; that is said of a loader: `query(\"sid\", allow_in_url = \"…\")`",
    ),
    (
        &["create", "load", "http"],
        "; that is said of a handler: `#[session(…)]`",
    ),
];

/// The message for an option that does not exist.
pub(super) fn unknown(option: &str) -> String {
    let plain = snake(option);
    let mend = ELSEWHERE
        .iter()
        .find(|(words, _)| words.contains(&plain.as_str()))
        .map_or_else(|| hint(option, OPTIONS), |(_, mend)| (*mend).to_owned());
    format!("there is no option `{option}`{mend}")
}

/// Whether a word is an option of a configuration, perhaps misspelled.
pub(crate) fn is_option(word: &str) -> bool {
    nearest(word, OPTIONS).is_some() || ELSEWHERE.iter().any(|(words, _)| words.contains(&word))
}
