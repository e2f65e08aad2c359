//! Suggestions for options that do not exist.

use self::Fix::{Meant, Told};
use crate::choice::snake;
use crate::suggest::{hint, nearest};

pub(crate) const OPTIONS: &[&str] = &[
    "data",
    "loaders",
    "emit",
    "store",
    "adopt",
    "idle_timeout",
    "absolute_timeout",
    "first_use_timeout",
    "touch_every",
    "renew_every",
    "renew_grace",
    "on_reuse",
    "max_size",
    "max_fields",
    "max_sessions",
    "on_max_sessions",
    "data_version",
    "write_version",
    "migrate",
    "merge",
    "on_conflict",
    "on_ended",
    "on_store_error",
    "on_undecodable",
    "commit",
    "trusted_proxy",
    "namespace",
    "on_event",
    "crate",
];

/// What to do about a word that is not an option.
#[derive(Clone, Copy)]
enum Fix {
    /// It stands for this option.
    Meant(&'static str),
    /// The rest of the message.
    Told(&'static str),
}

impl Fix {
    fn text(self) -> String {
        match self {
            Meant(option) => format!("; did you mean `{option}`?"),
            Told(text) => text.to_owned(),
        }
    }
}

/// Words that are not options, many from other libraries, and the suggestion for each.
const SUGGESTIONS: &[(&[&str], Fix)] = &[
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
        Told("; a sid has no options: each has 256 random bits (ASVS 7.2.3 requires 128)"),
    ),
    (
        &[
            "secret",
            "secrets",
            "key",
            "keys",
            "signing_key",
            "secret_key",
            "signed",
            "signing",
            "private",
            "encrypted",
            "encryption",
            "content_security",
        ],
        Told("; there is nothing to sign: a sid is random, and the store keeps only its hash"),
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
            "lifecycle",
            "expire",
        ],
        Told("; write `idle_timeout` (time without a request) or `absolute_timeout` (total time)"),
    ),
    (
        &["idle", "inactivity", "inactivity_timeout"],
        Meant("idle_timeout"),
    ),
    (&["absolute", "max_lifetime"], Meant("absolute_timeout")),
    (&["touch", "touch_after"], Meant("touch_every")),
    (&["renew", "rotate", "rotate_every"], Meant("renew_every")),
    (
        &[
            "rolling",
            "sliding",
            "resave",
            "save_uninitialized",
            "always_save",
            "autosave",
            "save",
        ],
        Told("; leave it out: each request extends the idle deadline, and only changes are stored"),
    ),
    (
        &[
            "capacity",
            "url",
            "uri",
            "connection",
            "pool",
            "redis",
            "memory",
            "database",
            "table",
            "table_name",
        ],
        Told(
            "; this is an option of the store: `store: RedisStore = RedisStore::connect(…).await?`",
        ),
    ),
    (&["grace"], Meant("renew_grace")),
    (
        &["first_use", "unused_timeout", "activation_timeout"],
        Meant("first_use_timeout"),
    ),
    (
        &[
            "proxy",
            "trust_proxy",
            "trusted_proxies",
            "behind_proxy",
            "forwarded",
            "x_forwarded",
            "forward_headers",
            "forwarded_headers",
        ],
        Meant("trusted_proxy"),
    ),
    (&["prefix", "key_prefix"], Meant("namespace")),
    (&["backend", "storage"], Meant("store")),
    (
        &["state", "value", "fields", "payload", "claims"],
        Meant("data"),
    ),
    (
        &[
            "header",
            "bearer",
            "loader",
            "name",
            "header_name",
            "transport",
            "from",
        ],
        Told("; this is a loader: `loaders: [header(\"X-User-Session\"), bearer]`"),
    ),
    (
        &["cookie", "cookie_name"],
        Told("; this is a loader: `loaders: [cookie(\"__Host-sid\")]`"),
    ),
    (
        &["query", "path", "param", "parameter"],
        Told("; this is a loader: `loaders: [query(\"sid\", allow_in_url = \"…\")]`"),
    ),
    (
        &["custom", "extractor"],
        Told("; this is a loader: `loaders: [custom(crate::find_sid)]`"),
    ),
    (
        &[
            "domain",
            "same_site",
            "samesite",
            "httponly",
            "secure",
            "insecure",
            "unprefixed",
            "http_only",
            "partitioned",
            "persistent",
            "clear_site_data",
            "clear_site",
            "origins",
            "cross_origin",
        ],
        Told("; this is an option of a cookie: `loaders: [cookie(\"__Host-sid\", …)]`"),
    ),
    (
        &["allow_in_url"],
        Told("; this is an option of a loader: `query(\"sid\", allow_in_url = \"…\")`"),
    ),
    (
        &["create", "load", "http"],
        Told("; this is an option of a handler: `#[session(…)]`"),
    ),
];

/// Prefixes of the option names of other libraries and of builders.
const PREFIXES: &[&str] = &["with_", "set_", "session_", "cookie_"];

fn suggestion(word: &str) -> Option<Fix> {
    let one = word.strip_suffix('s').unwrap_or(word);
    SUGGESTIONS
        .iter()
        .find(|(words, _)| words.contains(&word) || words.contains(&one))
        .map(|(_, fix)| *fix)
}

/// The message for an option that does not exist. If its value is a type, it is probably intended as
/// a field of the data.
pub(super) fn unknown(option: &str, is_field: bool) -> String {
    let plain = snake(option);
    let bare = PREFIXES
        .iter()
        .find_map(|prefix| plain.strip_prefix(prefix));
    let exact = bare.filter(|bare| begins(bare));
    let fix = [exact, Some(plain.as_str()), bare]
        .into_iter()
        .flatten()
        .find_map(|word| {
            let near = || nearest(word, OPTIONS).map(|_| hint(word, OPTIONS));
            suggestion(word).map(Fix::text).or_else(near)
        });
    let fix = match fix {
        Some(fix) => fix,
        None if is_field => {
            "; declare the fields of a session in a separate struct: `data: Cart`".to_owned()
        }
        None => hint(&plain, OPTIONS),
    };
    format!("there is no option `{option}`{fix}")
}

/// The option that was probably meant by a word which is none.
pub(super) fn meant(word: &str) -> Option<&'static str> {
    let plain = snake(word);
    match suggestion(&plain) {
        Some(Meant(option)) => Some(option),
        Some(Told(_)) => None,
        None => nearest(&plain, OPTIONS),
    }
}

/// Whether a word begins an option.
pub(super) fn begins(word: &str) -> bool {
    OPTIONS.contains(&word)
}

/// Whether a word is an option of a config, perhaps misspelled.
pub(crate) fn is_option(word: &str) -> bool {
    nearest(word, OPTIONS).is_some() || suggestion(word).is_some()
}
