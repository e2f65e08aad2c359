//! Parses `vis struct Name { key: value, … }`, option by option. An option that
//! cannot be parsed is reported and skipped.

use proc_macro2::{Ident, TokenTree};
use quote::ToTokens as _;
use syn::parse::ParseStream;
use syn::parse::discouraged::Speculative as _;
use syn::{Attribute, Token, Type, Visibility, braced, token};

use super::entry::{Entry, Value};
use super::stray_tokens::{decoration, unexpected};
use super::{hints, rules};
use crate::choice::words;
use crate::errors::Errors;
use crate::loaders;
use crate::tokens::{self, at_word, mentions, skip_to, word};

/// A config as written.
pub(super) struct Written {
    pub(super) attrs: Vec<Attribute>,
    pub(super) visibility: Visibility,
    pub(super) name: Ident,
    pub(super) options: Vec<Entry>,
}

pub(super) fn parse(input: ParseStream<'_>, errors: &mut Errors) -> syn::Result<Written> {
    let attrs = attributes(input, errors)?;
    let visibility = input.parse()?;
    if !input.peek(Token![struct]) {
        let error = syn::Error::new(
            input.span(),
            "a config is written as a struct: `pub struct Shop { idle_timeout: 30m }`",
        );
        rest(input);
        return Err(error);
    }
    input.parse::<Token![struct]>()?;
    let place = input.span();
    let name: Ident = input.parse().map_err(|_| {
        rest(input);
        syn::Error::new(place, "a config needs a name: `pub struct Shop { … }`")
    })?;
    let mut parameters = Vec::new();
    let mut written = Written {
        attrs,
        visibility,
        name,
        options: Vec::new(),
    };
    if input.peek(Token![<]) {
        errors.add(
            input.error(
                "a config cannot have parameters; write a separate config for each data type",
            ),
        );
        while !input.is_empty() && !input.peek(token::Brace) && !input.peek(Token![;]) {
            parameters.push(input.parse::<TokenTree>()?.to_string());
        }
    }
    if input.peek(Token![;]) {
        input.parse::<Token![;]>()?;
    } else if input.peek(token::Brace) {
        let content;
        braced!(content in input);
        options(&content, &mut written.options, errors)?;
    } else {
        errors.add(input.error("the options go in braces: `{ idle_timeout: 30m }`"));
        rest(input);
    }
    // Drop types that use the parameters, because the parameters are dropped too.
    for Entry { value, .. } in &mut written.options {
        if let Value::Type(ty) | Value::Store(ty, _) = &*value
            && mentions(&ty.to_token_stream(), |word| {
                parameters.iter().any(|parameter| word == parameter)
            })
        {
            *value = Value::Broken;
        }
    }
    let _: Option<Token![;]> = input.parse()?;
    if !input.is_empty() {
        errors.add(input.error(
            "`session_config!` declares one config; write another `session_config!` for this",
        ));
        rest(input);
    }
    Ok(written)
}

