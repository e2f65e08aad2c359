use proc_macro2::TokenStream;

use super::expand;
use crate::config::tests::without;

const HANDLER: &str = "async fn one(session: Session) -> String { session.name() }";

/// Returns the expansion without the errors, and the messages of the errors.
fn run(attr: &str, item: &str) -> (String, Vec<String>) {
    let output = expand(
        attr.parse().expect("tokens"),
        item.parse().expect("tokens"),
        false,
    );
    let file: syn::File = syn::parse2(output).expect("items");
    // The constants for editors have their own tests.
    let is_for_editors = |item: &syn::Item| matches!(item, syn::Item::Const(one) if one.ident.to_string().starts_with("__session_goes_on"));
    let (errors, items): (Vec<_>, Vec<_>) = file
        .items
        .into_iter()
        .filter(|item| !is_for_editors(item))
        .partition(|item| matches!(item, syn::Item::Macro(one) if one.mac.path.segments.last().is_some_and(|last| last.ident == "compile_error")));
    let errors = errors
        .into_iter()
        .filter_map(|item| match item {
            syn::Item::Macro(one) => syn::parse2::<syn::LitStr>(one.mac.tokens).ok(),
            _ => None,
        })
        .map(|text| text.value())
        .collect();
    let items: TokenStream = items.iter().map(quote::ToTokens::to_token_stream).collect();
    (items.to_string(), errors)
}

#[track_caller]
fn expand_valid(attr: &str, item: &str) -> String {
    let (output, messages) = run(attr, item);
    assert_eq!(messages, Vec::<String>::new(), "{attr} on {item}");
    output
}

#[track_caller]
fn one_mistake(attr: &str, item: &str, part: &str) -> String {
    let (output, messages) = run(attr, item);
    assert_eq!(messages.len(), 1, "{attr} on {item}: {messages:#?}");
    assert!(
        messages[0].contains(part),
        "{attr} on {item}: {messages:#?}"
    );
    output
}

#[test]
fn the_guard_comes_first_and_the_inner_function_stays() {
    let output = expand_valid(
        "load",
        "pub async fn add(Json(item): Json<String>, mut session: Session<Shop>) -> Json<Cart> { x }",
    );
    assert!(output.starts_with("pub async fn add (session : :: connect_session :: __private :: SessionGuard < Session < Shop > ,"), "{output}");
    assert!(output.contains("__arg0 : Json < String >) -> :: connect_session :: __private :: SessionReply < Json < Cart > >"), "{output}");
    assert!(output.contains("async fn add (Json (item) : Json < String > , mut session : Session < Shop >) -> Json < Cart > { x }"), "{output}");
    assert!(
        output.contains("handler_must_be_send (add (__arg0 , __session_of_session)) . await"),
        "{output}"
    );
}

#[test]
fn generics_lifetimes_and_opaque_types_are_passed_on() {
    let output = expand_valid(
        "load",
        "async fn one<'a, T: Into<String>, const N: usize>(s: Session, State(x): State<&'a T>, y: impl Fn()) -> impl Reply where T: 'a {}",
    );
    assert!(
        output.contains("one :: < T , N > (__session_of_s , __arg1 , y)"),
        "{output}"
    );
    assert!(
        output.contains("SessionReply < impl Reply > where T : 'a"),
        "{output}"
    );
}

#[test]
fn attributes_go_to_the_function_that_they_are_for() {
    let output = expand_valid(
        "load",
        "/// Docs.\n#[allow(dead_code)] #[expect(clippy::panic)] #[tracing::instrument(err)] #[utoipa::path(get)] #[cfg(all())] async fn one(#[session] s: Alias, #[cfg(any())] #[data] d: u8) {}",
    );
    let (outer, inner) = output.split_once('{').expect("a body");
    for part in [
        "doc",
        "allow (dead_code)",
        "allow (clippy :: panic)",
        "utoipa",
        "cfg (all ())",
        "# [data]",
    ] {
        assert!(outer.contains(part), "{part} in {outer}");
    }
    for part in [
        "allow (dead_code)",
        "expect (clippy :: panic)",
        "instrument",
    ] {
        assert!(inner.contains(part), "{part} in {inner}");
    }
    assert!(
        !outer.contains("instrument") && !outer.contains("# [session]"),
        "{outer}"
    );
    assert!(
        !inner.contains("utoipa") && !inner.contains("data"),
        "{inner}"
    );
    assert!(
        inner.contains("# [cfg (any ())] d)"),
        "the call leaves the argument out too: {inner}"
    );
}

