//! Measures what a session adds to a request, and compares it with `budgets.txt`.

use std::fmt::Write as _;
use std::process::ExitCode;

use crate::callgrind;
use crate::case::{self, SidSent, Workload};
use crate::{data, find};

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/budgets.txt");
const REQUESTS: usize = 512;
/// The tolerance for instructions, in percent: compiler versions differ by that much. For
/// allocations it is half of one, because a map that grows occasionally adds a fraction to each
/// request.
const SLACK: f64 = 5.0;
/// How often a workload is measured until it fits. On a busy machine a run takes longer, and the store, which sweeps
/// by the clock, sweeps more often in it.
const TRIES: usize = 3;

/// A line of the file.
struct Budget {
    workload: Workload,
    size: usize,
    instructions: f64,
    allocations: f64,
}

impl Budget {
    fn name(&self) -> String {
        format!("{} {}", self.workload.name(), self.size)
    }

    fn fits(&self, measured: &Self) -> bool {
        measured.instructions <= self.instructions * (1.0 + SLACK / 100.0)
            && measured.allocations < self.allocations + 0.5
    }

    /// The current cost of the workload beyond its floor.
    fn measured(&self) -> Self {
        let floor = match self.workload.sid() {
            SidSent::None => Workload::Anonymous,
            SidSent::Same | SidSent::OneEach | SidSent::Dead => Workload::Read,
        };
        let (floor, ours) = (
            cost("header", floor, self.size),
            cost("ours", self.workload, self.size),
        );
        Self {
            instructions: (ours.0 - floor.0).round(),
            allocations: ((ours.1 - floor.1) * 10.0).round() / 10.0 + 0.0,
            ..*self
        }
    }
}

fn cost(subject: &str, workload: Workload, size: usize) -> (f64, f64) {
    data::set_size(size);
    let mut case = find(subject, workload.name()).expect("no such case");
    let allocations = case::allocations(&mut *case, REQUESTS);
    let instructions = callgrind::count(subject, workload.name(), size, REQUESTS);
    (instructions.ours, allocations.count)
}

/// Fails if a workload exceeds its budget.
pub fn check() -> ExitCode {
    let mut exceeded = 0;
    println!("adds, without SHA-256      instructions of  allocations of");
    for budget in budgets() {
        let mut now = budget.measured();
        for _ in 1..TRIES {
            if budget.fits(&now) {
                break;
            }
            now = budget.measured();
        }
        let fits = budget.fits(&now);
        println!(
            "{:12}{:>12} {:>8} {:>8} {:>8} {:>6}",
            budget.name(),
            if fits { "" } else { "EXCEEDED" },
            now.instructions,
            budget.instructions,
            now.allocations,
            budget.allocations
        );
        exceeded += u32::from(!fits);
    }
    if exceeded == 0 {
        return ExitCode::SUCCESS;
    }
    eprintln!(
        "{exceeded} of these exceed benches/budgets.txt. Find out why (benches/README.md \
         says how), or set a budget to the measured value: scripts/budget set w2 200"
    );
    ExitCode::FAILURE
}

/// Writes the current measurements into the file: for one workload and size, or for all.
pub fn set(which: &[&str]) {
    let which = which.join(" ");
    let mut text: String = contents()
        .lines()
        .take_while(|line| line.starts_with('#'))
        .fold(String::new(), |text, line| text + line + "\n");
    let mut found = false;
    for budget in budgets() {
        let chosen = which.is_empty() || budget.name() == which;
        let budget = if chosen { budget.measured() } else { budget };
        found |= chosen;
        writeln!(
            text,
            "{} {} {}",
            budget.name(),
            budget.instructions,
            budget.allocations
        )
        .expect("a text");
    }
    assert!(
        found,
        "there is no budget `{which}`; for example, use `w2 200`"
    );
    std::fs::write(FILE, text).expect("the budget file");
}

fn contents() -> String {
    std::fs::read_to_string(FILE).expect("the budget file")
}

fn budgets() -> Vec<Budget> {
    let budgets: Vec<Budget> = contents()
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| parse(line).unwrap_or_else(|| panic!("invalid budget: `{line}`")))
        .collect();
    assert!(!budgets.is_empty(), "the file has no budgets");
    budgets
}

fn parse(line: &str) -> Option<Budget> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let [workload, size, instructions, allocations] = words.as_slice() else {
        return None;
    };
    Some(Budget {
        workload: Workload::ALL
            .into_iter()
            .find(|one| one.name() == *workload)?,
        size: size.parse().ok()?,
        instructions: instructions.parse().ok()?,
        allocations: allocations.parse().ok()?,
    })
}
