use proc_macro2::TokenStream;
use syn::parse::{ParseStream, Parser as _};

use super::{check, expand, parse};
use crate::errors::Errors;

/// Returns the expansion of an input, and the messages of its errors.
fn run(input: &str) -> (String, Vec<String>) {
    let mut errors = Errors::default();
    let input: TokenStream = input.parse().expect("tokens");
    let written = (|stream: ParseStream<'_>| parse::parse(stream, &mut errors)).parse2(input);
    let output = match written {
        Ok(written) => expand::expand(check::check(written, &mut errors)),
        Err(error) => {
            errors.add(error);
            TokenStream::new()
        }
    };
    syn::parse2::<syn::File>(output.clone()).expect("items");
    (output.to_string(), errors.messages())
}

/// Returns the messages for the options of an invalid config.
fn mistakes(options: &str) -> Vec<String> {
    let (output, messages) = run(&format!("pub struct Shop {{ {options} }}"));
    assert!(
        output.contains("struct Shop"),
        "the struct is always emitted"
    );
    messages
}

#[track_caller]
fn one_mistake(options: &str, part: &str) {
    let messages = mistakes(options);
    assert_eq!(messages.len(), 1, "{options}: {messages:#?}");
    assert!(messages[0].contains(part), "{options}: {messages:#?}");
}

#[track_caller]
fn expand_valid(options: &str) -> String {
    let (output, messages) = run(&format!("pub struct Shop {{ {options} }}"));
    assert_eq!(messages, Vec::<String>::new(), "{options}");
    output
}

#[test]
fn all_options_are_accepted() {
    let output = expand_valid(
        r#"
        data: HashMap<String, u32>,
        loaders: [
            header("X-User-Session"), header(NAME), bearer, query("sid", allow_in_url = "links"),
            cookie("sid", unprefixed = "old clients", path = "/a", domain = "b.c", same_site = Lax,
                partitioned = true, persistent, origins = ["https://a.b:8443"]),
        ],
        "#,
    );
    assert!(output.contains("different_headers"), "{output}");
    expand_valid(
        r"store: Map<A, B> = open(a, b).await?,
        idle_timeout: IDLE, absolute_timeout: 400d, first_use_timeout: 10m, touch_every: 1s, renew_every: 1h,
        renew_grace: 0s, on_reuse: end, max_size: 1GiB, max_fields: 1_000u64, data_version: 3, write_version: 2, migrate: crate::migrate, on_conflict: reject, on_ended: ignore,
        on_store_error: anonymous, on_undecodable: replace, commit: always, trusted_proxy: forwarded, namespace: NAME, on_event: crate::log::<u8>,
        crate: ::other::path",
    );
    expand_valid("");
    assert!(run("struct Shop;").1.is_empty());
    assert!(
        run("/// Docs.\n#[cfg(any())] pub(crate) struct Shop { /// why\n commit: on_ok }")
            .1
            .is_empty()
    );
}

#[test]
fn only_given_options_are_set() {
    let output = expand_valid("idle_timeout: 10m");
    assert!(output.contains("options . idle_timeout"));
    assert!(!output.contains("absolute_timeout"));
    assert!(
        !output.contains("const _ :"),
        "only the macro checks a literal"
    );
    assert!(output.contains("UNTYPED"));
    assert!(!expand_valid("data: Cart").contains("UNTYPED"));
}

#[test]
fn the_path_of_the_library_is_used_throughout() {
    let output = expand_valid("crate: crate::lib, loaders: [header(NAME)], idle_timeout: IDLE");
    assert!(!output.contains("connect_session"), "{output}");
}

#[test]
fn every_mistake_of_one_config_is_reported() {
    let messages = mistakes(
        "idle_timeuot: 30m, absolute_timeout: 5w, loaders: [bearr, header(\"Host\")], emit: both, \
         merge: { a: ad }, commit, data: Cart, max_size: 0B, max_fields: 1k",
    );
    assert_eq!(messages.len(), 9, "{messages:#?}");
}

#[test]
fn options_are_checked_against_the_defaults_of_others() {
    one_mistake("idle_timeout: 25h", "`absolute_timeout` is 24h");
    one_mistake("absolute_timeout: 29m", "`idle_timeout` is 30m");
    one_mistake("touch_every: 30m", "active users");
    one_mistake("renew_every: 25h", "`renew_every` must not be longer");
    one_mistake("renew_every: 30s", "`renew_grace` is 30s");
    one_mistake("first_use_timeout: 30m", "`idle_timeout` is 30m");
    expand_valid("first_use_timeout: 29m");
    expand_valid("idle_timeout: 24h");
    expand_valid("absolute_timeout: 30m");
    expand_valid("touch_every: 29m");
    one_mistake("on_reuse: end", "no effect without `renew_every`");
    one_mistake(
        "renew_every: 10m, on_reuse: destroy",
        "`on_reuse` cannot be `destroy`",
    );
    expand_valid("renew_every: 24h");
    expand_valid("renew_every: 31s");
}

#[test]
fn a_cookie_name_without_a_prefix_needs_a_reason() {
    one_mistake(r#"loaders: [cookie("sid")]"#, r#"`cookie("__Host-sid")`"#);
    one_mistake(r#"loaders: [cookie("sid", path = "/a")]"#, "`__Secure-sid`");
    one_mistake(r#"loaders: [cookie("sid", unprefixed)]"#, "needs a reason");
    one_mistake(
        r#"loaders: [cookie("sid", unprefixd = "r")]"#,
        "did you mean",
    );
    one_mistake(
        r#"loaders: [cookie("__secure-sid", unprefixed = "r")]"#,
        "no effect",
    );
    one_mistake(r#"loaders: [cookie("sid", secure = false)]"#, "`insecure =");
    one_mistake(r#"loaders: [cookie("s id")]"#, "must be a token");
    expand_valid(r#"loaders: [cookie("sid", insecure = "r"), cookie("__HOST-sid")]"#);
}

#[test]
fn syntax_errors() {
    assert!(run("enum Shop {}").1[0].contains("as a struct"));
    assert!(run("").1[0].contains("as a struct"));
    assert!(run("struct Shop<T> {}").1[0].contains("cannot have parameters"));
    assert!(run("struct Shop {} struct Blog {}").1[0].contains("declares one config"));
    assert!(run("struct Shop (u8);").1[0].contains("in braces"));
    one_mistake("#[cfg(x)] commit: on_ok", "cannot have attributes");
    one_mistake("idle_timeout: 30m absolute_timeout: 1h", "write a `,`");
    one_mistake(
        "idle_timeout: 30 m, absolute_timeout: 1h",
        "without a space: `30m`",
    );
    one_mistake("5: 6, commit: on_ok", "`key: value`");
    one_mistake("commit = on_ok", "with a colon");
    one_mistake("store: \"redis\"", "without quotes");
    one_mistake("merge: { a add }, data: D", "has no rule");
    one_mistake("struct", "there is no option `struct`");
    one_mistake("with_max_sessions: 5", "did you mean `max_sessions`?");
}

#[test]
fn passwords_are_reported_but_placeholders_are_not() {
    one_mistake(r#"store: R = c("redis://u:p@h")"#, "environment");
    one_mistake(r#"store: R = c(&[("postgres://u:p@h/db")])"#, "environment");
    expand_valid(r#"store: R = c("redis://u@h:6379")"#);
    expand_valid(r#"store: R = c("redis://h:6379/a@b:c@d")"#);
    expand_valid(r#"store: R = c(format!("redis://u:{}@h", p))"#);
}

/// Incomplete input does not panic.
#[test]
fn no_input_panics() {
    let whole = r#"pub struct Shop { data: Cart<A, B>, loaders: [header("X-A"), bearer, cookie("s", unprefixed = "r", path = "/", same_site = Lax, origins = ["https://a.b"], cross_origin = off("r")), query("q", allow_in_url = "r"), custom(f)], emit: header, store: R<A> = c(1)?, idle_timeout: 30m, max_size: 64KiB, max_fields: 9, merge: { a: add, b: max }, on_ended: ignore, namespace: "a", on_event: f, crate: ::a }"#;
    let tokens: Vec<_> = flatten(whole.parse().expect("tokens"));
    for skipped in 0..tokens.len() {
        let mut at = 0;
        drop(expand(without(
            whole.parse().expect("tokens"),
            skipped,
            &mut at,
        )));
    }
    for text in [
        "struct",
        "struct S {",
        "é",
        "'a",
        "struct S { idle_timeout: \"é\" }",
    ] {
        if let Ok(tokens) = text.parse() {
            drop(expand(tokens));
        }
    }
}

fn flatten(tokens: TokenStream) -> Vec<()> {
    tokens
        .into_iter()
        .flat_map(|token| match token {
            proc_macro2::TokenTree::Group(group) => {
                let mut inside = flatten(group.stream());
                inside.push(());
                inside
            }
            _ => vec![()],
        })
        .collect()
}

/// The tokens without the one at index `skipped`; `at` counts them.
pub(crate) fn without(tokens: TokenStream, skipped: usize, at: &mut usize) -> TokenStream {
    let mut kept = Vec::new();
    for token in tokens {
        let here = *at;
        *at += 1;
        if here == skipped {
            continue;
        }
        kept.push(match token {
            proc_macro2::TokenTree::Group(group) => {
                proc_macro2::Group::new(group.delimiter(), without(group.stream(), skipped, at))
                    .into()
            }
            other => other,
        });
    }
    kept.into_iter().collect()
}
