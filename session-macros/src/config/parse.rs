//! Reads `vis struct Name { key: value, … }`, option by option: one that cannot be read is
//! reported and skipped.

use proc_macro2::{Ident, Span, TokenTree};
use quote::ToTokens as _;
use syn::parse::ParseStream;
use syn::{Attribute, Expr, Path, Token, Type, Visibility, braced, token};

use super::hints;
use crate::choice::words;
use crate::errors::Errors;
use crate::loaders::{self, Raw};
use crate::quantity::Measure;
use crate::tokens::{at_word, skip_entry, word};
use crate::units::{DURATION, SIZE};

/// A configuration as written.
pub(super) struct Written {
    pub(super) attrs: Vec<Attribute>,
    pub(super) visibility: Visibility,
    pub(super) name: Ident,
    pub(super) options: Vec<Entry>,
}

pub(super) struct Entry {
    pub(super) key: Ident,
    pub(super) value: Value,
}

pub(super) enum Value {
    Type(Type),
    Store(Type, Option<Expr>),
    Loaders {
        brackets: Span,
        loaders: Vec<Raw>,
        broken: bool,
    },
    Words(Vec<Ident>),
    Expr(Expr),
    Rules(Vec<(Ident, Ident)>),
    Library(Path),
    /// Not readable, which is reported.
    Broken,
}

pub(super) fn parse(input: ParseStream<'_>, errors: &mut Errors) -> syn::Result<Written> {
    let attrs = input.call(Attribute::parse_outer)?;
    let visibility = input.parse()?;
    if !input.peek(Token![struct]) {
        let error = input.error(
            "a configuration is written as a struct: `pub struct Shop { idle_timeout: 30m }`",
        );
        rest(input);
        return Err(error);
    }
    input.parse::<Token![struct]>()?;
    let name: Ident = input.parse().inspect_err(|_| rest(input))?;
    let mut written = Written {
        attrs,
        visibility,
        name,
        options: Vec::new(),
    };
    if input.peek(Token![<]) {
        errors.add(input.error("a configuration has no parameters; write one for each data type"));
        while !input.is_empty() && !input.peek(token::Brace) && !input.peek(Token![;]) {
            input.parse::<TokenTree>()?;
        }
    }
    if input.peek(Token![;]) {
        input.parse::<Token![;]>()?;
    } else if input.peek(token::Brace) {
        let content;
        braced!(content in input);
        options(&content, &mut written.options, errors)?;
    } else {
        errors.add(input.error("the options stand in braces: `{ idle_timeout: 30m }`"));
        rest(input);
    }
    if !input.is_empty() {
        errors.add(input.error("one `session_config!` has one configuration; write another one"));
        rest(input);
    }
    Ok(written)
}

/// Takes what is left: what is not read makes a parser fail as a whole.
fn rest(input: ParseStream<'_>) {
    while !input.is_empty() && input.parse::<TokenTree>().is_ok() {}
}

fn options(input: ParseStream<'_>, found: &mut Vec<Entry>, errors: &mut Errors) -> syn::Result<()> {
    while !input.is_empty() {
        if let Some(attrs) = errors.take(input.call(Attribute::parse_outer)) {
            for attr in attrs.iter().filter(|attr| !attr.path().is_ident("doc")) {
                errors.over(attr, "an option has no attributes");
            }
        }
        match entry(input, errors) {
            Ok(entry) => found.extend(entry),
            Err(error) => {
                errors.add(error);
                skip_entry(input);
            }
        }
        if !input.is_empty() && !input.peek(Token![,]) {
            errors.add(unexpected(input, found.last_mut()));
            skip_entry(input);
        }
        let _: Option<Token![,]> = input.parse()?;
    }
    Ok(())
}

/// What may follow a value is a comma; often a unit follows instead, or the next option.
fn unexpected(input: ParseStream<'_>, last: Option<&mut Entry>) -> syn::Error {
    if let (Ok(unit), Some(Entry { key, value })) = (word(&input.fork()), last)
        && let Value::Expr(number) = &*value
        && let Some(measure) = measure(&key.to_string())
        && measure.has_unit(&unit.to_string())
    {
        let number = number.to_token_stream();
        let error = input.error(format!(
            "the unit follows its number without a space: `{number}{unit}`"
        ));
        *value = Value::Broken;
        return error;
    }
    input.error("options are separated by commas; write a `,` before this")
}

