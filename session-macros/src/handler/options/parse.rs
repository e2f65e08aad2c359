//! Parses the options.

use proc_macro2::{Group, Ident, TokenStream};
use quote::ToTokens as _;
use syn::parse::ParseStream;
use syn::{Expr, Token, token};

use super::super::hints;
use super::super::model::Mode;
use crate::choice::{CACHE, Choice, EMIT, ON_UNDECODABLE, Variants, choose, words};
use crate::errors::Errors;
use crate::loaders::{Args, Raw};
use crate::tokens::{at_word, library, separator, skip_entry, value, word};

/// The options that have been parsed so far.
#[derive(Default)]
pub(super) struct Written {
    pub(super) seen: Vec<Ident>,
    pub(super) mode: Option<(Mode, Ident)>,
    /// An option was unknown. It may have been intended as the mode.
    pub(super) unknown: bool,
    pub(super) loaders: Vec<Raw>,
    /// A loader could not be parsed, so checks that need all loaders are skipped.
    pub(super) broken: bool,
    /// Reasons. One without a value has already been reported.
    pub(super) in_url: Option<(Ident, Option<Expr>)>,
    pub(super) unprefixed: Option<(Ident, Option<Expr>)>,
    pub(super) emit: Option<Choice>,
    pub(super) on_undecodable: Option<Choice>,
    pub(super) lazy: Option<Ident>,
    pub(super) fresh: Option<(Ident, Expr)>,
    pub(super) level: Option<(Ident, Expr)>,
    pub(super) shared: bool,
    pub(super) http: Option<Ident>,
    pub(super) library: Option<TokenStream>,
}

pub(super) fn parse(input: ParseStream<'_>, errors: &mut Errors) -> Written {
    let mut written = Written::default();
    while !input.is_empty() {
        if let Err(error) = entry(input, &mut written, errors) {
            errors.add(error);
            written.unknown = true;
            skip_entry(input);
        }
        if !input.is_empty() && !input.peek(Token![,]) {
            let (error, continues) = unexpected(input, &written);
            errors.add(error);
            if continues {
                continue;
            }
            skip_entry(input);
        }
        if input.parse::<Option<Token![,]>>().is_err() {
            break;
        }
    }
    written
}

/// The error for a token other than the comma after an option, such as a second mode, and whether
/// parsing can continue with it.
fn unexpected(input: ParseStream<'_>, written: &Written) -> (syn::Error, bool) {
    let or = word(&input.fork()).is_ok_and(|word| word == "or" || word == "and");
    if written.mode.is_some() && (or || input.peek(Token![|]) || input.peek(Token![||])) {
        let error = input.error(
            "a handler has one mode: `create` also loads an existing session, `load` never creates one",
        );
        return (error, false);
    }
    separator(input, "options")
}

fn entry(input: ParseStream<'_>, written: &mut Written, errors: &mut Errors) -> syn::Result<()> {
    if let Ok(text) = input.fork().parse::<syn::LitStr>() {
        return Err(input.error(match text.value().as_str() {
            mode @ ("create" | "load") => format!("write `{mode}` without quotes"),
            _ => "an option is not a string; write `create` or `load`, without quotes".to_owned(),
        }));
    }
    if input.peek(Token![,]) {
        return Err(input.error("unexpected comma; leave it out"));
    }
    if !at_word(input) {
        return Err(input.error(
            "this is not an option; write one such as `load` or `header = \"X-User-Session\"`",
        ));
    }
    let key = word(input)?;
    let name = key.to_string();
    if input.peek(Token![::]) {
        written.unknown = true;
        return Err(with_path(input, key)?);
    }
    if input.peek(Token![-]) {
        written.unknown = true;
        return Err(syn::Error::new(
            key.span(),
            "this is not an option; the name of a header is written as `header = \"X-User-Session\"`",
        ));
    }
    if !hints::OPTIONS.contains(&name.as_str()) {
        unknown(&key, &name, written, errors);
        skip_entry(input);
        return Ok(());
    }
    if let Some(mode) = mode(&name) {
        set_mode(mode, key.clone(), written, errors);
        return expect_no_value(input, &key);
    }
    // There may be several loaders of one kind. `loaders::check` reports two with the same name.
    let repeatable = matches!(
        name.as_str(),
        "header" | "cookie" | "query" | "path" | "bearer"
    );
    let first = written.seen.iter().find(|first| **first == key);
    if let (Some(first), false) = (first, repeatable) {
        errors.duplicate(&key, first);
        skip_entry(input);
        return Ok(());
    }
    written.seen.push(key.clone());
    option(input, key, written, errors)
}

/// Parses what follows the name of an option.
fn option(
    input: ParseStream<'_>,
    key: Ident,
    written: &mut Written,
    errors: &mut Errors,
) -> syn::Result<()> {
    match key.to_string().as_str() {
        "bearer" => {
            written.loaders.push(Raw {
                keyword: key.clone(),
                args: None,
            });
            expect_no_value(input, &key)
        }
        "http" => {
            written.http = Some(key.clone());
            expect_no_value(input, &key)
        }
        "lazy" => {
            expect_no_value(input, &key)?;
            written.lazy = Some(key);
            Ok(())
        }
        "fresh" => {
            written.fresh = Some(amount(input, key, "5m")?);
            Ok(())
        }
        "level" => {
            written.level = Some(amount(input, key, "2")?);
            Ok(())
        }
        "emit" => {
            written.emit = choice(input, &key, "header", EMIT, errors)?;
            Ok(())
        }
        "on_undecodable" => {
            written.on_undecodable = choice(input, &key, "replace", ON_UNDECODABLE, errors)?;
            Ok(())
        }
        "cache" => {
            written.shared = choice(input, &key, "shared", CACHE, errors)?.is_some();
            Ok(())
        }
        "crate" => {
            equals(input, &key, "::connect_session")?;
            if input.peek(syn::LitStr) {
                return Err(input
                    .error("`crate` takes a path, without quotes: `crate = ::connect_session`"));
            }
            written.library = Some(library(input)?.into_token_stream());
            Ok(())
        }
        "allow_in_url" => {
            written.in_url = Some((key.clone(), None));
            written.in_url = Some(reason(input, key, "download links cannot set headers")?);
            Ok(())
        }
        "unprefixed" => {
            written.unprefixed = Some((key.clone(), None));
            written.unprefixed = Some(reason(input, key, "old clients know this name")?);
            Ok(())
        }
        _ => loader(input, key, written).inspect_err(|_| written.broken = true),
    }
}

