//! The name of this library in the user's crate. A dependency can be renamed, and a macro is only told where
//! the Cargo.toml is.

use std::env;
use std::path::{Path, PathBuf};

use proc_macro2::{Ident, Span, TokenStream};
use quote::quote;

use crate::errors::Errors;

const PACKAGE: &str = "connect-session";

/// What a Cargo.toml says about this library.
#[derive(Debug, PartialEq, Eq)]
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

fn dependency() -> Dependency {
    let Some(manifest) = manifest() else {
        return Dependency::Unknown;
    };
    let Ok(text) = std::fs::read_to_string(&manifest) else {
        return Dependency::Unknown;
    };
    find(&text, |name| package_in_workspace(&manifest, name))
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
            if text(value).is_some_and(|name| name.starts_with(PACKAGE)) {
                return Dependency::Unknown;
            }
        }
    }
    if !is_package {
        return Dependency::Unknown;
    }
    let is_dependencies = |table: &[String]| {
        table.last().is_some_and(|last| {
            matches!(
                &**last,
                "dependencies" | "dev-dependencies" | "build-dependencies"
            )
        }) && table.first().is_some_and(|first| first != "workspace")
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
                for (key, value) in inline(value) {
                    note(name, Some((key, value)));
                }
            }
            [option] => note(name, Some((option, value))),
            _ => {}
        }
    }
    entries
}

/// The assignments of a manifest: table, key and value. Values that span several lines, which name no
/// package, are cut off.
fn assignments(manifest: &str) -> impl Iterator<Item = (Vec<String>, Vec<String>, &str)> {
    let mut table = Vec::new();
    manifest.lines().filter_map(move |line| {
        let line = without_comment(line).trim();
        if let Some(header) = header(line) {
            table = words(header);
            // A table without entries is a dependency, too.
            return Some((table.clone(), Vec::new(), ""));
        }
        let (key, value) = split_outside_quotes(line, '=')?;
        Some((table.clone(), words(key), value.trim()))
    })
}

fn tables(manifest: &str) -> impl Iterator<Item = Vec<String>> {
    manifest
        .lines()
        .filter_map(|line| header(without_comment(line).trim()).map(words))
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
