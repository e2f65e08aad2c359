//! The prefix of a cookie's name, with which browsers refuse what somebody else could set.

use super::{Cookie, Named, Place, Raw};
use crate::errors::Errors;
use crate::suggest::nearest;
use crate::text::Text;
use connect_session_rules as rules;

/// An example of a reason.
pub(super) const REASON: &str = "old clients know this name";

/// Reports a name without a prefix and without a reason, and a reason that has no effect.
pub(super) fn check(
    cookie: &mut Cookie,
    options: &[Named],
    secure: bool,
    place: Place,
    errors: &mut Errors,
) {
    let Some(name) = cookie.name.literal() else {
        return;
    };
    if rules::cookie_name(&name).is_some() {
        return;
    }
    let written = options.iter().find(|option| option.key == "unprefixed");
    let misspelled = || {
        let mut keys = options.iter().map(|option| option.key.to_string());
        keys.any(|key| nearest(&key, &["unprefixed"]).is_some())
    };
    let Some(fault) = rules::prefix(&name, secure, written.is_some()) else {
        return;
    };
    if let Some(written) = written {
        errors.at(written.key.span(), fault.reason);
        cookie.unprefixed = None;
    } else if !misspelled() {
        errors.at(
            cookie.name.span(),
            format!(
                "`{name}`: a cookie without a prefix can be overwritten from a subdomain or over \
                 http (ASVS 3.3.1); {}, or give a reason: `unprefixed = \"{REASON}\"`",
                fix(cookie, &name, place)
            ),
        );
    }
}

/// The same cookie with a prefix.
fn fix(cookie: &Cookie, name: &str, place: Place) -> String {
    // `__Host-` allows neither.
    let is_wider = cookie.domain.is_some() || cookie.path.is_some();
    let prefix = if is_wider { "__Secure-" } else { "__Host-" };
    match place {
        Place::Config if is_wider => format!("name it `{prefix}{name}`"),
        Place::Config => format!("write `cookie(\"{prefix}{name}\")`"),
        Place::Attribute => format!("write `cookie = \"{prefix}{name}\"`"),
    }
}

/// Whether a loader is a cookie whose name has no prefix, as far as the macro can see.
pub(crate) fn may_lack_prefix(loader: &Raw) -> bool {
    let name = loader
        .args
        .as_ref()
        .and_then(|args| args.positional.first());
    let name = name.and_then(|name| Text::read(name, "", "", &mut Errors::default()));
    loader.keyword == "cookie"
        && !name
            .and_then(|name| name.literal())
            .is_some_and(|name| rules::is_prefixed(&name))
}
