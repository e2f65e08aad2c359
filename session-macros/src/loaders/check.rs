//! Checks loaders.

use std::fmt::Write as _;

use proc_macro2::{Ident, Span};
use quote::{ToTokens as _, quote};
use syn::Expr;

use super::reason::read_reason;
use super::{Args, Kind, Loader, Named, Place, Raw, cookie};
use crate::errors::{Errors, line};
use crate::suggest::{hint, nearest};
use crate::text::Text;
use connect_session_rules as rules;

/// Returns the valid loaders, in order, and reports every mistake.
pub(crate) fn check(raw: &[Raw], place: Place, errors: &mut Errors) -> Vec<Loader> {
    let mut loaders: Vec<Loader> = Vec::new();
    for one in raw {
        let Some(kind) = kind(one, place, errors) else {
            continue;
        };
        let span = kind.name().map_or(one.keyword.span(), Text::span);
        match loaders.iter().find(|first| same(&first.kind, &kind)) {
            Some(first) => twice(span, first, &one.keyword, errors),
            None => loaders.push(Loader {
                keyword: one.keyword.clone(),
                kind,
            }),
        }
    }
    loaders
}

fn kind(raw: &Raw, place: Place, errors: &mut Errors) -> Option<Kind> {
    let keyword = &raw.keyword;
    match keyword.to_string().as_str() {
        "bearer" => {
            if let Some(args) = &raw.args {
                errors.at(
                    args.span,
                    "`bearer` takes no arguments, because it always reads `Authorization: Bearer …` \
                     (RFC 6750 2.1); leave the parentheses out",
                );
            }
            Some(Kind::Bearer)
        }
        "header" => {
            let (name, args) = name(raw, "the name of the header", "X-User-Session", errors)?;
            no_options(&args.named, "header", errors);
            name.check(rules::header_name, errors)
                .then_some(Kind::Header(name))
        }
        "cookie" => {
            let (name, args) = name(raw, "the name of the cookie", "__Host-sid", errors)?;
            let is_valid = name.check(rules::cookie_name, errors);
            let cookie = cookie::check(keyword, name, &args.named, place, errors);
            is_valid.then(|| Kind::Cookie(Box::new(cookie)))
        }
        "query" => {
            let (name, args) = name(raw, "the name of the query parameter", "sid", errors)?;
            let is_valid = name.check(rules::query_name, errors);
            let reason = in_url(keyword, &name, args, place, errors)?;
            is_valid.then_some(Kind::Query { name, reason })
        }
        "path" => {
            let (name, args) = name(raw, "the name of the path parameter", "sid", errors)?;
            let is_valid = name.check(rules::path_name, errors);
            let reason = in_url(keyword, &name, args, place, errors)?;
            is_valid.then_some(Kind::Path { name, reason })
        }
        "custom" => custom(raw, errors),
        other => {
            errors.at(keyword.span(), unknown(other));
            None
        }
    }
}

fn unknown(kind: &str) -> String {
    let mut message = format!("there is no loader `{kind}`");
    match kind {
        "authorization" => message.push_str("; did you mean `bearer`?"),
        "url" | "uri" | "params" => message.push_str("; did you mean `query` or `path`?"),
        "body" | "form" | "json" => message
            .push_str("; a sid is never read from the body, write `header(\"X-User-Session\")`"),
        _ => {
            let _ = write!(message, "{}", hint(kind, super::KINDS));
        }
    }
    message
}

/// Returns the name of a loader, which is its first argument.
fn name<'a>(
    raw: &'a Raw,
    what: &str,
    example: &str,
    errors: &mut Errors,
) -> Option<(Text, &'a Args)> {
    let keyword = &raw.keyword;
    let Some(args) = &raw.args else {
        errors.at(
            keyword.span(),
            format!("`{keyword}` needs {what}; write `{keyword}(\"{example}\")`"),
        );
        return None;
    };
    let Some((first, others)) = args.positional.split_first() else {
        let named = args.named.iter().find(|named| named.key == "name");
        if let Some(Named {
            key,
            value: Some(value),
        }) = named
        {
            let value = value.to_token_stream();
            errors.at(
                key.span(),
                format!("the name is written without a key: `{keyword}({value})`"),
            );
        } else if !args.broken {
            errors.at(
                args.span,
                format!("`{keyword}` needs {what}; write `{keyword}(\"{example}\")`"),
            );
        }
        return None;
    };
    for other in others {
        let message = if keyword == "query" || keyword == "path" {
            "the reason is written with its key: `allow_in_url = \"…\"`".to_owned()
        } else {
            format!("`{keyword}` takes one name; write another loader for another name")
        };
        errors.spanning(other, message);
    }
    Some((Text::read(first, what, example, errors)?, args))
}

