//! Checks options against each other.

use proc_macro2::TokenStream;
use quote::quote;

use super::model::{Amount, Config};
use crate::errors::Errors;
use crate::loaders::{Kind, Loader, const_check, rule_named};
use crate::quantity::Quantity;
use crate::units::DURATION;
use connect_session_rules::{self as rules, Fault};

/// Reports options that contradict each other, and resets the offending one to its default.
pub(super) fn check(config: &mut Config, errors: &mut Errors) {
    if !config.is_invalid("loaders") {
        emit(config, errors);
    }
    durations(config, errors);
    versions(config, errors);
    on_max_sessions(config, errors);
    on_reuse(config, errors);
    if let (Some(grace), None, false) = (
        &config.renew_grace,
        &config.renew_every,
        config.is_invalid("renew_every"),
    ) && config.adopt.is_none()
        && !config.is_invalid("adopt")
    {
        errors.at(
            grace.key.span(),
            "`renew_grace` has no effect without `renew_every`; add `renew_every: 10m`, or leave it out",
        );
    }
}

/// Checks the versions of the data, and whether `migrate` is there if and only if it has a use.
fn versions(config: &mut Config, errors: &mut Errors) {
    if config.is_invalid("data_version") {
        return;
    }
    let current = match &config.data_version {
        Some(amount) => amount.quantity.known(),
        None => Some(1),
    };
    if let (Some(written), Some(current)) = (&config.write_version, current)
        && let Some(fault) =
            (written.quantity.known()).and_then(|number| rules::write_within_data(number, current))
    {
        errors.at(written.quantity.span(), fault.reason);
        config.write_version = None;
    }
    match (&config.data_version, &config.migrate) {
        (Some(version), None) if current != Some(1) && !config.is_invalid("migrate") => errors.at(
            version.key.span(),
            "sessions of earlier versions are still stored; say how to bring their fields to this version: \
             `migrate: crate::migrate`, a `fn(from: u32, fields: &mut Fields) -> Result<(), BoxError>`",
        ),
        (_, Some((key, _))) if current == Some(1) => errors.at(
            key.span(),
            "`migrate` has no effect on version 1 of the data; add `data_version: 2`, or leave it out",
        ),
        _ => {}
    }
}

fn emit(config: &mut Config, errors: &mut Errors) {
    if let Some(choice) = &config.emit
        && let Some(message) = check_emit(choice.variant, &config.loaders)
    {
        errors.at(choice.written.span(), message);
        config.emit = None;
    }
}

/// Returns an error message if no loader can read a sid that is emitted this way.
pub(crate) fn check_emit(emit: &str, loaders: &[Loader]) -> Option<String> {
    let cookies = loaders.iter().filter(|one| one.kind.is_cookie()).count();
    match emit {
        "Cookie" if cookies == 0 => Some(
            "no loader reads a cookie, so the client could never send this sid back; add \
             `cookie(\"__Host-sid\")` to the loaders"
                .to_owned(),
        ),
        "Header" if cookies > 0 && cookies == loaders.len() => Some(
            "all loaders read cookies, so the client could never send this sid back; add \
             `header(\"X-User-Session\")` to the loaders"
                .to_owned(),
        ),
        _ => None,
    }
}

/// A rule about two durations. The error points at the first one if it was given, otherwise at the
/// second.
struct Relation<'a> {
    check: &'static str,
    rule: fn(u64, u64) -> Option<Fault>,
    first: Side<'a>,
    second: Side<'a>,
}

/// One of the two durations.
struct Side<'a> {
    name: &'static str,
    given: Option<&'a Amount>,
    default: Option<u64>,
}

