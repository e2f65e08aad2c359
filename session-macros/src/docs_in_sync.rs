//! Tests that the words of the macros, the constants that document them for editors, and the tables
//! in the documentation agree. The texts are written once, in the runtime's `ide`.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use crate::snapshots::overwrite;
use crate::{choice, config, handler, loaders};

/// A documented constant: `` `form`: meaning. Default: default. ``
struct Word {
    name: String,
    form: String,
    meaning: String,
    default: String,
}

/// The constants of a module of `ide`; `None` if the runtime's source is not there.
fn words(module: &str) -> Option<Vec<Word>> {
    let source = source("../session-runtime/src/private/ide.rs")?;
    let (_, rest) = source
        .split_once(&format!("pub mod {module} {{"))
        .expect("the module");
    let (body, _) = rest.split_once("\n}").expect("its end");
    let mut words = Vec::new();
    let mut docs = String::new();
    for line in body.lines().map(str::trim) {
        if let Some(text) = line.strip_prefix("/// ") {
            docs.push_str(text);
            docs.push(' ');
        } else if let Some(constant) = line.strip_prefix("pub const ") {
            let name = constant.split(':').next().unwrap_or_default();
            words.push(word(name, docs.trim_end_matches([' ', '.'])));
            docs.clear();
        }
    }
    Some(words)
}

fn word(name: &str, docs: &str) -> Word {
    let (docs, default) = match docs.split_once(". Default: ") {
        Some((docs, default)) => (docs, default),
        None => (docs, ""),
    };
    let (form, meaning) = match docs.split_once("`: ") {
        Some((form, meaning)) if form.starts_with('`') => (format!("{form}`"), meaning),
        _ => (format!("`{name}`"), docs),
    };
    Word {
        name: name.to_owned(),
        form,
        meaning: lower_case(meaning),
        default: default.to_owned(),
    }
}

/// A cell of a table begins in lower case.
fn lower_case(text: &str) -> String {
    let mut rest = text.chars();
    rest.next()
        .into_iter()
        .flat_map(char::to_lowercase)
        .chain(rest)
        .collect()
}

fn source(path: &str) -> Option<String> {
    fs::read_to_string(here().join(path)).ok()
}

fn here() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

fn sorted<'a>(words: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let mut words: Vec<_> = words.into_iter().collect();
    words.sort_unstable();
    words
}

fn words_of(variants: choice::Variants) -> Vec<&'static str> {
    variants.iter().map(|(word, _)| *word).collect()
}

#[test]
fn the_constants_for_editors_are_the_words_of_the_macros() {
    let without_crate = |words: &[&'static str]| {
        let words = words.iter().copied().filter(|word| *word != "crate");
        words.collect::<Vec<_>>()
    };
    for (module, known) in [
        ("session", without_crate(handler::OPTIONS)),
        ("session_config", without_crate(config::OPTIONS)),
        ("loaders", loaders::KINDS.to_vec()),
        ("cookie", loaders::COOKIE_OPTIONS.to_vec()),
        ("in_url", vec!["allow_in_url"]),
        ("same_site", loaders::SAME_SITE.to_vec()),
        ("merge", config::RULES.to_vec()),
        ("emit", words_of(choice::EMIT)),
        ("cache", words_of(choice::CACHE)),
        ("on_conflict", words_of(config::ON_CONFLICT)),
        ("on_ended", words_of(config::ON_ENDED)),
        ("on_store_error", words_of(config::ON_STORE_ERROR)),
        ("on_undecodable", words_of(choice::ON_UNDECODABLE)),
        ("on_reuse", words_of(config::ON_REUSE)),
        ("on_max_sessions", words_of(config::ON_MAX_SESSIONS)),
        ("commit", words_of(config::COMMIT)),
        ("trusted_proxy", words_of(config::TRUSTED_PROXY)),
    ] {
        let Some(words) = words(module) else { return };
        let documented = words.iter().map(|word| word.name.as_str());
        assert_eq!(sorted(documented), sorted(known), "{module}");
    }
}

#[test]
fn the_tables_have_the_texts_of_the_constants() {
    let Some(mut written) = source("src/lib.rs") else {
        return;
    };
    for (module, head, keyword) in [
        ("session", ["option", "meaning"], "crate = path"),
        ("session_config", ["option", "meaning"], "crate: path"),
        ("loaders", ["loader", "where the sid is"], ""),
        ("cookie", ["option", "meaning"], ""),
        ("merge", ["rule", "result"], ""),
    ] {
        let Some(words) = words(module) else { return };
        let table = table(words, head, keyword);
        let begin = format!("/// <!-- {module} -->\n");
        let (before, rest) = written.split_once(&begin).expect("the table begins");
        let (_, after) = rest.split_once("/// <!-- -->\n").expect("the table ends");
        let expected = format!("{before}{begin}{table}/// <!-- -->\n{after}");
        if expected != written && overwrite() {
            fs::write(here().join("src/lib.rs"), &expected).expect("written");
            written = expected.clone();
        }
        assert_eq!(written, expected, "`SNAPSHOTS=overwrite` writes the table");
    }
}

/// One row per word, with a column for the defaults if there are any.
fn table(mut words: Vec<Word>, [first, second]: [&str; 2], keyword: &str) -> String {
    if !keyword.is_empty() {
        words.push(Word {
            name: "crate".to_owned(),
            form: format!("`{keyword}`"),
            meaning: "where the library is, if only another crate's re-export reaches it, as in \
                      `web::connect_session`"
                .to_owned(),
            default: "the name in your Cargo.toml".to_owned(),
        });
    }
    let mut table = String::new();
    let defaults = words.iter().any(|word| !word.default.is_empty());
    let (title, line) = if defaults {
        (" default |", " --- |")
    } else {
        ("", "")
    };
    let _ = writeln!(table, "/// | {first} | {second} |{title}");
    let _ = writeln!(table, "/// | --- | --- |{line}");
    for Word {
        form,
        meaning,
        default,
        ..
    } in words
    {
        let mut default = default;
        if defaults {
            default.push_str(if default.is_empty() { "|" } else { " |" });
            default.insert(0, ' ');
        }
        let _ = writeln!(table, "/// | {form} | {meaning} |{default}");
    }
    table
}
