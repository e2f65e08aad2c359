//! Lets rust-analyzer complete and document options while they are typed.
//!
//! Every word of an invocation is emitted as the name of a documented constant of the runtime: in
//! an import, for the completion, and as a value, for the documentation. Only rust-analyzer sees
//! this code. Words are taken from the raw tokens, because incomplete input does not parse.

use proc_macro2::{Delimiter, Group, Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens as _, format_ident, quote, quote_spanned};
use syn::Path;
use syn::ext::IdentExt as _;

use crate::tokens::{group, is_punct, is_word, private};

/// A module of `__private::ide`, and the words in place of its constants. There may be no words
/// yet: for a completion, rust-analyzer inserts one and expands again, and expects it at the same place.
struct Scope {
    module: &'static str,
    words: Vec<Ident>,
}

/// The words of `#[session(…)]`, emitted next to the handler. A method gets none: it is not
/// supported, and its `impl` may not allow a constant.
pub(crate) fn session(attr: &TokenStream, item: &TokenStream) -> TokenStream {
    let Some((keyword, name, cfgs, after)) = named(item, "fn") else {
        return TokenStream::new();
    };
    let is_method = after
        .iter()
        .find_map(|token| group(Some(token), Delimiter::Parenthesis))
        .is_some_and(|arguments| {
            let mut tokens = arguments.stream().into_iter();
            tokens.any(|token| is_word(Some(&token), "self"))
        });
    if is_method {
        return TokenStream::new();
    }
    let entries = entries(attr.clone());
    let mut scopes = vec![scope("session", entries.iter().map(|entry| entry.first()))];
    for key in ["emit", "on_undecodable", "cache"] {
        scopes.extend(scope_of_values(key, &entries));
    }
    // In an `impl` of a trait, the compiler's first error is that this constant is not a member of
    // the trait, so its name suggests the fix.
    let name = format_ident!(
        "__session_goes_on_free_functions_{}",
        name.unraw(),
        span = keyword
    );
    expand(
        keyword,
        &quote!(#name),
        &cfgs,
        library(&entries).as_ref(),
        &scopes,
    )
}

/// The words of `session_config!`, emitted next to the config.
pub(crate) fn session_config(input: &TokenStream) -> TokenStream {
    let Some((_, _, cfgs, after)) = named(input, "struct") else {
        return TokenStream::new();
    };
    let body = after
        .iter()
        .find_map(|token| group(Some(token), Delimiter::Brace));
    let entries = entries(body.map(Group::stream).unwrap_or_default());
    let mut scopes = vec![scope(
        "session_config",
        entries.iter().map(|entry| entry.first()),
    )];
    for key in [
        "emit",
        "on_conflict",
        "on_ended",
        "on_store_error",
        "on_undecodable",
        "on_reuse",
        "on_max_sessions",
        "commit",
        "trusted_proxy",
    ] {
        scopes.extend(scope_of_values(key, &entries));
    }
    for entry in &entries {
        let inside = |key, delimiter| group(value_of(entry, key), delimiter).map(Group::stream);
        if let Some(rules) = inside("merge", Delimiter::Brace) {
            let rules = self::entries(rules);
            scopes.push(scope("merge", rules.iter().map(|rule| rule.get(2))));
        }
        if let Some(loaders) = inside("loaders", Delimiter::Bracket) {
            push_loaders(&self::entries(loaders), &mut scopes);
        }
    }
    let place = Span::call_site();
    expand(
        place,
        &quote!(_),
        &cfgs,
        library(&entries).as_ref(),
        &scopes,
    )
}

fn push_loaders(loaders: &[Vec<TokenTree>], scopes: &mut Vec<Scope>) {
    scopes.push(scope(
        "loaders",
        loaders.iter().map(|loader| loader.first()),
    ));
    for loader in loaders {
        let Some(arguments) = group(loader.get(1), Delimiter::Parenthesis) else {
            continue;
        };
        // The first argument is the name.
        let options = entries(arguments.stream());
        let options = options.get(1..).unwrap_or_default();
        let keys = options.iter().map(|option| option.first());
        if is_word(loader.first(), "cookie") {
            scopes.push(scope("cookie", keys));
            scopes.extend(scope_of_values("same_site", options));
        } else if is_word(loader.first(), "query") || is_word(loader.first(), "path") {
            scopes.push(scope("in_url", keys));
        }
    }
}

/// Splits tokens at commas, and removes attributes and doc comments.
fn entries(tokens: TokenStream) -> Vec<Vec<TokenTree>> {
    let mut entries = vec![Vec::new()];
    let mut angles = 0_usize;
    let mut tokens = tokens.into_iter().peekable();
    while let Some(token) = tokens.next() {
        let Some(entry) = entries.last_mut() else {
            return entries;
        };
        if is_punct(Some(&token), '#') && entry.is_empty() {
            tokens.next();
            continue;
        }
        // The `>` of `->` and `=>` is not a closing bracket.
        let arrow = is_punct(entry.last(), '-') || is_punct(entry.last(), '=');
        if is_punct(Some(&token), '<') {
            angles += 1;
        } else if is_punct(Some(&token), '>') && !arrow {
            angles = angles.saturating_sub(1);
        } else if is_punct(Some(&token), ',') && angles == 0 {
            entries.push(Vec::new());
            continue;
        }
        entry.push(token);
    }
    entries
}

/// Whether an entry begins with `key:` or `key =`.
fn has_key(entry: &[TokenTree], key: &str) -> bool {
    is_word(entry.first(), key) && (is_punct(entry.get(1), ':') || is_punct(entry.get(1), '='))
}

/// What follows `key:` or `key =`.
fn value_of<'a>(entry: &'a [TokenTree], key: &str) -> Option<&'a TokenTree> {
    entry.get(2).filter(|_| has_key(entry, key))
}

