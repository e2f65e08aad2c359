//! Normalizes the compiler's output, so that it does not depend on the machine or on the versions
//! of other crates.

use crate::package;

/// Normalizes one message: paths are relative, and line numbers of files other than the case are
/// removed.
pub(crate) fn message(rendered: &str) -> String {
    let root = format!("{}/", package::root().display());
    let mut is_own = true;
    let lines: Vec<Line> = rendered
        .trim_end()
        .lines()
        .filter(|line| !is_about_long_types(line))
        .map(|line| Line::new(line, &root, &mut is_own))
        .collect();
    let gutter = |own: bool| {
        let of_lines = lines.iter().filter(move |line| line.is_own || !own);
        of_lines
            .filter_map(|line| Some(line.number.as_ref()?.len()))
            .max()
            .unwrap_or(0)
    };
    // The margin is as wide as the longest line number, which may be one that is removed.
    let (shown, all) = (gutter(true), gutter(false));
    let mut text = String::new();
    let mut is_of_std = false;
    for line in &lines {
        let line = line.show(shown, all);
        let is_snippet = line.trim_start().starts_with('|') || line.trim() == "...";
        is_of_std = line.contains("--> $RUST/") || (is_of_std && is_snippet);
        // Code of the standard library is only shown if the component `rust-src` is installed.
        if !(is_of_std && is_snippet) {
            text += line.trim_end();
            text.push('\n');
        }
    }
    text
}

/// Whether a line names the file with a long type, which differs each time.
fn is_about_long_types(line: &str) -> bool {
    line.contains(".long-type-") || line.ends_with("to print the full type name to the console")
}

struct Line {
    /// The number in the margin.
    number: Option<String>,
    /// What follows the number, or the whole line.
    rest: String,
    /// Whether it belongs to the case's file.
    is_own: bool,
}

impl Line {
    fn new(line: &str, root: &str, is_own: &mut bool) -> Self {
        let trimmed = line.trim_start();
        // A new note. If it has a snippet but names no file, it suggests a change of the case.
        *is_own |= line.starts_with(|letter: char| letter.is_ascii_lowercase());
        for arrow in ["--> ", "::: "] {
            if let Some(place) = trimmed.strip_prefix(arrow) {
                let margin = &line[..line.len() - trimmed.len()];
                let place = place.replace(root, "");
                *is_own = place.starts_with("tests/compile-fail/");
                let place = if *is_own { place } else { foreign(&place) };
                let rest = format!("{margin}{arrow}{place}");
                return Self {
                    number: None,
                    rest,
                    is_own: *is_own,
                };
            }
        }
        let digits = trimmed.len()
            - trimmed
                .trim_start_matches(|c: char| c.is_ascii_digit())
                .len();
        let (number, rest) = trimmed.split_at(digits);
        if !number.is_empty() && rest.trim_start().starts_with('|') {
            return Self {
                number: Some(number.to_owned()),
                rest: rest.trim_start().to_owned(),
                is_own: *is_own,
            };
        }
        Self {
            number: None,
            rest: without_count(&line.replace(root, "")),
            is_own: *is_own,
        }
    }

    fn show(&self, shown: usize, all: usize) -> String {
        match &self.number {
            Some(number) if self.is_own => format!("{number:>shown$} {}", self.rest),
            Some(_) => format!("{:shown$} {}", "", self.rest),
            None => {
                let margin = " ".repeat(all);
                let is_indented = self.rest.starts_with(&margin);
                let cut = if is_indented { all - shown } else { 0 };
                self.rest[cut..].to_owned()
            }
        }
    }
}

/// Removes the number of other types that implement a trait, which depends on the framework's
/// version.
fn without_count(line: &str) -> String {
    let counted = line
        .strip_suffix(" others")
        .and_then(|line| line.rsplit_once("and "));
    match counted {
        Some((start, count)) if count.bytes().all(|byte| byte.is_ascii_digit()) => {
            format!("{start}and $N others")
        }
        _ => line.to_owned(),
    }
}

/// A location in another crate or in the standard library, without version, line and column.
fn foreign(place: &str) -> String {
    let path = place.trim_end_matches(|c: char| c.is_ascii_digit() || c == ':');
    if let Some((_, inside)) = path.split_once("/registry/src/") {
        let file = inside.split_once('/').map_or(inside, |(_, file)| file);
        let (package, file) = file.split_once('/').unwrap_or((file, ""));
        let name = package.rsplit_once('-').map_or(package, |(name, _)| name);
        return format!("$CARGO/{name}-$VERSION/{file}");
    }
    if let Some((_, file)) = path.rsplit_once("/library/") {
        return format!("$RUST/{file}");
    }
    path.to_owned()
}
