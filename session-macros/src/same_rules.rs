use std::fs;
use std::path::{Path, PathBuf};

/// The files of a folder, by name, with what they hold.
fn files(folder: &Path) -> Vec<(PathBuf, String)> {
    let mut files: Vec<_> = fs::read_dir(folder)
        .expect("the folder of the rules")
        .map(|entry| entry.expect("a file").path())
        .map(|path| {
            let text = fs::read_to_string(&path).expect("a text");
            (path.file_name().expect("a name").into(), text)
        })
        .collect();
    files.sort();
    files
}

/// The runtime judges by the very rules that the macros judge by.
#[test]
fn the_rules_are_those_of_the_runtime() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let runtime = here.join("../session-runtime");
    // A crate from a registry stands alone; there is nothing to compare then.
    if runtime.exists() {
        let theirs = files(&runtime.join("src/rules"));
        assert_eq!(files(&here.join("src/rules")), theirs);
    }
}