#[test]
fn overrides_are_emitted_only_if_there_are_some() {
    assert!(!expand_valid("load", HANDLER).contains("enum"));
    let output = expand_valid(
        "load, header = \"X-A\", bearer, emit = header, crate = ::a",
        &format!("#[cfg(x)] pub {HANDLER}"),
    );
    assert!(
        output.contains("pub enum __SessionOverrides_one { }"),
        "{output}"
    );
    assert_eq!(output.matches("cfg (x)").count(), 3, "{output}");
    assert!(!output.contains("connect_session"), "{output}");
}

#[test]
fn a_response_is_shared_only_on_request() {
    let http = "async fn one(session: Session, request: Request<B>) -> Response<B> { x }";
    for (attr, item) in [("load", HANDLER), ("load, http", http)] {
        assert!(!expand_valid(attr, item).contains("shared"));
        let output = expand_valid(&format!("{attr}, cache = shared"), item);
        assert!(output.contains(". await . shared ()"), "{output}");
    }
}

#[test]
fn an_http_handler_keeps_its_signature() {
    let output = expand_valid(
        "load, http",
        "async fn one(session: Session, request: http::Request<B>) -> Response<B> { x }",
    );
    assert!(
        output.starts_with("async fn one (request : http :: Request < B >) -> Response < B > {"),
        "{output}"
    );
    assert!(output.contains("(& mut request) ; let __guard"), "{output}");
}

#[test]
fn mistakes_in_the_attribute() {
    for (attr, part) in [
        ("", "the mode is missing"),
        ("bearer", "the mode is missing"),
        ("laod", "did you mean `load`?"),
        ("\"load\"", "without quotes"),
        ("load = true", "takes no value"),
        ("load, load", "given twice"),
        ("create, load", "has one mode"),
        ("load, emit = header, emit = header", "given twice"),
        ("load, cache = shared, cache = shared", "given twice"),
        ("load, config = \"Shop\"", "the type of the argument"),
        ("load, idle_timeout = 5", "session_config!"),
        ("load, header", "has no value"),
        ("load, header = ", "has no value"),
        ("load, header: \"X\"", "written with `=`"),
        ("load, cookie(\"sid\")", "written as `cookie ="),
        ("load bearer", "separated by commas"),
        ("load, 5", "not an option"),
        ("load, header = \"Host\"", "hop"),
        ("load, header = \"X-A\", header = \"x-a\"", "read twice"),
        ("load, query = \"q\"", "ASVS 14.2.1"),
        ("load, allow_in_url = \"r\"", "there is neither"),
        ("load, cookie = \"sid\"", "write `cookie = \"__Host-sid\"`"),
        ("load, cookie = \"sid\", unprefixed = \" \"", "is empty"),
        ("load, cookie = \"sid\", unprefixed", "has no value"),
        ("load, query = \"q\", allow_in_url = ", "has no value"),
        (
            "load, cookie = \"__Secure-sid\", unprefixed = \"r\"",
            "there is none",
        ),
        ("load, unprefixed = \"r\"", "there is none"),
        ("load, header = \"X-A\", emit = cookie", "no loader reads"),
        ("load, emit = both", "cannot be `both`"),
        ("load, on_undecodable = end", "cannot be `end`"),
        ("load, on_undecodable: replace", "written with `=`"),
        ("load, cache = public", "cannot be `public`"),
        ("load, cache", "write `cache = shared`"),
    ] {
        let output = one_mistake(attr, HANDLER, part);
        assert!(
            output.contains("SessionReply"),
            "{attr}: the handler is emitted"
        );
    }
    expand_valid("load, query = \"q\", allow_in_url = \"r\"", HANDLER);
    expand_valid(
        "load, cookie = \"__Host-a\", unprefixed = \"r\", cookie = \"b\"",
        HANDLER,
    );
    assert!(one_mistake("creat", HANDLER, "create").contains("Create"));
}

#[test]
fn mistakes_in_the_signature() {
    for (item, part) in [
        ("fn one(session: Session) {}", "write `async fn`"),
        ("async fn one(session: &Session) {}", "by value"),
        (
            "async fn one(session: Option<&mut Session>) {}",
            "an `Option` can contain only",
        ),
        (
            "async fn one(session: Vec<Session<Shop>>) {}",
            "cannot be wrapped in `Vec`",
        ),
        (
            "async fn one((session, x): (Session, u8)) {}",
            "part of a tuple",
        ),
        (
            "async fn one(Session { .. }: Session) {}",
            "cannot be destructured",
        ),
        (
            "async fn one(a: Session, b: Option<Session<Shop>>) {}",
            "SessionView",
        ),
        ("async fn one(s: MySession) {}", "mark the argument"),
        (
            "async fn one(session: Session) -> (u8, Session) {}",
            "cannot return its session",
        ),
        ("async unsafe fn one(session: Session) {}", "`unsafe`"),
        (
            "#[session(load)] async fn one(session: Session) {}",
            "twice",
        ),
        (
            "async fn one(session: Session) -> impl Reply { a?; Ok::<_, E>(1) }",
            "`?`",
        ),
    ] {
        let output = one_mistake("load", item, part);
        assert!(output.contains("SessionReply"), "{item}: {output}");
    }
    one_mistake("load", "async fn one() {}", "no session argument");
    one_mistake(
        "create",
        "async fn one(session: Option<Session>) {}",
        "always gives the handler a session",
    );
    expand_valid(
        "load",
        "async fn one(s: Session) -> Json<models::Session> {}",
    );
    expand_valid(
        "load",
        "async fn one(s: Session, Json(o): Json<models::Session>) {}",
    );
}

