//! connect-session, with the memory store. The handlers are those for axum.

use actix_web::App;
use actix_web::test::init_service;
use actix_web::web::{ServiceConfig, post};

use super::over;
use crate::case::{Case, Workload};
use crate::subjects::counted::Counted;
use crate::subjects::ours::{self, Shop, carrier, counting};

pub fn case(workload: Workload) -> Option<Box<dyn Case>> {
    let app = App::new().configure(routes);
    Some(Box::new(over(init_service(app), carrier(), workload)))
}

pub fn counted(workload: Workload) -> Option<Counted> {
    let (store, calls) = counting();
    let layer = Shop::layer().with_store(store);
    let app = App::new().configure(routes).wrap(layer);
    Some((
        Box::new(over(init_service(app), carrier(), workload)),
        calls,
    ))
}

fn routes(app: &mut ServiceConfig) {
    app.route("/optional", post().to(ours::optional))
        .route("/read", post().to(ours::read))
        .route("/write", post().to(ours::write))
        .route("/create", post().to(ours::create))
        .route("/seed", post().to(ours::seed))
        .route("/destroy", post().to(ours::destroy));
}
