//! The attributes of a cookie.

use proc_macro2::Ident;
use quote::ToTokens as _;
use syn::{Expr, ExprLit, Lit};

use super::reason::read_reason;
use super::{Named, Place, prefix};
use crate::choice::snake;
use crate::errors::Errors;
use crate::suggest::{hint, nearest};
use crate::text::Text;
use crate::tokens::peel;
use connect_session_rules as rules;

pub(crate) const OPTIONS: &[&str] = &[
    "path",
    "domain",
    "same_site",
    "insecure",
    "secure",
    "unprefixed",
    "partitioned",
    "persistent",
    "clear_site_data",
    "origins",
    "cross_origin",
];

pub(crate) const SAME_SITE: &[&str] = &["Lax", "Strict", "None"];

/// A cookie that carries a sid. `None`, `false` and an empty list mean the default.
pub(crate) struct Cookie {
    pub(crate) name: Text,
    pub(crate) path: Option<Text>,
    pub(crate) domain: Option<Text>,
    pub(crate) same_site: Option<&'static str>,
    pub(crate) insecure: Option<Text>,
    pub(crate) unprefixed: Option<Text>,
    pub(crate) partitioned: bool,
    pub(crate) persistent: Option<Ident>,
    pub(crate) clear_site_data: bool,
    pub(crate) origins: Vec<Text>,
    pub(crate) allow_any_origin: Option<Text>,
}

/// Checks the attributes. Invalid attributes keep their defaults.
pub(super) fn check(
    keyword: &Ident,
    name: Text,
    options: &[Named],
    place: Place,
    errors: &mut Errors,
) -> Cookie {
    let mut cookie = Cookie {
        name,
        path: None,
        domain: None,
        same_site: None,
        insecure: None,
        unprefixed: None,
        partitioned: false,
        persistent: None,
        clear_site_data: false,
        origins: Vec::new(),
        allow_any_origin: None,
    };
    let mut secure = None;
    let mut insecure = None;
    let mut partitioned = None;
    let mut same_site = None;
    let mut seen: Vec<&Ident> = Vec::new();
    for Named { key, value } in options {
        if let Some(first) = seen.iter().find(|first| **first == key) {
            errors.duplicate(key, first);
            continue;
        }
        seen.push(key);
        let value = value.as_ref();
        match key.to_string().as_str() {
            "path" => cookie.path = text(key, value, "/", errors),
            "domain" => cookie.domain = text(key, value, "example.com", errors),
            "same_site" => {
                cookie.same_site = read_same_site(key, value, errors);
                same_site = Some(key);
            }
            "insecure" => {
                cookie.insecure = read_reason(key, value, "local development over http", errors);
                insecure = Some(key);
            }
            "unprefixed" => {
                cookie.unprefixed = read_reason(key, value, prefix::REASON, errors);
            }
            "secure" => secure = flag(key, value, errors).map(|on| (key, on)),
            "partitioned" => {
                cookie.partitioned = flag(key, value, errors).unwrap_or_default();
                partitioned = Some(key);
            }
            "persistent" => {
                cookie.persistent = flag(key, value, errors)
                    .unwrap_or_default()
                    .then(|| key.clone());
            }
            "clear_site_data" => {
                cookie.clear_site_data = flag(key, value, errors).unwrap_or_default();
            }
            "origins" => cookie.origins = read_origins(key, value, errors),
            "cross_origin" => cookie.allow_any_origin = read_cross_origin(key, value, errors),
            other => errors.at(key.span(), unknown(other)),
        }
    }
    match (secure, insecure) {
        (Some((key, false)), None) => errors.at(
            key.span(),
            "a cookie that is not Secure is sent unencrypted (ASVS 3.3.1); leave `secure` out, or \
             give a reason: `insecure = \"local development over http\"`",
        ),
        (Some((_, true)), Some(insecure)) => errors.at(
            insecure.span(),
            "`insecure` contradicts `secure`; leave one of them out",
        ),
        _ => {}
    }
    check_together(
        keyword,
        &mut cookie,
        [insecure, same_site, partitioned],
        errors,
    );
    let secure = insecure.is_none() && secure.is_none_or(|(_, on)| on);
    prefix::check(&mut cookie, options, secure, place, errors);
    cookie
}

/// Checks the attributes against each other. Resets an attribute that browsers would refuse to its
/// default.
fn check_together(
    keyword: &Ident,
    cookie: &mut Cookie,
    [insecure, same_site, partitioned]: [Option<&Ident>; 3],
    errors: &mut Errors,
) {
    let name = cookie.name.literal().unwrap_or_default();
    let with_name = |rule: fn(&str, &str) -> Option<rules::Fault>| {
        let name = name.clone();
        move |value: &str| rule(&name, value)
    };
    if let Some(path) = &cookie.path
        && !(path.check(rules::cookie_path, errors)
            && path.check(with_name(rules::prefix_with_path), errors))
    {
        cookie.path = None;
    }
    if let Some(domain) = &cookie.domain
        && !(domain.check(rules::cookie_domain, errors)
            && domain.check(with_name(|name, _| rules::prefix_with_domain(name)), errors))
    {
        cookie.domain = None;
    }
    if let Some(insecure) = insecure {
        let refused = [
            (Some(insecure), rules::prefix_without_secure(&name)),
            (
                same_site.filter(|_| cookie.same_site == Some("None")),
                rules::same_site_none(false),
            ),
            (
                partitioned.filter(|_| cookie.partitioned),
                rules::partitioned(false),
            ),
        ];
        for (place, fault) in refused {
            if let (Some(place), Some(fault)) = (place, fault) {
                errors.at(place.span(), fault.reason);
                cookie.insecure = None;
            }
        }
    }
    if let (Some(_), [first, ..]) = (&cookie.allow_any_origin, cookie.origins.as_slice()) {
        errors.at(
            first.span(),
            format!(
                "`origins` of this `{keyword}` has no effect, because `cross_origin = off(…)` \
                 allows every origin; leave one of them out"
            ),
        );
    }
}