#[test]
fn items_that_are_not_handlers_are_emitted_unchanged() {
    for item in [
        "struct One ;",
        "impl One { }",
        "mod one { }",
        "const ONE : u8 = 1 ;",
        "async fn one (& self , session : Session) { }",
        "async fn one (session : Session) -> Self { x }",
        "async fn one (session : Session) { Self :: x () }",
    ] {
        let (output, messages) = run("load", item);
        assert_eq!(messages.len(), 1, "{item}: {messages:#?}");
        let same: TokenStream = item.parse().expect("tokens");
        assert_eq!(output, same.to_string());
    }
    expand_valid(
        "load",
        "async fn one(session: Session) { struct A; impl A { fn a() -> Self { A } } }",
    );
}

#[test]
fn only_the_handlers_own_failures_are_reported() {
    for body in [
        "let f = |x| x?; f",
        "let f = |x: u8| -> Result<u8, E> { Ok(x?) }; 1",
        "spawn(async move { a?; Ok(()) }); 1",
        "match x { Ok(v) => v, Err(e) => 2 }",
        "if let Ok(v) = x { 1 } else { 2 }",
        "fn a<T: ?Sized>() -> R { Ok(b?) } 1",
        "x.map(|y| Ok(y)); 1",
    ] {
        expand_valid(
            "load",
            &format!("async fn one(s: Session) -> impl R {{ {body} }}"),
        );
    }
    for body in [
        "a()?.b()",
        "if a { return Err(1) } 2",
        "if a { Err(1) } else { Ok(2) }",
        "match x { 1 => Ok(1), _ => Err(2) }",
        "println!(\"{}\", a?); 1",
        "Ok::<u8, E>(1)",
    ] {
        one_mistake(
            "load",
            &format!("async fn one(s: Session) -> impl R {{ {body} }}"),
            "`Result<impl R, …>`",
        );
    }
    expand_valid(
        "load",
        "async fn one(s: Session) -> Result<impl R, E> { Ok(a?) }",
    );
}

/// Incomplete input does not panic.
#[test]
fn no_input_panics() {
    let attr = "create, header = \"X-A\", bearer, cookie = \"c\", unprefixed = \"r\", query = \"q\", allow_in_url = \"r\", emit = header, on_undecodable = replace, cache = shared, http, crate = ::a";
    let item = "#[a::b(c)] pub(crate) async fn r#one<'a, T: A<B>, const N: usize>(mut s: Option<Session<C>>, #[d] Json(i): Json<T>, request: Request<B>) -> Result<impl R, E> where T: F { let x = |a| b?; async { c?; }; Ok(d) }";
    for skipped in 0..120 {
        let attr = without(attr.parse().expect("tokens"), skipped, &mut 0);
        let cut = without(item.parse().expect("tokens"), skipped, &mut 0);
        drop(expand(attr, item.parse().expect("tokens"), false));
        drop(expand(TokenStream::new(), cut, false));
    }
    drop(expand(TokenStream::new(), TokenStream::new(), false));
}

#[test]
fn a_hidden_type_is_examined_inside_the_body() {
    let output = expand_valid(
        "load",
        "async fn one(s: Session, a: A) -> Result<impl R, E> { if a { return b(); } Ok(c?) }",
    );
    let inner = "-> :: connect_session :: __private :: Judged < Result < impl R , E > >";
    assert!(output.contains(inner), "{output}");
    assert!(output.contains("None :: < Result < _ , E > >"), "{output}");
    let bare = expand_valid(
        "load",
        "async fn one(s: Session) -> impl R { call().await }",
    );
    assert!(bare.contains("Judged < impl R >"), "{bare}");
    assert!(!bare.contains("__typed"), "{bare}");
}