fn no_options(named: &[Named], keyword: &str, errors: &mut Errors) {
    for option in named {
        let fix = match (keyword, option.key.to_string().as_str()) {
            ("custom", _) => "; it takes only a function",
            (_, "allow_in_url") => "; a header is not part of the URL",
            _ => "; it takes only a name",
        };
        errors.at(
            option.key.span(),
            format!("`{keyword}` has no option `{}`{fix}", option.key),
        );
    }
}

/// Returns the reason for a sid in a URL, or reports that it is missing.
fn in_url(
    keyword: &Ident,
    name: &Text,
    args: &Args,
    place: Place,
    errors: &mut Errors,
) -> Option<Text> {
    let mut reason: Option<&Named> = None;
    let mut misspelled = false;
    for option in &args.named {
        if option.key != "allow_in_url" {
            let key = option.key.to_string();
            misspelled |= nearest(&key, &["allow_in_url"]).is_some();
            errors.at(
                option.key.span(),
                format!(
                    "`{keyword}` has no option `{key}`{}",
                    hint(&key, &["allow_in_url"])
                ),
            );
        } else if let Some(first) = reason {
            errors.duplicate(&option.key, &first.key);
        } else {
            reason = Some(option);
        }
    }
    let Some(option) = reason else {
        let name = quote!(#name);
        let fix = match place {
            Place::Config => {
                format!("`{keyword}({name}, allow_in_url = \"why it is needed here\")`")
            }
            Place::Attribute => {
                format!("`{keyword} = {name}, allow_in_url = \"why it is needed here\"`")
            }
        };
        if !args.broken && !misspelled && args.positional.len() < 2 {
            errors.at(
                keyword.span(),
                format!(
                    "a sid in a URL ends up in logs, histories and `Referer` headers (ASVS \
                     14.2.1); use a header or a cookie, or give a reason: {fix}"
                ),
            );
        }
        return None;
    };
    read_reason(
        &option.key,
        option.value.as_ref(),
        "download links cannot set headers",
        errors,
    )
}

fn custom(raw: &Raw, errors: &mut Errors) -> Option<Kind> {
    let args = raw.args.as_ref();
    let first = args.and_then(|args| args.positional.first());
    match first {
        Some(Expr::Lit(literal)) => {
            errors.spanning(
                literal,
                "`custom` takes the path of a function, without quotes: `custom(crate::find_sid)`",
            );
            return None;
        }
        Some(function) => {
            for other in args
                .into_iter()
                .flat_map(|args| args.positional.iter().skip(1))
            {
                errors.spanning(
                    other,
                    "`custom` takes one function; write another loader for another function",
                );
            }
            if let Some(args) = args {
                no_options(&args.named, "custom", errors);
            }
            return Some(Kind::Custom(function.clone()));
        }
        None => {}
    }
    if !args.is_some_and(|args| args.broken) {
        errors.at(
            args.map_or(raw.keyword.span(), |args| args.span),
            "`custom` needs the path of a function; write `custom(crate::find_sid)`",
        );
    }
    None
}

/// Whether two loaders read the same place. The names of constants are compared by the compiler.
fn same(a: &Kind, b: &Kind) -> bool {
    let names = |a: &Text, b: &Text| a.literal().zip(b.literal());
    match (a, b) {
        (Kind::Bearer, Kind::Bearer) => true,
        (Kind::Header(a), Kind::Header(b)) => {
            names(a, b).is_some_and(|(a, b)| rules::same_name(&a, &b))
        }
        (Kind::Cookie(a), Kind::Cookie(b)) => names(&a.name, &b.name).is_some_and(|(a, b)| a == b),
        (Kind::Query { name: a, .. }, Kind::Query { name: b, .. })
        | (Kind::Path { name: a, .. }, Kind::Path { name: b, .. }) => {
            names(a, b).is_some_and(|(a, b)| a == b)
        }
        _ => false,
    }
}

fn twice(span: Span, first: &Loader, keyword: &Ident, errors: &mut Errors) {
    let line = line(first.keyword.span());
    let message = match first.kind.name().and_then(Text::literal) {
        Some(name) if matches!(first.kind, Kind::Header(_)) => format!(
            "the header `{name}` is read twice{line} (header names are case-insensitive); leave \
             one out"
        ),
        Some(name) => format!("`{keyword}(\"{name}\")` is given twice{line}; leave one out"),
        None => format!("`{keyword}` is given twice{line}; leave one out"),
    };
    errors.at(span, message);
}