fn unknown(option: &str) -> String {
    let plain = snake(option);
    let fix = match plain.as_str() {
        "http_only" | "httponly" => "; a session cookie is always HttpOnly (ASVS 3.3.4)".to_owned(),
        "max_age" | "maxage" | "expires" | "ttl" => {
            "; write `persistent` for a cookie that lives as long as `absolute_timeout`".to_owned()
        }
        "host" => "; did you mean `domain`?".to_owned(),
        "allow_in_url" => "; a cookie is not part of the URL".to_owned(),
        "signed" | "private" | "secret" | "encrypted" => {
            "; there is nothing to sign: a sid is random, and the store keeps only its hash"
                .to_owned()
        }
        _ => hint(&plain, OPTIONS),
    };
    format!("`cookie` has no option `{option}`{fix}")
}

fn text(key: &Ident, value: Option<&Expr>, example: &str, errors: &mut Errors) -> Option<Text> {
    let Some(value) = value else {
        errors.at(
            key.span(),
            format!("`{key}` has no value; write `{key} = \"{example}\"`"),
        );
        return None;
    };
    Text::read(value, &format!("`{key}`"), example, errors)
}

/// `flag`, `flag = true` or `flag = false`.
fn flag(key: &Ident, value: Option<&Expr>, errors: &mut Errors) -> Option<bool> {
    match value.map(peel) {
        None => Some(true),
        Some(Expr::Lit(ExprLit {
            lit: Lit::Bool(value),
            ..
        })) => Some(value.value),
        Some(other) => {
            errors.spanning(
                other,
                format!("`{key}` is `true` or `false`; write `{key}` or `{key} = false`"),
            );
            None
        }
    }
}

/// The word, if the expression is a single one.
fn plain_word(value: &Expr) -> Option<String> {
    match peel(value) {
        Expr::Path(path) => path.path.get_ident().map(ToString::to_string),
        _ => None,
    }
}

fn read_same_site(key: &Ident, value: Option<&Expr>, errors: &mut Errors) -> Option<&'static str> {
    let Some(value) = value else {
        errors.at(
            key.span(),
            "`same_site` has no value; write `same_site = Strict`",
        );
        return None;
    };
    let written = plain_word(value);
    let known = SAME_SITE
        .iter()
        .find(|known| written.as_deref() == Some(**known));
    if known.is_none() {
        // `SameSite::Lax` and `"lax"` are clear enough for a suggestion.
        let tokens = value.to_token_stream().to_string();
        let last = tokens.rsplit("::").next().unwrap_or_default();
        let meant = nearest(last.trim_matches([' ', '"']), SAME_SITE);
        let fix = match (written, meant) {
            (Some(word), _) => hint(&word, SAME_SITE),
            (None, Some(meant)) => format!("; write `same_site = {meant}`"),
            (None, None) => "; write `Lax`, `Strict` or `None`, without quotes".to_owned(),
        };
        errors.spanning(value, format!("this is not a value of `same_site`{fix}"));
    }
    known.copied()
}

fn read_origins(key: &Ident, value: Option<&Expr>, errors: &mut Errors) -> Vec<Text> {
    let Some(Expr::Array(list)) = value.map(peel) else {
        errors.at(
            key.span(),
            "`origins` takes a list: `origins = [\"https://app.example.com\"]`",
        );
        return Vec::new();
    };
    list.elems
        .iter()
        .filter_map(|origin| Text::read(origin, "an origin", "https://app.example.com", errors))
        .collect::<Vec<_>>()
        .into_iter()
        .filter(|origin| origin.check(rules::origin, errors))
        .collect()
}

/// `off("reason")`.
fn read_cross_origin(key: &Ident, value: Option<&Expr>, errors: &mut Errors) -> Option<Text> {
    const MISSING_REASON: &str = "without the origin check, any site can send requests with this \
        cookie (CSRF); list the sites in `origins`, or give a reason: `cross_origin = off(\"…\")`";
    let Some(value) = value else {
        errors.at(key.span(), MISSING_REASON);
        return None;
    };
    let Expr::Call(call) = peel(value) else {
        errors.spanning(value, MISSING_REASON);
        return None;
    };
    if plain_word(&call.func).as_deref() != Some("off") || call.args.len() > 1 {
        errors.spanning(value, MISSING_REASON);
        return None;
    }
    let Some(reason) = call.args.first() else {
        errors.spanning(value, MISSING_REASON);
        return None;
    };
    let reason = Text::read(
        reason,
        "a reason",
        "every client sends its own token",
        errors,
    )?;
    if reason.literal().is_some_and(|text| text.trim().is_empty()) {
        errors.at(
            reason.span(),
            format!("the reason is empty; {MISSING_REASON}"),
        );
        return None;
    }
    Some(reason)
}
