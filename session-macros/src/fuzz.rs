//! Runs both macros on random input. They must not panic, and their output must parse or contain an
//! error.

use proc_macro2::{Delimiter, Group, Ident, Literal, Punct, Spacing, Span, TokenStream, TokenTree};

use crate::tokens::is_word;

/// The number of inputs for each macro. `FUZZ=1000000 cargo test fuzz` sets it.
fn rounds() -> usize {
    let given = std::env::var("FUZZ").ok();
    given
        .and_then(|rounds| rounds.parse().ok())
        .unwrap_or(30_000)
}

const HANDLERS: &[(&str, &str)] = &[
    (
        "create, header = \"X-A\", bearer, cookie = \"c\", unprefixed = \"r\", query = \"q\", allow_in_url = \"r\", emit = header, on_undecodable = replace, cache = shared, http, crate = ::a",
        "#[a::b(c)] pub(crate) async fn one<'a, T: A<B>, const N: usize>(mut s: Option<Session<C>>, #[d] Json(i): Json<T>, request: Request<B>) -> Result<impl R, E> where T: F { let x = |a| b?; async { c?; }; Ok(d) }",
    ),
    (
        "load",
        "pub async fn zero(mut s: Session<C>, Json(i): Json<T>) -> Result<impl R, E> { a(i)?; Ok(s.b()) }",
    ),
    (
        "load, cookie = NAME",
        "#[cfg(x)] async fn two(#[session] s: &mut Alias, (a, b): (Session, u8)) -> impl R { match a { Ok(x) => x?, _ => return Err(1) } }",
    ),
    (
        "load",
        "impl A { #[b] fn c(&self, s: Session) -> Self { Self::d() } }",
    ),
];

const CONFIGS: &[&str] = &[
    "/// Docs.\n#[derive(A)] pub struct Shop { data: Cart<A, B>, loaders: [header(\"X-A\"), bearer, cookie(\"s\", unprefixed = \"r\", path = \"/\", same_site = Lax, origins = [\"https://a.b\"], cross_origin = off(\"r\")), query(\"q\", allow_in_url = \"r\"), custom(f)], emit: header, store: R<A> = c(1)?, idle_timeout: 30m, absolute_timeout: 31d, renew_every: 5m, max_size: 64KiB, max_fields: 9, merge: { a: add, b: max }, on_ended: ignore, namespace: \"a\", on_event: f, crate: ::a }",
    "struct Shop { loaders: [header(NAME), cookie(NAME, persistent)], idle_timeout: IDLE * 2, absolute_timeout: A, touch_every: T, namespace: N }",
];

const WORDS: &[&str] = &[
    "create",
    "load",
    "header",
    "cookie",
    "query",
    "path",
    "emit",
    "http",
    "crate",
    "data",
    "store",
    "loaders",
    "idle_timeout",
    "merge",
    "struct",
    "fn",
    "async",
    "self",
    "Self",
    "session",
    "Session",
    "Option",
    "impl",
    "pub",
    "const",
    "unsafe",
    "extern",
    "where",
    "for",
    "dyn",
    "mut",
    "ref",
    "r#type",
    "_",
    "é",
    "true",
    "Lax",
    "add",
    "off",
    "secure",
    "in",
    "as",
    "let",
];

const LITERALS: &[&str] = &[
    "\"X-A\"",
    "\"\"",
    "\"é\"",
    "b\"a\"",
    "c\"a\"",
    "'a'",
    "30m",
    "0s",
    "1.5h",
    "0x10",
    "1e9m",
    "99999999999999999999999d",
    "64KiB",
    "\"a\"suffix",
    "r#\"redis://a:b@c\"#",
    "5",
];

