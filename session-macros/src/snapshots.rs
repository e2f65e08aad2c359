//! Compares the expansions of typical handlers with files. `SNAPSHOTS=overwrite cargo test` writes
//! the files.

use std::env;
use std::fs;
use std::path::Path;

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// Whether to write snapshots that differ, instead of failing.
pub(crate) fn overwrite() -> bool {
    env::var_os("SNAPSHOTS").is_some_and(|value| value == "overwrite")
}

#[test]
fn expansions_match_the_snapshots() {
    for (name, attr, item) in [
        (
            "load",
            "load",
            "/// Adds an item.\n#[axum::debug_handler] #[tracing::instrument]
            pub async fn add(Json(item): Json<String>, mut session: Session<Shop>) -> Json<Cart> {
                session.items.push(item);
                Json(session.data().clone())
            }",
        ),
        (
            "create",
            "create, emit = cookie",
            "async fn open(session: Session) {}",
        ),
        (
            "overrides",
            "load, header = NAME, bearer",
            "async fn show<T: Store>(#[session] device: Option<Device>, state: State<T>) -> Result<String, Error> { todo!() }",
        ),
        (
            "http",
            "load, http",
            "async fn serve(session: Session, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Error> { todo!() }",
        ),
        (
            "hidden",
            "load",
            "async fn find(session: Session, Path(id): Path<u64>) -> Result<impl IntoResponse, Error> { load(id).await }",
        ),
        (
            "recovered",
            "laod, config = \"Shop\"",
            "fn add(session: &mut Session<Shop>, id: u64) -> String { todo!() }",
        ),
        (
            "boxed",
            "load",
            "/// Adds an item.
            pub async fn add(session: Session<Shop>, Json(item): Json<String>) -> Result<Json<Cart>, Error> { todo!() }",
        ),
    ] {
        let tokens = |text: &str| text.parse::<TokenStream>().expect("tokens");
        let output = crate::handler::expand(tokens(attr), tokens(item), name == "boxed");
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/snapshots");
        let file = folder.join(format!("{name}.txt"));
        let layout = layout(output);
        if overwrite() {
            fs::create_dir_all(&folder).expect("a folder");
            fs::write(&file, &layout).expect("written");
        }
        let expected = fs::read_to_string(&file).unwrap_or_default();
        assert_eq!(expected, layout, "{name}: `SNAPSHOTS=overwrite` writes it");
    }
}

/// One line for each statement, attribute and item, so that diffs are small.
fn layout(tokens: TokenStream) -> String {
    let mut lines = Lines::default();
    lines.tokens(shorten(tokens));
    lines.end();
    lines.text
}

/// Removes the `::connect_session::` at the start of generated paths.
fn shorten(tokens: TokenStream) -> TokenStream {
    let tokens: Vec<_> = tokens.into_iter().collect();
    let mut short = Vec::new();
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        let path: String = (tokens[at..].iter().take(6))
            .map(ToString::to_string)
            .collect();
        if path.starts_with("::connect_session::") {
            at += 5;
            continue;
        }
        short.push(match token {
            TokenTree::Group(group) => {
                proc_macro2::Group::new(group.delimiter(), shorten(group.stream())).into()
            }
            other => other.clone(),
        });
        at += 1;
    }
    short.into_iter().collect()
}

#[derive(Default)]
struct Lines {
    text: String,
    line: String,
    depth: usize,
    /// The next token follows without a space.
    joined: bool,
}

impl Lines {
    fn tokens(&mut self, tokens: TokenStream) {
        let mut tokens = tokens.into_iter().peekable();
        while let Some(token) = tokens.next() {
            match token {
                TokenTree::Group(group) => match group.delimiter() {
                    Delimiter::Brace if group.stream().is_empty() => {
                        self.word("{}");
                        self.end_unless_continued(tokens.peek());
                    }
                    Delimiter::Brace => {
                        self.word("{");
                        self.end();
                        self.depth += 1;
                        self.tokens(group.stream());
                        self.end();
                        self.depth -= 1;
                        self.word("}");
                        self.end_unless_continued(tokens.peek());
                    }
                    delimiter => {
                        let (open, close) = match delimiter {
                            Delimiter::Parenthesis => ("(", ")"),
                            Delimiter::Bracket => ("[", "]"),
                            _ => ("", ""),
                        };
                        if self.line.ends_with("let") || self.line.ends_with(['=', '>']) {
                            self.word(open);
                        } else {
                            self.close(open);
                        }
                        self.joined = true;
                        let attribute = self.line.ends_with("#[");
                        self.tokens(group.stream());
                        self.close(close);
                        if attribute {
                            self.end();
                        }
                    }
                },
                TokenTree::Punct(punct) => self.punct(&punct),
                other => self.word(&other.to_string()),
            }
        }
    }

    fn punct(&mut self, punct: &proc_macro2::Punct) {
        match punct.as_char() {
            ';' => {
                self.close(";");
                self.end();
            }
            ',' | '?' => self.close(&punct.to_string()),
            ':' | '.' | '!' | '<' | '>' => {
                self.close(&punct.to_string());
                let colon = punct.as_char() == ':' && !self.line.ends_with("::");
                let arrow = self.line.ends_with("->") || self.line.ends_with("=>");
                let last = punct.spacing() == proc_macro2::Spacing::Alone;
                self.joined = !(last && (colon || arrow || punct.as_char() == '>'));
            }
            '#' | '&' | '\'' => {
                self.word(&punct.to_string());
                self.joined = true;
            }
            _ => {
                self.word(&punct.to_string());
                self.joined = punct.spacing() == proc_macro2::Spacing::Joint;
            }
        }
    }

    /// Appends a word after a space, unless the last token joins it.
    fn word(&mut self, word: &str) {
        if !self.line.is_empty() && !self.joined {
            self.line.push(' ');
        }
        self.joined = false;
        self.line.push_str(word);
    }

    /// Appends a word without a space.
    fn close(&mut self, word: &str) {
        self.joined = false;
        self.line.push_str(word);
    }

    /// Ends the line after braces, unless the next token continues it.
    fn end_unless_continued(&mut self, next: Option<&TokenTree>) {
        let continued = |token: &TokenTree| match token {
            TokenTree::Punct(punct) => ";,.?)".contains(punct.as_char()),
            _ => false,
        };
        if !next.is_some_and(continued) {
            self.end();
        }
    }

    fn end(&mut self) {
        if !self.line.is_empty() {
            self.text.push_str(&"    ".repeat(self.depth));
            self.text.push_str(self.line.trim());
            self.text.push('\n');
            self.line.clear();
        }
        self.joined = false;
    }
}
