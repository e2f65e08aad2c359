//! connect-session, with the memory store.

use connect_session::{Error, Session, session};
use poem::{EndpointExt as _, Route, handler, post};

use super::over;
use crate::case::{Case, Workload, handler_ran};
use crate::data::Data;
use crate::subjects::counted::Counted;
use crate::subjects::ours::{Shop, carrier, counting, handlers};

pub fn case(workload: Workload) -> Option<Box<dyn Case>> {
    Some(Box::new(over(routes(), carrier(), workload)))
}

pub fn counted(workload: Workload) -> Option<Counted> {
    let (store, calls) = counting();
    let routes = routes().with(Shop::layer().with_store(store));
    Some((Box::new(over(routes, carrier(), workload)), calls))
}

fn routes() -> Route {
    Route::new()
        .at("/optional", post(optional))
        .at("/read", post(read))
        .at("/write", post(write))
        .at("/create", post(create))
        .at("/seed", post(seed))
        .at("/destroy", post(destroy))
}

handlers! { #[handler] }
