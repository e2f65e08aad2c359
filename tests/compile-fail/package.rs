//! Checks the cases of one framework with one `cargo check` of a package that has each case as a
//! program.
//!
//! The package is generated, because a workspace member that does not compile would break every
//! command on the whole workspace. It uses the workspace's lock file, profile and target folder, to
//! reuse what is built already.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::{env, fs};

use serde::Deserialize;

use crate::expected::{self, Case};
use crate::normalize;

/// The dependencies of the cases of a framework, and the folder that holds them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(dead_code, reason = "the frameworks other than axum need a feature")]
pub(crate) enum Framework {
    /// No framework is enabled.
    None,
    Axum,
    ActixWeb,
    Poem,
    Rocket,
    Salvo,
}

impl Framework {
    pub(crate) fn folder(self) -> &'static str {
        match self {
            Self::None => "no-framework",
            Self::Axum => "axum",
            Self::ActixWeb => "actix-web",
            Self::Poem => "poem",
            Self::Rocket => "rocket",
            Self::Salvo => "salvo",
        }
    }

    /// The features of connect-session, and the other dependencies.
    fn dependencies(self) -> (&'static str, &'static str) {
        match self {
            Self::None => ("", "http = \"1\"\n"),
            Self::Axum => (
                "\"axum\", \"admin\"",
                "axum = { version = \"0.8\", features = [\"macros\"] }\nhttp = \"1\"\n\
                 serde = { version = \"1\", features = [\"derive\"] }\nserde_json = \"1\"\n\
                 tokio = { version = \"1\", features = [\"macros\", \"net\", \"rt-multi-thread\"] }\n",
            ),
            Self::ActixWeb => (
                "\"actix-web\"",
                "actix-web = { version = \"4\", default-features = false, features = [\"macros\"] }\n",
            ),
            Self::Poem => ("\"poem\"", "poem = \"3\"\n"),
            Self::Rocket => (
                "\"rocket\"",
                "rocket = { version = \"0.5\", default-features = false }\n",
            ),
            Self::Salvo => (
                "\"salvo\"",
                "salvo = { version = \"1\", default-features = false, features = [\"http1\", \"server\"] }\n",
            ),
        }
    }
}

/// The folder of this package.
pub(crate) fn here() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The folder of the workspace.
pub(crate) fn root() -> PathBuf {
    here().join("../..").canonicalize().expect("the workspace")
}

/// Runs one `cargo check` at a time; two would wait for each other's lock.
static CARGO: Mutex<()> = Mutex::new(());

/// Checks every case of a framework, and fails with all differences.
pub(crate) fn check(framework: Framework) {
    let cases = expected::cases(framework);
    let manifest = write_package(framework, &cases);
    let mut messages = run_cargo(&manifest);
    let problems: String = cases
        .iter()
        .filter_map(|case| case.problem(&messages.remove(&case.target).unwrap_or_default()))
        .collect();
    assert!(
        messages.is_empty(),
        "messages about unknown targets: {messages:?}"
    );
    println!("{} cases on {}", cases.len(), framework.folder());
    assert!(problems.is_empty(), "{problems}");
}

fn write_package(framework: Framework, cases: &[Case]) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"))
        .join("compile-fail")
        .join(framework.folder());
    fs::create_dir_all(&folder).expect("a folder");
    fs::copy(root().join("Cargo.lock"), folder.join("Cargo.lock")).expect("the file is copied");
    let (features, dependencies) = framework.dependencies();
    let mut manifest = format!(
        "[package]\nname = \"cases-{}\"\nversion = \"0.0.0\"\nedition = \"2024\"\nautobins = false\n\
         [workspace]\n\
         [profile.dev]\ndebug = \"line-tables-only\"\n[profile.dev.package.\"*\"]\ndebug = false\n\
         [dependencies]\n{dependencies}\
         connect-session = {{ path = '{}', default-features = false, features = [{features}] }}\n",
        framework.folder(),
        root().display(),
    );
    for case in cases {
        let (target, file) = (&case.target, case.file.display());
        write!(manifest, "[[bin]]\nname = {target:?}\npath = '{file}'\n")
            .expect("writing to a string succeeds");
    }
    let path = folder.join("Cargo.toml");
    fs::write(&path, manifest).expect("the file is written");
    path
}

/// A line of cargo's output.
#[derive(Deserialize)]
struct Line {
    reason: String,
    target: Option<Target>,
    message: Option<Message>,
}

#[derive(Deserialize)]
struct Target {
    name: String,
    kind: Vec<String>,
}

#[derive(Deserialize)]
struct Message {
    message: String,
    rendered: String,
}

/// The normalized messages of each program.
fn run_cargo(manifest: &Path) -> BTreeMap<String, Vec<String>> {
    let _alone = CARGO
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    let output = Command::new(env!("CARGO"))
        .args(["check", "--bins", "--keep-going", "--offline", "--quiet"])
        .args(["--message-format", "json", "--manifest-path"])
        .arg(manifest)
        .env("CARGO_TARGET_DIR", target_folder())
        // Incremental builds may report an error twice.
        .env("CARGO_INCREMENTAL", "0")
        .env_remove("RUSTFLAGS")
        .output()
        .expect("cargo");
    let stdout = String::from_utf8(output.stdout).expect("text");
    let mut messages = BTreeMap::<String, Vec<String>>::new();
    let mut checked = false;
    for line in stdout.lines() {
        let line: Line = serde_json::from_str(line).expect("a message in JSON");
        checked |= line.reason == "compiler-artifact" || line.message.is_some();
        let (Some(target), Some(message)) = (line.target, line.message) else {
            continue;
        };
        if target.kind != ["bin"] || is_summary(&message.message) {
            continue;
        }
        let texts = messages.entry(target.name).or_default();
        let text = normalize::message(&message.rendered);
        // Cargo also removes duplicates when it prints for users.
        if !texts.contains(&text) {
            texts.push(text);
        }
    }
    assert!(
        checked,
        "cargo checked nothing:\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    messages
}

/// Whether the message is a summary after the errors.
fn is_summary(message: &str) -> bool {
    message.starts_with("aborting due to")
        || message.starts_with("For more information about")
        || message.starts_with("Some errors have detailed explanations")
        || message.ends_with("warning emitted")
        || message.ends_with("warnings emitted")
}

/// The target folder of this test.
fn target_folder() -> PathBuf {
    let tmp = Path::new(env!("CARGO_TARGET_TMPDIR"));
    tmp.parent().expect("a target folder").to_owned()
}
