//! Reads and judges what stands in the parentheses of `#[session(…)]`.

use proc_macro2::{Group, Ident, Span, TokenStream};
use quote::ToTokens as _;
use syn::parse::ParseStream;
use syn::{Expr, Token, token};

use super::hints;
use super::model::Mode;
use crate::choice::{Choice, EMIT, choose, words};
use crate::config;
use crate::errors::Errors;
use crate::loaders::{self, Args, Loader, Named, Place, Raw};
use crate::tokens::{at_word, library, separator, skip_entry, value, word};

/// What an attribute says.
#[derive(Default)]
pub(super) struct Options {
    pub(super) mode: Mode,
    /// The word that said so.
    pub(super) mode_word: Option<Ident>,
    pub(super) loaders: Vec<Loader>,
    pub(super) emit: Option<Choice>,
    pub(super) http: Option<Ident>,
    pub(super) library: Option<TokenStream>,
}

/// What has been read so far.
#[derive(Default)]
struct Written {
    seen: Vec<Ident>,
    mode: Option<(Mode, Ident)>,
    /// A word was not understood; perhaps it was the mode.
    unknown: bool,
    loaders: Vec<Raw>,
    /// A loader could not be read, so what depends on all of them is not judged.
    broken: bool,
    in_url: Option<(Ident, Option<Expr>)>,
    emit: Option<Choice>,
    http: Option<Ident>,
    library: Option<TokenStream>,
}

pub(super) fn parse(input: ParseStream<'_>, errors: &mut Errors) -> Options {
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
    judge(written, errors)
}

/// What may follow an option is a comma. A mode is often followed by another one.
fn unexpected(input: ParseStream<'_>, written: &Written) -> (syn::Error, bool) {
    let or = word(&input.fork()).is_ok_and(|word| word == "or" || word == "and");
    if written.mode.is_some() && (or || input.peek(Token![|]) || input.peek(Token![||])) {
        let error = input.error(
            "a handler has one mode: `create` finds a living session too, `load` never begins one",
        );
        return (error, false);
    }
    separator(input, "options")
}

fn entry(input: ParseStream<'_>, written: &mut Written, errors: &mut Errors) -> syn::Result<()> {
    if let Ok(text) = input.fork().parse::<syn::LitStr>() {
        return Err(input.error(match text.value().as_str() {
            mode @ ("create" | "load") => format!("write `{mode}` without quotes"),
            _ => "write `create` or `load`, without quotes".to_owned(),
        }));
    }
    if input.peek(Token![,]) {
        return Err(input.error("there is a comma too many"));
    }
    if !at_word(input) {
        return Err(
            input.error("an option is a word, such as `load` or `header = \"X-User-Session\"`")
        );
    }
    let key = word(input)?;
    let name = key.to_string();
    if input.peek(Token![::]) {
        written.unknown = true;
        let mut last = key;
        while input.parse::<Option<Token![::]>>()?.is_some() && at_word(input) {
            last = word(input)?;
        }
        let known = hints::OPTIONS.iter().find(|known| last == **known);
        let example = known.unwrap_or(&"load");
        return Err(syn::Error::new(
            last.span(),
            format!("an option is one word, without a path: `{example}`"),
        ));
    }
    if input.peek(Token![-]) {
        written.unknown = true;
        return Err(syn::Error::new(
            key.span(),
            "an option is a word; the name of a header is its value: `header = \"X-User-Session\"`",
        ));
    }
    if !hints::OPTIONS.contains(&name.as_str()) {
        unknown(&key, &name, written, errors);
        skip_entry(input);
        return Ok(());
    }
    if let Some(mode) = mode(&name) {
        set_mode(mode, key.clone(), written, errors);
        return alone(input, &key);
    }
    // A header may be overridden by two headers, but not by one twice: that is the loaders' rule.
    let repeatable = matches!(
        name.as_str(),
        "header" | "cookie" | "query" | "path" | "bearer"
    );
    let first = written.seen.iter().find(|first| **first == key);
    if let (Some(first), false) = (first, repeatable) {
        errors.twice(&key, first);
        skip_entry(input);
        return Ok(());
    }
    written.seen.push(key.clone());
    match name.as_str() {
        "bearer" => {
            written.loaders.push(Raw {
                keyword: key.clone(),
                args: None,
            });
            alone(input, &key)
        }
        "http" => {
            written.http = Some(key.clone());
            alone(input, &key)
        }
        "emit" => {
            equals(input, &key, "header")?;
            written.emit = choose(&key, &words(input, &key)?, EMIT, errors);
            Ok(())
        }
        "crate" => {
            equals(input, &key, "::connect_session")?;
            if input.peek(syn::LitStr) {
                return Err(
                    input.error("this is a path, without quotes: `crate = ::connect_session`")
                );
            }
            written.library = Some(library(input)?.into_token_stream());
            Ok(())
        }
        "allow_in_url" => {
            written.in_url = Some((key.clone(), None));
            equals(input, &key, "\"download links cannot set headers\"")?;
            let reason = value(
                input,
                "allow_in_url = \"download links cannot set headers\"",
            )?;
            written.in_url = Some((key, Some(reason)));
            Ok(())
        }
        _ => loader(input, key, written).inspect_err(|_| written.broken = true),
    }
}

