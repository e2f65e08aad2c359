//! A case: one workload of one subject, prepared, run and proved.

use std::sync::atomic::{AtomicU64, Ordering};

use stats_alloc::{INSTRUMENTED_SYSTEM, Region};

/// What is asked of a session.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Workload {
    /// W1: no sid, and a handler that does not touch the session it might have had.
    Anonymous,
    /// W2: a valid sid, and one value read.
    Read,
    /// W3: a valid sid, and a counter raised.
    Write,
    /// W4: a session is created, and its sid answered.
    Create,
    /// W5: a session is destroyed.
    Destroy,
    /// W6: a well-formed sid that is not alive, where a session is optional.
    Unknown,
}

impl Workload {
    pub const ALL: [Self; 6] = [
        Self::Anonymous,
        Self::Read,
        Self::Write,
        Self::Create,
        Self::Destroy,
        Self::Unknown,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Anonymous => "w1",
            Self::Read => "w2",
            Self::Write => "w3",
            Self::Create => "w4",
            Self::Destroy => "w5",
            Self::Unknown => "w6",
        }
    }

    pub fn path(self) -> &'static str {
        match self {
            Self::Anonymous | Self::Unknown => "/optional",
            Self::Read => "/read",
            Self::Write => "/write",
            Self::Create => "/create",
            Self::Destroy => "/destroy",
        }
    }

    /// The sid that a request of the workload brings.
    pub fn sid(self) -> SidSent {
        match self {
            Self::Anonymous | Self::Create => SidSent::None,
            Self::Read | Self::Write => SidSent::Same,
            Self::Destroy => SidSent::OneEach,
            Self::Unknown => SidSent::Dead,
        }
    }
}

/// The sid that a request brings.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SidSent {
    None,
    /// Every request the same living one.
    Same,
    /// Every request a living one of its own.
    OneEach,
    /// One whose session has ended.
    Dead,
}

/// One workload of one subject.
pub trait Case {
    /// Makes ready what `requests` requests need. Not counted.
    fn prepare(&mut self, requests: usize);

    /// Runs what was prepared. Counted.
    fn run(&mut self);

    /// Panics unless every request did what it was for. Not counted.
    fn prove(&mut self);
}

static RAN: AtomicU64 = AtomicU64::new(0);

/// To be called by every handler: a batch proves by it that handlers ran.
pub fn handler_ran() {
    RAN.fetch_add(1, Ordering::Relaxed);
}

/// How many handlers have run.
pub fn handlers_ran() -> u64 {
    RAN.load(Ordering::Relaxed)
}

/// The one place in which anything is counted: valgrind collects between its begin and its end.
#[inline(never)]
pub fn measured(case: &mut dyn Case) {
    case.run();
    // Not a tail call: valgrind has to see the function end.
    std::hint::black_box(());
}

/// Prepares, runs and proves a batch.
pub fn batch(case: &mut dyn Case, requests: usize) {
    case.prepare(requests);
    measured(case);
    case.prove();
}

/// Allocations of one request, and their bytes.
#[derive(Clone, Copy, Default, PartialEq, Debug)]
pub struct Allocations {
    pub count: f64,
    pub bytes: f64,
}

/// Counts the allocations of a batch; what memory a map grows by is spread over all requests.
pub fn allocations(case: &mut dyn Case, requests: usize) -> Allocations {
    batch(case, requests);
    case.prepare(requests);
    let region = Region::new(&INSTRUMENTED_SYSTEM);
    measured(case);
    let change = region.change();
    case.prove();
    let each = |total: usize| total as f64 / requests as f64;
    Allocations {
        count: each(change.allocations + change.reallocations),
        bytes: each(change.bytes_allocated),
    }
}
