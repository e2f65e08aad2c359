//! The words that the macros know, the constants that an editor explains them by, and the tables in
//! the documentation are one list. The explanations are written once, in the runtime's `ide`.

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

/// The constants of a module of `ide`; nothing where the crate stands alone.
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

/// In a table no sentence begins.
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

fn of(variants: choice::Variants) -> Vec<&'static str> {
    variants.iter().map(|(word, _)| *word).collect()
}

#[test]
fn an_editor_knows_the_words_that_the_parser_knows() {
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
        ("emit", of(choice::EMIT)),
        ("on_conflict", of(config::ON_CONFLICT)),
        ("on_ended", of(config::ON_ENDED)),
        ("on_store_error", of(config::ON_STORE_ERROR)),
        ("commit", of(config::COMMIT)),
    ] {
        let Some(words) = words(module) else { return };
        let explained = words.iter().map(|word| word.name.as_str());
        assert_eq!(sorted(explained), sorted(known), "{module}");
    }
}

#[test]
fn the_documentation_says_what_an_editor_says() {
    let Some(mut written) = source("src/lib.rs") else {
        return;
    };
    for (module, head, keyword) in [
        ("session", ["option", "what it says"], "crate = path"),
        ("session_config", ["option", "what it says"], "crate: path"),
        ("loaders", ["loader", "where the sid is"], ""),
        ("cookie", ["option", "what it says"], ""),
        ("merge", ["rule", "what it does"], ""),
    ] {
        let Some(words) = words(module) else { return };
        let table = table(words, head, keyword);
        let begin = format!("/// <!-- {module} -->\n");
        let (before, rest) = written.split_once(&begin).expect("the table begins");
        let (_, after) = rest.split_once("/// <!-- -->\n").expect("the table ends");
        let right = format!("{before}{begin}{table}/// <!-- -->\n{after}");
        if right != written && overwrite() {
            fs::write(here().join("src/lib.rs"), &right).expect("written");
            written = right.clone();
        }
        assert_eq!(written, right, "`SNAPSHOTS=overwrite` writes the table");
    }
}

/// One row a word; the default has a column where there is one.
fn table(mut words: Vec<Word>, [first, second]: [&str; 2], keyword: &str) -> String {
    if !keyword.is_empty() {
        words.push(Word {
            name: "crate".to_owned(),
            form: format!("`{keyword}`"),
            meaning: "where the library is".to_owned(),
            default: "`::connect_session`".to_owned(),
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