#[test]
fn a_body_without_a_value_is_not_examined() {
    for (body, examined) in [
        ("todo!()", false),
        ("s.a += 1; todo!(\"later\");", false),
        ("loop { a().await; }", false),
        ("let b = || return 1; panic!()", false),
        ("if a { return b(); } todo!()", true),
        ("loop { break a(); }", true),
        ("format!(\"{a}\")", true),
        ("call()", true),
        ("panic", true),
        ("", true),
    ] {
        let output = expand_valid(
            "load",
            &format!("async fn one(s: Session) -> impl R {{ {body} }}"),
        );
        assert_eq!(output.contains("Judged"), examined, "{body}: {output}");
    }
}

#[test]
fn a_body_whose_errors_are_logged_is_not_examined() {
    let item = "#[instrument(skip_all, err)] async fn one(s: Session) -> Result<impl R, E> { a() }";
    assert!(!expand_valid("load", item).contains("Judged"));
    let item = "#[instrument(ret)] async fn one(s: Session) -> Result<impl R, E> { a() }";
    assert!(expand_valid("load", item).contains("Judged"));
    one_mistake(
        "load",
        "#[tracing::instrument(err(Debug))] async fn one(s: Session) -> impl R { a() }",
        "`Result<impl R, …>`",
    );
}

#[test]
fn a_handler_is_boxed_if_its_type_is_known_and_nothing_else_looks_at_it() {
    let is_boxed = |attr: &str, item: &str| {
        let tokens = |text: &str| text.parse().expect("tokens");
        let output = expand(tokens(attr), tokens(item), true).to_string();
        let is_boxed = output.contains("boxed :: respond");
        let is_async = output.contains("SessionReply");
        assert_ne!(is_boxed, is_async, "{output}");
        is_boxed
    };
    for item in [
        "async fn one(s: Session) {}",
        "/// Adds. \n #[cfg(a)] #[allow(dead_code)] #[instrument] async fn one(s: Session) -> String { a() }",
        "async fn one(s: Session, x: Json<&'static str>) -> Result<&'static str, E> { a() }",
    ] {
        assert!(is_boxed("load", item), "{item}");
    }
    for item in [
        "#[debug_handler] async fn one(s: Session) {}",
        "#[cfg_attr(a, debug_handler)] async fn one(s: Session) {}",
        "async fn one<T: Store>(s: Session, x: State<T>) {}",
        "async fn one<'a>(s: Session, x: &'a str) {}",
        "async fn one(s: Session, x: Name<'_>) {}",
        "async fn one(s: Session, x: &Request) {}",
        "async fn one(s: Session, x: impl Extract) {}",
        "async fn one(s: Session) -> impl R { a() }",
        "async fn one(s: Session) -> Result<(), Box<dyn Error>> { a() }",
        "async fn one(s: Session) -> reply!() { a() }",
        "async fn one(s: Session) -> ! { a() }",
        "async fn one(s: &mut Session) {}",
    ] {
        assert!(!is_boxed("load", item), "{item}");
    }
    assert!(!is_boxed(
        "load, cache = shared",
        "async fn one(s: Session) {}"
    ));
}

const API: &str = "#[OpenApi(tag = \"A\")] impl Api { \
    #[session(load)] #[oai(path = \"/\")] async fn show(&self, session: Session, #[oai(name = \"n\")] Path(id): Path<u8>) { Self::x() } \
    async fn plain(&self) {} }";

#[test]
#[cfg(feature = "poem-openapi")]
fn methods_of_an_api_are_expanded_before_it() {
    let output = expand_valid("", API);
    let parts = [
        "# [OpenApi (tag = \"A\")] impl Api {",
        "# [oai (path = \"/\")] async fn __session_show (& self , session : :: connect_session :: __private :: ApiGuard < Session ,",
        "# [oai (name = \"n\")] id : Path < u8 >) -> :: connect_session :: __private :: ApiReply < () ,",
        "self . show (__session_of_session , id)",
        "async fn plain (& self) { }",
        "impl Api { # [allow (clippy :: unused_async)] async fn show (& self , session : Session , Path (id) : Path < u8 >) { Self :: x () } }",
    ];
    let mut rest = &*output;
    for part in parts {
        let at = rest
            .find(part)
            .unwrap_or_else(|| panic!("{part} in {output}"));
        rest = &rest[at + part.len()..];
    }
}

#[test]
#[cfg(feature = "poem-openapi")]
fn a_mistake_in_a_method_of_an_api_is_reported() {
    one_mistake("", &API.replace("load", "laod"), "laod");
    one_mistake("", &API.replace("Session,", "u8,"), "session");
}

#[test]
#[cfg(not(feature = "poem-openapi"))]
fn an_api_without_the_feature_names_it() {
    one_mistake("", API, "needs the feature `poem-openapi`");
}

#[test]
fn only_an_impl_with_the_attribute_is_an_api() {
    one_mistake("load", "impl Api {}", "only works on a handler");
}
