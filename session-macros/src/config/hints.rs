//! What a user meant who wrote an option that does not exist.

use crate::suggest::{hint, nearest};

pub(super) const OPTIONS: &[&str] = &[
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
        &["renew", "rotate", "rotate_every", "rolling"],
        "; did you mean `renew_every`?",
    ),
    (&["grace"], "; did you mean `renew_grace`?"),
    (&["prefix", "key_prefix"], "; did you mean `namespace`?"),
    (&["backend", "storage"], "; did you mean `store`?"),
    (
        &["header", "bearer", "cookie", "query", "path", "custom"],
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
    let mend = ELSEWHERE
        .iter()
        .find(|(words, _)| words.contains(&option))
        .map_or_else(|| hint(option, OPTIONS), |(_, mend)| (*mend).to_owned());
    format!("there is no option `{option}`{mend}")
}

/// Whether a word is an option of a configuration, perhaps misspelled.
pub(crate) fn is_option(word: &str) -> bool {
    nearest(word, OPTIONS).is_some() || ELSEWHERE.iter().any(|(words, _)| words.contains(&word))
}
