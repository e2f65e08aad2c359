//! What a config promises, as a document for people and for programs.

mod rows;

use std::fmt;

use serde::Serialize;

use crate::config::{SessionConfig, prepared};
use crate::printable;

/// What a config promises about its sessions: how long they live, how many a user may have, where their sid
/// travels, and which requirements of OWASP ASVS 5.0 and NIST SP 800-63B-4 that meets. `Shop::policy()`
/// returns it.
///
/// It is the document that ASVS 7.1.1 and 7.1.2 ask for. Its `Display` is Markdown, and
/// [`to_json`](Self::to_json) the same for programs. Keep a copy in your repository, and compare it in a test
/// with `assert_file`, so that a change of the config shows in review what it means:
///
/// ```
/// use connect_session::session_config;
///
/// session_config! {
///     struct Shop { idle_timeout: 15m, absolute_timeout: 12h, max_sessions: 5 }
/// }
///
/// let policy = Shop::policy();
/// assert!(policy.to_string().contains("| in total | 12h |"));
/// assert!(policy.to_json().contains("\"AAL3\""));
/// ```
#[derive(Debug, Clone, Serialize)]
pub struct Policy {
    config: String,
    sections: Vec<Section>,
}

#[derive(Debug, Clone, Serialize)]
struct Section {
    title: &'static str,
    rows: Vec<Row>,
}

/// A line of a table.
#[derive(Debug, Clone, Serialize)]
struct Row {
    what: String,
    value: String,
    /// Why, or which requirement it is about.
    note: String,
}

impl Policy {
    /// The document as JSON.
    #[must_use]
    pub fn to_json(&self) -> String {
        // A struct of texts always encodes.
        serde_json::to_string_pretty(self).unwrap_or_default()
    }

    /// Compares the document with a file. With the environment variable `POLICY=overwrite`, writes the file
    /// instead. Relative paths begin in the folder of the package, where `cargo test` runs tests.
    ///
    /// # Panics
    /// If the file differs, or cannot be read.
    #[cfg(feature = "testing")]
    #[track_caller]
    #[allow(clippy::panic, reason = "fails a test")]
    pub fn assert_file(&self, path: impl AsRef<std::path::Path>) {
        let path = path.as_ref();
        let current = self.to_string();
        if std::env::var("POLICY").is_ok_and(|word| word == "overwrite") {
            if let Err(error) = std::fs::write(path, current) {
                panic!("{} cannot be written: {error}", path.display());
            }
            return;
        }
        let fix = "review the difference, and run the test with POLICY=overwrite";
        match std::fs::read_to_string(path) {
            // Git may have converted the line ends.
            Ok(file) if file.replace("\r\n", "\n") == current => {}
            Ok(file) => {
                let line = |(current, file): &(&str, &str)| current != file;
                let lines = current.lines().zip(file.lines());
                let (now, before) = lines
                    .clone()
                    .find(line)
                    .unwrap_or(("a shorter file", "more"));
                panic!(
                    "{} differs: {fix}\n    file: {before}\n  config: {now}",
                    path.display()
                );
            }
            Err(error) => panic!("{} cannot be read ({error}): {fix}", path.display()),
        }
    }
}

/// The document of a config, with the options that `configure` has set. The first call ends the time in which
/// `configure` may be called.
#[must_use]
pub fn policy<C: SessionConfig>() -> Policy {
    Policy {
        config: printable::name(C::NAME),
        sections: rows::sections(&prepared::<C>().options, C::REASONS),
    }
}

/// The document as Markdown.
impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "# Sessions of {}", self.config)?;
        for Section { title, rows } in &self.sections {
            write!(f, "\n## {title}\n\n| | | |\n| --- | --- | --- |\n")?;
            for Row { what, value, note } in rows {
                writeln!(f, "| {} | {} | {} |", cell(what), cell(value), cell(note))?;
            }
        }
        Ok(())
    }
}

/// A line of text as a cell of a table.
fn cell(line: &str) -> String {
    // In code, only the end of the cell needs a backslash.
    let has_code = line.matches('`').count().is_multiple_of(2);
    let mut is_code = false;
    let mut cell = String::with_capacity(line.len());
    for character in line.chars() {
        is_code ^= has_code && character == '`';
        let is_markup = matches!(character, '<' | '[' | ']' | '\\' | '*' | '_');
        if character == '|' || (is_markup && !is_code) {
            cell.push('\\');
        }
        cell.push(character);
    }
    cell
}
