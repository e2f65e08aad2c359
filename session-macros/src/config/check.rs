//! Checks a config, option by option.

use proc_macro2::{Ident, TokenStream};
use quote::ToTokens as _;
use syn::ext::IdentExt as _;
use syn::{Expr, Lit};

use super::entry::{Entry, Value, measure};
use super::model::{Amount, Config, Rule};
use super::parse::Written;
use super::{cross_checks, types};
use crate::choice::{EMIT, ON_UNDECODABLE, Variants, choose};
use crate::errors::{Errors, line};
use crate::loaders::{self, Place};
use crate::suggest::hint;
use crate::text::Text;
use crate::tokens::literals;
use connect_session_rules as rules;

pub(crate) const ON_CONFLICT: Variants = &[("last_wins", "LastWins"), ("reject", "Reject")];
pub(crate) const ON_REUSE: Variants = &[("report", "Report"), ("end", "End")];
pub(crate) const ON_MAX_SESSIONS: Variants = &[("end_oldest", "EndOldest"), ("refuse", "Refuse")];
pub(crate) const ON_ENDED: Variants = &[("reject", "Reject"), ("ignore", "Ignore")];
pub(crate) const ON_STORE_ERROR: Variants = &[("reject", "Reject"), ("anonymous", "Anonymous")];
pub(crate) const COMMIT: Variants = &[
    ("on_ok", "OnOk"),
    ("on_success", "OnSuccess"),
    ("always", "Always"),
];
pub(crate) const TRUSTED_PROXY: Variants =
    &[("forwarded", "Forwarded"), ("x_forwarded", "XForwarded")];
pub(crate) const RULES: &[&str] = &["add", "max", "min", "union", "keys", "last_wins"];

pub(super) fn check(written: Written, errors: &mut Errors) -> Config {
    let mut config = Config {
        attrs: written.attrs,
        visibility: written.visibility,
        name: written.name,
        library: None,
        data: None,
        store: None,
        store_value: None,
        adopt: None,
        loaders: Vec::new(),
        invalid: Vec::new(),
        emit: None,
        idle_timeout: None,
        absolute_timeout: None,
        first_use_timeout: None,
        touch_every: None,
        renew_every: None,
        renew_grace: None,
        max_size: None,
        max_fields: None,
        max_sessions: None,
        on_reuse: None,
        on_max_sessions: None,
        data_version: None,
        write_version: None,
        migrate: None,
        merge: Vec::new(),
        on_conflict: None,
        on_ended: None,
        on_store_error: None,
        on_undecodable: None,
        commit: None,
        trusted_proxy: None,
        namespace: None,
        on_event: None,
    };
    let mut seen: Vec<Ident> = Vec::new();
    for Entry { key, value } in written.options {
        if let Some(first) = seen.iter().find(|first| **first == key) {
            // A broken option is already reported. Options with a `cfg` may be alternatives of each other.
            if !matches!(value, Value::Broken) {
                errors.duplicate(&key, first);
            }
            continue;
        }
        seen.push(key.clone());
        let found = errors.len();
        option(&mut config, key.clone(), value, errors);
        if errors.len() > found {
            config.invalid.push(key);
        }
    }
    if config.data.is_none() && !config.is_invalid("data") {
        refuse_rules(&mut config, errors);
    }
    if config.namespace.is_none() && !config.name.unraw().to_string().is_ascii() {
        errors.at(
            config.name.span(),
            "the namespace of the records is derived from this name, but must be ASCII; set it: \
             `namespace: \"shop\"`",
        );
    }
    cross_checks::check(&mut config, errors);
    config
}

/// Reports merge rules for untyped data, which has no fields.
fn refuse_rules(config: &mut Config, errors: &mut Errors) {
    if let Some(first) = config.merge.first() {
        errors.at(
            first.field.span(),
            "merge rules need typed data, because untyped data always merges key by key; set the \
             type: `data: Cart`",
        );
        config.merge.clear();
    }
}

fn option(config: &mut Config, key: Ident, value: Value, errors: &mut Errors) {
    match value {
        Value::Type(ty) => config.data = types::data(ty, &config.name, errors),
        Value::Store(ty, value) => {
            if let Some(value) = &value {
                refuse_passwords(value, errors);
            }
            config.store = types::store(ty, errors);
            config.store_value = value;
        }
        Value::Loaders {
            brackets,
            loaders,
            broken,
        } => {
            if loaders.is_empty() && !broken {
                errors.at(
                    brackets,
                    "without a loader, no session can be found; add one, such as \
                     `header(\"X-User-Session\")`, or leave `loaders` out",
                );
            }
            config.loaders = loaders::check(&loaders, Place::Config, errors);
            if config.loaders.len() != loaders.len() || broken {
                config.invalid.push(key);
            }
        }
        Value::Words(words) => choices(config, &key, &words, errors),
        Value::Expr(expr) => expression(config, key, &expr, errors),
        Value::Rules(rules) => config.merge = merge(rules, errors),
        Value::Library(path) => config.library = Some(path.into_token_stream()),
        Value::Broken => config.invalid.push(key),
    }
}

