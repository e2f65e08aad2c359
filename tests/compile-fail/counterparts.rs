//! Every rule has a counterpart that compiles, one token away from the mistake, so no rule rejects
//! everything.

use std::fs;

use crate::expected::sources;
use crate::package::{Framework, here};

/// The row that a case belongs to: `C01` of `C01_unknown_option`.
fn row(name: &str) -> Option<&str> {
    let (row, _) = name.split_once('_')?;
    let number = row.strip_prefix(['C', 'H', 'W'])?;
    (number.len() == 2 && number.parse::<u8>().is_ok()).then_some(row)
}

#[test]
fn every_row_has_a_passing_counterpart() {
    let passing: String = sources(&here().join("pass"))
        .iter()
        .map(|file| fs::read_to_string(file).expect("a text"))
        .collect();
    let mentioned: Vec<&str> = passing
        .lines()
        .filter_map(|line| line.split_once("//"))
        .flat_map(|(_, comment)| comment.split(|letter: char| !letter.is_ascii_alphanumeric()))
        .collect();
    let frameworks = [
        Framework::None,
        Framework::Axum,
        Framework::ActixWeb,
        Framework::Poem,
        Framework::Rocket,
        Framework::Salvo,
    ];
    let mut rows = 0;
    for framework in frameworks {
        for file in sources(&here().join("cases").join(framework.folder())) {
            let name = file
                .file_stem()
                .and_then(|name| name.to_str())
                .expect("a name");
            let Some(row) = row(name) else { continue };
            rows += 1;
            assert!(
                mentioned.contains(&row),
                "{name} has no passing counterpart in `pass`"
            );
        }
    }
    assert!(rows > 50, "{rows} rows");
}
