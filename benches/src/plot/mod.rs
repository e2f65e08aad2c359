//! Charts of the tables that `growth` and `load` print.

mod axis;
mod bars;
mod lines;
mod svg;
mod tables;

use std::collections::BTreeSet;
use std::path::Path;

use axis::Axis;
use bars::{Bars, Group};
use lines::{Lines, Series};
use tables::Table;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/performance");

const BLUE: &str = "#1565c0";
const ORANGE: &str = "#d9580d";
const GREY: &str = "#78828c";

/// Reads the tables of Markdown files, and draws the charts that they have figures for. The same
/// tables result in the same charts.
pub fn draw(files: &[&str]) {
    assert!(!files.is_empty(), "name the files with the tables");
    let mut tables = Vec::new();
    for file in files {
        let text = std::fs::read_to_string(file).unwrap_or_else(|error| panic!("{file}: {error}"));
        tables.extend(tables::read(&text));
    }
    let mut drawn = 0;
    let mut draw = |name: &str, columns: &[&str], picture: fn(&Table) -> String| {
        if let Some(table) = tables.iter().find(|table| table.has(columns)) {
            save(name, &picture(table));
            drawn += 1;
        }
    };
    // Other tables have some of these columns.
    let growth = |what, figure| [what, "request", "subject", figure];
    draw("data-size.svg", &growth("bytes", "instructions"), data_size);
    draw(
        "live-sessions.svg",
        &growth("living sessions", "ns / request"),
        living,
    );
    draw("load.svg", &["request", "sessions", "requests/s"], load);
    assert!(drawn > 0, "no table has a chart");
}

fn save(name: &str, picture: &str) {
    std::fs::create_dir_all(FOLDER).expect("a folder");
    let path = Path::new(FOLDER).join(name);
    std::fs::write(&path, picture).expect("a picture");
    eprintln!("docs/performance/{name}");
}

/// The name and the color of a subject.
fn style(subject: &str) -> (&'static str, &'static str) {
    match subject {
        "ours" => ("connect-session", BLUE),
        "tower-sessions" => ("tower-sessions", ORANGE),
        "map" => ("a map alone", GREY),
        _ => panic!("`{subject}` has no color"),
    }
}

fn data_size(table: &Table) -> String {
    let sizes: BTreeSet<u64> = table.column("bytes").map(whole).collect();
    let sizes: Vec<u64> = sizes.into_iter().collect();
    // Zero has no position on a logarithmic axis, so the sizes are equidistant.
    let place = |size: u64| sizes.iter().position(|one| *one == size).unwrap_or(0) as f64;
    let series = series(
        table,
        &["ours", "tower-sessions"],
        &["read", "change"],
        |row| {
            (
                place(whole(row.at("bytes"))),
                number(row.at("instructions")),
            )
        },
    );
    Lines {
        title: "Instructions of a request, by the size of the session's data",
        subtitle: "axum's part included, without SHA-256; memory store; logarithmic",
        x_label: "data, as JSON",
        x_ticks: sizes
            .iter()
            .map(|size| (place(*size), bytes(*size)))
            .collect(),
        y: Axis::logarithmic(series.iter().flat_map(Series::heights)),
        series,
    }
    .picture()
}

fn living(table: &Table) -> String {
    let sessions: BTreeSet<u64> = table.column("living sessions").map(whole).collect();
    let subjects = ["map", "ours", "tower-sessions"];
    let series = series(table, &subjects, &["read"], |row| {
        let sessions = number(row.at("living sessions")).log10();
        (sessions, number(row.at("ns / request")) / 1_000.0)
    });
    Lines {
        title: "Time of a read, by the number of living sessions",
        subtitle: "µs, axum's part included; sessions of 200 B in memory, each request to one at random",
        x_label: "living sessions",
        x_ticks: sessions
            .into_iter()
            .map(|sessions| ((sessions as f64).log10(), svg::thousands(sessions as f64)))
            .collect(),
        y: Axis::linear(series.iter().flat_map(Series::heights)),
        series,
    }
    .picture()
}

fn load(table: &Table) -> String {
    let of = |request: &str, sessions: &str| {
        let row = table
            .rows()
            .find(|row| row.at("request") == request && row.at("sessions") == sessions);
        number(
            row.expect("every request has both, and a ratio")
                .at("requests/s"),
        )
    };
    let mut requests: Vec<&str> = Vec::new();
    for request in table.column("request") {
        if !requests.contains(&request) {
            requests.push(request);
        }
    }
    Bars {
        title: "Requests a second, over real sockets",
        subtitle: "a server of one thread, connections kept alive; memory store; below: with over without",
        names: ["without sessions", "with connect-session"],
        colors: [GREY, BLUE],
        groups: requests
            .into_iter()
            .map(|request| Group {
                label: request.to_owned(),
                heights: [of(request, "without"), of(request, "with")],
                note: format!("{:.2}", of(request, "ratio")),
            })
            .collect(),
    }
    .picture()
}

/// A line for each subject and request in the table.
fn series(
    table: &Table,
    subjects: &[&str],
    requests: &[&str],
    point: impl Fn(&tables::Row<'_>) -> (f64, f64),
) -> Vec<Series> {
    let mut all = Vec::new();
    for subject in subjects {
        let (name, color) = style(subject);
        for request in requests {
            let rows = table
                .rows()
                .filter(|row| row.at("subject") == *subject && row.at("request") == *request);
            let points: Vec<(f64, f64)> = rows.map(|row| point(&row)).collect();
            if points.is_empty() {
                continue;
            }
            let label = match requests {
                [_] => name.to_owned(),
                _ => format!("{name}, {request}"),
            };
            all.push(Series {
                label,
                color,
                dashed: *request != "read",
                points,
            });
        }
    }
    all
}

fn number(text: &str) -> f64 {
    text.parse()
        .unwrap_or_else(|_| panic!("`{text}` is not a number"))
}

fn whole(text: &str) -> u64 {
    text.parse()
        .unwrap_or_else(|_| panic!("`{text}` is not a number"))
}

fn bytes(size: u64) -> String {
    match size {
        0 => "none".to_owned(),
        1..1_024 => format!("{size} B"),
        _ => format!("{} KiB", size >> 10),
    }
}