fn choices(config: &mut Config, key: &Ident, words: &[Ident], errors: &mut Errors) {
    let (slot, variants) = match key.to_string().as_str() {
        "emit" => (&mut config.emit, EMIT),
        "on_conflict" => (&mut config.on_conflict, ON_CONFLICT),
        "on_ended" => (&mut config.on_ended, ON_ENDED),
        "on_store_error" => (&mut config.on_store_error, ON_STORE_ERROR),
        "on_undecodable" => (&mut config.on_undecodable, ON_UNDECODABLE),
        "on_reuse" => (&mut config.on_reuse, ON_REUSE),
        "on_max_sessions" => (&mut config.on_max_sessions, ON_MAX_SESSIONS),
        "trusted_proxy" => (&mut config.trusted_proxy, TRUSTED_PROXY),
        _ => (&mut config.commit, COMMIT),
    };
    *slot = choose(key, words, variants, errors);
}

fn expression(config: &mut Config, key: Ident, expr: &Expr, errors: &mut Errors) {
    let name = key.to_string();
    if let Some(measure) = measure(&name) {
        let Some(quantity) = measure.read(expr, errors) else {
            return;
        };
        let rule = match name.as_str() {
            "max_size" => rules::size,
            "max_fields" => rules::fields,
            "max_sessions" => rules::sessions,
            "data_version" | "write_version" => rules::version,
            "renew_grace" => rules::grace,
            _ => rules::duration,
        };
        if let Some(fault) = quantity.known().and_then(rule) {
            errors.at(quantity.span(), fault.reason);
            return;
        }
        let slot = match name.as_str() {
            "idle_timeout" => &mut config.idle_timeout,
            "absolute_timeout" => &mut config.absolute_timeout,
            "first_use_timeout" => &mut config.first_use_timeout,
            "touch_every" => &mut config.touch_every,
            "renew_every" => &mut config.renew_every,
            "renew_grace" => &mut config.renew_grace,
            "max_fields" => &mut config.max_fields,
            "max_sessions" => &mut config.max_sessions,
            "data_version" => &mut config.data_version,
            "write_version" => &mut config.write_version,
            _ => &mut config.max_size,
        };
        *slot = Some(Amount { key, quantity });
    } else if name == "namespace" {
        if let Some(text) = Text::read(expr, "the namespace", "shop", errors)
            && text.check(rules::namespace, errors)
        {
            config.namespace = Some((key, text));
        }
    } else if name == "adopt" {
        if matches!(expr, Expr::Lit(_)) {
            let message = "`adopt` takes the old sessions and what becomes of them: `adopt: \
                           ExpressSessions::connect(…).await?.adopt(crate::convert)`";
            errors.spanning(expr, message);
        } else {
            refuse_passwords(expr, errors);
            config.adopt = Some(expr.clone());
        }
    } else if matches!(expr, Expr::Lit(_)) {
        let example = if name == "migrate" {
            "crate::migrate"
        } else {
            "crate::log_event"
        };
        errors.spanning(
            expr,
            format!("`{name}` takes the path of a function, without quotes: `{name}: {example}`"),
        );
    } else if name == "migrate" {
        config.migrate = Some((key, expr.clone()));
    } else {
        config.on_event = Some((key, expr.clone()));
    }
}

fn merge(written: Vec<(Ident, Ident)>, errors: &mut Errors) -> Vec<Rule> {
    let mut rules: Vec<Rule> = Vec::new();
    for (field, rule) in written {
        let name = rule.to_string();
        if let Some(first) = rules.iter().find(|earlier| earlier.field == field) {
            let (earlier, line) = (&first.rule, line(first.field.span()));
            errors.at(
                field.span(),
                format!("`{field}` has two rules, `{earlier}`{line} and this one; leave one out"),
            );
        } else if RULES.contains(&name.as_str()) {
            rules.push(Rule { field, rule });
        } else {
            let fix = match name.as_str() {
                "sum" | "increment" | "count" | "counter" => "; did you mean `add`?".to_owned(),
                "append" | "concat" | "push" => {
                    "; appending to a list merges without a rule".to_owned()
                }
                "reject" => format!(
                    "; leave the rule out, and `on_conflict: reject` rejects changes of `{field}`"
                ),
                _ => hint(&name, RULES),
            };
            errors.at(rule.span(), format!("there is no rule `{name}`{fix}"));
        }
    }
    rules
}

/// Reports passwords in URLs: secrets in the source end up in version control and in the binary.
fn refuse_passwords(value: &Expr, errors: &mut Errors) {
    let mut found = Vec::new();
    literals(value.to_token_stream(), &mut found);
    for literal in found {
        let tokens = TokenStream::from(proc_macro2::TokenTree::from(literal.clone()));
        if let Ok(Lit::Str(text)) = syn::parse2(tokens)
            && has_password(&text.value())
        {
            errors.at(
                literal.span(),
                "everyone who can read the source can read this password (ASVS 13.3.1); take the \
                 URL from the environment: `std::env::var(\"REDIS_URL\")?`",
            );
        }
    }
}

/// Whether a text is a `scheme://user:password@host` whose password is not a `format!` placeholder.
fn has_password(text: &str) -> bool {
    let Some((_, rest)) = text.split_once("://") else {
        return false;
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    authority
        .rsplit_once('@')
        .and_then(|(user, _)| user.split_once(':'))
        .is_some_and(|(_, password)| !password.is_empty() && !password.starts_with('{'))
}
