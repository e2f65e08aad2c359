//! Suggestions for options that do not exist.

use crate::config;
use crate::suggest::{hint, nearest};

pub(crate) const OPTIONS: &[&str] = &[
    "create",
    "load",
    "lazy",
    "fresh",
    "level",
    "header",
    "bearer",
    "cookie",
    "query",
    "path",
    "allow_in_url",
    "unprefixed",
    "emit",
    "on_undecodable",
    "cache",
    "http",
    "crate",
];

/// Words that are not options, many from other libraries, and the suggestion for each.
const SUGGESTIONS: &[(&[&str], &str)] = &[
    (
        &[
            "config",
            "configuration",
            "name",
            "session",
            "Session",
            "manager",
            "type",
        ],
        "; the type of the argument selects the config: `session: Session<Shop>`",
    ),
    (
        &["loader", "loaders", "headers", "from"],
        "; each loader of a handler is an option: `header = \"X-User-Session\"`, `bearer`",
    ),
    (
        &[
            "login",
            "logged_in",
            "LoggedIn",
            "auth",
            "authenticated",
            "user",
        ],
        "; the type of the argument decides: `LoggedIn` is the session of a user",
    ),
    (
        &["max_age", "recent", "reauthenticate", "sudo"],
        "; did you mean `fresh`?",
    ),
    (
        &["mfa", "two_factor", "second_factor", "acr", "aal"],
        "; did you mean `level`?",
    ),
    (
        &["required", "optional"],
        "; the type of the argument decides: `Session` is required, `Option<Session>` is optional",
    ),
    (
        &["new", "start", "begin", "init"],
        "; did you mean `create`?",
    ),
    (&["read", "open", "get", "resume"], "; did you mean `load`?"),
    (
        &["destroy", "close", "end", "logout", "delete"],
        "; write `#[session(load)]`, and `session.destroy().await?` in the body",
    ),
    (
        &["custom"],
        "; a custom loader goes into `session_config!`: `loaders: [custom(crate::find_sid)]`",
    ),
    (&["plain", "hyper", "tower"], "; did you mean `http`?"),
    (
        &[
            "axum",
            "actix",
            "actix_web",
            "poem",
            "rocket",
            "salvo",
            "framework",
        ],
        "; a feature of the library selects the framework; leave this out",
    ),
    (
        &["mode", "action", "kind"],
        "; write only the mode: `#[session(load)]` or `#[session(create)]`",
    ),
];

/// The message for an option that does not exist.
pub(super) fn unknown(name: &str) -> String {
    let suggestion = SUGGESTIONS.iter().find(|(words, _)| words.contains(&name));
    let is_type = name.starts_with(char::is_uppercase) && nearest_option(name).is_none();
    let fix = if let Some((_, fix)) = suggestion {
        (*fix).to_owned()
    } else if is_type {
        format!("; the type of the argument selects the config: `session: Session<{name}>`")
    } else if nearest_option(name).is_none() && config::is_option(name) {
        "; this is an option of the config, in `session_config!`".to_owned()
    } else {
        hint(name, OPTIONS)
    };
    format!("there is no option `{name}`{fix}")
}

/// The option that a misspelled word most likely stands for.
pub(super) fn nearest_option(name: &str) -> Option<&'static str> {
    nearest(name, OPTIONS)
}
