//! salvo 1.

mod floor;
mod ours;
mod own;

use salvo::Service;

use super::Subject;
use crate::case::Workload;
use crate::driver::{App, Carrier, Driver};
use crate::over_salvo::salvo_app;

pub fn subjects() -> [Subject; 4] {
    let new = |name, case| Subject::new("salvo", name, case);
    [
        new("bare", floor::bare).of_one_size(),
        new("map", floor::map),
        new("ours", ours::case).counting(ours::counted),
        new("salvo-session", own::case).counting(own::counted),
    ]
}

/// A workload on a service.
fn over(service: impl Into<Service>, carrier: Carrier, workload: Workload) -> Driver<impl App> {
    Driver::new(salvo_app(&service.into()), carrier, workload)
}