impl Side<'_> {
    fn known(&self) -> Option<u64> {
        match self.given {
            Some(amount) => amount.quantity.known(),
            None => self.default,
        }
    }

    fn value(&self) -> Option<TokenStream> {
        match self.given {
            Some(Amount { quantity, .. }) => Some(quote!(#quantity)),
            None => self
                .default
                .map(|amount| quote!(::core::time::Duration::from_millis(#amount))),
        }
    }
}

fn relations(config: &Config) -> [Relation<'_>; 5] {
    let side = |name, given, default: Option<u64>| Side {
        name,
        given: Option::as_ref(given),
        // An invalid option, which is already reported, does not have its default.
        default: default.filter(|_| !config.is_invalid(name)),
    };
    let idle = || {
        side(
            "idle_timeout",
            &config.idle_timeout,
            Some(rules::DEFAULT_IDLE),
        )
    };
    let absolute = || {
        let default = Some(rules::DEFAULT_ABSOLUTE);
        side("absolute_timeout", &config.absolute_timeout, default)
    };
    let renew = || side("renew_every", &config.renew_every, None);
    [
        Relation {
            check: "idle_within_absolute",
            rule: rules::idle_within_absolute,
            first: idle(),
            second: absolute(),
        },
        Relation {
            check: "first_use_within_idle",
            rule: rules::first_use_within_idle,
            first: side("first_use_timeout", &config.first_use_timeout, None),
            second: idle(),
        },
        Relation {
            check: "touch_within_idle",
            rule: rules::touch_within_idle,
            first: side("touch_every", &config.touch_every, None),
            second: idle(),
        },
        Relation {
            check: "renew_within_absolute",
            rule: rules::renew_within_absolute,
            first: renew(),
            second: absolute(),
        },
        Relation {
            check: "grace_within_renewal",
            rule: rules::grace_within_renewal,
            first: side(
                "renew_grace",
                &config.renew_grace,
                Some(rules::DEFAULT_GRACE),
            ),
            second: renew(),
        },
    ]
}

fn durations(config: &mut Config, errors: &mut Errors) {
    let mut wrong = Vec::new();
    for Relation {
        rule,
        first,
        second,
        ..
    } in relations(config)
    {
        let (Some(a), Some(b)) = (first.known(), second.known()) else {
            continue;
        };
        let (Some(fault), Some(blamed)) = (rule(a, b), first.given.or(second.given)) else {
            continue;
        };
        let other = if first.given.is_some() {
            &second
        } else {
            &first
        };
        let note = match &other.given.map(|amount| &amount.quantity) {
            Some(Quantity::Known { written, .. }) => format!(" (`{}: {written}`)", other.name),
            Some(Quantity::Constant(_)) => String::new(),
            None => format!(
                " (`{}` is {} by default)",
                other.name,
                DURATION.write(other.default.unwrap_or_default())
            ),
        };
        errors.at(blamed.quantity.span(), format!("{}{note}", fault.reason));
        wrong.push(blamed.key.to_string());
    }
    if let (Some(absolute), Some(cookie)) = (&config.absolute_timeout, persistent(config))
        && let Some(fault) = absolute.quantity.known().and_then(rules::cookie_lifetime)
    {
        let _ = cookie;
        errors.at(absolute.quantity.span(), fault.reason);
        wrong.push(absolute.key.to_string());
    }
    for name in wrong {
        match name.as_str() {
            "idle_timeout" => config.idle_timeout = None,
            "absolute_timeout" => config.absolute_timeout = None,
            "first_use_timeout" => config.first_use_timeout = None,
            "touch_every" => config.touch_every = None,
            "renew_every" => config.renew_every = None,
            _ => config.renew_grace = None,
        }
    }
}

/// An option that has no effect without another one.
fn on_max_sessions(config: &mut Config, errors: &mut Errors) {
    if let Some(choice) = &config.on_max_sessions
        && config.max_sessions.is_none()
        && !config.is_invalid("max_sessions")
    {
        errors.at(
            choice.written.span(),
            "this has no effect without `max_sessions`; add `max_sessions: 5`, or leave it out",
        );
        config.on_max_sessions = None;
    }
}

/// Only a renewal replaces a secret that is then watched.
fn on_reuse(config: &mut Config, errors: &mut Errors) {
    if let Some(choice) = &config.on_reuse
        && config.renew_every.is_none()
        && !config.is_invalid("renew_every")
    {
        errors.at(
            choice.written.span(),
            "this has no effect without `renew_every`; add `renew_every: 10m`, or leave it out",
        );
        config.on_reuse = None;
    }
}

/// The `persistent` of the first cookie that has one.
fn persistent(config: &Config) -> Option<&proc_macro2::Ident> {
    config.loaders.iter().find_map(|loader| match &loader.kind {
        Kind::Cookie(cookie) => cookie.persistent.as_ref(),
        _ => None,
    })
}

/// The same checks as items, for constants that only the compiler can evaluate.
pub(super) fn const_checks(config: &Config, private: &TokenStream) -> Vec<TokenStream> {
    let mut checks = Vec::new();
    let constant = |amount: &&Amount| matches!(amount.quantity, Quantity::Constant(_));
    let single_options = [
        (&config.idle_timeout, "duration"),
        (&config.absolute_timeout, "duration"),
        (&config.first_use_timeout, "duration"),
        (&config.touch_every, "duration"),
        (&config.renew_every, "duration"),
        (&config.renew_grace, "grace"),
        (&config.max_size, "size"),
        (&config.max_fields, "fields"),
        (&config.max_sessions, "sessions"),
        (&config.data_version, "version"),
        (&config.write_version, "version"),
    ];
    for (option, check) in single_options {
        if let Some(Amount { key, quantity }) = option.as_ref().filter(constant) {
            checks.push(const_check(
                private,
                &rule_named(check),
                &quote!(#quantity),
                key.span(),
            ));
        }
    }
    let versions = [&config.write_version, &config.data_version];
    let constant_version = versions
        .iter()
        .filter_map(|one| one.as_ref())
        .find(constant);
    if let (Some(Amount { key, .. }), [Some(written), Some(current)]) = (constant_version, versions)
    {
        let (written, current) = (&written.quantity, &current.quantity);
        checks.push(const_check(
            private,
            &rule_named("write_within_data"),
            &quote!(#written, #current),
            key.span(),
        ));
    }
    for relation in relations(config) {
        let sides = [&relation.first, &relation.second];
        let constant_side = sides.iter().filter_map(|side| side.given).find(constant);
        if let (Some(constant_side), Some(a), Some(b)) = (
            constant_side,
            relation.first.value(),
            relation.second.value(),
        ) {
            let arguments = quote!(#a, #b);
            checks.push(const_check(
                private,
                &rule_named(relation.check),
                &arguments,
                constant_side.key.span(),
            ));
        }
    }
    if let (Some(Amount { key, quantity }), Some(_)) = (
        config.absolute_timeout.as_ref().filter(constant),
        persistent(config),
    ) {
        checks.push(const_check(
            private,
            &rule_named("cookie_lifetime"),
            &quote!(#quantity),
            key.span(),
        ));
    }
    checks
}
