//! poem 3.

mod floor;
mod ours;
mod own;

use poem::Endpoint;

use super::Subject;
use crate::case::Workload;
use crate::driver::{Carrier, Driver};
use crate::over_poem::PoemApp;

pub fn subjects() -> [Subject; 4] {
    let new = |name, case| Subject::new("poem", name, case);
    [
        new("bare", floor::bare).of_one_size(),
        new("map", floor::map),
        new("ours", ours::case).counting(ours::counted),
        new("poem::session", own::case).counting(own::counted),
    ]
}

/// A workload on an endpoint.
fn over<E: Endpoint + 'static>(
    endpoint: E,
    carrier: Carrier,
    workload: Workload,
) -> Driver<PoemApp<E>> {
    Driver::new(PoemApp(endpoint), carrier, workload)
}