/// `fresh = 5m`.
fn amount(input: ParseStream<'_>, key: Ident, example: &str) -> syn::Result<(Ident, Expr)> {
    equals(input, &key, example)?;
    let amount = value(input, &format!("{key} = {example}"))?;
    Ok((key, amount))
}

/// `emit = header`.
fn choice(
    input: ParseStream<'_>,
    key: &Ident,
    example: &str,
    variants: Variants,
    errors: &mut Errors,
) -> syn::Result<Option<Choice>> {
    equals(input, key, example)?;
    Ok(choose(key, &words(input, key)?, variants, errors))
}

/// The error for an option that is written as a path.
fn with_path(input: ParseStream<'_>, first: Ident) -> syn::Result<syn::Error> {
    let mut last = first;
    while input.parse::<Option<Token![::]>>()?.is_some() && at_word(input) {
        last = word(input)?;
    }
    let known = hints::OPTIONS.iter().find(|known| last == **known);
    let example = known.unwrap_or(&"load");
    Ok(syn::Error::new(
        last.span(),
        format!("an option is written without a path: `{example}`"),
    ))
}

fn set_mode(mode: Mode, key: Ident, written: &mut Written, errors: &mut Errors) {
    match &written.mode {
        Some((earlier, first)) if *earlier == mode => errors.duplicate(&key, first),
        Some((_, first)) => errors.at(
            key.span(),
            format!(
                "a handler has one mode, but `{first}` is already given; `create` also loads an \
                 existing session, `load` never creates one"
            ),
        ),
        None => written.mode = Some((mode, key)),
    }
}

/// `header = "X-User-Session"`.
fn loader(input: ParseStream<'_>, key: Ident, written: &mut Written) -> syn::Result<()> {
    let example = match key.to_string().as_str() {
        "header" => "\"X-User-Session\"",
        "cookie" => "\"__Host-sid\"",
        _ => "\"sid\"",
    };
    if input.peek(token::Paren) {
        let group: Group = input.parse()?;
        let fix = if key == "cookie" {
            "; a cookie with attributes goes into `session_config!`"
        } else {
            ""
        };
        let name = syn::parse2::<syn::LitStr>(group.stream());
        let name = name.map_or_else(|_| example.to_owned(), |name| format!("{:?}", name.value()));
        return Err(syn::Error::new(
            group.span(),
            format!("in `#[session]` a loader is written as `{key} = {name}`{fix}"),
        ));
    }
    equals(input, &key, example)?;
    let name = value(input, &format!("{key} = {example}"))?;
    written.loaders.push(Raw {
        args: Some(Args {
            span: key.span(),
            positional: vec![name],
            named: Vec::new(),
            broken: false,
        }),
        keyword: key,
    });
    Ok(())
}

/// `allow_in_url = "why"`.
fn reason(input: ParseStream<'_>, key: Ident, example: &str) -> syn::Result<(Ident, Option<Expr>)> {
    equals(input, &key, &format!("\"{example}\""))?;
    let reason = value(input, &format!("{key} = \"{example}\""))?;
    Ok((key, Some(reason)))
}

/// Reports a value after an option that takes none.
fn expect_no_value(input: ParseStream<'_>, key: &Ident) -> syn::Result<()> {
    if input.is_empty() || input.peek(Token![,]) {
        return Ok(());
    }
    if input.peek(Token![=]) || input.peek(token::Paren) || input.peek(Token![:]) {
        return Err(input.error(format!("`{key}` takes no value; write only `{key}`")));
    }
    if input.peek(Token![<]) {
        return Err(input.error(format!(
            "`{key}` takes no type; the type of the argument selects the config: \
             `session: Session<Shop>`"
        )));
    }
    Ok(())
}

fn equals(input: ParseStream<'_>, key: &Ident, example: &str) -> syn::Result<()> {
    let missing = || {
        syn::Error::new(
            key.span(),
            format!("`{key}` has no value; write `{key} = {example}`"),
        )
    };
    if input.peek(Token![:]) || input.peek(token::Paren) {
        return Err(input.error(format!(
            "an option of `#[session]` is written with `=`: `{key} = {example}`"
        )));
    }
    if !input.peek(Token![=]) {
        return Err(missing());
    }
    input.parse::<Token![=]>()?;
    if input.is_empty() || input.peek(Token![,]) {
        return Err(missing());
    }
    Ok(())
}

fn unknown(key: &Ident, name: &str, written: &mut Written, errors: &mut Errors) {
    written.unknown = true;
    // The expansion depends on the mode, so use the one that was probably intended.
    if let (Some(near), None) = (hints::nearest_option(name), &written.mode) {
        written.mode = mode(near).map(|mode| (mode, key.clone()));
    }
    errors.at(key.span(), hints::unknown(name));
}

fn mode(word: &str) -> Option<Mode> {
    match word {
        "create" => Some(Mode::Create),
        "load" => Some(Mode::Load),
        _ => None,
    }
}
