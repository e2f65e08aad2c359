//! actix-web 4.

mod actix_session;
mod floor;
mod ours;

use actix_http::Request;
use actix_web::Error;
use actix_web::body::MessageBody;
use actix_web::dev::{Service, ServiceResponse};

use super::Subject;
use crate::case::Workload;
use crate::driver::{Carrier, Driver};
use crate::over_actix::ActixApp;

pub fn subjects() -> [Subject; 4] {
    let new = |name, case| Subject::new("actix-web", name, case);
    [
        new("bare", floor::bare).of_one_size(),
        new("map", floor::map),
        new("ours", ours::case).counting(ours::counted),
        new("actix-session", actix_session::case)
            .counting(actix_session::counted)
            // The data must fit into a cookie.
            .of_one_size(),
    ]
}

/// A workload on the service of an `App`.
fn over<S, B>(
    service: impl Future<Output = S>,
    carrier: Carrier,
    workload: Workload,
) -> Driver<ActixApp<S>>
where
    S: Service<Request, Response = ServiceResponse<B>, Error = Error> + 'static,
    B: MessageBody,
{
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime");
    let service = runtime.block_on(service);
    Driver::new(ActixApp(service), carrier, workload).on(runtime)
}