/// The values of a key, if it is given. The module has the name of the key.
fn scope_of_values(key: &'static str, entries: &[Vec<TokenTree>]) -> Option<Scope> {
    let is_given = entries.iter().any(|entry| has_key(entry, key));
    is_given.then(|| scope(key, entries.iter().map(|entry| value_of(entry, key))))
}

/// The words among tokens, except keywords, which cannot be imported.
fn scope<'a>(module: &'static str, tokens: impl Iterator<Item = Option<&'a TokenTree>>) -> Scope {
    let words = tokens.filter_map(|token| match token {
        Some(TokenTree::Ident(word)) => syn::parse2(word.to_token_stream()).ok(),
        _ => None,
    });
    Scope {
        module,
        words: words.collect(),
    }
}

/// The path of the library, if it is given and can be parsed.
fn library(entries: &[Vec<TokenTree>]) -> Option<TokenStream> {
    let entry = entries
        .iter()
        .find(|entry| value_of(entry, "crate").is_some())?;
    let path = entry.iter().skip(2).cloned().collect();
    let path: Path = syn::parse2(path).ok()?;
    Some(path.into_token_stream())
}

/// The keyword and the name of an item, its `cfg`s, and the tokens after its name.
fn named(item: &TokenStream, keyword: &str) -> Option<(Span, Ident, TokenStream, Vec<TokenTree>)> {
    let tokens: Vec<_> = item.clone().into_iter().collect();
    let at = tokens
        .iter()
        .position(|token| is_word(Some(token), keyword))?;
    let Some(TokenTree::Ident(name)) = tokens.get(at + 1) else {
        return None;
    };
    let name = syn::parse2(name.to_token_stream()).ok()?;
    let cfgs = tokens[..at]
        .windows(2)
        .filter(|pair| {
            let attribute = group(pair.get(1), Delimiter::Bracket);
            is_punct(pair.first(), '#')
                && attribute.is_some_and(|attribute| {
                    is_word(attribute.stream().into_iter().next().as_ref(), "cfg")
                })
        })
        .flatten()
        .cloned()
        .collect();
    Some((tokens[at].span(), name, cfgs, tokens[at + 2..].to_vec()))
}

