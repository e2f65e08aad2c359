//! What a user meant who wrote an option that does not exist.

use crate::config;
use crate::suggest::{hint, nearest};

pub(crate) const OPTIONS: &[&str] = &[
    "create",
    "load",
    "header",
    "bearer",
    "cookie",
    "query",
    "path",
    "allow_in_url",
    "emit",
    "http",
    "crate",
];

/// Words from elsewhere, and what they are here.
const ELSEWHERE: &[(&[&str], &str)] = &[
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
        "; the type of the argument says which config it is: `session: Session<Shop>`",
    ),
    (
        &["loader", "loaders", "headers", "from"],
        "; the loaders of one handler are options of their own: `header = \"X-User-Session\"`, `bearer`",
    ),
    (
        &["required", "optional"],
        "; the type of the argument says it: `Session` is required, `Option<Session>` is not",
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
        "; a custom loader belongs into `session_config!`: `loaders: [custom(crate::find_sid)]`",
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
        "; the framework comes with its feature of the library; leave this out",
    ),
    (
        &["mode", "action", "kind"],
        "; write the mode alone: `#[session(load)]` or `#[session(create)]`",
    ),
];

/// The message for an option that does not exist.
pub(super) fn unknown(name: &str) -> String {
    let elsewhere = ELSEWHERE.iter().find(|(words, _)| words.contains(&name));
    let is_type = name.starts_with(char::is_uppercase) && meant(name).is_none();
    let mend = if let Some((_, mend)) = elsewhere {
        (*mend).to_owned()
    } else if is_type {
        format!("; a config is named by the argument: `session: Session<{name}>`")
    } else if meant(name).is_none() && config::is_option(name) {
        "; that is said of the whole config, in `session_config!`".to_owned()
    } else {
        hint(name, OPTIONS)
    };
    format!("there is no option `{name}`{mend}")
}

/// The option that a misspelled word was meant to be.
pub(super) fn meant(name: &str) -> Option<&'static str> {
    nearest(name, OPTIONS)
}
