//! connect-session, with the memory store.

use connect_session::{Error, Session, session};
use salvo::{Router, Writer as _, handler};

use super::over;
use crate::case::{Case, Workload, handler_ran};
use crate::data::Data;
use crate::subjects::counted::Counted;
use crate::subjects::ours::{Shop, carrier, counting, handlers};

pub fn case(workload: Workload) -> Option<Box<dyn Case>> {
    Some(Box::new(over(router(), carrier(), workload)))
}

pub fn counted(workload: Workload) -> Option<Counted> {
    let (store, calls) = counting();
    let router = router().hoop(Shop::layer().with_store(store));
    Some((Box::new(over(router, carrier(), workload)), calls))
}

fn router() -> Router {
    Router::new()
        .push(Router::with_path("/optional").post(optional))
        .push(Router::with_path("/read").post(read))
        .push(Router::with_path("/write").post(write))
        .push(Router::with_path("/create").post(create))
        .push(Router::with_path("/seed").post(seed))
        .push(Router::with_path("/destroy").post(destroy))
}

handlers! { #[handler] }
