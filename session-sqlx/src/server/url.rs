//! Checks the URL of a server before its driver reads it. Messages show no part of a URL but the scheme.

use connect_session_runtime::server_url;

use crate::error::ContextError;

/// The schemes of the databases that people are likely to confuse.
const KNOWN_SCHEMES: [&str; 7] = [
    "mariadb",
    "mysql",
    "postgres",
    "postgresql",
    "redis",
    "rediss",
    "sqlite",
];

/// The reasons of a driver that quote no part of the URL.
const REASONS: [&str; 3] = ["empty host", "invalid IPv6 address", "invalid port number"];

/// Checks the parts of a URL that a driver would take for others.
pub(crate) fn check_url(url: &str, schemes: &[&str], form: &str) -> Result<(), ContextError> {
    match url.split_once("://") {
        Some((scheme, _)) if schemes.contains(&scheme) => {}
        Some((other, _)) if KNOWN_SCHEMES.contains(&other) => {
            return Err(ContextError::new(format!(
                "this is the URL of another kind of server, `{other}`; {form}"
            )));
        }
        _ => return Err(ContextError::new(form)),
    }
    server_url::check(url)
        .map_err(|problem| ContextError::new(format!("{form}, but {problem}")))?;
    let path = url.splitn(4, '/').nth(3).unwrap_or_default();
    let path = path.split('?').next().unwrap_or_default();
    if url.contains('#') || path.contains(':') {
        return Err(ContextError::new(format!(
            "{form}, but it contains a `#`, or a `:` in the name of its database: write them as `%23` and \
             `%3A`"
        )));
    }
    Ok(())
}

/// The URL without the parameters that the driver does not know. It would log their values, and one may
/// be a misspelled `password`.
pub(crate) fn without_unknown_parameters(url: &str, known: &[&str]) -> String {
    let Some((location, query)) = url.split_once('?') else {
        return url.to_owned();
    };
    let is_known = |parameter: &&str| {
        let key = parameter.split('=').next().unwrap_or_default();
        known.contains(&key) || key.starts_with("options[") || key.starts_with("options%5B")
    };
    let kept: Vec<&str> = query.split('&').filter(is_known).collect();
    if kept.len() < query.split('&').count() {
        tracing::warn!(
            target: "connect_session",
            known = known.join(", "),
            "the URL of the server has parameters that are not known, and are ignored"
        );
    }
    format!("{location}?{}", kept.join("&"))
}

/// The error for a URL that the driver cannot read. The driver's own error can quote a value.
pub(crate) fn unreadable(form: &str, error: &sqlx::Error) -> ContextError {
    let reason = match error {
        sqlx::Error::Configuration(error) => error.to_string(),
        _ => String::new(),
    };
    if REASONS.contains(&&*reason) {
        ContextError::new(format!("{form} ({reason})"))
    } else {
        ContextError::new(format!("{form}; check the values of its parameters too"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_parameters_are_left_out() {
        let known = ["sslmode", "host"];
        let without = |url| without_unknown_parameters(url, &known);
        assert_eq!(without("postgres://a/b"), "postgres://a/b");
        assert_eq!(
            without("postgres://a/b?pasword=x&sslmode=disable&host"),
            "postgres://a/b?sslmode=disable&host"
        );
        assert_eq!(
            without("postgres://a/b?options[a]=x&y"),
            "postgres://a/b?options[a]=x"
        );
    }

    #[test]
    fn misplaced_characters_are_refused() {
        for url in [
            "postgres://u:12/3@host/shop",
            "postgres://u:12?3@host/shop",
            "postgres://u:12#3@host/shop",
            "postgres:///u:12",
            "mysql://u:12@host/shop",
        ] {
            assert!(check_url(url, &["postgres"], "form").is_err(), "{url}");
        }
        let url = "postgres://u:1%2F2@[::1]:5432/shop?host=/run";
        assert!(check_url(url, &["postgres"], "form").is_ok());
    }
}
