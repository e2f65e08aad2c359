//! The `Cache-Control` of a handler's response that depends on a session.
//!
//! A cache that is shared by several users (a CDN or a proxy) may store a response and send it to
//! everyone who asks for the same URL. HTTP excepts requests with `Authorization` from that (RFC 9111,
//! 3.5), but not those with a cookie or another header, and `public` and `s-maxage` lift the exception.

/// Restricts the directives that the handler set to the client's own cache: removes those for shared
/// caches, and adds `private` unless no cache may store the response. `None` if nothing has to change.
pub(super) fn make_private(lines: &[&str]) -> Option<String> {
    let directives: Vec<&str> = lines.iter().flat_map(|line| split(line)).collect();
    let has = |name: &str| directives.iter().any(|one| is(one, name));
    let is_private = directives
        .iter()
        .any(|one| one.eq_ignore_ascii_case("private"));
    // With `must-understand`, some caches ignore `no-store` (RFC 9111, 5.2.2.3).
    let is_stored_nowhere = has("no-store") && !has("must-understand");
    if !has("public") && !has("s-maxage") && (is_private || is_stored_nowhere) {
        return None;
    }
    let mut kept = if is_stored_nowhere {
        Vec::new()
    } else {
        vec!["private"]
    };
    // `private="name"` applies to one header only.
    let replaced = |one: &str| {
        ["public", "s-maxage", "private"]
            .iter()
            .any(|name| is(one, name))
    };
    kept.extend(directives.iter().copied().filter(|one| !replaced(one)));
    Some(kept.join(", "))
}

/// Whether shared caches obey this header in place of `Cache-Control`: a targeted field, such as
/// `CDN-Cache-Control` (RFC 9213), or its predecessor `Surrogate-Control` or `Edge-Control`.
#[inline]
pub(super) fn is_for_shared_caches(name: &str) -> bool {
    // Every response with a session asks for each of its headers.
    let ends_alike = matches!(name.as_bytes().last(), Some(b'l' | b'L'));
    ends_alike && name.len() != "cache-control".len() && obeyed_by_shared_caches(name)
}

#[cold]
fn obeyed_by_shared_caches(name: &str) -> bool {
    let is = |other: &str| name.eq_ignore_ascii_case(other);
    let end = name.len().saturating_sub("-cache-control".len());
    let targeted = |end: &str| end.eq_ignore_ascii_case("-cache-control");
    name.get(end..).is_some_and(targeted) || is("surrogate-control") || is("edge-control")
}

/// Forbids shared caches to store the response, in a header that only they obey. `None` if it does so
/// already. `private` would do for most of them, but `Surrogate-Control` does not have it.
pub(super) fn make_unstored(lines: &[&str]) -> Option<String> {
    let directives: Vec<&str> = lines.iter().flat_map(|line| split(line)).collect();
    let has = |name: &str| directives.iter().any(|one| is(one, name));
    if has("no-store") && !has("public") && !has("must-understand") {
        return None;
    }
    // What processes the response, such as `content="ESI/1.0"`, does not store it.
    let processing = directives.iter().filter(|one| is(one, "content"));
    let kept: Vec<&str> = ["no-store"].iter().chain(processing).copied().collect();
    Some(kept.join(", "))
}

/// Whether a directive has this name, with or without an argument.
fn is(directive: &str, name: &str) -> bool {
    let end = directive.find('=').unwrap_or(directive.len());
    directive[..end].trim_end().eq_ignore_ascii_case(name)
}

/// Splits a list at the commas outside of quotes.
fn split(line: &str) -> impl Iterator<Item = &str> {
    let (mut quoted, mut escaped) = (false, false);
    let parts = line.split(move |character| {
        let ends = character == ',' && !quoted;
        quoted ^= character == '"' && !escaped;
        escaped = quoted && character == '\\' && !escaped;
        ends
    });
    parts.map(str::trim).filter(|part| !part.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_for_shared_caches_are_found() {
        for (name, is_one) in [
            ("CDN-Cache-Control", true),
            ("cloudflare-cdn-cache-control", true),
            ("Surrogate-Control", true),
            ("Edge-Control", true),
            ("Cache-Control", false),
            ("X-Surrogate-Control", false),
            ("Cache-Control-Report", false),
            ("ä", false),
        ] {
            assert_eq!(is_for_shared_caches(name), is_one, "{name}");
        }
    }

    #[test]
    fn nothing_is_left_to_store() {
        for (lines, expected) in [
            (&["public, max-age=60"][..], Some("no-store")),
            (&["max-age=60"], Some("no-store")),
            (&["private"], Some("no-store")),
            (&[""], Some("no-store")),
            (
                &["max-age=60, content=\"ESI/1.0\""],
                Some("no-store, content=\"ESI/1.0\""),
            ),
            (&["no-store, must-understand"], Some("no-store")),
            (&["no-store, content=\"ESI/1.0\""], None),
        ] {
            assert_eq!(make_unstored(lines).as_deref(), expected, "{lines:?}");
        }
    }

    #[test]
    fn only_directives_for_shared_caches_change() {
        for (lines, expected) in [
            (&["public"][..], Some("private")),
            (&["public, max-age=60"], Some("private, max-age=60")),
            (&["max-age=60"], Some("private, max-age=60")),
            (&["max-age=60", "PUBLIC"], Some("private, max-age=60")),
            (&["S-MaxAge = 60,max-age=5"], Some("private, max-age=5")),
            (&["private, s-maxage=60"], Some("private")),
            (&["no-cache"], Some("private, no-cache")),
            (
                &["no-cache=\"a, public\""],
                Some("private, no-cache=\"a, public\""),
            ),
            (
                &["x=\"\\\", public\", public"],
                Some("private, x=\"\\\", public\""),
            ),
            (
                &["private=\"Set-Cookie\", max-age=5"],
                Some("private, max-age=5"),
            ),
            (&["public-ish"], Some("private, public-ish")),
            (&["public, no-store"], Some("no-store")),
            (
                &["must-understand, no-store"],
                Some("private, must-understand, no-store"),
            ),
            (&["", " , "], Some("private")),
            (&["no-store"], None),
            (&["max-age=60,Private"], None),
            (&["private, no-cache"], None),
        ] {
            assert_eq!(make_private(lines).as_deref(), expected, "{lines:?}");
        }
    }
}