fn set_mode(mode: Mode, key: Ident, written: &mut Written, errors: &mut Errors) {
    match &written.mode {
        Some((earlier, first)) if *earlier == mode => errors.twice(&key, first),
        Some((_, first)) => errors.at(
            key.span(),
            format!(
                "a handler has one mode, and this one says `{first}` before; `create` finds a \
                 living session too, `load` never begins one"
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
        let mend = if key == "cookie" {
            "; a cookie with attributes belongs into `session_config!`"
        } else {
            ""
        };
        let name = syn::parse2::<syn::LitStr>(group.stream());
        let name = name.map_or_else(|_| example.to_owned(), |name| format!("{:?}", name.value()));
        return Err(syn::Error::new(
            group.span(),
            format!("in an attribute a loader is written `{key} = {name}`{mend}"),
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

/// A word that takes no value.
fn alone(input: ParseStream<'_>, key: &Ident) -> syn::Result<()> {
    if input.is_empty() || input.peek(Token![,]) {
        return Ok(());
    }
    if input.peek(Token![=]) || input.peek(token::Paren) || input.peek(Token![:]) {
        return Err(input.error(format!("`{key}` stands alone, without a value")));
    }
    if input.peek(Token![<]) {
        return Err(input.error(format!(
            "`{key}` stands alone; the type of the argument says which config it is: \
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
            "an option of an attribute is written with `=`: `{key} = {example}`"
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
    // The mode that was meant decides over the types of what is put out.
    if let (Some(near), None) = (hints::meant(name), &written.mode) {
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

fn judge(written: Written, errors: &mut Errors) -> Options {
    let Written {
        mode,
        unknown,
        mut loaders,
        broken,
        in_url,
        mut emit,
        http,
        library,
        ..
    } = written;
    if mode.is_none() && !unknown {
        // Where there is nothing to point at, the attribute as a whole is the place.
        let place = loaders
            .first()
            .map(|loader| loader.keyword.span())
            .or_else(|| http.as_ref().map(Ident::span))
            .unwrap_or_else(Span::call_site);
        errors.at(
            place,
            "say what the handler does with its session: `#[session(create)]` begins one, \
             `#[session(load)]` finds one",
        );
    }
    if let Some((key, value)) = in_url {
        let mut used = broken;
        for loader in &mut loaders {
            if let ("query" | "path", Some(args)) =
                (loader.keyword.to_string().as_str(), &mut loader.args)
            {
                used = true;
                args.named.push(Named {
                    key: key.clone(),
                    value: value.clone(),
                });
            }
        }
        if !used {
            errors.at(
                key.span(),
                "`allow_in_url` is the reason for `query = …` or `path = …`, and there is neither",
            );
        }
    }
    let checked = loaders::check(&loaders, Place::Attribute, errors);
    let complete = !broken && checked.len() == loaders.len();
    if let (Some(choice), true, false) = (&emit, complete, checked.is_empty())
        && let Some(message) = config::unread(choice.variant, &checked)
    {
        errors.at(choice.written.span(), message);
        emit = None;
    }
    let (mode, mode_word) = mode.unzip();
    Options {
        mode: mode.unwrap_or_default(),
        mode_word,
        loaders: checked,
        emit,
        http,
        library,
    }
}
