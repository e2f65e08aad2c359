//! A case: one workload of one subject, which is prepared, run and verified.

use std::sync::atomic::{AtomicU64, Ordering};

use stats_alloc::{INSTRUMENTED_SYSTEM, Region};

/// What a request does with its session.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Workload {
    /// W1: no sid, and a handler that does not use its optional session.
    Anonymous,
    /// W2: a valid sid, and one value is read.
    Read,
    /// W3: a valid sid, and a counter is incremented.
    Write,
    /// W4: a session is created, and its sid is sent.
    Create,
    /// W5: a session is destroyed.
    Destroy,
    /// W6: a well-formed sid whose session has ended, with an optional session.
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

    /// The kind of sid that a request of the workload sends.
    pub fn sid(self) -> SidSent {
        match self {
            Self::Anonymous | Self::Create => SidSent::None,
            Self::Read | Self::Write => SidSent::Same,
            Self::Destroy => SidSent::OneEach,
            Self::Unknown => SidSent::Dead,
        }
    }
}

/// The kind of sid that a request sends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SidSent {
    None,
    /// Every request sends the same valid sid.
    Same,
    /// Every request sends its own valid sid.
    OneEach,
    /// The sid of a session that has ended.
    Dead,
}

/// One workload of one subject.
pub trait Case {
    /// Prepares `requests` requests. Not counted.
    fn prepare(&mut self, requests: usize);

    /// Runs the prepared requests. Counted.
    fn run(&mut self);

    /// Panics unless every request had its effect. Not counted.
    fn prove(&mut self);
}

static RAN: AtomicU64 = AtomicU64::new(0);

/// Called by every handler, so that a batch can verify that its handlers ran.
pub fn handler_ran() {
    RAN.fetch_add(1, Ordering::Relaxed);
}

/// The number of handlers that have run.
pub fn handlers_ran() -> u64 {
    RAN.load(Ordering::Relaxed)
}

/// The only function that is measured: valgrind counts between its start and its end.
#[inline(never)]
pub fn measured(case: &mut dyn Case) {
    case.run();
    // Prevents a tail call, so that valgrind sees the end of the function.
    std::hint::black_box(());
}

/// Prepares, runs and verifies a batch.
pub fn batch(case: &mut dyn Case, requests: usize) {
    case.prepare(requests);
    measured(case);
    case.prove();
}

/// The allocations of one request, and their bytes.
#[derive(Clone, Copy, Default, PartialEq, Debug)]
pub struct Allocations {
    pub count: f64,
    pub bytes: f64,
}

/// Counts the allocations of a batch; the growth of maps is spread over all requests.
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
