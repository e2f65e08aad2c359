//! The table of the costs of a request, for all subjects.

use std::time::{Duration, Instant};

use crate::case::{self, Case, Workload};
use crate::subjects::{LARGEST, SMALLEST, Subject};
use crate::{callgrind, data};

/// The number of rounds; each times a batch of every case.
const ROUNDS: usize = 41;

/// The sizes of the data, and their names in the table. Only reads and changes are measured with
/// sizes other than the smallest.
const SIZES: [(usize, &str); 3] = [(SMALLEST, ""), (4 << 10, " 4K"), (LARGEST, " 64K")];

struct Row<'a> {
    subject: &'a Subject,
    workload: Workload,
    size: usize,
    case: Box<dyn Case>,
    best: Duration,
}

impl Row<'_> {
    /// The number of requests in a batch: some subjects need millions of instructions for large
    /// data.
    fn requests(&self) -> usize {
        if self.size == LARGEST { 64 } else { 512 }
    }

    fn time(&mut self) {
        data::set_size(self.size);
        self.case.prepare(self.requests());
        let started = Instant::now();
        case::measured(&mut *self.case);
        self.best = self.best.min(started.elapsed());
        self.case.prove();
    }

    /// Whether another row is the floor of this one.
    fn is_above(&self, floor: &Row<'_>) -> bool {
        floor.subject.name == "map"
            && floor.subject.framework == self.subject.framework
            && (floor.workload, floor.size) == (self.workload, self.size)
    }
}

/// Measures subjects and prints them. Times are the best of many rounds in which all cases take
/// turns, relative to `map` on the same framework.
pub fn print(subjects: Vec<Subject>) {
    let mut rows = rows(&subjects);
    for _ in 0..ROUNDS {
        rows.iter_mut().for_each(Row::time);
    }
    let ratios: Vec<String> = rows.iter().map(|row| ratio(row, &rows)).collect();
    println!(
        "| workload | framework | subject | instructions | SHA-256 | allocations | bytes | store operations | time / map |"
    );
    println!("| --- | --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |");
    for (row, ratio) in rows.iter_mut().zip(ratios) {
        data::set_size(row.size);
        let (subject, name, requests) = (row.subject, row.workload.name(), row.requests());
        let allocations = case::allocations(&mut *row.case, requests);
        let instructions = callgrind::count(&subject.key(), name, row.size, requests);
        let operations = subject.operations(row.workload);
        println!(
            "| {name}{} | {} | {} | {:.0} | {:.0} | {:.1} | {:.0} | {} | {ratio} |",
            called(row.size),
            subject.framework,
            subject.name,
            instructions.ours,
            instructions.sha256,
            allocations.count,
            allocations.bytes,
            operations.map_or("–".to_owned(), |each| format!("{each:.1}")),
        );
    }
}

/// All rows in the order of the table: by workload, size and subject.
fn rows(subjects: &[Subject]) -> Vec<Row<'_>> {
    let mut rows = Vec::new();
    for workload in Workload::ALL {
        let grows = matches!(workload, Workload::Read | Workload::Write);
        for (size, _) in SIZES {
            let fits = |one: &&Subject| size == SMALLEST || (grows && size <= one.largest);
            for subject in subjects.iter().filter(fits) {
                let Some(case) = (subject.case)(workload) else {
                    continue;
                };
                rows.push(Row {
                    subject,
                    workload,
                    size,
                    case,
                    best: Duration::MAX,
                });
            }
        }
    }
    rows
}

fn called(size: usize) -> &'static str {
    let size = SIZES.iter().find(|(bytes, _)| *bytes == size);
    size.map_or("", |(_, name)| name)
}

fn ratio(row: &Row<'_>, rows: &[Row<'_>]) -> String {
    let floor = rows.iter().find(|floor| row.is_above(floor));
    floor.map_or("–".to_owned(), |floor| {
        let ratio = row.best.as_secs_f64() / floor.best.as_secs_f64();
        format!("{ratio:.2}")
    })
}
