//! The name of this library in the user's crate. A dependency can be renamed, and a macro is only told where
//! the Cargo.toml is.

use std::env;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use proc_macro2::{Ident, Span, TokenStream};
use quote::quote;

use crate::errors::Errors;

const PACKAGE: &str = "connect-session";

/// What a Cargo.toml says about this library.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Dependency {
    /// The crate depends on it, by this name.
    Named(String),
    /// The crate does not depend on it.
    Missing,
    /// There is no Cargo.toml that says so, or the crate belongs to the library.
    Unknown,
}

/// The path of the library, unless the user has given one.
pub(crate) fn path() -> TokenStream {
    match dependency() {
        Dependency::Named(name) => {
            let name = Ident::new(&name.replace('-', "_"), Span::call_site());
            quote!(::#name)
        }
        Dependency::Missing | Dependency::Unknown => quote!(::connect_session),
    }
}

/// Reports a crate that reaches the library only through another crate. Returns whether it did.
pub(crate) fn report_missing(
    library: Option<&TokenStream>,
    option: &str,
    errors: &mut Errors,
) -> bool {
    let is_missing = library.is_none() && dependency() == Dependency::Missing;
    if is_missing {
        errors.at(
            Span::call_site(),
            format!(
                "the Cargo.toml of this crate has no dependency on `{PACKAGE}`; add it, or, if another \
                 crate re-exports it, say where: `{option}`"
            ),
        );
    }
    is_missing
}

/// The manifest that was read last, when it was changed, and what it says. Every macro of a crate asks, and macros are
/// usually not optimized. A change of the workspace's manifest alone is noticed by the next process.
static LAST: Mutex<Option<(PathBuf, SystemTime, Dependency)>> = Mutex::new(None);

fn dependency() -> Dependency {
    let found = manifest().and_then(|manifest| {
        let changed_at = std::fs::metadata(&manifest).ok()?.modified().ok()?;
        let mut last = LAST.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((path, time, known)) = &*last
            && *path == manifest
            && *time == changed_at
        {
            return Some(known.clone());
        }
        let text = std::fs::read_to_string(&manifest).ok()?;
        let found = find(&text, |name| package_in_workspace(&manifest, name));
        *last = Some((manifest, changed_at, found.clone()));
        Some(found)
    });
    found.unwrap_or(Dependency::Unknown)
}

/// The Cargo.toml of the crate. A script has its manifest in its source, and other build tools have none.
fn manifest() -> Option<PathBuf> {
    let path = match env::var_os("CARGO_MANIFEST_PATH") {
        Some(path) => PathBuf::from(path),
        None => Path::new(&env::var_os("CARGO_MANIFEST_DIR")?).join("Cargo.toml"),
    };
    (path.file_name()? == "Cargo.toml").then_some(path)
}

/// The package that a workspace gives to a name.
fn package_in_workspace(manifest: &Path, name: &str) -> Option<String> {
    for folder in manifest.ancestors().skip(1) {
        let Ok(text) = std::fs::read_to_string(folder.join("Cargo.toml")) else {
            continue;
        };
        let is_root =
            tables(&text).any(|table| table.first().is_some_and(|word| word == "workspace"));
        if is_root {
            let found = entries(&text, |table| table == ["workspace", "dependencies"]);
            return found.into_iter().find(|entry| entry.name == name)?.package;
        }
    }
    None
}

fn find(manifest: &str, package_in_workspace: impl Fn(&str) -> Option<String>) -> Dependency {
    let mut is_package = false;
    for (table, key, value) in assignments(manifest) {
        if table == ["package"] && key == ["name"] {
            is_package = true;
            if text(&value).is_some_and(|name| name.starts_with(PACKAGE)) {
                return Dependency::Unknown;
            }
        }
    }
    if !is_package {
        return Dependency::Unknown;
    }
    // `[dependencies]`, or `[target.….dependencies]`.
    let is_dependencies = |table: &[String]| match table {
        [kind] => is_kind(kind),
        [target, _, kind] => target == "target" && is_kind(kind),
        _ => false,
    };
    for entry in entries(manifest, is_dependencies) {
        let package = match entry.package {
            None if entry.in_workspace => package_in_workspace(&entry.name),
            package => package,
        };
        if package.as_deref().unwrap_or(&entry.name) == PACKAGE {
            return Dependency::Named(entry.name);
        }
    }
    Dependency::Missing
}

fn is_kind(table: &str) -> bool {
    matches!(
        table,
        "dependencies" | "dev-dependencies" | "build-dependencies"
    )
}

/// A dependency.
#[derive(Default)]
struct Entry {
    name: String,
    package: Option<String>,
    in_workspace: bool,
}

/// The dependencies in the tables of this kind.
fn entries(manifest: &str, is_dependencies: impl Fn(&[String]) -> bool) -> Vec<Entry> {
    let mut entries: Vec<Entry> = Vec::new();
    let mut note = |name: &str, option: Option<(&str, &str)>| {
        let known = entries.iter().position(|entry| entry.name == name);
        let at = known.unwrap_or_else(|| {
            entries.push(Entry {
                name: name.to_owned(),
                ..Entry::default()
            });
            entries.len() - 1
        });
        match option {
            Some(("package", value)) => entries[at].package = text(value),
            Some(("workspace", "true")) => entries[at].in_workspace = true,
            _ => {}
        }
    };
    for (table, key, value) in assignments(manifest) {
        // `name.package = "…"` in the table is the same as `package = "…"` in the table `….name`.
        let path: Vec<String> = table.into_iter().chain(key).collect();
        let name = (1..path.len()).find(|&end| is_dependencies(&path[..end]));
        let Some((name, option)) = name.and_then(|at| path[at..].split_first()) else {
            continue;
        };
        match option {
            [] => {
                note(name, None);
                for (key, value) in inline(&value) {
                    note(name, Some((key, value)));
                }
            }
            [option] => note(name, Some((option, &value))),
            _ => {}
        }
    }
    entries
}

/// The assignments of a manifest: table, key and value.
fn assignments(manifest: &str) -> Vec<(Vec<String>, Vec<String>, String)> {
    let mut table = Vec::new();
    let mut found = Vec::new();
    for line in statements(manifest) {
        if let Some(header) = header(&line) {
            table = words(header);
            // A table without entries is a dependency, too.
            found.push((table.clone(), Vec::new(), String::new()));
        } else if let Some((key, value)) = split_outside_quotes(&line, '=') {
            found.push((table.clone(), words(key), value.trim().to_owned()));
        }
    }
    found
}

/// The lines without comments. An array may span several lines, and becomes one.
fn statements(manifest: &str) -> Vec<String> {
    let mut statements: Vec<String> = Vec::new();
    let mut open_brackets = 0_i32;
    for line in manifest.lines() {
        let line = without_comment(line).trim();
        match statements.last_mut().filter(|_| open_brackets > 0) {
            Some(statement) => statement.push_str(line),
            None => statements.push(line.to_owned()),
        }
        open_brackets = statements.last().map_or(0, |statement| depth(statement));
    }
    statements
}

/// How many brackets are open at the end of a statement.
fn depth(statement: &str) -> i32 {
    let mut depth = 0;
    let mut rest = statement;
    while let Some((before, after)) = split_outside_quotes(rest, '[') {
        depth += 1 - closed(before);
        rest = after;
    }
    depth - closed(rest)
}

fn closed(text: &str) -> i32 {
    let mut closed = 0;
    let mut rest = text;
    while let Some((_, after)) = split_outside_quotes(rest, ']') {
        closed += 1;
        rest = after;
    }
    closed
}

fn tables(manifest: &str) -> impl Iterator<Item = Vec<String>> {
    (statements(manifest).into_iter()).filter_map(|line| header(&line).map(words))
}

fn header(line: &str) -> Option<&str> {
    line.strip_prefix('[')?.strip_suffix(']')
}

/// The entries of `{ key = value, … }`.
fn inline(value: &str) -> Vec<(&str, &str)> {
    let inside = value
        .strip_prefix('{')
        .and_then(|rest| rest.strip_suffix('}'));
    let mut rest = inside.unwrap_or_default();
    let mut entries = Vec::new();
    while !rest.is_empty() {
        let (entry, others) = split_outside_quotes(rest, ',').unwrap_or((rest, ""));
        if let Some((key, value)) = split_outside_quotes(entry, '=') {
            entries.push((key.trim(), value.trim()));
        }
        rest = others;
    }
    entries
}

/// The words of a dotted key, without their quotes.
fn words(key: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut rest = key;
    loop {
        let (word, others) = split_outside_quotes(rest, '.').unwrap_or((rest, ""));
        let word = word.trim();
        words.push(text(word).unwrap_or_else(|| word.to_owned()));
        if others.is_empty() {
            return words;
        }
        rest = others;
    }
}

/// The content of a quoted text.
fn text(value: &str) -> Option<String> {
    let quote = value
        .chars()
        .next()
        .filter(|first| matches!(first, '"' | '\''))?;
    let inside = value.strip_prefix(quote)?.strip_suffix(quote)?;
    Some(inside.to_owned())
}

fn without_comment(line: &str) -> &str {
    split_outside_quotes(line, '#').map_or(line, |(before, _)| before)
}

fn split_outside_quotes(text: &str, separator: char) -> Option<(&str, &str)> {
    let mut quote = None;
    for (at, character) in text.char_indices() {
        match quote {
            Some(open) if character == open => quote = None,
            None if character == separator => {
                return Some((&text[..at], &text[at + character.len_utf8()..]));
            }
            None if matches!(character, '"' | '\'') => quote = Some(character),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(dependencies: &str) -> Dependency {
        let manifest =
            format!("[package]\nname = \"app\"\nversion = \"0.1.0\"\n\n{dependencies}\n");
        find(&manifest, |name| {
            (name == "shared").then(|| PACKAGE.to_owned())
        })
    }

    #[test]
    fn a_dependency_is_found_by_its_name() {
        let names = [
            (
                "connect-session",
                "[dependencies]\nconnect-session = \"0.1\"",
            ),
            (
                "connect-session",
                "[dependencies]\n\"connect-session\" = { version = \"0.1\" } # sessions",
            ),
            (
                "connect-session",
                "[dev-dependencies]\nconnect-session.workspace = true",
            ),
            (
                "connect-session",
                "[dependencies.connect-session]\nversion = \"0.1\"\nfeatures = [\n    \"redis\",\n]",
            ),
            (
                "sessions",
                "[dependencies]\nsessions = { package = \"connect-session\", version = \"0.1\" }",
            ),
            (
                "my_sessions",
                "[dependencies]\nmy_sessions.package = 'connect-session'\nmy_sessions.version = '0.1'",
            ),
            (
                "s",
                "[target.'cfg(any(unix, target_os = \"wasi\"))'.dependencies]\ns = { version = \"0.1\", package = \"connect-session\" }",
            ),
            (
                "s",
                "[target.x86_64-unknown-linux-gnu.dependencies.s]\npackage = \"connect-session\"",
            ),
            (
                "shared",
                "[dependencies]\nserde = \"1\"\nshared = { workspace = true, features = [\"axum\"] }",
            ),
            ("shared", "[dependencies.shared]\nworkspace = true"),
            (
                "s",
                "[dependencies]\ns = { features = [\n  \"redis\", # ]\n], package = \"connect-session\" }\n",
            ),
            (
                "s",
                "[dependencies]\nother = { features = [\n  \"[a\",\n] }\ns = { package = \"connect-session\" }\n",
            ),
        ];
        for (name, dependencies) in names {
            let found = named(dependencies);
            assert_eq!(found, Dependency::Named(name.to_owned()), "{dependencies}");
        }
    }

    #[test]
    fn another_dependency_is_not_taken_for_it() {
        let others = [
            "[dependencies]\nserde = \"1\"",
            "[dependencies]\nconnect-session = { package = \"other\", version = \"1\" }",
            "[dependencies]\nother = { version = \"1\", features = [\"connect-session\"] }",
            "[dependencies]\nconnect-session-redis = \"0.1\"",
            "[dependencies]\nother.workspace = true",
            "[features]\nconnect-session = []",
            "# [dependencies]\n# connect-session = \"0.1\"",
            "[workspace.dependencies]\nconnect-session = \"0.1\"",
            "[package.metadata.dependencies]\nconnect-session = \"0.1\"",
            "[package.metadata.dependencies-of]\nconnect-session = \"0.1\"",
        ];
        for dependencies in others {
            assert_eq!(named(dependencies), Dependency::Missing, "{dependencies}");
        }
    }

    #[test]
    fn a_manifest_without_a_package_says_nothing() {
        let unknown = |text: &str| find(text, |_| None) == Dependency::Unknown;
        assert!(unknown(""));
        assert!(unknown("[workspace]\nmembers = []"));
        assert!(unknown("[package]\nname = \"connect-session-macros\""));
        assert!(unknown("[[[\n= =\n\"\n{"));
    }
}
