//! Counts instructions with valgrind's callgrind.

use std::collections::HashMap;
use std::path::Path;
use std::process::Command;

/// The instructions of one request.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Instructions {
    /// All instructions except those of SHA-256.
    pub ours: f64,
    /// The instructions of SHA-256. Processors have special instructions for it, which valgrind
    /// hides, so that this is some thirty times the real number.
    pub sha256: f64,
}

/// Runs one case of this program under valgrind.
pub fn count(subject: &str, workload: &str, size: usize, requests: usize) -> Instructions {
    let program = std::env::current_exe().expect("this program has a path");
    let out = std::env::temp_dir().join(format!(
        "callgrind.{}.{subject}.{workload}",
        std::process::id()
    ));
    let valgrind = Command::new("valgrind")
        .args(["--tool=callgrind", "--toggle-collect=*::measured*"])
        .arg(format!("--callgrind-out-file={}", out.display()))
        .arg(program)
        .args(["run", subject, workload])
        .args([size.to_string(), requests.to_string()])
        .output()
        .expect("valgrind is installed");
    assert!(
        valgrind.status.success(),
        "{subject} {workload}: {}",
        String::from_utf8_lossy(&valgrind.stderr)
    );
    let (all, sha256) = read(&out);
    std::fs::remove_file(&out).expect("the output of valgrind");
    assert!(all > 0, "{subject} {workload}: nothing was collected");
    let each = |total: u64| total as f64 / requests as f64;
    Instructions {
        ours: each(all - sha256),
        sha256: each(sha256),
    }
}

/// The total instructions of a profile, and those of the functions of SHA-256.
fn read(profile: &Path) -> (u64, u64) {
    let text = std::fs::read_to_string(profile).expect("a profile");
    let mut names: HashMap<&str, bool> = HashMap::new();
    let (mut all, mut sha256) = (0, 0);
    let mut in_sha256 = false;
    let mut is_call = false;
    for line in text.lines() {
        if let Some(name) = line.strip_prefix("fn=") {
            in_sha256 = is_sha256(name, &mut names);
        } else if let Some(name) = line.strip_prefix("cfn=") {
            is_sha256(name, &mut names);
        } else if line.starts_with("calls=") {
            is_call = true;
        } else if line.starts_with(|c: char| c.is_ascii_digit() || "+-*".contains(c)) {
            // The line after `calls=` is the cost of the callee, which is counted there.
            if std::mem::take(&mut is_call) {
                continue;
            }
            let cost: u64 = line
                .split(' ')
                .nth(1)
                .and_then(|cost| cost.parse().ok())
                .unwrap_or(0);
            all += cost;
            sha256 += u64::from(in_sha256) * cost;
        }
    }
    (all, sha256)
}

/// Whether a function is in the crate `sha2`. A function is `(number) name` at its first occurrence
/// and `(number)` later.
fn is_sha256<'a>(name: &'a str, names: &mut HashMap<&'a str, bool>) -> bool {
    match name.split_once(' ') {
        Some((number, name)) => {
            let is = name.contains("sha2::");
            names.insert(number, is);
            is
        }
        None => names.get(name).copied().unwrap_or(false),
    }
}