/// The attributes of the struct. An attribute with the name of an option is
/// reported and dropped.
fn attributes(input: ParseStream<'_>, errors: &mut Errors) -> syn::Result<Vec<Attribute>> {
    if input.peek(Token![#]) && input.peek2(Token![!]) {
        let error = input.error("an attribute of the config goes above it: `/// …`");
        errors.add(error);
        input.call(Attribute::parse_inner)?;
    }
    let mut attrs = input.call(Attribute::parse_outer)?;
    attrs.retain(|attr| {
        let option = attr.path().get_ident().map(ToString::to_string);
        let option = option.filter(|name| hints::OPTIONS.contains(&name.as_str()));
        if let Some(name) = &option {
            let message = format!("an option goes in the braces: `{name}: …`");
            errors.spanning(attr.path(), message);
        }
        option.is_none()
    });
    Ok(attrs)
}

/// Consumes the remaining tokens, because `parse2` fails if any are left.
fn rest(input: ParseStream<'_>) {
    while !input.is_empty() && input.parse::<TokenTree>().is_ok() {}
}

fn options(input: ParseStream<'_>, found: &mut Vec<Entry>, errors: &mut Errors) -> syn::Result<()> {
    while !input.is_empty() {
        let decorated = decoration(input, errors);
        match entry(input, errors) {
            Ok(entry) => found.extend(entry.map(|entry| {
                if decorated {
                    Entry {
                        value: Value::Broken,
                        ..entry
                    }
                } else {
                    entry
                }
            })),
            Err(error) => {
                errors.add(error);
                skip_to(input, hints::begins);
            }
        }
        if !input.is_empty() && !input.peek(Token![,]) {
            let (error, continues) = unexpected(input, found);
            errors.add(error);
            if continues {
                continue;
            }
            skip_to(input, hints::begins);
        }
        let _: Option<Token![,]> = input.parse()?;
    }
    Ok(())
}

fn entry(input: ParseStream<'_>, errors: &mut Errors) -> syn::Result<Option<Entry>> {
    if !at_word(input) {
        let message = if input.peek(Token![,]) {
            "unexpected comma; leave it out"
        } else if let Some(key) = quoted_key(input) {
            return Err(input.error(format!("an option is written without quotes: `{key}: …`")));
        } else if input.peek(Token![..]) {
            "an option that is not given has its default; leave `..` out"
        } else {
            "an option is written as `key: value`, such as `idle_timeout: 30m`"
        };
        return Err(input.error(message));
    }
    let key = word(input)?;
    let name = key.to_string();
    if !hints::OPTIONS.contains(&name.as_str()) {
        errors.at(key.span(), hints::unknown(&name, is_field(input)));
        let meant = meant_type(input, &key);
        if meant.is_none() {
            skip_to(input, hints::begins);
        }
        return Ok(meant);
    }
    let value = match value(input, &key, errors) {
        Ok(value) => value,
        Err(error) => {
            errors.add(error);
            skip_to(input, hints::begins);
            Value::Broken
        }
    };
    Ok(Some(Entry { key, value }))
}

/// The entry for `data` or `store` under a misspelled name: without its type, each use of the data in a
/// handler would be another error.
fn meant_type(input: ParseStream<'_>, key: &Ident) -> Option<Entry> {
    let meant =
        hints::meant(&key.to_string()).filter(|meant| matches!(*meant, "data" | "store"))?;
    let key = Ident::new(meant, key.span());
    let ahead = input.fork();
    let value = value(&ahead, &key, &mut Errors::default()).ok()?;
    if !ahead.is_empty() && !ahead.peek(Token![,]) {
        return None;
    }
    input.advance_to(&ahead);
    Some(Entry { key, value })
}

/// The text of a key in quotes, as in JSON.
fn quoted_key(input: ParseStream<'_>) -> Option<String> {
    let key = input.fork().parse::<syn::LitStr>().ok()?;
    input.peek2(Token![:]).then(|| key.value())
}

/// Whether a type follows, as it does after the name of a field: `: Vec<String>`, `: u64`.
fn is_field(input: ParseStream<'_>) -> bool {
    const PRIMITIVE: &[&str] = &[
        "bool", "char", "u8", "u16", "u32", "u64", "usize", "i8", "i16", "i32", "i64", "f32", "f64",
    ];
    let ahead = input.fork();
    if ahead.parse::<Token![:]>().is_err() {
        return false;
    }
    let Ok(Type::Path(path)) = ahead.parse() else {
        return false;
    };
    let ends = ahead.is_empty() || ahead.peek(Token![,]);
    ends && path.path.segments.last().is_some_and(|last| {
        let name = last.ident.to_string();
        let capital = name.starts_with(char::is_uppercase) && name.contains(char::is_lowercase);
        capital || PRIMITIVE.contains(&name.as_str())
    })
}

fn value(input: ParseStream<'_>, key: &Ident, errors: &mut Errors) -> syn::Result<Value> {
    let name = key.to_string();
    if input.peek(Token![:]) && !input.peek(Token![::]) {
        input.parse::<Token![:]>()?;
    } else if input.is_empty() || input.peek(Token![,]) || input.peek(Token![;]) {
        return Err(no_value(key));
    } else {
        let error = input.error(format!("an option is written with a colon: `{name}: …`"));
        if !input.peek(Token![=]) || input.peek(Token![=>]) {
            return Err(error);
        }
        errors.add(error);
        input.parse::<Token![=]>()?;
    }
    if input.is_empty() || input.peek(Token![,]) {
        return Err(no_value(key));
    }
    match name.as_str() {
        "data" => {
            not_text(input, "`data` takes a type, without quotes: `data: Cart`")?;
            Ok(Value::Type(ty(input, "`data` takes a type: `data: Cart`")?))
        }
        "store" => {
            not_text(
                input,
                "`store` takes a type, without quotes: `store: RedisStore = …`",
            )?;
            let fix = "`store` takes a type and, if needed, a value: `store: RedisStore = \
                        RedisStore::connect(…).await?`";
            let ty = ty(input, fix)?;
            let value = match input.parse::<Option<Token![=]>>()? {
                Some(_) => Some(tokens::value(
                    input,
                    "store: RedisStore = RedisStore::connect(…).await?",
                )?),
                None => None,
            };
            Ok(Value::Store(ty, value))
        }
        "loaders" => {
            let (brackets, loaders, broken) = loaders::parse(input, errors)?;
            Ok(Value::Loaders {
                brackets,
                loaders,
                broken,
            })
        }
        "emit" | "on_conflict" | "on_ended" | "on_store_error" | "on_undecodable" | "on_reuse"
        | "on_max_sessions" | "commit" => Ok(Value::Words(words(input, key)?)),
        "trusted_proxy" => {
            not_text(
                input,
                "`trusted_proxy` names the headers of a proxy, not its address; write \
                 `trusted_proxy: x_forwarded` or `trusted_proxy: forwarded`",
            )?;
            Ok(Value::Words(words(input, key)?))
        }
        "merge" => Ok(Value::Rules(rules::parse(input, errors)?)),
        "crate" => {
            not_text(
                input,
                "`crate` takes a path, without quotes: `crate: ::connect_session`",
            )?;
            Ok(Value::Library(tokens::library(input)?))
        }
        _ => {
            let example = format!("{key}: {}", example(key));
            Ok(Value::Expr(tokens::value(input, &example)?))
        }
    }
}

fn ty(input: ParseStream<'_>, fix: &str) -> syn::Result<Type> {
    let start = input.span();
    input.parse().map_err(|_| syn::Error::new(start, fix))
}

fn no_value(key: &Ident) -> syn::Error {
    let example = example(key);
    syn::Error::new(
        key.span(),
        format!("`{key}` has no value; write `{key}: {example}`"),
    )
}

fn example(key: &Ident) -> &'static str {
    match key.to_string().as_str() {
        "data" => "Cart",
        "loaders" => "[header(\"X-User-Session\")]",
        "emit" => "header",
        "store" => "RedisStore = RedisStore::connect(…).await?",
        "adopt" => "ExpressSessions::connect(…).await?.adopt(crate::convert)",
        "absolute_timeout" => "24h",
        "touch_every" => "3m",
        "first_use_timeout" | "renew_every" => "10m",
        "renew_grace" => "30s",
        "max_size" => "64KiB",
        "max_fields" => "1_000",
        "max_sessions" => "5",
        "on_reuse" => "end",
        "on_max_sessions" => "end_oldest",
        "data_version" => "2",
        "write_version" => "1",
        "migrate" => "crate::migrate",
        "merge" => "{ visits: add }",
        "on_conflict" | "on_ended" | "on_store_error" | "on_undecodable" => "reject",
        "commit" => "on_ok",
        "trusted_proxy" => "x_forwarded",
        "namespace" => "\"shop\"",
        "on_event" => "crate::log_event",
        "crate" => "::connect_session",
        _ => "30m",
    }
}

fn not_text(input: ParseStream<'_>, message: &str) -> syn::Result<()> {
    if input.peek(syn::LitStr) {
        return Err(input.error(message));
    }
    Ok(())
}
