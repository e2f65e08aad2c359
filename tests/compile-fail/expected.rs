//! The cases, and the compiler's expected output for each.

use std::path::{Path, PathBuf};
use std::{env, fs};

use crate::package::{self, Framework};

/// A program, and the expected result of compiling it.
pub(crate) struct Case {
    /// The name of the program.
    pub(crate) target: String,
    pub(crate) file: PathBuf,
    /// The expected output; `None` if the program must compile without a warning.
    stderr: Option<PathBuf>,
}

/// The cases of a framework, ordered by name.
///
/// # Panics
/// If an expected output belongs to no case.
pub(crate) fn cases(framework: Framework) -> Vec<Case> {
    let folder = package::here().join("cases").join(framework.folder());
    let mut cases: Vec<Case> = sources(&folder)
        .into_iter()
        .map(|file| Case {
            target: target("fail", &file),
            stderr: Some(file.with_extension("stderr")),
            file,
        })
        .collect();
    for text in files(&folder, "stderr") {
        assert!(
            text.with_extension("rs").exists(),
            "{} belongs to no case",
            text.display()
        );
    }
    if framework == Framework::Axum {
        let passing = sources(&package::here().join("pass"));
        cases.extend(passing.into_iter().map(|file| Case {
            target: target("pass", &file),
            stderr: None,
            file,
        }));
    }
    assert!(!cases.is_empty(), "{} contains no case", folder.display());
    cases
}

pub(crate) fn sources(folder: &Path) -> Vec<PathBuf> {
    files(folder, "rs")
}

fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder)
        .expect("a folder")
        .map(|entry| entry.expect("a file").path())
        .filter(|file| file.extension().is_some_and(|found| found == extension))
        .collect();
    files.sort();
    files
}

/// In lower case, as rustc requires of crate names.
fn target(kind: &str, file: &Path) -> String {
    let stem = file.file_stem().and_then(|stem| stem.to_str());
    format!("{kind}_{}", stem.expect("a UTF-8 name").to_lowercase())
}

impl Case {
    /// The difference between the compiler's and the expected output, if any.
    pub(crate) fn problem(&self, messages: &[String]) -> Option<String> {
        let name = self
            .file
            .strip_prefix(package::here())
            .unwrap_or(&self.file);
        let name = name.display();
        let actual = messages.join("\n");
        let Some(stderr) = &self.stderr else {
            return (!actual.is_empty()).then(|| format!("{name} must compile:\n{actual}\n"));
        };
        if !actual.lines().any(|line| line.starts_with("error")) {
            return Some(format!("{name} compiles, but must not:\n{actual}\n"));
        }
        if env::var_os("CATALOGUE").is_some_and(|value| value == "overwrite") {
            fs::write(stderr, &actual).expect("the file is written");
            return None;
        }
        let Ok(expected) = fs::read_to_string(stderr) else {
            return Some(format!("{name} has no expected text:\n{actual}\n"));
        };
        let difference = difference(expected.trim_end(), actual.trim_end());
        difference.map(|difference| format!("{name} (- expected, + actual):\n{difference}\n"))
    }
}

/// The lines that differ, without the common start and end.
fn difference(expected: &str, actual: &str) -> Option<String> {
    if expected == actual {
        return None;
    }
    let (expected, actual): (Vec<_>, Vec<_>) =
        (expected.lines().collect(), actual.lines().collect());
    let same = |(a, b): &(&&str, &&str)| a == b;
    let start = expected.iter().zip(&actual).take_while(same).count();
    let (expected, actual) = (&expected[start..], &actual[start..]);
    let end = expected
        .iter()
        .rev()
        .zip(actual.iter().rev())
        .take_while(same)
        .count();
    let removed = expected[..expected.len() - end]
        .iter()
        .map(|line| format!("- {line}\n"));
    let added = actual[..actual.len() - end]
        .iter()
        .map(|line| format!("+ {line}\n"));
    Some(format!(
        "after line {start}:\n{}",
        removed.chain(added).collect::<String>()
    ))
}