pub(super) fn measure(option: &str) -> Option<&'static Measure> {
    match option {
        "idle_timeout" | "absolute_timeout" | "touch_every" | "renew_every" | "renew_grace" => {
            Some(&DURATION)
        }
        "max_size" => Some(&SIZE),
        _ => None,
    }
}

fn entry(input: ParseStream<'_>, errors: &mut Errors) -> syn::Result<Option<Entry>> {
    if !at_word(input) {
        return Err(
            input.error("an option is written as `key: value`, such as `idle_timeout: 30m`")
        );
    }
    let key = word(input)?;
    let name = key.to_string();
    if !hints::OPTIONS.contains(&name.as_str()) {
        errors.at(key.span(), hints::unknown(&name));
        skip_entry(input);
        return Ok(None);
    }
    let value = match value(input, &key, errors) {
        Ok(value) => value,
        Err(error) => {
            errors.add(error);
            skip_entry(input);
            Value::Broken
        }
    };
    Ok(Some(Entry { key, value }))
}

fn value(input: ParseStream<'_>, key: &Ident, errors: &mut Errors) -> syn::Result<Value> {
    let name = key.to_string();
    if input.peek(Token![=]) {
        errors.add(input.error(format!("an option is written with a colon: `{name}: …`")));
        input.parse::<Token![=]>()?;
    } else if input.peek(Token![:]) && !input.peek(Token![::]) {
        input.parse::<Token![:]>()?;
    } else {
        return Err(no_value(key));
    }
    if input.is_empty() || input.peek(Token![,]) {
        return Err(no_value(key));
    }
    match name.as_str() {
        "data" => {
            not_text(input, "a type, without quotes: `data: Cart`")?;
            Ok(Value::Type(input.parse()?))
        }
        "store" => {
            not_text(input, "a type, without quotes: `store: RedisStore = …`")?;
            let ty = input.parse()?;
            let value = match input.parse::<Option<Token![=]>>()? {
                Some(_) => Some(input.parse()?),
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
        "emit" | "on_conflict" | "on_gone" | "on_store_error" | "commit" => {
            Ok(Value::Words(words(input, key)?))
        }
        "merge" => rules(input, errors),
        "crate" => Ok(Value::Library(input.call(Path::parse_mod_style)?)),
        _ => Ok(Value::Expr(input.parse()?)),
    }
}

fn no_value(key: &Ident) -> syn::Error {
    let example = match key.to_string().as_str() {
        "data" => "Cart",
        "loaders" => "[header(\"X-User-Session\")]",
        "emit" => "header",
        "store" => "RedisStore = RedisStore::connect(…).await?",
        "absolute_timeout" => "24h",
        "touch_every" => "3m",
        "renew_every" => "10m",
        "renew_grace" => "30s",
        "max_size" => "64KiB",
        "merge" => "{ visits: add }",
        "on_conflict" | "on_gone" | "on_store_error" => "reject",
        "commit" => "on_ok",
        "namespace" => "\"shop\"",
        "on_event" => "crate::log_event",
        "crate" => "::connect_session",
        _ => "30m",
    };
    syn::Error::new(
        key.span(),
        format!("`{key}` has no value; write `{key}: {example}`"),
    )
}

fn not_text(input: ParseStream<'_>, mend: &str) -> syn::Result<()> {
    if input.peek(syn::LitStr) {
        return Err(input.error(format!("this is {mend}")));
    }
    Ok(())
}

fn rules(input: ParseStream<'_>, errors: &mut Errors) -> syn::Result<Value> {
    if !input.peek(token::Brace) {
        return Err(input.error("the rules stand in braces: `merge: { visits: add }`"));
    }
    let content;
    braced!(content in input);
    let mut rules = Vec::new();
    while !content.is_empty() {
        match rule(&content) {
            Ok(rule) => rules.push(rule),
            Err(error) => {
                errors.add(error);
                skip_entry(&content);
            }
        }
        if !content.is_empty() && !content.peek(Token![,]) {
            errors.add(content.error("rules are separated by commas"));
            skip_entry(&content);
        }
        let _: Option<Token![,]> = content.parse()?;
    }
    Ok(Value::Rules(rules))
}

fn rule(input: ParseStream<'_>) -> syn::Result<(Ident, Ident)> {
    let field: Ident = input
        .parse()
        .map_err(|error| syn::Error::new(error.span(), "a rule names a field: `visits: add`"))?;
    if input.parse::<Token![:]>().is_err() {
        return Err(syn::Error::new(
            field.span(),
            format!("`{field}` has no rule; write `{field}: last_wins`, or another rule"),
        ));
    }
    Ok((field, word(input)?))
}