/// The constant of a handler has a name, because `const _` is not allowed in an `impl`. The
/// `cfg(rust_analyzer)` is inside of the constant, where its `allow` silences the warning about an
/// unknown `cfg`. Its span is that of the item's keyword, as in `handler/model.rs`.
fn expand(
    place: Span,
    name: &TokenStream,
    cfgs: &TokenStream,
    library: Option<&TokenStream>,
    scopes: &[Scope],
) -> TokenStream {
    let private = private(library);
    let used = scopes
        .iter()
        .enumerate()
        .map(|(number, Scope { module, words })| {
            let inside = format_ident!("scope{number}", span = Span::call_site());
            let module = Ident::new(module, Span::call_site());
            quote! {
                mod #inside {
                    use #private::ide::#module::*;
                    use self::{ #(#words as _,)* };
                }
                { let _ = (#(#private::ide::#module::#words,)*); }
            }
        });
    quote_spanned! {place=>
        #cfgs
        #[doc(hidden)]
        #[allow(unexpected_cfgs, non_upper_case_globals)]
        const #name: () = {
            #[cfg(rust_analyzer)]
            {
                #(#used)*
            }
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(text: &str) -> TokenStream {
        text.parse().expect("tokens")
    }

    #[test]
    fn an_empty_list_can_be_completed() {
        let output = session_config(&tokens("struct Shop {}"));
        assert_eq!(words(&output), ["session_config: "]);
        let output = session_config(&tokens(
            "struct Shop { loaders: [cookie(\"a\", )], on_ended: }",
        ));
        let expected = [
            "session_config: loaders on_ended",
            "on_ended: ",
            "loaders: cookie",
            "cookie: ",
        ];
        assert_eq!(words(&output), expected);
    }

    /// The words of each module, as they are imported.
    #[track_caller]
    fn words(output: &TokenStream) -> Vec<String> {
        syn::parse2::<syn::File>(output.clone()).expect("items");
        let text = output.to_string();
        text.split("ide :: ")
            .filter_map(|part| {
                let (module, rest) = part.split_once(" :: * ; use self :: {")?;
                let (words, _) = rest.split_once('}')?;
                Some(format!("{module}: {}", words.replace(" as _ ,", "").trim()))
            })
            .collect()
    }

    #[test]
    fn incomplete_options_are_found() {
        let handler = tokens("async fn one(session: Session) {}");
        for (attr, expected) in [
            ("lo", "session: lo"),
            ("load, he", "session: load he"),
            ("load, header = , pl", "session: load header pl"),
            ("load header, \"x\", crate = 5", "session: load"),
        ] {
            assert_eq!(words(&session(&tokens(attr), &handler)), [expected]);
        }
        let output = session(&tokens("load, emit = coo"), &handler);
        assert_eq!(words(&output), ["session: load emit", "emit: coo"]);
        assert_eq!(words(&session(&tokens(""), &handler)), ["session: "]);
        let output = session(&tokens("load, emit = "), &handler);
        assert_eq!(words(&output), ["session: load emit", "emit: "]);
    }

    #[test]
    fn types_and_other_values_of_a_config_are_not_words() {
        let output = session_config(&tokens(
            "pub struct Shop { /// Docs.
             data: HashMap<String, u32>, store: Map<A, fn() -> B> = a(b, c), loaders: [header(\"X\"), \
             cookie(\"a\", path = b, same_site = La, pers), query(\"q\", allo), bea], \
             merge: { a: ad, b: }, on_ended: ig, idl }",
        ));
        assert_eq!(
            words(&output),
            [
                "session_config: data store loaders merge on_ended idl",
                "on_ended: ig",
                "loaders: header cookie query bea",
                "cookie: path same_site pers",
                "same_site: La",
                "in_url: allo",
                "merge: ad",
            ]
        );
    }

    #[test]
    fn the_constant_has_the_cfgs_and_the_name_of_the_item() {
        let one = tokens("/// Docs.\n#[cfg(a)] #[b] pub async fn r#loop() {}");
        let output = session(&tokens("load, crate = ::a"), &one).to_string();
        assert!(
            output.starts_with("# [cfg (a)] # [doc (hidden)]"),
            "{output}"
        );
        assert!(
            output.contains("__session_goes_on_free_functions_loop"),
            "{output}"
        );
        assert!(output.contains(":: a :: __private"), "{output}");
        for none in ["struct One;", "async fn one(&self) {}", "fn", ""] {
            assert!(session(&tokens("load"), &tokens(none)).is_empty(), "{none}");
        }
        for none in ["struct", "enum Shop { data: A }", "struct if {}"] {
            assert!(session_config(&tokens(none)).is_empty(), "{none}");
        }
    }
}