/// Pseudo-random numbers, the same in every run (xorshift64*).
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let wide = u128::from(self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)) * bound as u128;
        usize::try_from(wide >> 64).unwrap_or_default()
    }

    fn one<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }

    fn token(&mut self, depth: usize) -> TokenTree {
        match self.below(if depth > 3 { 8 } else { 10 }) {
            0..=2 => match *self.one(WORDS) {
                raw if raw.starts_with("r#") => Ident::new_raw(&raw[2..], Span::call_site()).into(),
                word => Ident::new(word, Span::call_site()).into(),
            },
            3 => self
                .one(LITERALS)
                .parse::<Literal>()
                .expect("a literal")
                .into(),
            4..=7 => {
                let spacing = *self.one(&[Spacing::Alone, Spacing::Joint]);
                Punct::new(
                    *self.one(&[
                        ',', ':', '=', '<', '>', '#', '&', '|', ';', '?', '.', '-', '!',
                    ]),
                    spacing,
                )
                .into()
            }
            _ => {
                let delimiter = *self.one(&[
                    Delimiter::Parenthesis,
                    Delimiter::Brace,
                    Delimiter::Bracket,
                    Delimiter::None,
                ]);
                let length = self.below(6);
                let inside = (0..length).map(|_| self.token(depth + 1)).collect();
                Group::new(delimiter, inside).into()
            }
        }
    }

    fn tokens(&mut self) -> TokenStream {
        let length = self.below(20);
        (0..length).map(|_| self.token(0)).collect()
    }

    /// Returns the tokens, of which about one in `rarity / 6` is removed, doubled, replaced, moved,
    /// wrapped, or preceded by another one.
    fn mutate(&mut self, tokens: TokenStream, rarity: usize) -> TokenStream {
        let mut mutated: Vec<TokenTree> = Vec::new();
        for mut token in tokens {
            if let TokenTree::Group(group) = &token {
                let inside = self.mutate(group.stream(), rarity);
                token = Group::new(group.delimiter(), inside).into();
            }
            match self.below(rarity) {
                0 => {}
                1 => mutated.extend([token.clone(), token]),
                2 => mutated.push(self.token(2)),
                3 => mutated.extend([self.token(2), token]),
                4 => {
                    let before = mutated.pop();
                    mutated.push(token);
                    mutated.extend(before);
                }
                // `macro_rules!` passes its arguments in invisible groups.
                5 => mutated.push(Group::new(Delimiter::None, token.into()).into()),
                _ => mutated.push(token),
            }
        }
        mutated.into_iter().collect()
    }
}

fn tokens(text: &str) -> TokenStream {
    text.parse().expect("tokens")
}

#[track_caller]
fn assert_parses_or_reports(output: TokenStream, input: &dyn Fn() -> String) {
    let has_error = output
        .clone()
        .into_iter()
        .any(|token| is_word(Some(&token), "compile_error"));
    assert!(
        has_error || syn::parse2::<syn::File>(output).is_ok(),
        "{}",
        input()
    );
}

#[test]
fn no_handler_panics() {
    let mut random = Random(0x5EED_0001);
    let handlers: Vec<_> = (HANDLERS.iter())
        .map(|(attr, item)| (tokens(attr), tokens(item)))
        .collect();
    for round in 0..rounds() {
        let (attr, item) = random.one(&handlers).clone();
        let (attr, item) = match round % 8 {
            0 => (random.tokens(), random.tokens()),
            1 => (random.tokens(), item),
            2..=4 => (random.mutate(attr, 12), item),
            _ => (attr, random.mutate(item, 40)),
        };
        let output = crate::handler::expand(attr.clone(), item.clone(), false);
        // The compiler passes only items that it can parse.
        if syn::parse2::<syn::File>(item.clone()).is_ok() {
            assert_parses_or_reports(output, &|| format!("#[session({attr})] {item}"));
        }
    }
}

#[test]
fn no_config_panics() {
    let mut random = Random(0x5EED_0002);
    let configs: Vec<_> = CONFIGS.iter().map(|config| tokens(config)).collect();
    for round in 0..rounds() {
        let whole = random.one(&configs).clone();
        let input = match round % 8 {
            0 => random.tokens(),
            1 => {
                let mut input = tokens("struct Shop");
                input.extend([Group::new(Delimiter::Brace, random.tokens())]);
                input
            }
            2..=4 => random.mutate(whole, 60),
            _ => random.mutate(whole, 15),
        };
        let output = crate::config::expand(input.clone());
        assert_parses_or_reports(output, &|| format!("session_config! {{ {input} }}"));
    }
}
