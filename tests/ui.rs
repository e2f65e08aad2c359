//! What must not compile, and what its user reads. Each file holds one row of mistakes; the files
//! in `pass` hold their neighbours, one token away, which compile.

#![allow(clippy::expect_used, reason = "a test fails by panicking")]

use std::path::Path;
use std::process::Command;
use std::{env, fs};

#[test]
fn mistakes_are_explained() {
    let cases = trybuild::TestCases::new();
    cases.pass("tests/ui/pass/*.rs");
    cases.compile_fail("tests/ui/*.rs");
}

/// The row of a file is the beginning of its name: `C01_unknown_option.rs`.
fn row(file: &str) -> Option<&str> {
    let (row, _) = file.strip_suffix(".rs")?.split_once('_')?;
    let number = row.strip_prefix(['C', 'H', 'W'])?;
    (number.len() == 2 && number.parse::<u8>().is_ok()).then_some(row)
}

fn names(folder: &str) -> Vec<String> {
    fs::read_dir(folder)
        .expect("the folder")
        .map(|entry| entry.expect("a file").file_name())
        .map(|name| name.into_string().expect("a readable name"))
        .collect()
}

/// A rule that refused everything would be useless: what is one token away compiles, and says so.
#[test]
fn every_row_has_a_neighbour_that_compiles() {
    let passing: String = names("tests/ui/pass")
        .iter()
        .map(|name| fs::read_to_string(format!("tests/ui/pass/{name}")).expect("a text"))
        .collect();
    let mentioned: Vec<&str> = passing
        .lines()
        .filter_map(|line| line.split_once("//"))
        .flat_map(|(_, comment)| comment.split(|letter: char| !letter.is_ascii_alphanumeric()))
        .collect();
    let files = names("tests/ui");
    let rows: Vec<&str> = files.iter().filter_map(|name| row(name)).collect();
    assert!(rows.len() > 50, "{rows:?}");
    for row in rows {
        assert!(mentioned.contains(&row), "{row} has no neighbour in `pass`");
    }
}

/// H19 takes a build without features, which this package's tests cannot have: a package of its own
/// is checked, of which one handler belongs to a framework and the other one, its neighbour, does
/// not. `TRYBUILD=overwrite` writes the expected text here too.
#[test]
fn without_a_framework_its_feature_is_named() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let files = root.join("tests/ui-no-framework");
    let package = Path::new(env!("CARGO_TARGET_TMPDIR")).join("no-framework");
    fs::create_dir_all(package.join("src")).expect("a folder");
    let manifest = format!(
        "[package]\nname = \"no-framework\"\nedition = \"2024\"\n[workspace]\n[dependencies]\nhttp = \"1\"\n\
         connect-session = {{ path = {root:?}, default-features = false }}\n"
    );
    fs::write(package.join("Cargo.toml"), manifest).expect("written");
    fs::copy(root.join("Cargo.lock"), package.join("Cargo.lock")).expect("copied");
    fs::copy(files.join("src/main.rs"), package.join("src/main.rs")).expect("copied");
    let output = Command::new(env!("CARGO"))
        .args(["check", "--offline", "--quiet", "--color", "never"])
        .current_dir(&package)
        .env("CARGO_TARGET_DIR", package.join("target"))
        .output()
        .expect("cargo");
    let text = String::from_utf8_lossy(&output.stderr);
    let (text, _) = text.split_once("error: could not compile").expect(&text);
    let expected = files.join("H19_no_framework.stderr");
    if env::var_os("TRYBUILD").is_some_and(|value| value == "overwrite") {
        fs::write(&expected, text.trim_end()).expect("written");
    }
    let expected = fs::read_to_string(expected).expect("the expected text");
    assert_eq!(text.trim_end(), expected.trim_end());
}
